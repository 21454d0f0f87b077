"""What every word of the vocabulary would do in a place of a sentence, to first order: one backward pass for all.

Where a placeholder stands at some place, the change of a tag's log-probability if a word stood there instead is about
(e(word) − e(placeholder)) · ∂ log p / ∂ e, with e the model's table of words (HotFlip, Ebrahimi et al. 2018,
arXiv 1712.06751). It is far from exact, and it costs nothing for any number of words: what it puts first is worth
trying.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from interp.engine.hooks import frozen
from interp.models.tagger import Tagger
from interp.models.whole_words import whole_words

__all__ = ["WordGradients"]

Array = npt.NDArray[np.float64]

RAREST = 1e-12
"""Probabilities below have no gradient: of tags that the model does not have, too."""


@dataclass(frozen=True)
class WordGradients:
    """Of one loaded model. Sub-tokens that are words of letters alone count; others belong to words."""

    tagger: Tagger
    sums: Array | None = None
    """(the model's labels, labels): 1 where a tag is told by that name; None where all are told by their own."""

    def told_in(self, sums: Array) -> WordGradients:
        """The same of tags that are called otherwise, probabilities of those that become one added."""
        return replace(self, sums=sums if self.sums is None else self.sums @ sums)

    @property
    def placeholder(self) -> str:
        """What stands where words are to be tried."""
        tokenizer = self.tagger.tokenizer
        return str(tokenizer.mask_token or tokenizer.unk_token or tokenizer.pad_token or ",")

    @cached_property
    def words(self) -> dict[str, int]:
        """Those that the tokeniser has as one piece, by what it gives for them."""
        return whole_words(self.tagger.tokenizer)

    def effects(self, sentences: Sequence[tuple[Sequence[str], int]]) -> Array:
        """The mean change of every tag's log-probability at the target by every word, (words, labels), over sentences
        that each hold the placeholder once, and the index of their target; tags that the target has already are left
        out.
        """
        table = self.tagger.model.get_input_embeddings()
        assert isinstance(table, nn.Embedding)
        labels = len(self.tagger.info.labels) if self.sums is None else self.sums.shape[1]
        sums = torch.zeros(labels, table.embedding_dim)
        counts = torch.zeros(labels, 1)
        for words, target in sentences:
            gradients, likeliest = self._gradients(table, words, target)
            sums += gradients
            counts += 1
            sums[likeliest] -= gradients[likeliest]
            counts[likeliest] -= 1
        mean = sums / counts.clamp_min(1)
        weights = table.weight.detach().float().cpu()
        numbers = torch.tensor(list(self.words.values()))
        placeholder = weights[self.tagger.encode_all([self.placeholder]).ids[1:-1]].mean(0)
        return np.asarray(((weights[numbers] - placeholder) @ mean.T).double().numpy())

    def _gradients(self, table: nn.Module, words: Sequence[str], target: int) -> tuple[Tensor, int]:
        """Of every tag's log-probability by the placeholder's row, (labels, hidden), and the likeliest tag."""
        encoding = self.tagger.encode(words)
        position = encoding.first[target + 1]
        place = encoding.first[list(words).index(self.placeholder) + 1]
        assert position is not None and place is not None
        with frozen(self.tagger.model), _leaf_of(table) as outputs, torch.enable_grad():
            ids = torch.tensor([encoding.ids], device=self.tagger.device)
            chances = self.tagger.model(input_ids=ids).logits[0, position].float().log_softmax(-1)
            if self.sums is not None:
                sums = torch.tensor(self.sums, dtype=chances.dtype, device=chances.device)
                chances = (chances.exp() @ sums).clamp_min(RAREST).log()
            rows = [
                torch.autograd.grad(chance, outputs[0], retain_graph=True)[0][0, place].float().cpu()
                for chance in chances
            ]
        return torch.stack(rows), int(chances.argmax())


@contextmanager
def _leaf_of(module: nn.Module) -> Iterator[list[Tensor]]:
    """What the module returns, as leaves of the graph."""
    outputs: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        outputs.append(output.detach().requires_grad_())
        return outputs[-1]

    handle = module.register_forward_hook(keep)
    try:
        yield outputs
    finally:
        handle.remove()
