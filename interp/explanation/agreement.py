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


@dataclass(frozen=True, kw_only=True)
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
    alike: dict[tuple[object, ...], list[Explanation]] = {}
    for explanation in explanations:
        alike.setdefault((*_shared_question(explanation), explanation.method_name), []).append(explanation)
    pairs = (pair for same in alike.values() for pair in combinations(same, 2))
    return [
        (first, reference_agreement(first, second)) for first, second in pairs if first.reference != second.reference
    ]


def _shared_question(explanation: Explanation) -> tuple[object, ...]:
    """Model, words and target."""
    return explanation.model.sha256, tuple(word.text for word in explanation.words), explanation.target


def reference_agreement(first: Explanation, second: Explanation) -> ReferenceAgreement:
    """Compare two explanations of the same words, usually under two references."""
    a, b = _plain_attributions(first), _plain_attributions(second)
    mass = math.fsum(map(abs, a)) + math.fsum(map(abs, b))
    difference = 2 * math.fsum(abs(x - y) for x, y in zip(a, b, strict=True)) / mass if mass else 0.0
    return ReferenceAgreement(
        first=first.reference.kind,
        second=second.reference.kind,
        difference=difference,
        correlation=_spearman(a, b),
        same_leader=first.ranked[0].index == second.ranked[0].index,
    )


def _plain_attributions(explanation: Explanation) -> list[float]:
    """Of the words that are not special tokens."""
    return [word.attribution for word in explanation.words if not word.special]


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
    alike: dict[tuple[object, ...], dict[str, Explanation]] = {}
    for explanation in explanations:
        by_method = alike.setdefault((*_shared_question(explanation), explanation.reference), {})
        by_method.setdefault(explanation.method_name, explanation)
    return [list(by_method.values()) for by_method in alike.values() if len(by_method) > 1]


def method_overlaps(explanations: Sequence[Explanation]) -> list[tuple[Explanation, MethodOverlap]]:
    """Every pair that differs in nothing but the method, with the first of the two."""
    pairs = (pair for same in group_by_method(explanations) for pair in combinations(same, 2))
    return [
        (first, MethodOverlap(first.method_name, second.method_name, ranking_overlap(first, second)))
        for first, second in pairs
    ]


def ranking_overlap(first: Explanation, second: Explanation) -> float:
    """Rank-biased overlap of words by |attribution|: not every method gives a sign. Special tokens are left out."""
    first_ranking, second_ranking = ([word.index for word in shown.weightiest] for shown in (first, second))
    return rank_biased_overlap(first_ranking, second_ranking)


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
