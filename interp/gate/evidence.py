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
from typing import Literal

import numpy as np
import numpy.typing as npt

from interp.gate.resample import interval
from interp.records import Record, RecordedExplanation

__all__ = ["BANDS", "Evidence", "EvidenceAgreement", "EvidenceShifts", "Group", "Shift", "distance", "matched", "shape"]

Array = npt.NDArray[np.float64]
Group = Literal["word", "class"]

BANDS = ("words", "early layers", "middle layers", "late layers")
"""The input, then three parts of the layers, from below."""
FEWEST = 3
"""Cases in which a word must stand."""
NULL = 20
"""Words from which their own spread can be told."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A feature's shift: `total` in cases' worth over the `cases` in which it stands, and how far out that is (`z`).

    `tag` is the one for whose explanations it moved most.
    """

    group: Group
    feature: str
    band: str
    total: float
    cases: int
    z: float
    tag: str


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
        self._overlap = 0.0
        self._documents: dict[str, Array] = defaultdict(lambda: np.zeros(3))
        self._sums: dict[tuple[Group, str], _Sums] = {}

    def add(self, baseline: Record, candidate: Record) -> None:
        pairs: dict[tuple[int, ...], list[tuple[RecordedExplanation, RecordedExplanation]]] = defaultdict(list)
        for one, other in matched(baseline, candidate):
            pairs[one.target].append((one, other))
        for target, same in pairs.items():
            self._case(baseline, target, same)

    def _case(
        self, record: Record, target: tuple[int, ...], same: Sequence[tuple[RecordedExplanation, RecordedExplanation]]
    ) -> None:
        """One target under every reference: what moved from which words, per band."""
        context = [index for index in range(len(record.words)) if index not in target]
        if not context:
            return
        self._cases += 1
        both = [(_shares(one), _shares(other)) for one, other in same]
        for one, other in both:
            self._documents[record.document] += (*_overlaps(one[0], other[0]), 1)
        moved = np.stack([other - one for one, other in both], axis=1)  # (bands, references, words)
        places: dict[tuple[Group, str], list[int]] = defaultdict(list)
        for index in context:
            places["word", record.words[index]].append(index)
            for kind in _classes(record, index, target):
                places["class", kind].append(index)
        for key, indices in places.items():
            if key not in self._sums:
                self._sums[key] = _Sums(moved.shape[:2])
            self._sums[key].add(moved[..., indices].sum(-1), same[0][0].tags[0])

    def result(self, spread: Mapping[str, float] | None = None, seed: int = 0) -> EvidenceShifts:
        """`spread`: τ as benign checkpoints had it; used where it is larger than the words' own."""
        own: dict[str, float] = {}
        found: list[Shift] = []
        for group in ("word", "class"):
            some = {key[1]: sums for key, sums in self._sums.items() if key[0] == group and sums.cases >= FEWEST}
            counts = np.array([sums.cases for sums in some.values()])
            for band in range(max((len(sums.moved) for sums in some.values()), default=0)):
                means = np.array([sums.mean[band] for sums in some.values()])
                squares = np.array([sums.squares[band] for sums in some.values()])
                case = _within(counts, means, squares)
                name = f"{group}, {BANDS[band]}"
                own[name] = _between(counts, means, case)
                benign = (spread or {}).get(name)
                few = len(counts) < NULL
                between = benign if few and benign is not None else max(own[name], benign or 0.0)
                for feature, sums in some.items():
                    total, count = sums.total(band), sums.cases
                    z = total / float(np.sqrt(count**2 * between**2 + count * case**2))
                    tag = max(sums.tags, key=lambda tag: sums.tags[tag][band] * (1 if total >= 0 else -1))
                    found.append(
                        Shift(group=group, feature=feature, band=BANDS[band], total=total, cases=count, z=z, tag=tag)
                    )
        found.sort(key=lambda each: (-abs(each.z), each.feature, each.band))
        return EvidenceShifts(tuple(found), own, self._cases, self._agreement(seed))

    def _agreement(self, seed: int) -> EvidenceAgreement | None:
        if not self._documents:
            return None
        rows = np.array(list(self._documents.values()))

        def beyond(sums: Array) -> Array:
            overlap, chance = sums[..., 0], sums[..., 1]
            return np.asarray((overlap - chance) / np.maximum(sums[..., 2] - chance, 1e-12))

        low, high = interval(rows, beyond, seed)
        sums = rows.sum(0)
        return EvidenceAgreement(float(sums[0] / sums[2]), float(beyond(sums)), low, high)


def matched(baseline: Record, candidate: Record) -> Iterator[tuple[RecordedExplanation, RecordedExplanation]]:
    """Explanations of one target for the same tags under the same reference."""
    theirs = {(each.target, each.reference, each.tags): each for each in candidate.explained}
    for one in baseline.explained:
        other = theirs.get((one.target, one.reference, one.tags))
        if other is not None:
            yield one, other


def distance(one: RecordedExplanation, other: RecordedExplanation) -> float:
    """Part of the evidence that stands on other words: 0 the same, 1 nothing in common."""
    return float(1 - np.minimum(_shares(one)[0], _shares(other)[0]).sum())


def _shares(explained: RecordedExplanation) -> Array:
    """Shares of Σ|value| per word: of the words themselves, then of three bands of layers, which share
    layers where there are fewer; (bands, words)."""
    rows = [np.abs(np.array([explained.attributions]))]
    if explained.layers:
        layers, count = np.abs(np.array(explained.layers)), len(explained.layers)
        starts = [min(count * part // 3, count - 1) for part in range(3)]
        rows += [layers[start : max(count * (part + 1) // 3, start + 1)] for part, start in enumerate(starts)]
    return np.stack([(row / np.maximum(row.sum(-1, keepdims=True), 1e-12)).mean(0) for row in rows])


def _overlaps(one: Array, other: Array) -> tuple[float, float]:
    """Σ min of two lists of shares, and its mean over all orders of one of them."""
    return float(np.minimum(one, other).sum()), float(np.minimum(one[:, None], other[None]).sum() / len(one))


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


def shape(word: str) -> str:
    """Punctuation, digits, or how its letters are written."""
    if not any(map(str.isalnum, word)):
        return "punctuation"
    if any(map(str.isdigit, word)):
        return "digits"
    if word.isupper():
        return "CAPITALS" if len(word) > 1 else "One capital"
    if word.islower():
        return "lower case"
    return "Capitalised" if word[0].isupper() and word[1:].islower() else "mIxed"


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
