"""What every report says of methods: of one that is not interp's own, and of several side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from interp.explanation import Explanation
from interp.explanation.agreement import ranking_overlap
from interp.report import facts, number_formats

__all__ = ["COMPARED_NOTE", "OVERLAP_NOTE", "TOP", "Opinion", "Rank", "method_facts", "name", "opinions", "refusals"]

TOP = 10
"""Ranks shown side by side."""

COMPARED_NOTE = (
    "Words by |attribution|, special tokens left out; numbers are per cent of the sum of |attribution|, with the sign "
    "where the method has one."
)
OVERLAP_NOTE = (
    "Overlap: rank-biased overlap with the first method, p = 0.9; 1 is the same order. Complete: whether by its "
    "definition a method's sum is F(input) - F(reference); the residual is what it misses, in per cent of its sum of "
    "|attribution|."
)


class CompletenessLabel(NamedTuple):
    """Whether a method's attributions add up: in a cell, and as the rest of a sentence."""

    cell: str
    meaning: str

    @property
    def sentence(self) -> str:
        return f"{self.cell}: {self.meaning}"


_COMPLETENESS = {
    "exactly": CompletenessLabel("yes", "the attributions sum to F(input) - F(reference)"),
    "on average": CompletenessLabel(
        "on average", "over all it could draw, the attributions sum to F(input) - F(reference)"
    ),
    "no": CompletenessLabel("no", "the attributions need not sum to F(input) - F(reference)"),
}


@dataclass(frozen=True, kw_only=True)
class Rank:
    """A word in one method's ranking: `share` of Σ|attribution|, `fraction` of the largest; signed as they come."""

    index: int
    text: str
    share: float
    fraction: float
    signed: bool

    @property
    def percent(self) -> str:
        """In per cent, without the sign of that."""
        text = number_formats.per_cent(self.share).removesuffix(" %")
        return text if self.signed else text.lstrip("+")


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """One method beside others."""

    name: str
    top: tuple[Rank, ...]
    """The words that weigh most."""
    overlap: float
    """With the first method's ranking."""
    complete: str
    """Whether its attributions add up to F(input) - F(reference), in a word."""
    sum: float
    """Of its attributions."""
    residual: float | None
    """What the sum misses, as a part of Σ|attribution|; None for magnitudes."""
    evaluations: int
    """Rows through the model."""


def name(shown: Explanation) -> str:
    """The method's name in a sentence."""
    return "integrated gradients" if shown.method is None else shown.method.name


def method_facts(shown: Explanation) -> list[tuple[str, str]]:
    """What to say of another method, by heading; empty for integrated gradients. A standard error follows "+/-"."""
    method = shown.method
    if method is None:
        return []
    parameters = [f"{key.replace('_', ' ')} {value:g}" for key, value in method.parameters.items()]
    if method.seed is not None:
        parameters.append(f"seed {method.seed}")
    return [
        ("method", f"{method.name}: {method.description}"),
        ("parameters", ", ".join(parameters) or "none"),
        ("sum", _sum_text(shown)),
        ("complete", _COMPLETENESS[method.complete].sentence),
        ("evaluations", f"{method.evaluations} rows through the model"),
    ]


def _sum_text(shown: Explanation) -> str:
    method, total = shown.method, shown.at_input - shown.at_reference
    if method is None or method.residual is None:
        return f"{shown.score:.4g} {facts.unit(shown)}: no share of F(input) - F(reference)"
    number = number_formats.signed([shown.score, total, method.residual])
    error = "" if method.residual_error is None else f" +/- {method.residual_error:.2g}"
    return (
        f"{number(shown.score)} against F(input) - F(reference) {number(total)}: "
        f"residual {number_formats.signed([method.residual], digits=3)(method.residual)}{error}"
    )


def opinions(same: Sequence[Explanation]) -> list[Opinion]:
    """Every method of one question, in the order given."""
    return [_opinion(explanation, same[0]) for explanation in same]


def _opinion(shown: Explanation, first: Explanation) -> Opinion:
    mass = math.fsum(map(abs, shown.attributions))
    residual = _residual(shown)
    if residual is not None:
        residual = residual / mass if mass else 0.0
    method = shown.method
    return Opinion(
        name=shown.method_name,
        top=_weightiest_words(shown, mass),
        overlap=ranking_overlap(first, shown),
        complete=_COMPLETENESS[method.complete if method else "exactly"].cell,
        sum=shown.score,
        residual=residual,
        evaluations=method.evaluations if method else shown.integration.evaluations,
    )


def _residual(shown: Explanation) -> float | None:
    """What the attributions miss of F(input) - F(reference), in units of F."""
    if shown.method is not None:
        return shown.method.residual
    path = shown.completeness.embedding
    return path.residuals[0] if path else None


def _weightiest_words(shown: Explanation, mass: float) -> tuple[Rank, ...]:
    words = shown.weightiest[:TOP]
    largest = number_formats.largest(word.attribution for word in words)
    signed = shown.method is None or shown.method.signed
    return tuple(
        Rank(
            index=word.index,
            text=word.text,
            share=word.attribution / mass if mass else 0.0,
            fraction=word.attribution / largest if largest else 0.0,
            signed=signed,
        )
        for word in words
    )


def refusals(same: Sequence[Explanation]) -> dict[str, str]:
    """Methods that the model cannot have, and why."""
    prefix = "method "
    absent = same[0].absent
    return {part.removeprefix(prefix): why for part, why in absent.items() if part.startswith(prefix)}
