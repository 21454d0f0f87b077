"""What the models say: tags that turned, strict span F1, and in which slices of the entities it moved.

Everything is paired by sentence and resampled by document, as sentences of one are not independent; by sentence where
documents are too few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from interp.gate.leaks import LeakChange, LeakCounter
from interp.gate.names import NameCounter, NameLosses
from interp.gate.slices import LostEntity, SliceChange, SliceCounter, losing_kinds
from interp.question.tags import OUTSIDE, kind_of
from interp.records import Record
from interp.scoring import (
    EntityComparison,
    Unit,
    UnitSums,
    compare_entities,
    interval,
    unit_of,
)

__all__ = ["Behaviour", "BehaviourChange", "Flip", "FlipRate"]

Array = npt.NDArray[np.float64]

MOST_FLIPS = 100


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
    """Some of every kind, kinds that surely lose most in front."""
    leaks: LeakChange | None
    """None where there is no word of a right entity."""
    tagged: int
    """Sentences with right tags."""
    left_out: int
    """Words that are not scored: their right tag is unknown, or no tokeniser reads anything of them."""
    names: NameLosses
    foreign_kinds: Mapping[str, int]
    """Right entities of kinds that the models do not have."""
    unused_kinds: tuple[str, ...]
    """Kinds of the models that no right entity has."""


class Behaviour:
    """Takes pairs of records one by one; `labels` tell which scheme the models tag in.

    `known`: the words of the training data, where that is given. `costly`: the kinds of which leaks are counted, all
    where none is named.
    """

    def __init__(self, labels: Sequence[str], known: frozenset[str] | None = None, costly: Sequence[str] = ()) -> None:
        self._labels = labels
        self._flips: list[Flip] = []
        self._turned = UnitSums(2)  # words that turned, all words
        self._slices = SliceCounter(known)
        self._leaks = LeakCounter(costly)
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
        slices = self._slices.changes(unit, seed)
        return BehaviourChange(
            documents=self._turned.documents,
            unit=unit,
            flips=tuple(self._flips),
            flip_rate=self._flip_rate(unit, seed),
            slices=slices,
            lost=self._slices.lost(losing_kinds(slices)),
            leaks=self._leaks.result(unit, seed),
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
        self._slices.add(record, entities)
        self._leaks.add(record, entities)
        self._names.add(entities.words, right, right & old - new, right & new - old)

    def _flip_rate(self, unit: Unit, seed: int) -> FlipRate | None:
        if not self._turned.documents:
            return None

        def rate(sums: Array) -> Array:
            return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1))

        low, high = interval(self._turned.rows(unit), rate, seed, bounds=(0.0, 1.0))
        total = self._turned.total
        return FlipRate(float(rate(total)), low, high, int(total[1]))
