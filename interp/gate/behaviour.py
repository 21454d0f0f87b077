"""What the models say: tags that turned, strict span F1, and in which slices of the entities it moved.

Spans are seqeval's in strict mode. Everything is paired by sentence and resampled by document, as sentences of one are
not independent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import stats
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities

from interp.gate.evidence import shape
from interp.gate.resample import interval
from interp.question.tags import Entity, find_entities
from interp.records import Record

__all__ = ["ALL", "Behaviour", "BehaviourChange", "Flip", "FlipRate", "SliceChange", "strict_spans", "whole_slice"]

Array = npt.NDArray[np.float64]

MOST_FLIPS = 100
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A word whose tag turned; `index` 0 is the first of the sentence."""

    id: str
    words: tuple[str, ...]
    index: int
    baseline: str
    candidate: str
    gold: str | None


@dataclass(frozen=True)
class FlipRate:
    """A part of the words with its 95 % interval over documents."""

    value: float
    low: float
    high: float
    count: int
    """Words."""


@dataclass(frozen=True, kw_only=True)
class SliceChange:
    """Strict span F1 of a slice before and after, and the 95 % interval of the difference over documents."""

    slice: str
    before: float
    after: float
    low: float
    high: float
    count: int
    """Right entities."""
    lost: int
    """Right in the baseline alone."""
    won: int
    """Right in the candidate alone."""
    p: float
    """Of McNemar's exact test on those."""
    q: float
    """The same after Benjamini and Hochberg over all slices."""
    smallest: float
    """The difference that would have been seen with 80 % power."""


@dataclass(frozen=True, kw_only=True)
class BehaviourChange:
    """How far what two models say differs."""

    documents: int
    flips: tuple[Flip, ...]
    """The first `MOST_FLIPS` words whose tag turned."""
    flip_rate: FlipRate | None
    """None where there are no words."""
    slices: tuple[SliceChange, ...]
    """Every slice that holds a right entity, all of it first."""


@dataclass
class _Counts:
    """Per document true positives, false positives and misses of the baseline, then of the candidate."""

    rows: dict[str, Array] = field(default_factory=lambda: defaultdict(lambda: np.zeros(6)))
    lost: int = 0
    won: int = 0


class Behaviour:
    """Takes pairs of records one by one; `labels` tell which scheme the models tag in.

    `known`: the words of the training data, where that is given.
    """

    def __init__(self, labels: Sequence[str], known: frozenset[str] | None = None) -> None:
        self._labels, self._known = labels, known
        self._flips: list[Flip] = []
        self._turned: dict[str, Array] = defaultdict(lambda: np.zeros(2))  # by document: words that turned, all words
        self._slices: dict[str, _Counts] = defaultdict(_Counts)

    def add(self, baseline: Record, candidate: Record) -> None:
        turned = [i for i, (old, new) in enumerate(zip(baseline.tags, candidate.tags, strict=True)) if old != new]
        for index in turned[: MOST_FLIPS - len(self._flips)]:
            self._flips.append(
                Flip(
                    id=baseline.id,
                    words=baseline.words,
                    index=index,
                    baseline=str(baseline.tags[index]),
                    candidate=str(candidate.tags[index]),
                    gold=baseline.gold[index] if baseline.gold else None,
                )
            )
        self._turned[baseline.document] += (len(turned), len(baseline.tags))
        if baseline.gold is not None:
            self._score(baseline, candidate, baseline.gold)

    def result(self, seed: int = 0) -> BehaviourChange:
        return BehaviourChange(
            documents=len(self._turned),
            flips=tuple(self._flips),
            flip_rate=self._flip_rate(seed),
            slices=self._slice_changes(seed),
        )

    def _score(self, baseline: Record, candidate: Record, gold: Sequence[str]) -> None:
        right = set(find_entities(gold))
        old = strict_spans([tag or "O" for tag in baseline.tags], self._labels)
        new = strict_spans([tag or "O" for tag in candidate.tags], self._labels)
        members: dict[str, set[Entity]] = defaultdict(set)
        for entity in right | old | new:
            for name in _slices(baseline, entity, self._known):
                members[name].add(entity)
        for name, inside in members.items():
            right_inside, counts = right & inside, self._slices[name]
            row = counts.rows[baseline.document]
            row[:3] += _confusions(right_inside, old & inside)
            row[3:] += _confusions(right_inside, new & inside)
            counts.lost += len(right_inside & old - new)
            counts.won += len(right_inside & new - old)

    def _slice_changes(self, seed: int) -> tuple[SliceChange, ...]:
        changes = [_slice_change(name, counts, seed) for name, counts in self._slices.items() if _right_count(counts)]
        if not changes:
            return ()
        adjusted = stats.false_discovery_control([change.p for change in changes])
        changes = [replace(change, q=float(q)) for change, q in zip(changes, adjusted, strict=True)]
        return tuple(sorted(changes, key=lambda change: (change.slice != ALL, change.slice)))

    def _flip_rate(self, seed: int) -> FlipRate | None:
        if not self._turned:
            return None
        rows = np.array(list(self._turned.values()))

        def rate(sums: Array) -> Array:
            return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1))

        low, high = interval(rows, rate, seed, bounds=(0.0, 1.0))
        return FlipRate(float(rate(rows.sum(0))), low, high, int(rows[:, 1].sum()))


