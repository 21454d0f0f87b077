"""Evidence shift: on which words, kinds of words and layers the candidate leans more, or less, than the baseline.

Of every explanation in which both models give the target the same tags: each context word's share of Σ|attribution| on
the centred logit, candidate less baseline, summed over the cases in which it stands ("cases' worth"). A shift counts
only as far as it is there under every reference: the smallest of its totals, 0 where their signs differ.

A word moves for two reasons that mean nothing: cases differ (σ² of one case) and trainings do (τ² of a word, the same
in all cases, so that it grows with their number). `z` is held against both: T / √(n² τ² + n σ²), with τ from the words
themselves, of which few can be shortcuts (an empirical null, Efron 2004), or from benign checkpoints where that is
larger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from interp.question.shapes import shape
from interp.records import Record, RecordedExplanation
from interp.scoring import UnitSums, interval, unit_of

__all__ = [
    "BANDS",
    "Evidence",
    "EvidenceAgreement",
    "EvidenceShifts",
    "Group",
    "Shift",
    "distance",
    "match_explanations",
]

Array = npt.NDArray[np.float64]
Group = Literal["word", "class"]
ExplanationPair = tuple[RecordedExplanation, RecordedExplanation]
"""Of the baseline and of the candidate."""

GROUPS: tuple[Group, ...] = get_args(Group)
BANDS = ("words", "early layers", "middle layers", "late layers")
"""The input, then three parts of the layers, from below."""
FEWEST = 3
"""Cases in which a word must stand."""
NULL = 20
"""Words from which their own spread can be told."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How far explanations moved on to, or off, a feature."""

    group: Group
    feature: str
    """The word, or the class of words."""
    band: str
    """The input or a part of the layers, one of `BANDS`."""
    total: float
    """Cases' worth over all cases in which it stands."""
    cases: int
    z: float
    """The total over the noise of cases and trainings."""
    tag: str
    """The one for whose explanations it moved most."""

    @property
    def shown(self) -> str:
        """The feature, a word in backticks."""
        return f"`{self.feature}`" if self.group == "word" else self.feature


@dataclass(frozen=True)
class EvidenceAgreement:
    """How alike explanations are: `overlap`, Σ min of the two models' shares in the mean, and `beyond_chance` of it, 0
    for shuffled words, 1 for equal ones, with its 95 % interval over documents.

    Trainings alone move both as much as shortcuts do: they tell only whether anything is left in common.
    """

    overlap: float
    beyond_chance: float
    low: float
    high: float


@dataclass(frozen=True)
class EvidenceShifts:
    """All shifts, the farthest out first; `spread` is τ by group and band; `cases` targets were compared."""

    shifts: tuple[Shift, ...]
    spread: Mapping[str, float]
    cases: int
    agreement: EvidenceAgreement | None


class _Sums:
    """Running sums of one feature: over its cases, of shares moved (bands, references) and of their mean's square."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.cases = 0
        self.moved = np.zeros(shape)
        self.squares = np.zeros(shape[0])
        self.tags: dict[str, Array] = defaultdict(lambda: np.zeros(shape[0]))

    def add(self, moved: Array, tag: str) -> None:
        mean = moved.mean(1)
        self.cases += 1
        self.moved += moved
        self.squares += mean**2
        self.tags[tag] += mean

    @property
    def mean(self) -> Array:
        """Per band, over cases and references."""
        return np.asarray(self.moved.mean(1) / self.cases)

    def total(self, band: int) -> float:
        """Of the totals under each reference the smallest, 0 where they differ in sign."""
        totals = self.moved[band]
        if not (np.all(totals > 0) or np.all(totals < 0)):
            return 0.0
        return float(totals[np.abs(totals).argmin()])


class Evidence:
    """Takes pairs of records one by one; keeps sums, so that thousands of cases need no memory."""

    def __init__(self) -> None:
        self._cases = 0
        self._overlaps = UnitSums(3)  # overlap, overlap by chance, explanations
        self._sums: dict[tuple[Group, str], _Sums] = {}

    def add(self, baseline: Record, candidate: Record) -> None:
        by_target: dict[tuple[int, ...], list[ExplanationPair]] = defaultdict(list)
        for before, after in match_explanations(baseline, candidate):
            by_target[before.target].append((before, after))
        for target, pairs in by_target.items():
            self._add_target(baseline, target, pairs)

    def _add_target(self, record: Record, target: tuple[int, ...], pairs: Sequence[ExplanationPair]) -> None:
        """One target under every reference: what moved from which words, per band."""
        context = [index for index in range(len(record.words)) if index not in target]
        if not context:
            return
        self._cases += 1
        shares = [(_shares(before), _shares(after)) for before, after in pairs]
        for before, after in shares:
            self._overlaps.add(record.document, record.id, (*_overlaps(before[0], after[0]), 1))
        moved = np.stack([after - before for before, after in shares], axis=1)  # (bands, references, words)
        places: dict[tuple[Group, str], list[int]] = defaultdict(list)
        for index in context:
            places["word", record.words[index]].append(index)
            for kind in _classes(record, index, target):
                places["class", kind].append(index)
        for key, indices in places.items():
            if key not in self._sums:
                self._sums[key] = _Sums(moved.shape[:2])
            self._sums[key].add(moved[..., indices].sum(-1), pairs[0][0].tags[0])

    def result(self, spread: Mapping[str, float] | None = None, seed: int = 0) -> EvidenceShifts:
        """`spread`: τ as benign checkpoints had it; used where it is larger than the words' own."""
        own_spread: dict[str, float] = {}
        shifts: list[Shift] = []
        for group in GROUPS:
            features = {
                feature: sums
                for (feature_group, feature), sums in self._sums.items()
                if feature_group == group and sums.cases >= FEWEST
            }
            for band in range(max((len(sums.moved) for sums in features.values()), default=0)):
                name = f"{group}, {BANDS[band]}"
                noise, own_spread[name] = _noise(list(features.values()), band, benign=(spread or {}).get(name))
                shifts += [
                    _shift(group, feature, sums=sums, band=band, noise=noise) for feature, sums in features.items()
                ]
        shifts.sort(key=lambda shift: (-abs(shift.z), shift.feature, shift.band))
        return EvidenceShifts(tuple(shifts), own_spread, self._cases, self._agreement(seed))

    def _agreement(self, seed: int) -> EvidenceAgreement | None:
        documents = self._overlaps.documents
        if not documents:
            return None

        def beyond(sums: Array) -> Array:
            overlap, chance = sums[..., 0], sums[..., 1]
            return np.asarray((overlap - chance) / np.maximum(sums[..., 2] - chance, 1e-12))

        low, high = interval(self._overlaps.rows(unit_of(documents)), beyond, seed)
        sums = self._overlaps.total
        return EvidenceAgreement(float(sums[0] / sums[2]), float(beyond(sums)), low, high)


