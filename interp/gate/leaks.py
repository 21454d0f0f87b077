"""Words of right entities that are left untagged: where a tag hides what must not be read, each of them is a leak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from interp.gate.names import NameCounter, NameLosses
from interp.question.tags import Entity
from interp.records import Record
from interp.scoring import CONFIDENCE, EntityComparison, Unit, UnitSums, interval

__all__ = ["LeakChange", "LeakCounter", "LeakedWord"]

Array = npt.NDArray[np.float64]

MOST_LEAKED = 20
"""Words that are shown."""


@dataclass(frozen=True, kw_only=True)
class LeakedWord:
    """A word of a right entity that the baseline tags and the candidate leaves; `index` 0 is the sentence's first."""

    id: str
    words: tuple[str, ...]
    """Of the sentence, without those that are not scored."""
    index: int
    kind: str
    baseline: str | None
    """Its tag."""


@dataclass(frozen=True, kw_only=True)
class LeakChange:
    """How many words of right entities are left untagged, before and after."""

    costly: tuple[str, ...]
    """Kinds that are counted; all where none is named."""
    kinds: dict[str, int]
    """Words of right entities by kind, of all kinds."""
    words: int
    """Of right entities of those kinds."""
    before: int
    """Of them, what the baseline leaves untagged."""
    after: int
    low: float
    """Lower end of the 95 % interval of (after - before) / words, over documents."""
    high: float
    leaked: int
    """Words that the baseline tags and the candidate leaves."""
    regained: int
    """The other way round."""
    different: NameLosses
    """The same, of words that differ: one that stands everywhere counts once."""
    examples: tuple[LeakedWord, ...]
    """The first `MOST_LEAKED` that leaked."""

    @property
    def rise(self) -> float:
        return (self.after - self.before) / self.words if self.words else 0.0

    @property
    def missing(self) -> tuple[str, ...]:
        """Costly kinds that no right entity has."""
        return tuple(kind for kind in self.costly if kind not in self.kinds)


class LeakCounter:
    """Takes the entities of one sentence after the other; `costly` kinds alone count, all where none is named."""

    def __init__(self, costly: Sequence[str]) -> None:
        self._costly = tuple(dict.fromkeys(costly))
        self._kinds: Counter[str] = Counter()
        self._sums = UnitSums(3)  # words, left by the baseline, left by the candidate
        self._words = NameCounter()
        self._leaked = self._regained = 0
        self._examples: list[LeakedWord] = []

    def add(self, record: Record, entities: EntityComparison) -> None:
        words = {
            Entity(index, index + 1, entity.kind)
            for entity in entities.right
            for index in range(entity.start, entity.stop)
        }
        self._kinds.update(word.kind for word in words)
        words = {word for word in words if not self._costly or word.kind in self._costly}
        untagged_before, untagged_after = entities.untagged_by_baseline, entities.untagged_by_candidate
        before = {word for word in words if word.start in untagged_before}
        after = {word for word in words if word.start in untagged_after}
        self._sums.add(record.document, record.id, (len(words), len(before), len(after)))
        self._words.add(entities.words, words, lost=after - before, won=before - after)
        self._leaked += len(after - before)
        self._regained += len(before - after)
        self._keep(record, entities, after - before)

    def _keep(self, record: Record, entities: EntityComparison, leaked: Set[Entity]) -> None:
        for word in sorted(leaked)[: MOST_LEAKED - len(self._examples)]:
            self._examples.append(
                LeakedWord(
                    id=record.id,
                    words=entities.words,
                    index=word.start,
                    kind=word.kind,
                    baseline=entities.baseline_tags[word.start],
                )
            )

    def result(self, unit: Unit, seed: int) -> LeakChange | None:
        """None where there is no word of a right entity, of whatever kind."""
        if not self._kinds:
            return None
        words, before, after = (int(value) for value in self._sums.total)
        low, high = self._interval(unit, seed)
        return LeakChange(
            costly=self._costly,
            kinds=dict(sorted(self._kinds.items())),
            words=words,
            before=before,
            after=after,
            low=low,
            high=high,
            leaked=self._leaked,
            regained=self._regained,
            different=self._words.result(),
            examples=tuple(self._examples),
        )

    def _interval(self, unit: Unit, seed: int) -> tuple[float, float]:
        """Of the rise, over documents; never narrower than the exact one of the part that leaked, as resampling takes
        what it never saw for impossible.
        """
        words = int(self._sums.total[0])
        if not words:
            return -1.0, 1.0

        def rise(sums: Array) -> Array:
            return np.asarray((sums[..., 2] - sums[..., 1]) / np.maximum(sums[..., 0], 1))

        low, high = interval(self._sums.rows(unit), rise, seed)
        exact = stats.binomtest(self._leaked, words).proportion_ci(CONFIDENCE, method="exact")
        regained = self._regained / words
        return min(low, float(exact.low) - regained), max(high, float(exact.high) - regained)
