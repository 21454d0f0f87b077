"""A token-classification model as the engine needs it: sub-tokens, predictions, both paths, rows forward and
backward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from interp.errors import InputError
from interp.explanation import ModelInfo
from interp.memory import MOST_TOKENS, Cost
from interp.models.families import parts_of
from interp.paths import Block, Path, Samples
from interp.recording import frozen, recording, replacing, saved_bytes

__all__ = ["Encoding", "Objective", "Tagger"]


@dataclass(frozen=True)
class Encoding:
    """A sentence as sub-tokens. Units are what attributions are for: [CLS] 0, the words 1 to n, [SEP] n + 1."""

    words: tuple[str, ...]
    ids: tuple[int, ...]
    units: tuple[int, ...]  # of each sub-token
    first: tuple[int | None, ...]  # of each unit: its first sub-token, None if the tokeniser dropped the word
    special: tuple[bool, ...]  # of each sub-token


@dataclass(frozen=True)
class Objective:
    """F as a function of logits: the sum over sub-tokens of the output for `tags`, minus that for `against`."""

    positions: tuple[int, ...]
    tags: tuple[int, ...]
    against: tuple[int, ...] | None
    output: str

    def __call__(self, logits: Tensor) -> Tensor:
        """Values (rows,) from logits (rows, sub-tokens, labels)."""
        scores = _OUTPUTS[self.output](logits[:, list(self.positions)])
        words = range(len(self.positions))
        value = scores[:, words, list(self.tags)].sum(-1)
        return value if self.against is None else value - scores[:, words, list(self.against)].sum(-1)


_OUTPUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "logit": lambda logits: logits,
    "centred-logit": lambda logits: logits - logits.mean(-1, keepdim=True),
    "log-probability": lambda logits: logits.log_softmax(-1),
    "probability": lambda logits: logits.softmax(-1),
}


@dataclass(frozen=True, eq=False)
class Route:
    """What a path of this tagger carries along: the sentence, what to explain, and which modules the state
    replaces.
    """

    encoding: Encoding
    objectives: tuple[Objective, ...]
    tables: bool  # the state is (3, sub-tokens, hidden), one slice per table; else the embedding block's output
    layers: bool  # their states are wanted too


def _gradients(totals: Sequence[Tensor], states: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
    """Of each total to all states; of several in one pass, whose matrix products are as much larger and run faster."""
    if len(totals) == 1:
        return [torch.autograd.grad(totals[0], states)]
    each = torch.eye(len(totals), dtype=totals[0].dtype, device=totals[0].device)
    together = torch.autograd.grad(torch.stack(list(totals)), states, each, is_grads_batched=True)
    return list(zip(*(gradient.unbind() for gradient in together), strict=True))


def _rows_of(values: Tensor, rows: list[int]) -> Tensor:
    return values[..., rows, :]


class Tagger:
    """One loaded model. Its weights are not trained and its state is the same after every call."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, info: ModelInfo) -> None:
        self.model, self.tokenizer, self.info = model, tokenizer, info
        self.parts = parts_of(model)
        self._growth: npt.NDArray[np.float64] | None = None

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    def encode(self, words: Sequence[str]) -> Encoding:
        """Sub-tokens of a sentence, each word on its own. Raises InputError when the model cannot read that many."""
        row = self.tokenizer(list(words), is_split_into_words=True, verbose=False)
        ids, of_word = row["input_ids"], row.word_ids()
        longest = self.model.config.max_position_embeddings
        if len(ids) > longest:
            last = next(i for i in reversed(range(longest - 1)) if of_word[i] is not None)
            raise InputError(
                f"The text is {len(ids)} sub-tokens and the model reads {longest}: the first {of_word[last]} words fit."
            )
        inside = [i for i, word in enumerate(of_word) if word is not None]
        if not inside:
            raise InputError("The text has no word that the model can read.")
        units = [(0 if i < inside[0] else len(words) + 1) if w is None else w + 1 for i, w in enumerate(of_word)]
        first = [units.index(unit) if unit in units else None for unit in range(len(words) + 2)]
        special = tuple(word is None for word in of_word)
        return Encoding(tuple(words), tuple(ids), tuple(units), tuple(first), special)

    def logits(self, encodings: Sequence[Encoding]) -> list[Tensor]:
        """Logits (sub-tokens, labels) of each sentence, float64 on the CPU."""
        order = sorted(range(len(encodings)), key=lambda i: -len(encodings[i].ids))  # little padding, memory bounded
        found: dict[int, Tensor] = {}
        with torch.inference_mode(), frozen(self.model):
            while order:
                count = max(1, MOST_TOKENS[self.device.type] // len(encodings[order[0]].ids))
                portion, order = order[:count], order[count:]
                ids, mask = self._rows([(encodings[i], 1) for i in portion])
                rows = self.model(input_ids=ids, attention_mask=mask).logits.cpu().double()
                found |= {i: row[: len(encodings[i].ids)] for i, row in zip(portion, rows, strict=True)}
        return [found[i] for i in range(len(encodings))]

    def embedding_path(
        self,
        encoding: Encoding,
        objectives: Sequence[Objective],
        reference: str,
        zoom: int | None = None,
        layers: bool = True,
    ) -> Path:
        """From the reference sentence's embedding-block output to the input's: states (sub-tokens, hidden)."""
        end = self._embed(encoding.ids)[-1]
        start = self._embed(self._reference_ids(encoding, reference))[-1]
        if reference == "zero":
            start = torch.zeros_like(end)
        route = Route(encoding, tuple(objectives), tables=False, layers=layers)
        detail = None
        if zoom is not None:
            rows = [i for i, unit in enumerate(encoding.units) if unit == zoom]
            detail = partial(_rows_of, rows=rows)
        return Path(end, start, len(objectives), self._summed(encoding), route, detail)

    def component_path(
        self, encoding: Encoding, objectives: Sequence[Objective], reference: str, positions: str
    ) -> Path:
        """From the reference's table outputs to the input's: states (3, sub-tokens, hidden), before the LayerNorm."""
        end = self._embed(encoding.ids)[:3]
        start = self._embed(self._reference_ids(encoding, reference), zero_positions=positions == "zero")[:3]
        route = Route(encoding, tuple(objectives), tables=True, layers=False)
        return Path(torch.stack(end), torch.stack(start), len(objectives), self._summed(encoding), route)

    def cost(self, length: int, targets: int, layers: bool = True) -> Cost:
        """Bytes that a sentence of `length` sub-tokens takes, with or without the states of every layer: measured at
        three short lengths, on which it is quadratic.
        """
        if self._growth is None:
            lengths = [4, 8, 16]
            self._growth = np.polyfit(lengths, [self._saved(n) for n in lengths], 2)
        wide = self.model.config.hidden_size * self.dtype.itemsize
        states = len(self.parts.layers) + 1 if layers else 3  # the component path has three
        node = states * length * wide * (1 + targets)
        # What one layer needs beside what is saved for it: about the gradients of its widest parts, of every target.
        saved = float(np.polyval(self._growth, length))
        return Cost(length, int(saved * (1.25 + (targets - 1) * 1.25 / len(self.parts.layers))) + node, node)

    def _saved(self, length: int) -> int:
        """Bytes that a row of this length keeps between forward and backward."""
        ids = torch.zeros(1, length, dtype=torch.long, device=self.device)
        wide = self.model.config.hidden_size
        state = torch.zeros(1, length, wide, dtype=self.dtype, device=self.device, requires_grad=True)
        with (
            frozen(self.model),
            torch.enable_grad(),
            replacing({self.parts.embeddings: state}),
            saved_bytes() as count,
        ):
            self.model(input_ids=ids)
            return count()

    def evaluate(self, blocks: Sequence[Block]) -> list[Samples]:
        """All rows of all blocks forward once, and backward once per target wanted; sentences are padded to the
        longest.
        """
        rows = [(block.path.context.encoding, len(block.alphas)) for block in blocks]
        ids, mask = self._rows(rows)
        state = self._states(blocks, ids.shape[1]).requires_grad_(True)
        tables = blocks[0].path.context.tables
        layers = self.parts.layers if any(block.path.context.layers for block in blocks) else []
        replaced: dict[nn.Module, Tensor] = {self.parts.embeddings: state}
        if tables:
            replaced = {table: state[:, i] for i, table in enumerate(self.parts.tables)}
        with frozen(self.model), torch.enable_grad():
            with replacing(replaced), recording(layers) as outputs:
                logits = self.model(input_ids=ids, attention_mask=mask).logits
            return self._backward(blocks, logits, [state, *(calls[0] for calls in outputs)])

    def _backward(self, blocks: Sequence[Block], logits: Tensor, states: list[Tensor]) -> list[Samples]:
        bounds = [0]
        for block in blocks:
            bounds.append(bounds[-1] + len(block.alphas))
        spans = [slice(a, b) for a, b in pairwise(bounds)]
        values = [
            [objective(logits[span]) for objective in block.path.context.objectives]
            for block, span in zip(blocks, spans, strict=True)
        ]
        wanted = [[each[k] for k in block.targets] for block, each in zip(blocks, values, strict=True)]
        # One scalar for the first target of every block, one for the second, and so on: rows do not mix.
        totals = [
            torch.cat([each[number] for each in wanted if number < len(each)]).sum()
            for number in range(max(map(len, wanted)))
        ]
        gradients = _gradients(totals, states)
        found = []
        for block, span, each in zip(blocks, spans, values, strict=True):
            route: Route = block.path.context
            own = span, ..., slice(len(route.encoding.ids)), slice(None)
            count = len(states) if route.layers else 1
            found.append(
                Samples(
                    block.alphas,
                    torch.stack(each, -1).detach().double().cpu(),
                    tuple(state.detach()[own] for state in states[:count]),
                    {k: tuple(every[own] for every in gradients[i][:count]) for i, k in enumerate(block.targets)},
                )
            )
        return found

    def _rows(self, rows: Sequence[tuple[Encoding, int]]) -> tuple[Tensor, Tensor | None]:
        """Ids (rows, longest) and their mask, None where nothing is padded: unmasked attention is the faster one."""
        longest = max(len(encoding.ids) for encoding, _ in rows)
        pad = self.tokenizer.pad_token_id or 0
        padded = [(list(e.ids) + [pad] * (longest - len(e.ids)), count) for e, count in rows]
        ids = torch.tensor([row for row, count in padded for _ in range(count)], device=self.device)
        if all(len(e.ids) == longest for e, _ in rows):
            return ids, None
        lengths = torch.tensor([len(e.ids) for e, count in rows for _ in range(count)], device=self.device)
        return ids, (torch.arange(longest, device=self.device) < lengths[:, None]).long()

    def _states(self, blocks: Sequence[Block], longest: int) -> Tensor:
        states = (block.path.at(block.alphas) for block in blocks)
        return torch.cat([nn.functional.pad(state, (0, 0, 0, longest - state.shape[-2])) for state in states])

    def _embed(self, ids: Sequence[int], zero_positions: bool = False) -> list[Tensor]:
        """Outputs of the word, position and token-type tables and of the whole block, each (sub-tokens, hidden)."""
        row = torch.tensor([ids], device=self.device)
        position = torch.zeros_like(row) if zero_positions else torch.arange(len(ids), device=self.device)[None]
        modules = (*self.parts.tables, self.parts.embeddings)
        with torch.no_grad(), frozen(self.model), recording(modules) as seen:
            self.parts.embeddings(input_ids=row, position_ids=position, token_type_ids=torch.zeros_like(row))
        return [calls[0][0] for calls in seen]

    def _reference_ids(self, encoding: Encoding, reference: str) -> list[int]:
        """The sentence with every sub-token but the special ones replaced; a `zero` reference keeps them (unused)."""
        if reference == "zero":
            return list(encoding.ids)
        token = getattr(self.tokenizer, f"{reference}_token_id")
        if token is None:
            raise InputError(f"This model has no {reference} token: choose another --reference, such as zero.")
        return [i if special else token for i, special in zip(encoding.ids, encoding.special, strict=True)]

    def _summed(self, encoding: Encoding) -> Callable[[Tensor], Tensor]:
        """Values per sub-token (…, sub-tokens) to sums per word (…, units)."""
        units = torch.tensor(encoding.units, device=self.device)
        count = len(encoding.first)
        return lambda values: values.new_zeros(*values.shape[:-1], count).index_add_(-1, units, values)