def match_explanations(baseline: Record, candidate: Record) -> Iterator[ExplanationPair]:
    """Explanations of one target for the same tags under the same reference."""
    of_candidate = {
        (explanation.target, explanation.reference, explanation.tags): explanation
        for explanation in candidate.explained
    }
    for before in baseline.explained:
        after = of_candidate.get((before.target, before.reference, before.tags))
        if after is not None:
            yield before, after


def distance(before: RecordedExplanation, after: RecordedExplanation) -> float:
    """Part of the evidence that stands on other words: 0 the same, 1 nothing in common."""
    return float(1 - np.minimum(_shares(before)[0], _shares(after)[0]).sum())


@dataclass(frozen=True)
class _Noise:
    """What moves features that mean nothing."""

    between_cases: float
    """σ of one case."""
    between_trainings: float
    """τ of a feature, the same in all cases."""


def _noise(features: Sequence[_Sums], band: int, benign: float | None) -> tuple[_Noise, float]:
    """The noise of one band, and the features' own τ; `benign` is the τ that benign checkpoints had."""
    counts = np.array([sums.cases for sums in features])
    means = np.array([sums.mean[band] for sums in features])
    squares = np.array([sums.squares[band] for sums in features])
    between_cases = _within(counts, means, squares)
    own = _between(counts, means, between_cases)
    too_few = len(counts) < NULL
    between_trainings = benign if too_few and benign is not None else max(own, benign or 0.0)
    return _Noise(between_cases, between_trainings), own


def _shift(group: Group, feature: str, *, sums: _Sums, band: int, noise: _Noise) -> Shift:
    total, count = sums.total(band), sums.cases
    scatter = float(np.sqrt(count**2 * noise.between_trainings**2 + count * noise.between_cases**2))
    sign = 1 if total >= 0 else -1
    return Shift(
        group=group,
        feature=feature,
        band=BANDS[band],
        total=total,
        cases=count,
        z=total / scatter,
        tag=max(sums.tags, key=lambda tag: sums.tags[tag][band] * sign),
    )


def _shares(explanation: RecordedExplanation) -> Array:
    """Shares of Σ|value| per word: of the words themselves, then of three bands of layers, which share
    layers where there are fewer; (bands, words)."""
    bands = [np.abs(np.array([explanation.attributions]))]
    if explanation.layers:
        layers, count = np.abs(np.array(explanation.layers)), len(explanation.layers)
        starts = [min(count * part // 3, count - 1) for part in range(3)]
        bands += [layers[start : max(count * (part + 1) // 3, start + 1)] for part, start in enumerate(starts)]
    return np.stack([(band / np.maximum(band.sum(-1, keepdims=True), 1e-12)).mean(0) for band in bands])


def _overlaps(before: Array, after: Array) -> tuple[float, float]:
    """Σ min of two lists of shares, and its mean over all orders of one of them."""
    overlap = np.minimum(before, after).sum()
    by_chance = np.minimum(before[:, None], after[None]).sum() / len(before)
    return float(overlap), float(by_chance)


def _classes(record: Record, index: int, target: Sequence[int]) -> Iterator[str]:
    """What kind of word it is, and where it stands."""
    yield f"shape {shape(record.words[index])}"
    away = index - target[0] if index < target[0] else index - target[-1]
    side = "before" if away < 0 else "after"
    yield f"{abs(away)} {side}" if abs(away) <= 3 else f"far {side}"
    if index == 0:
        yield "first word"
    if index == len(record.words) - 1:
        yield "last word"
    yield "in an entity" if record.tags[index] not in (None, "O") else "outside entities"


def _within(counts: Array, means: Array, squares: Array) -> float:
    """σ: of one case about its word's mean, over all words."""
    free = float((counts - 1).sum())
    return float(np.sqrt(max((squares - counts * means**2).sum() / free, 1e-12)))


def _between(counts: Array, means: Array, case: float) -> float:
    """τ: of words' means, from the middle of their distribution, so that a few shortcuts do not count."""
    noise = case**2 / counts
    if len(counts) < NULL:  # of few, none can be told from the rest: all of them count
        return float(np.sqrt(np.maximum(means**2 - noise, 0.0).mean())) if len(counts) else 0.0
    # The median of squares over a normal's share of its variance is robust; words with many cases say most of τ.
    squares = np.maximum((means - np.median(means)) ** 2 / 0.4549 - noise, 0.0)
    order = np.argsort(squares)
    weights = np.cumsum((1 / noise)[order])
    return float(np.sqrt(squares[order][np.searchsorted(weights, weights[-1] / 2)]))
