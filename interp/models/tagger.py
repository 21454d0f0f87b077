"""A token-classification model as the engine needs it: predictions, both paths, their evaluation and its cost."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from interp.engine.budget import MAX_TOKENS, Cost
from interp.engine.hooks import first_tensor, frozen, interrupted, recording, replacing, saved_bytes
from interp.engine.paths import Block, IntegrationPath, Samples
from interp.errors import InputError, TooLongError
from interp.explanation import ModelInfo
from interp.models.encoding import Encoding, encode_words
from interp.models.evaluate import PathContext, evaluate_blocks, padded_rows
from interp.models.find_parts import find_parts
from interp.models.objective import Objective
from interp.models.parts import probe_ids
from interp.question import ConstantReference, Positions

__all__ = ["ReferenceIds", "Tagger"]

ReferenceIds = tuple[int, ...]
"""Sub-tokens of a reference sentence, special ones included."""


class Tagger:
    """One loaded model. Its weights are not trained and its state is the same after every call."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        info: ModelInfo,
        is_current: Callable[[], bool] = lambda: True,
    ) -> None:
        """`is_current`: whether the weights are still those that `info` is of; others may hold a live model."""
        self.model, self.tokenizer, self.info = model, tokenizer, info
        self.parts, self._is_current = find_parts(model), is_current

    def check_current(self) -> None:
        """Raise InputError where the weights are no longer those that were loaded."""
        if not self._is_current():
            raise InputError(
                f'The weights of "{self.info.name}" were changed or moved since it was loaded: load it again, '
                "interp.load(model, tokenizer)."
            )

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    def in_float64(self) -> Tagger:
        """The same model, in a copy that computes in float64: widening weights changes none of them."""
        return Tagger(nn.Module.to(copy.deepcopy(self.model), dtype=torch.float64), self.tokenizer, self.info)

    @property
    def float64_bytes(self) -> int:
        """What `in_float64` takes, with the copy that it is widened from."""
        tensors = chain(self.model.parameters(), self.model.buffers())
        return sum(tensor.numel() * (8 + tensor.itemsize) for tensor in tensors)

    def encode(self, words: Sequence[str]) -> Encoding:
        """Sub-tokens of a sentence, each word on its own. Raises InputError when the model cannot read that many."""
        encoding = self.encode_all(words)
        count, longest = len(encoding.ids), self.parts.longest
        if longest is not None and count > longest:
            behind = encoding.units.count(len(words) + 1)
            fitting = encoding.units[longest - behind] - 1  # that is the first word that does not
            raise TooLongError(
                f"The text is {count} sub-tokens and the model reads {longest}: the first {fitting} words fit",
                ", or let `window` cut it around the target.",
            )
        return encoding

    def encode_all(self, words: Sequence[str]) -> Encoding:
        """The same of any length."""
        return encode_words(self.tokenizer, words)

    @property
    def references(self) -> list[ConstantReference]:
        """The kinds of constant reference that this model can have."""
        kinds: list[ConstantReference] = ["pad", "mask", "unk"]
        return [*(kind for kind in kinds if self._token(kind) is not None), "zero"]

    def missing_reference(self, reference: str) -> InputError:
        """Why a model cannot have this reference."""
        return InputError(
            f"This model has no {reference} token: choose another `reference`, {' or '.join(self.references)}."
        )

    def _token(self, kind: str) -> int | None:
        number: int | None = getattr(self.tokenizer, f"{kind}_token_id")
        return number

    def token_name(self, reference: ConstantReference) -> str | None:
        """What the tokeniser calls the token of a reference sentence; None for zeros."""
        return None if reference == "zero" else str(getattr(self.tokenizer, f"{reference}_token"))

    def constant_reference(self, encoding: Encoding, reference: ConstantReference) -> ReferenceIds | None:
        """The sentence with every sub-token but the special ones replaced; None for zeros. Raises InputError where the
        model has no such token.
        """
        if reference == "zero":
            return None
        token = self._token(reference)
        if token is None:
            raise self.missing_reference(reference)
        return tuple(own if special else token for own, special in zip(encoding.ids, encoding.special, strict=True))

    def logits(self, encodings: Sequence[Encoding]) -> list[Tensor]:
        """Logits (sub-tokens, labels) of each sentence, float64 on the CPU."""
        longest_first = sorted(range(len(encodings)), key=lambda number: -len(encodings[number].ids))
        logits: dict[int, Tensor] = {}
        with torch.inference_mode(), frozen(self.model):
            while longest_first:  # little padding, memory bounded
                count = self._count_together([encodings[number] for number in longest_first])
                numbers, longest_first = longest_first[:count], longest_first[count:]
                ids, mask = self._rows([(encodings[number], 1) for number in numbers])
                rows = self.model(input_ids=ids, attention_mask=mask).logits.cpu().double()
                logits |= {number: row[: len(encodings[number].ids)] for number, row in zip(numbers, rows, strict=True)}
        return [logits[number] for number in range(len(encodings))]

    def _count_together(self, longest_first: Sequence[Encoding]) -> int:
        """How many of these sentences go forward at once."""
        longest = len(longest_first[0].ids)
        count = max(1, MAX_TOKENS[self.device.type] // longest)
        return count if self.parts.pads else min(count, sum(len(encoding.ids) == longest for encoding in longest_first))

    def embedding_path(
        self,
        encoding: Encoding,
        objectives: Sequence[Objective],
        reference: ReferenceIds | None,
        *,
        zoom: int | None = None,
        layers: bool = True,
    ) -> IntegrationPath:
        """From the reference sentence's embedding-block output to the input's: states (sub-tokens, hidden).

        `reference`: its sub-tokens, as many as the input's; None for an output of zeros.
        """
        end, kept = self._embed(encoding.ids, self.parts.kept)
        start = torch.zeros_like(end) if reference is None else self._embed(reference, fixed_outputs=kept)[0]
        detail = None
        if zoom is not None:
            positions = [position for position, unit in enumerate(encoding.units) if unit == zoom]
            detail = partial(_select_positions, positions=positions)
        return IntegrationPath(
            input=end,
            reference=start,
            targets=len(objectives),
            sums=self.word_sums(encoding),
            context=PathContext(encoding, tuple(objectives), tables=False, layers=layers),
            detail=detail,
        )

    def component_path(
        self, encoding: Encoding, objectives: Sequence[Objective], reference: ReferenceIds, positions: Positions
    ) -> IntegrationPath:
        """From the reference's table outputs to the input's: states (tables, sub-tokens, hidden), before the
        LayerNorm. With `positions` "mean" every sub-token of the reference has the mean row of the table of positions,
        with "zero" the row of the input's first one, with "same" its own.
        """
        tables = self.parts.tables
        _, end = self._embed(encoding.ids, tables.values())
        fixed_outputs = {table: end[table] for table in self.parts.kept}
        position_table = tables.get("position")
        if position_table is not None and positions != "same":
            own = fixed_outputs[position_table]
            row = own[0] if positions == "zero" else self._mean_position(position_table)
            fixed_outputs[position_table] = row.expand_as(own)
        _, start = self._embed(reference, tables.values(), fixed_outputs)
        return IntegrationPath(
            input=torch.stack(list(end.values())),
            reference=torch.stack(list(start.values())),
            targets=len(objectives),
            sums=self.word_sums(encoding),
            context=PathContext(encoding, tuple(objectives), tables=True, layers=False),
        )

    def _mean_position(self, table: nn.Module) -> Tensor:
        """The mean row (width,) of the table of positions over all at which a text's sub-tokens can stand."""
        rows = torch.tensor(self.parts.positions, device=self.device)
        with torch.no_grad():
            return first_tensor(table(rows)).mean(0)

    def scores(self, encoding: Encoding, objective: Objective, states: Tensor) -> Tensor:
        """F (rows,) of embedding-block outputs (rows, sub-tokens, hidden), differentiable with respect to them.

        For whoever differentiates or perturbs the embeddings in a way of their own, inside `frozen(self.model)`.
        """
        ids, mask = self._rows([(encoding, len(states))])
        with replacing({self.parts.embeddings: states}):
            return objective(self.model(input_ids=ids, attention_mask=mask).logits)

    def evaluate(self, blocks: Sequence[Block]) -> list[Samples]:
        """All rows of all blocks forward once, and backward once per target."""
        return evaluate_blocks(self.model, self.parts, self._padding, blocks)

    def cost(self, length: int, targets: int, layers: bool = True) -> Cost:
        """Bytes that a sentence of `length` sub-tokens takes, with or without the states of every layer: measured at
        three short lengths, on which it is quadratic.
        """
        widths = self.parts.widths
        # The component path has a state for each table.
        features = sum(widths) if layers else widths[0] * max(1, len(self.parts.tables))
        node = length * features * self.dtype.itemsize * (1 + targets)
        # What one layer needs beside what is saved for it: about the gradients of its widest parts, of every target.
        saved = float(np.polyval(self._saved_polynomial, length))
        return Cost(length, int(saved * (1.25 + (targets - 1) * 1.25 / self.parts.count)) + node, node)

    @cached_property
    def _saved_polynomial(self) -> npt.NDArray[np.float64]:
        most = min(16, self.parts.longest or 16)
        lengths = [max(1, most // 4), max(2, most // 2), most]
        return np.polyfit(lengths, [self._saved(length) for length in lengths], 2)

    def _saved(self, length: int) -> int:
        """Bytes that a row of this length keeps between forward and backward."""
        ids = probe_ids(self.model, length)
        state = torch.zeros(1, length, self.parts.widths[0], dtype=self.dtype, device=self.device, requires_grad=True)
        with (
            frozen(self.model),
            torch.enable_grad(),
            replacing({self.parts.embeddings: state}),
            saved_bytes() as count,
        ):
            self.model(input_ids=ids)
            return count()

    @property
    def _padding(self) -> int:
        return self._token("pad") or 0  # whatever stands there is masked

    def _rows(self, sentences: Sequence[tuple[Encoding, int]]) -> tuple[Tensor, Tensor | None]:
        return padded_rows(sentences, self._padding, self.device)

    def _embed(
        self,
        ids: Sequence[int],
        tables: Iterable[nn.Module] = (),
        fixed_outputs: Mapping[nn.Module, Tensor] = MappingProxyType({}),
    ) -> tuple[Tensor, dict[nn.Module, Tensor]]:
        """Outputs (sub-tokens, hidden) of the embedding block and of `tables`, as the model itself calls them but for
        tables whose output is fixed.
        """
        row = torch.tensor([ids], device=self.device)
        mask = torch.ones_like(row) if self.parts.pads else None  # padding tokens of a reference are there to be seen
        block, tables = self.parts.embeddings, list(tables)
        fixed_rows = {table: output[None] for table, output in fixed_outputs.items()}
        calls_of = recording([block, *tables])
        with torch.no_grad(), frozen(self.model), replacing(fixed_rows), calls_of as calls, interrupted(block):
            self.model(input_ids=row, attention_mask=mask)
        block_output, *table_outputs = (outputs[0][0] for outputs in calls)
        return block_output, dict(zip(tables, table_outputs, strict=True))

    def word_sums(self, encoding: Encoding) -> Callable[[Tensor], Tensor]:
        """Values per sub-token (…, sub-tokens) to sums per word (…, units)."""
        units = torch.tensor(encoding.units, device=self.device)
        count = len(encoding.first)
        return lambda values: values.new_zeros(*values.shape[:-1], count).index_add_(-1, units, values)


def _select_positions(values: Tensor, positions: list[int]) -> Tensor:
    return values[..., positions, :]
