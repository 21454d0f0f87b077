"""A token-classification model as the engine needs it: sub-tokens, predictions, both paths, rows forward and
backward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from interp.engine.budget import MAX_TOKENS, Cost
from interp.engine.hooks import frozen, interrupted, recording, recording_calls, replacing, saved_bytes
from interp.engine.paths import Block, IntegrationPath, Samples
from interp.errors import InputError
from interp.explanation import ModelInfo
from interp.models.find_parts import find_parts
from interp.models.parts import probe_ids
from interp.models.tokenizer import align
from interp.question import ReferenceKind

__all__ = ["Encoding", "Objective", "Tagger"]

NOTHING = "(none)"
"""Name of an end of the sentence where the tokeniser puts nothing."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """A sentence as sub-tokens. Units are what attributions are for: what the tokeniser puts before the words ([CLS])
    is 0, the words 1 to n, what it puts behind them ([SEP]) n + 1.
    """

    words: tuple[str, ...]
    ids: tuple[int, ...]
    units: tuple[int, ...]  # of each sub-token
    first: tuple[int | None, ...]  # of each unit: its first sub-token, None if the tokeniser leaves nothing of it
    special: tuple[bool, ...]  # of each sub-token
    ends: tuple[str, str]  # units 0 and n + 1 as the tokeniser calls them

    @property
    def texts(self) -> tuple[str, ...]:
        """Every unit by name."""
        return (self.ends[0], *self.words, self.ends[1])


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
class PathContext:
    """What a path of this tagger carries along: the sentence, what to explain, and which modules the state
    replaces.
    """

    encoding: Encoding
    objectives: tuple[Objective, ...]
    tables: bool  # the state is (tables, sub-tokens, hidden), one slice each; else the embedding block's output
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
        self.parts = find_parts(model)
        self._growth: npt.NDArray[np.float64] | None = None

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    def encode(self, words: Sequence[str]) -> Encoding:
        """Sub-tokens of a sentence, each word on its own. Raises InputError when the model cannot read that many."""
        encoding = self.encode_all(words)
        count, longest = len(encoding.ids), self.parts.longest
        if longest is not None and count > longest:
            behind = encoding.units.count(len(words) + 1)
            fit = encoding.units[longest - behind] - 1  # the first word that does not
            raise InputError(
                f"The text is {count} sub-tokens and the model reads {longest}: the first {fit} words fit, or let "
                "`window` cut it around the target."
            )
        return encoding

    def encode_all(self, words: Sequence[str]) -> Encoding:
        """The same of any length."""
        ids, of_word = align(self.tokenizer, words)
        inside = [i for i, word in enumerate(of_word) if word is not None]
        if not inside:
            raise InputError("The text has no word that the model can read.")
        units = [(0 if i < inside[0] else len(words) + 1) if w is None else w + 1 for i, w in enumerate(of_word)]
        first = dict(zip(reversed(units), reversed(range(len(ids))), strict=True))
        special = tuple(word is None for word in of_word)
        names = self.tokenizer.convert_ids_to_tokens(ids)
        before, behind = (
            " ".join(name for name, unit in zip(names, units, strict=True) if unit == end) or NOTHING
            for end in (0, len(words) + 1)
        )
        return Encoding(
            words=tuple(words),
            ids=tuple(ids),
            units=tuple(units),
            first=tuple(first.get(unit) for unit in range(len(words) + 2)),
            special=special,
            ends=(before, behind),
        )

    @property
    def references(self) -> list[ReferenceKind]:
        """The kinds of reference that this model can have."""
        kinds: list[ReferenceKind] = ["pad", "mask", "unk"]
        return [*(kind for kind in kinds if self._token(kind) is not None), "zero"]

    def no_reference(self, reference: str) -> InputError:
        """Why a model cannot have this reference."""
        return InputError(
            f"This model has no {reference} token: choose another `reference`, {' or '.join(self.references)}."
        )

    def _token(self, kind: str) -> int | None:
        number: int | None = getattr(self.tokenizer, f"{kind}_token_id")
        return number

    def token_name(self, reference: ReferenceKind) -> str | None:
        """What the tokeniser calls the token of a reference sentence; None for zeros."""
        return None if reference == "zero" else str(getattr(self.tokenizer, f"{reference}_token"))

    def logits(self, encodings: Sequence[Encoding]) -> list[Tensor]:
        """Logits (sub-tokens, labels) of each sentence, float64 on the CPU."""
        order = sorted(range(len(encodings)), key=lambda i: -len(encodings[i].ids))  # little padding, memory bounded
        found: dict[int, Tensor] = {}
        with torch.inference_mode(), frozen(self.model):
            while order:
                longest = len(encodings[order[0]].ids)
                count = max(1, MAX_TOKENS[self.device.type] // longest)
                if not self.parts.pads:
                    count = min(count, sum(len(encodings[i].ids) == longest for i in order))
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
    ) -> IntegrationPath:
        """From the reference sentence's embedding-block output to the input's: states (sub-tokens, hidden)."""
        end, kept = self._embed(encoding.ids, self.parts.kept)
        if reference == "zero":
            start = torch.zeros_like(end)
        else:
            start, _ = self._embed(self._reference_ids(encoding, reference), held=kept)
        route = PathContext(encoding, tuple(objectives), tables=False, layers=layers)
        detail = None
        if zoom is not None:
            rows = [i for i, unit in enumerate(encoding.units) if unit == zoom]
            detail = partial(_rows_of, rows=rows)
        return IntegrationPath(
            input=end,
            reference=start,
            targets=len(objectives),
            sums=self._summed(encoding),
            context=route,
            detail=detail,
        )

    def component_path(
        self, encoding: Encoding, objectives: Sequence[Objective], reference: str, positions: str
    ) -> IntegrationPath:
        """From the reference's table outputs to the input's: states (tables, sub-tokens, hidden), before the
        LayerNorm. With `positions` "zero" every sub-token of the reference stands where the input's first one does.
        """
        tables = self.parts.tables
        _, end = self._embed(encoding.ids, tables.values())
        held = {table: end[table] for table in self.parts.kept}
        if positions == "zero" and (moved := tables.get("position")) is not None:
            held[moved] = held[moved][:1].expand_as(held[moved])
        _, start = self._embed(self._reference_ids(encoding, reference), tables.values(), held)
        route = PathContext(encoding, tuple(objectives), tables=True, layers=False)
        ends = (torch.stack(list(outputs.values())) for outputs in (end, start))
        return IntegrationPath(
            input=next(ends), reference=next(ends), targets=len(objectives), sums=self._summed(encoding), context=route
        )

    def scores(self, encoding: Encoding, objective: Objective, states: Tensor) -> Tensor:
        """F (rows,) of embedding-block outputs (rows, sub-tokens, hidden), differentiable with respect to them.

        For whoever differentiates or perturbs the embeddings in a way of their own, inside `frozen(self.model)`.
        """
        ids, mask = self._rows([(encoding, len(states))])
        with replacing({self.parts.embeddings: states}):
            return objective(self.model(input_ids=ids, attention_mask=mask).logits)

    def cost(self, length: int, targets: int, layers: bool = True) -> Cost:
        """Bytes that a sentence of `length` sub-tokens takes, with or without the states of every layer: measured at
        three short lengths, on which it is quadratic.
        """
        if self._growth is None:
            most = min(16, self.parts.longest or 16)
            lengths = [max(1, most // 4), max(2, most // 2), most]
            self._growth = np.polyfit(lengths, [self._saved(n) for n in lengths], 2)
        widths = self.parts.widths
        # The component path has a state for each table.
        wide = sum(widths) if layers else widths[0] * max(1, len(self.parts.tables))
        node = length * wide * self.dtype.itemsize * (1 + targets)
        # What one layer needs beside what is saved for it: about the gradients of its widest parts, of every target.
        saved = float(np.polyval(self._growth, length))
        return Cost(length, int(saved * (1.25 + (targets - 1) * 1.25 / self.parts.count)) + node, node)

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

    def evaluate(self, blocks: Sequence[Block]) -> list[Samples]:
        """All rows of all blocks forward once, and backward once per target wanted; sentences are padded to the
        longest, where the model does not mind.
        """
        lengths = dict.fromkeys(block.path.length for block in blocks)
        if self.parts.pads or len(lengths) == 1:
            return self._evaluate(blocks)
        found: dict[int, Samples] = {}
        for length in lengths:
            numbers = [number for number, block in enumerate(blocks) if block.path.length == length]
            found |= zip(numbers, self._evaluate([blocks[number] for number in numbers]), strict=True)
        return [found[number] for number in range(len(blocks))]

    def _evaluate(self, blocks: Sequence[Block]) -> list[Samples]:
        rows = [(block.path.context.encoding, len(block.alphas)) for block in blocks]
        ids, mask = self._rows(rows)
        state = self._states(blocks, ids.shape[1]).requires_grad_(True)
        tables = blocks[0].path.context.tables
        layers = self.parts.layers if any(block.path.context.layers for block in blocks) else []
        replaced: dict[nn.Module, Tensor] = {self.parts.embeddings: state}
        if tables:
            replaced = {table: state[:, i] for i, table in enumerate(self.parts.tables.values())}
        with frozen(self.model), torch.enable_grad():
            with replacing(replaced), recording_calls(layers) as outputs:
                logits = self.model(input_ids=ids, attention_mask=mask).logits
            return self._backward(blocks, logits, [state, *outputs])

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
            route: PathContext = block.path.context
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
        pad = self._token("pad") or 0  # whatever stands there is masked
        padded = [(list(e.ids) + [pad] * (longest - len(e.ids)), count) for e, count in rows]
        ids = torch.tensor([row for row, count in padded for _ in range(count)], device=self.device)
        if all(len(e.ids) == longest for e, _ in rows):
            return ids, None
        lengths = torch.tensor([len(e.ids) for e, count in rows for _ in range(count)], device=self.device)
        return ids, (torch.arange(longest, device=self.device) < lengths[:, None]).long()

    def _states(self, blocks: Sequence[Block], longest: int) -> Tensor:
        states = (block.path.at(block.alphas) for block in blocks)
        return torch.cat([nn.functional.pad(state, (0, 0, 0, longest - state.shape[-2])) for state in states])

    def _embed(
        self,
        ids: Sequence[int],
        tables: Iterable[nn.Module] = (),
        held: Mapping[nn.Module, Tensor] = MappingProxyType({}),
    ) -> tuple[Tensor, dict[nn.Module, Tensor]]:
        """Outputs (sub-tokens, hidden) of the embedding block and of `tables`, as the model itself calls them but for
        tables whose output is `held`.
        """
        row = torch.tensor([ids], device=self.device)
        mask = torch.ones_like(row) if self.parts.pads else None  # padding tokens of a reference are there to be seen
        block, wanted = self.parts.embeddings, list(tables)
        fixed = {table: value[None] for table, value in held.items()}
        seen = recording([block, *wanted])
        with torch.no_grad(), frozen(self.model), replacing(fixed), seen as calls, interrupted(block):
            self.model(input_ids=row, attention_mask=mask)
        own, *each = (outputs[0][0] for outputs in calls)
        return own, dict(zip(wanted, each, strict=True))

    def _reference_ids(self, encoding: Encoding, reference: str) -> list[int]:
        """The sentence with every sub-token but the special ones replaced."""
        token = self._token(reference)
        if token is None:
            raise self.no_reference(reference)
        return [i if special else token for i, special in zip(encoding.ids, encoding.special, strict=True)]

    def _summed(self, encoding: Encoding) -> Callable[[Tensor], Tensor]:
        """Values per sub-token (…, sub-tokens) to sums per word (…, units)."""
        units = torch.tensor(encoding.units, device=self.device)
        count = len(encoding.first)
        return lambda values: values.new_zeros(*values.shape[:-1], count).index_add_(-1, units, values)
