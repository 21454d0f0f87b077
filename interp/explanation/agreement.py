"""How far explanations of one question agree: under two references, and by two methods."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

from interp.explanation import Explanation

__all__ = [
    "PERSISTENCE",
    "MethodOverlap",
    "ReferenceAgreement",
    "group_by_method",
    "method_overlaps",
    "rank_biased_overlap",
    "reference_agreement",
    "reference_agreements",
]

PERSISTENCE = 0.9
"""p of rank-biased overlap: the first 10 ranks carry 86 % of its weight (Webber et al. 2010, section 4.4)."""


@dataclass(frozen=True)
class ReferenceAgreement:
    """How far two explanations of one target agree, over words that are not special tokens.

    `difference` is Σ|a − b| over the mean of Σ|a| and Σ|b| (0 is equal, 2 opposite); `correlation` is Spearman's
    rank correlation (None when either is constant); `same_leader` whether both put the same word on top.
    """

    first: str
    second: str
    difference: float
    correlation: float | None
    same_leader: bool


def reference_agreements(explanations: Sequence[Explanation]) -> list[tuple[Explanation, ReferenceAgreement]]:
    """Every pair that differs in nothing but the reference, with the first of the two."""
    asked: dict[tuple[object, ...], list[Explanation]] = {}
    for e in explanations:
        question = (e.model.sha256, tuple(word.text for word in e.words), e.target, e.method_name)
        asked.setdefault(question, []).append(e)
    pairs = (pair for same in asked.values() for pair in combinations(same, 2))
    return [(one, reference_agreement(one, other)) for one, other in pairs if one.reference != other.reference]


def reference_agreement(one: Explanation, other: Explanation) -> ReferenceAgreement:
    """Compare two explanations of the same words, usually under two references."""
    a, b = ([word.attribution for word in e.words if not word.special] for e in (one, other))
    mass = math.fsum(map(abs, a)) + math.fsum(map(abs, b))
    difference = 2 * math.fsum(abs(x - y) for x, y in zip(a, b, strict=True)) / mass if mass else 0.0
    return ReferenceAgreement(
        one.reference.kind,
        other.reference.kind,
        difference=difference,
        correlation=_spearman(a, b),
        same_leader=one.ranked[0].index == other.ranked[0].index,
    )


def _spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    if len(set(a)) < 2 or len(set(b)) < 2:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


@dataclass(frozen=True)
class MethodOverlap:
    """Rank-biased overlap of two methods' rankings of one target's words: 1 is the same order."""

    first: str
    second: str
    overlap: float


def group_by_method(explanations: Sequence[Explanation]) -> list[list[Explanation]]:
    """Explanations that differ in nothing but the method, two of them at least, the methods in the order given."""
    asked: dict[tuple[object, ...], dict[str, Explanation]] = {}
    for e in explanations:
        question = (e.model.sha256, tuple(word.text for word in e.words), e.target, e.reference)
        asked.setdefault(question, {}).setdefault(e.method_name, e)
    return [list(same.values()) for same in asked.values() if len(same) > 1]


def method_overlaps(explanations: Sequence[Explanation]) -> list[tuple[Explanation, MethodOverlap]]:
    """Every pair that differs in nothing but the method, with the first of the two."""
    pairs = (pair for same in group_by_method(explanations) for pair in combinations(same, 2))
    return [
        (one, MethodOverlap(one.method_name, other.method_name, ranking_overlap(one, other))) for one, other in pairs
    ]


def ranking_overlap(one: Explanation, other: Explanation) -> float:
    """Rank-biased overlap of words by |attribution|: not every method gives a sign. Special tokens are left out."""
    first, second = ([word.index for word in e.weightiest] for e in (one, other))
    return rank_biased_overlap(first, second)


def rank_biased_overlap(first: Sequence[Hashable], second: Sequence[Hashable], p: float = PERSISTENCE) -> float:
    """RBO_EXT of two rankings of the same n items, in [0, 1]: the top counts most.

    Webber, Moffat and Zobel, "A similarity measure for indefinite rankings", ACM TOIS 28 (4), 2010, equation 32 for
    rankings of equal length: A_n p^n + (1 − p)/p Σ_{d ≤ n} A_d p^d, where A_d is the share of the first d items that
    both have; beyond n the agreement is taken to stay what it is at n. Raises ValueError when the items differ.
    """
    if set(first) != set(second) or len(set(first)) != len(first) or len(first) != len(second):
        raise ValueError("rankings to compare hold the same items, each of them once")
    seen_first: set[Hashable] = set()
    seen_second: set[Hashable] = set()
    share, total = 1.0, 0.0
    for depth, (a, b) in enumerate(zip(first, second, strict=True), start=1):
        seen_first.add(a)
        seen_second.add(b)
        share = len(seen_first & seen_second) / depth
        total += share * p**depth
    return share * p ** len(first) + (1 - p) / p * total
