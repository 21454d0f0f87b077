"""What the models say: tags that turned, strict span F1, and in which slices of the entities it moved.

Everything is paired by sentence and resampled by document, as sentences of one are not independent; by sentence where
documents are too few.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy import stats

from interp.gate.evidence import shape
from interp.gate.names import NameCounter, NameLosses
from interp.gate.resample import POWER
from interp.question.tags import OUTSIDE, Entity, kind_of
from interp.records import Record
from interp.scoring import (
    EntityComparison,
    Unit,
    UnitSums,
    compare_entities,
    count_confusions,
    f1,
    interval,
    part_interval,
    unit_of,
)

__all__ = [
    "ALL",
    "KIND",
    "Behaviour",
    "BehaviourChange",
    "Flip",
    "FlipRate",
    "LostEntity",
    "SliceChange",
    "whole_slice",
]

Array = npt.NDArray[np.float64]

MOST_FLIPS = 100
EXAMPLES = 3
"""Lost entities that are kept of every kind."""
ALL = "all"
KIND = "kind "
"""What the slice of a kind begins with."""
LOST = 6
"""Column of a slice's sums."""


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A word whose tag turned; `index` 0 is the first of the sentence."""

    id: str
    words: tuple[str, ...]
    index: int
    baseline: str
    candidate: str
    gold: str | None


@dataclass(frozen=True, kw_only=True)
class LostEntity:
    """A right entity that the baseline finds and the candidate does not; `start` 0 is the first word."""

    id: str
    words: tuple[str, ...]
    """Of the sentence, without those that are not scored."""
    start: int
    stop: int
    kind: str
    candidate: tuple[str | None, ...]
    """What the candidate says of its words; None where its tokeniser reads nothing."""


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
    right_before: int = 0
    """Right in the baseline. Those of them that are `lost` are negative flips (Xie et al., arXiv 2105.03048)."""
    lost_low: float = 0.0
    """Lower end of the 95 % interval of lost / right_before, over documents."""
    lost_high: float = 1.0

    @property
    def lost_part(self) -> float:
        return self.lost / self.right_before if self.right_before else 0.0


@dataclass(frozen=True, kw_only=True)
class BehaviourChange:
    """How far what two models say differs."""

    documents: int
    unit: Unit
    """What intervals are over: sentences where documents are too few."""
    flips: tuple[Flip, ...]
    """The first `MOST_FLIPS` words whose tag turned."""
    flip_rate: FlipRate | None
    """None where there are no words."""
    slices: tuple[SliceChange, ...]
    """Every slice that holds a right entity, all of it first."""
    lost: tuple[LostEntity, ...]
    """The first `EXAMPLES` of every kind, kinds that surely lose most in front."""
    tagged: int
    """Sentences with right tags."""
    left_out: int
    """Words that are not scored: their right tag is unknown, or no tokeniser reads anything of them."""
    names: NameLosses
    foreign_kinds: Mapping[str, int]
    """Right entities of kinds that the models do not have."""
    unused_kinds: tuple[str, ...]
    """Kinds of the models that no right entity has."""


class _SliceCounts:
    """Of the entities of one slice: true positives, false positives and misses of the baseline, then of the candidate,
    and right entities that the baseline alone finds; `won`: that the candidate alone does.
    """

    def __init__(self) -> None:
        self.sums = UnitSums(LOST + 1)
        self.won = 0

    @property
    def lost(self) -> int:
        return int(self.sums.total[LOST])

    @property
    def right(self) -> int:
        hits, _, misses = self.sums.total[:3]
        return int(hits + misses)


class Behaviour:
    """Takes pairs of records one by one; `labels` tell which scheme the models tag in.

    `known`: the words of the training data, where that is given.
    """

    def __init__(self, labels: Sequence[str], known: frozenset[str] | None = None) -> None:
        self._labels, self._known = labels, known
        self._flips: list[Flip] = []
        self._turned = UnitSums(2)  # words that turned, all words
        self._slices: dict[str, _SliceCounts] = defaultdict(_SliceCounts)
        self._lost: dict[str, list[LostEntity]] = defaultdict(list)
        self._names = NameCounter()
        self._gold_kinds: Counter[str] = Counter()
        self._tagged = self._left_out = 0

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
        self._turned.add(baseline.document, baseline.id, (len(turned), len(baseline.tags)))
        if baseline.gold is not None:
            self._tagged += 1
            self._score(baseline, compare_entities(baseline, candidate, baseline.gold, self._labels))

    def result(self, seed: int) -> BehaviourChange:
        unit = unit_of(self._turned.documents)
        own_kinds = {kind_of(label) for label in self._labels if not label.startswith("[")} - {OUTSIDE}
        slices = self._slice_changes(unit, seed)
        return BehaviourChange(
            documents=self._turned.documents,
            unit=unit,
            flips=tuple(self._flips),
            flip_rate=self._flip_rate(unit, seed),
            slices=slices,
            lost=tuple(entity for kind in _losing_kinds(slices) for entity in self._lost[kind]),
            tagged=self._tagged,
            left_out=self._left_out,
            names=self._names.result(),
            foreign_kinds={kind: count for kind, count in self._gold_kinds.most_common() if kind not in own_kinds},
            unused_kinds=tuple(sorted(own_kinds - set(self._gold_kinds))),
        )

    def _score(self, record: Record, entities: EntityComparison) -> None:
        self._left_out += entities.left_out
        self._gold_kinds.update(entity.kind for entity in entities.right)
        right, old, new = entities.right, entities.baseline, entities.candidate
        members: dict[str, set[Entity]] = defaultdict(set)
        for entity in right | old | new:
            for name in _slices_of(entities, entity, self._known):
                members[name].add(entity)
        for name, inside in members.items():
            right_inside, counts = right & inside, self._slices[name]
            sides = (count_confusions(right_inside, side & inside) for side in (old, new))
            lost = len(right_inside & old - new)
            counts.sums.add(record.document, record.id, (*chain.from_iterable(sides), lost))
            counts.won += len(right_inside & new - old)
        for entity in sorted(right & old - new):
            self._keep_lost(record, entities, entity)
        self._names.add(entities.words, right, right & old - new, right & new - old)

    def _keep_lost(self, record: Record, entities: EntityComparison, entity: Entity) -> None:
        kept = self._lost[entity.kind]
        if len(kept) < EXAMPLES:
            kept.append(
                LostEntity(
                    id=record.id,
                    words=entities.words,
                    start=entity.start,
                    stop=entity.stop,
                    kind=entity.kind,
                    candidate=entities.candidate_tags[entity.start : entity.stop],
                )
            )

    def _slice_changes(self, unit: Unit, seed: int) -> tuple[SliceChange, ...]:
        changes = [_slice_change(name, counts, unit, seed) for name, counts in self._slices.items() if counts.right]
        if not changes:
            return ()
        adjusted = stats.false_discovery_control([change.p for change in changes])
        changes = [replace(change, q=float(q)) for change, q in zip(changes, adjusted, strict=True)]
        return tuple(sorted(changes, key=lambda change: (change.slice != ALL, change.slice)))

    def _flip_rate(self, unit: Unit, seed: int) -> FlipRate | None:
        if not self._turned.documents:
            return None

        def rate(sums: Array) -> Array:
            return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1))

        low, high = interval(self._turned.rows(unit), rate, seed, bounds=(0.0, 1.0))
        total = self._turned.total
        return FlipRate(float(rate(total)), low, high, int(total[1]))


def whole_slice(slices: Sequence[SliceChange]) -> SliceChange | None:
    """The slice that holds all entities; None without right tags."""
    return next((change for change in slices if change.slice == ALL), None)


def _losing_kinds(slices: Sequence[SliceChange]) -> list[str]:
    """Kinds, those first that surely lose most."""
    kinds = [change for change in slices if change.slice.startswith(KIND)]
    return [change.slice.removeprefix(KIND) for change in sorted(kinds, key=lambda change: -change.lost_low)]


def _slices_of(entities: EntityComparison, entity: Entity, known: frozenset[str] | None) -> Iterator[str]:
    """The slices that an entity belongs to."""
    yield ALL
    yield f"{KIND}{entity.kind}"
    yield f"written {shape(entities.words[entity.start])}"
    if pieces := sum(entities.pieces[entity.start : entity.stop]):
        yield "4 or more sub-tokens" if pieces > 3 else f"{pieces} sub-token{'s' if pieces > 1 else ''}"
    yield f"sentence of {_length_band(len(entities.words))} words"
    if known is not None:
        yield "unseen words" if known.isdisjoint(entities.words[entity.start : entity.stop]) else "seen words"


def _length_band(words: int) -> str:
    if words <= 10:
        return "1 to 10"
    return "11 to 25" if words <= 25 else "over 25"


def _slice_change(name: str, counts: _SliceCounts, unit: Unit, seed: int) -> SliceChange:
    rows = counts.sums.rows(unit)
    low, high = interval(rows, lambda sums: f1(sums[..., 3:LOST]) - f1(sums[..., :3]), seed)
    lost_low, lost_high = part_interval(rows, part=LOST, whole=0, seed=seed)
    turned = counts.lost + counts.won
    p = float(stats.binomtest(counts.lost, turned).pvalue) if turned else 1.0
    total = counts.sums.total
    return SliceChange(
        slice=name,
        before=float(f1(total[:3])),
        after=float(f1(total[3:LOST])),
        low=low,
        high=high,
        count=counts.right,
        lost=counts.lost,
        won=counts.won,
        p=p,
        q=p,
        smallest=POWER * (high - low) / 2,
        right_before=int(total[0]),
        lost_low=lost_low,
        lost_high=lost_high,
    )
