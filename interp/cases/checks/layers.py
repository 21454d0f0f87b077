"""The check of where in the model the evidence sits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from interp.cases.checks.base import Answer, Bound, NamedWord, Verdict, describe_range, share
from interp.errors import InputError
from interp.explanation import Explanation
from interp.project.toml_text import toml_table

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
            model = f"{explanation.model.name} has {len(explanation.layers)}"
            raise InputError(f"layer_share speaks of layers {self.layers}, but {model}.")
        return {
            layer: share(explanation.layers[layer - 1], self.word.index) for layer in range(self.first, self.last + 1)
        }

    def describe_miss(self, shares: dict[int, float]) -> str | None:
        """The layer that misses the bound by most; None where none does."""
        missed = {layer: part for layer, part in shares.items() if not self.bound.holds(part)}
        if not missed:
            return None
        layer, part = max(missed.items(), key=lambda item: abs(item[1] - self.bound.limit))
        others = "" if len(missed) == 1 else f" ({len(missed)} of {len(shares)} layers miss it)"
        return f'"{self.word.name}" has a share of {part:.3f} in layer {layer}, expected {self.bound}{others}'


@dataclass(frozen=True)
class LayerShare:
    """Where in the model the evidence sits."""

    bounds: tuple[LayerBound, ...]
    name: ClassVar[str] = "layer_share"

    def judge(self, answer: Answer) -> Verdict:
        wrong, actual, notes = [], [], {}
        for bound in self.bounds:
            shares = bound.shares(answer.explanation)
            parts = describe_range(list(shares.values()))
            actual.append(f"{bound.word.name} {parts} in layers {bound.layers}")
            notes[bound.word.index] = f"layers {bound.layers}: {parts}, expected {bound.bound}"
            miss = bound.describe_miss(shares)
            if miss is not None:
                wrong.append(miss)
        sentence = "; ".join(wrong) or "Every layer's share is within its bound"
        expected = [f"{bound.word.name} {bound.bound} in layers {bound.layers}" for bound in self.bounds]
        return Verdict(
            passed=not wrong,
            sentence=f"{sentence}.",
            expected=", ".join(expected),
            actual=", ".join(actual),
            notes=notes,
        )

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        tables = []
        for bound in self.bounds:
            parts = [part for answer in answers for part in bound.shares(answer.explanation).values()]
            looser = bound.bound.around(parts)
            if looser is not None:
                tables.append(toml_table({"word": bound.word.name, "layers": bound.layers, "is": str(looser)}))
        return f"layer_share = [{', '.join(tables)}]" if tables else None