def whole_slice(slices: Sequence[SliceChange]) -> SliceChange | None:
    """The slice that holds all entities; None without right tags."""
    return next((change for change in slices if change.slice == ALL), None)


def strict_spans(tags: Sequence[str], labels: Sequence[str]) -> set[Entity]:
    """Strict spans in the scheme of the labels: an `I-` that continues nothing is none, but in IOB1. Tags without a
    scheme are kinds, and those that follow each other one span. IOB1 shows in a kind that has an `I-` and no `B-`,
    which is for entities that follow one of their kind and so is rare.
    """
    marks = {label[:2] for label in labels}
    if not marks & {"B-", "S-", "U-"}:
        return set(find_entities(tags))
    inside = {label[2:] for label in labels if label.startswith("I-")}
    starting = {label[2:] for label in labels if label.startswith("B-")}
    if marks & {"S-", "E-"}:
        scheme = IOBES
    elif marks & {"U-", "L-"}:
        scheme = BILOU
    else:
        scheme = IOB1 if inside - starting else IOB2
    clean = [tag if tag[1:2] == "-" or tag == "O" else "O" for tag in tags]  # [CLS] and the like
    clean = [f"I{tag[1:]}" if tag.startswith("M-") else tag for tag in clean]  # BMES
    (spans,) = Entities([clean], scheme).entities
    return {Entity(span.start, span.end, span.tag) for span in spans}


def _confusions(right: set[Entity], predicted: set[Entity]) -> tuple[int, int, int]:
    """True positives, false positives, misses."""
    return len(right & predicted), len(predicted - right), len(right - predicted)


def _slices(record: Record, entity: Entity, known: frozenset[str] | None) -> Iterator[str]:
    """The slices that an entity belongs to."""
    yield ALL
    yield f"kind {entity.kind}"
    yield f"written {shape(record.words[entity.start])}"
    pieces = sum(record.pieces[entity.start : entity.stop])
    yield "4 or more sub-tokens" if pieces > 3 else f"{pieces} sub-token{'s' if pieces > 1 else ''}"
    length = len(record.words)
    yield f"sentence of {'1 to 10' if length <= 10 else '11 to 25' if length <= 25 else 'over 25'} words"
    if known is not None:
        yield "unseen words" if known.isdisjoint(record.words[entity.start : entity.stop]) else "seen words"


def _right_count(counts: _Counts) -> int:
    return int(sum(row[0] + row[2] for row in counts.rows.values()))


def _f1(sums: Array) -> Array:
    """F1 of columns tp, fp, fn; 0 where there is nothing."""
    tp, fp, fn = sums[..., 0], sums[..., 1], sums[..., 2]
    return np.asarray(2 * tp / np.maximum(2 * tp + fp + fn, 1))


def _slice_change(name: str, counts: _Counts, seed: int) -> SliceChange:
    rows = np.array(list(counts.rows.values()))
    low, high = interval(rows, lambda sums: _f1(sums[..., 3:]) - _f1(sums[..., :3]), seed)
    turned = counts.lost + counts.won
    p = float(stats.binomtest(counts.lost, turned).pvalue) if turned else 1.0
    sums = rows.sum(0)
    # Half the interval is 1.96 standard errors; 80 % power at the same level needs 2.8 of them.
    smallest = (high - low) / 2 * 2.8 / 1.96
    before, after = float(_f1(sums[:3])), float(_f1(sums[3:]))
    return SliceChange(
        slice=name,
        before=before,
        after=after,
        low=low,
        high=high,
        count=_right_count(counts),
        lost=counts.lost,
        won=counts.won,
        p=p,
        q=p,
        smallest=smallest,
    )
