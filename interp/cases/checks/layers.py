"""The check of where in the model the evidence sits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from interp.cases.checks.base import Answer, Bound, NamedWord, Verdict, quoted, share, spread
from interp.errors import InputError
from interp.explanation import Explanation

__all__ = ["LayerBound", "LayerShare"]


@dataclass(frozen=True)
class LayerBound:
    """A word's share of Σ|conductance|, to hold in each of the layers `first` to `last` (1 is the first)."""

    word: NamedWord
    first: int
    last: int
    bound: Bound

    @property
    def layers(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def shares(self, explanation: Explanation) -> dict[int, float]:
        """By layer. Raises InputError when the model has fewer layers."""
        if self.last > len(explanation.layers):
            have = f"{explanation.model.name} has {len(explanation.layers)}"
            raise InputError(f"layer_share speaks of layers {self.layers}, but {have}.")
        return {n: share(explanation.layers[n - 1], self.word.index) for n in range(self.first, self.last + 1)}


@dataclass(frozen=True)
class LayerShare:
    """Where in the model the evidence sits."""

    bounds: tuple[LayerBound, ...]
    name: ClassVar[str] = "layer_share"

    def judge(self, answer: Answer) -> Verdict:
        wrong, got, notes = [], [], {}
        for each in self.bounds:
            shares = each.shares(answer.explanation)
            got.append(f"{each.word.name} {spread(list(shares.values()))} in layers {each.layers}")
            notes[each.word.index] = f"layers {each.layers}: {spread(list(shares.values()))}, expected {each.bound}"
            missed = {layer: part for layer, part in shares.items() if not each.bound.holds(part)}
            if missed:
                layer, part = max(missed.items(), key=lambda item: abs(item[1] - each.bound.limit))
                more = "" if len(missed) == 1 else f" ({len(missed)} of {len(shares)} layers miss it)"
                wrong.append(
                    f'"{each.word.name}" has a share of {part:.3f} in layer {layer}, expected {each.bound}{more}'
                )
        expected = ", ".join(f"{each.word.name} {each.bound} in layers {each.layers}" for each in self.bounds)
        sentence = "; ".join(wrong) or "Every layer's share is within its bound"
        return Verdict(not wrong, f"{sentence}.", expected=expected, got=", ".join(got), notes=notes)

    def line(self, answers: Sequence[Answer]) -> str | None:
        written = []
        for each in self.bounds:
            parts = [part for answer in answers for part in each.shares(answer.explanation).values()]
            if (held := each.bound.around(parts)) is None:
                continue
            told = {"word": each.word.name, "layers": each.layers, "is": str(held)}
            written.append("{ " + ", ".join(f"{key} = {quoted(value)}" for key, value in told.items()) + " }")
        return f"layer_share = [{', '.join(written)}]" if written else None
