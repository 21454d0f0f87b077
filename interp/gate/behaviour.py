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

__all__ = ["Behaviour", "Flip", "FlipRate", "SliceChange", "strict_spans"]

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
    """A part with its 95 % interval over documents."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, kw_only=True)
class SliceChange:
    """Strict span F1 of a slice before and after, with the 95 % interval of the difference over documents.

    `count` right entities; `lost` right in the baseline alone, `won` in the candidate alone; `p` of McNemar's exact
    test on those, `q` the same after Benjamini and Hochberg over all slices; `smallest`: the difference that would have
    been seen with 80 % power.
    """

    slice: str
    before: float
    after: float
    low: float
    high: float
    count: int
    lost: int
    won: int
    p: float
    q: float
    smallest: float


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
        self._turned: dict[str, Array] = defaultdict(lambda: np.zeros(2))
        self._slices: dict[str, _Counts] = defaultdict(_Counts)

    @property
    def documents(self) -> int:
        return len(self._turned)

    @property
    def flips(self) -> tuple[Flip, ...]:
        """The first `MOST_FLIPS` of them."""
        return tuple(self._flips)

    def add(self, baseline: Record, candidate: Record) -> None:
        turned = [i for i, (old, new) in enumerate(zip(baseline.tags, candidate.tags, strict=True)) if old != new]
        for index in turned[: MOST_FLIPS - len(self._flips)]:
            gold = baseline.gold[index] if baseline.gold else None
            old, new = str(baseline.tags[index]), str(candidate.tags[index])
            self._flips.append(
                Flip(id=baseline.id, words=baseline.words, index=index, baseline=old, candidate=new, gold=gold)
            )
        self._turned[baseline.document] += (len(turned), len(baseline.tags))
        if baseline.gold is not None:
            self._score(baseline, candidate, baseline.gold)

    def _score(self, baseline: Record, candidate: Record, gold: Sequence[str]) -> None:
        right = set(find_entities(gold))
        old, new = (strict_spans([tag or "O" for tag in each.tags], self._labels) for each in (baseline, candidate))
        members: dict[str, set[Entity]] = defaultdict(set)
        for each in right | old | new:
            for name in _slices(baseline, each, self._known):
                members[name].add(each)
        for name, inside in members.items():
            mine, counts = right & inside, self._slices[name]
            for column, found in ((0, old & inside), (3, new & inside)):
                counts.rows[baseline.document][column : column + 3] += _counted(mine, found)
            counts.lost += len(mine & old - new)
            counts.won += len(mine & new - old)

    def slices(self, seed: int = 0) -> tuple[SliceChange, ...]:
        """Every slice that holds a right entity, all of it first."""
        found = [_moved(name, counts, seed) for name, counts in self._slices.items() if _right(counts)]
        if not found:
            return ()
        adjusted = stats.false_discovery_control([each.p for each in found])
        found = [replace(each, q=float(q)) for each, q in zip(found, adjusted, strict=True)]
        return tuple(sorted(found, key=lambda each: (each.slice != ALL, each.slice)))

    def flip_rate(self, seed: int = 0) -> FlipRate | None:
        """Part of the words whose tag turned; None where there are none."""
        if not self._turned:
            return None
        rows = np.array(list(self._turned.values()))

        def rate(sums: Array) -> Array:
            return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1))

        low, high = interval(rows, rate, seed, bounds=(0.0, 1.0))
        return FlipRate(float(rate(rows.sum(0))), low, high, int(rows[:, 1].sum()))


def strict_spans(tags: Sequence[str], labels: Sequence[str]) -> set[Entity]:
    """Strict spans in the scheme of the labels: an `I-` that continues nothing is none, but in IOB1. Tags without a
    scheme are kinds, and those that follow each other one span. IOB1 shows in a kind that has an `I-` and no `B-`,
    which is for entities that follow one of their kind and so is rare.
    """
    marks = {label[:2] for label in labels}
    inside, starting = ({label[2:] for label in labels if label[:2] == mark} for mark in ("I-", "B-"))
    scheme = IOBES if marks & {"S-", "E-"} else BILOU if marks & {"U-", "L-"} else IOB1 if inside - starting else IOB2
    if not marks & {"B-", "S-", "U-"}:
        return set(find_entities(tags))
    clean = [tag if tag[1:2] == "-" or tag == "O" else "O" for tag in tags]  # [CLS] and the like
    clean = [f"I{tag[1:]}" if tag.startswith("M-") else tag for tag in clean]  # BMES
    return {Entity(each.start, each.end, each.tag) for row in Entities([clean], scheme).entities for each in row}


def _counted(right: set[Entity], found: set[Entity]) -> tuple[int, int, int]:
    return len(right & found), len(found - right), len(right - found)


def _slices(record: Record, each: Entity, known: frozenset[str] | None) -> Iterator[str]:
    """The slices that an entity belongs to."""
    yield ALL
    yield f"kind {each.kind}"
    yield f"written {shape(record.words[each.start])}"
    pieces = sum(record.pieces[each.start : each.stop])
    yield "4 or more sub-tokens" if pieces > 3 else f"{pieces} sub-token{'s' if pieces > 1 else ''}"
    length = len(record.words)
    yield f"sentence of {'1 to 10' if length <= 10 else '11 to 25' if length <= 25 else 'over 25'} words"
    if known is not None:
        yield "unseen words" if known.isdisjoint(record.words[each.start : each.stop]) else "seen words"


def _right(counts: _Counts) -> int:
    return int(sum(row[0] + row[2] for row in counts.rows.values()))


def _f1(sums: Array) -> Array:
    """F1 of columns tp, fp, fn; 0 where there is nothing."""
    tp, fp, fn = sums[..., 0], sums[..., 1], sums[..., 2]
    return np.asarray(2 * tp / np.maximum(2 * tp + fp + fn, 1))


def _moved(name: str, counts: _Counts, seed: int) -> SliceChange:
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
        count=_right(counts),
        lost=counts.lost,
        won=counts.won,
        p=p,
        q=p,
        smallest=smallest,
    )
