"""What every report says of methods: of one that is not interp's own, and of several side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from interp.explanation import Explanation
from interp.explanation.agreement import ranking_overlap
from interp.report import facts

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
_COMPLETE = {
    "exactly": "yes: the attributions sum to F(input) - F(reference)",
    "on average": "on average: over all it could draw, the attributions sum to F(input) - F(reference)",
    "no": "no: the attributions need not sum to F(input) - F(reference)",
}
_SHORT = {"exactly": "yes", "on average": "on average", "no": "no"}


@dataclass(frozen=True)
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
        text = facts.per_cent(self.share).removesuffix(" %")
        return text if self.signed else text.lstrip("+")


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """One method beside others: `overlap` with the first; `residual` of Σ|attribution|, None for magnitudes."""

    name: str
    top: tuple[Rank, ...]
    overlap: float
    complete: str
    sum: float
    residual: float | None
    evaluations: int


def name(shown: Explanation) -> str:
    """The method's name in a sentence."""
    return "integrated gradients" if shown.method is None else shown.method.name


def method_facts(shown: Explanation) -> list[tuple[str, str]]:
    """What to say of another method, by heading; empty for integrated gradients. A standard error follows "+/-"."""
    method = shown.method
    if method is None:
        return []
    drawn = [f"{key.replace('_', ' ')} {value:g}" for key, value in method.parameters.items()]
    drawn += [f"seed {method.seed}"] if method.seed is not None else []
    return [
        ("method", f"{method.name}: {method.description}"),
        ("parameters", ", ".join(drawn) or "none"),
        ("sum", _sum(shown)),
        ("complete", _COMPLETE[method.complete]),
        ("evaluations", f"{method.evaluations} rows through the model"),
    ]


def _sum(shown: Explanation) -> str:
    method, total = shown.method, shown.at_input - shown.at_reference
    if method is None or method.residual is None:
        return f"{shown.score:.4g} {facts.unit(shown)}: no share of F(input) - F(reference)"
    number = facts.signed([shown.score, total, method.residual])
    error = "" if method.residual_error is None else f" +/- {method.residual_error:.2g}"
    return (
        f"{number(shown.score)} against F(input) - F(reference) {number(total)}: "
        f"residual {facts.signed([method.residual], digits=3)(method.residual)}{error}"
    )


def opinions(same: Sequence[Explanation]) -> list[Opinion]:
    """Every method of one question, in the order given."""
    return [_opinion(each, same[0]) for each in same]


def _opinion(shown: Explanation, first: Explanation) -> Opinion:
    mass = math.fsum(map(abs, shown.attributions))
    method, ends = shown.method, shown.completeness.embedding
    residual = method.residual if method else ends.residuals[0] if ends else None
    return Opinion(
        name=shown.method_name,
        top=_top(shown, mass),
        overlap=ranking_overlap(first, shown),
        complete=_SHORT[method.complete if method else "exactly"],
        sum=shown.score,
        residual=None if residual is None else residual / mass if mass else 0.0,
        evaluations=method.evaluations if method else shown.integration.evaluations,
    )


def _top(shown: Explanation, mass: float) -> tuple[Rank, ...]:
    words = shown.weightiest[:TOP]
    largest = facts.largest(word.attribution for word in words)
    signed = shown.method is None or shown.method.signed
    return tuple(
        Rank(
            word.index,
            word.text,
            share=word.attribution / mass if mass else 0.0,
            fraction=word.attribution / largest if largest else 0.0,
            signed=signed,
        )
        for word in words
    )


def refusals(same: Sequence[Explanation]) -> dict[str, str]:
    """Methods that the model cannot have, and why."""
    marked = ((part.partition("method "), why) for part, why in same[0].absent.items())
    return {name: why for (before, found, name), why in marked if found and not before}
