"""In which slices of the entities something moved: strict span F1, what is lost, what is left untagged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from scipy import stats

from interp.gate.resample import POWER
from interp.question.shapes import shape
from interp.question.tags import Entity
from interp.records import Record
from interp.scoring import EntityComparison, Unit, UnitSums, count_confusions, f1, interval, part_interval

__all__ = ["ALL", "KIND", "LostEntity", "SliceChange", "SliceCounter", "losing_kinds", "whole_slice"]

EXAMPLES = 3
"""Lost entities that are kept of every kind."""
ALL = "all"
KIND = "kind "
"""What the slice of a kind begins with."""
LOST = 6
"""Column of a slice's sums."""


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
    right_after: int = 0
    """Right in the candidate."""
    words: int = 0
    """Of the right entities."""
    untagged_before: int = 0
    """Of those words, what the baseline leaves outside of every entity."""
    untagged_after: int = 0

    @property
    def lost_part(self) -> float:
        return self.lost / self.right_before if self.right_before else 0.0

    @property
    def recall_before(self) -> float:
        return self.right_before / self.count

    @property
    def recall_after(self) -> float:
        return self.right_after / self.count


class _SliceCounts:
    """Of the entities of one slice: true positives, false positives and misses of the baseline, then of the candidate,
    and right entities that the baseline alone finds; `won`: that the candidate alone does. `words` of right entities,
    and what either leaves untagged of them.
    """

    def __init__(self) -> None:
        self.sums = UnitSums(LOST + 1)
        self.won = self.words = self.untagged_before = self.untagged_after = 0

    @property
    def lost(self) -> int:
        return int(self.sums.total[LOST])

    @property
    def right(self) -> int:
        hits, _, misses = self.sums.total[:3]
        return int(hits + misses)


class SliceCounter:
    """Takes the entities of one sentence after the other. `known`: the words of the training data, if given."""

    def __init__(self, known: frozenset[str] | None = None) -> None:
        self._known = known
        self._slices: dict[str, _SliceCounts] = defaultdict(_SliceCounts)
        self._lost: dict[str, list[LostEntity]] = defaultdict(list)

    def add(self, record: Record, entities: EntityComparison) -> None:
        right, old, new = entities.right, entities.baseline, entities.candidate
        members: dict[str, set[Entity]] = defaultdict(set)
        for entity in right | old | new:
            for name in _slices_of(entities, entity, self._known):
                members[name].add(entity)
        untagged_before, untagged_after = entities.untagged_by_baseline, entities.untagged_by_candidate
        for name, inside in members.items():
            right_inside, counts = right & inside, self._slices[name]
            sides = (count_confusions(right_inside, side & inside) for side in (old, new))
            lost = len(right_inside & old - new)
            counts.sums.add(record.document, record.id, (*chain.from_iterable(sides), lost))
            counts.won += len(right_inside & new - old)
            words = {index for entity in right_inside for index in range(entity.start, entity.stop)}
            counts.words += len(words)
            counts.untagged_before += len(words & untagged_before)
            counts.untagged_after += len(words & untagged_after)
        for entity in sorted(right & old - new):
            self._keep_lost(record, entities, entity)

    def lost(self, kinds: Sequence[str]) -> tuple[LostEntity, ...]:
        """The first `EXAMPLES` of every kind, kinds in this order."""
        return tuple(entity for kind in kinds for entity in self._lost[kind])

    def changes(self, unit: Unit, seed: int) -> tuple[SliceChange, ...]:
        changes = [_slice_change(name, counts, unit, seed) for name, counts in self._slices.items() if counts.right]
        if not changes:
            return ()
        adjusted = stats.false_discovery_control([change.p for change in changes])
        changes = [replace(change, q=float(q)) for change, q in zip(changes, adjusted, strict=True)]
        return tuple(sorted(changes, key=lambda change: (change.slice != ALL, change.slice)))

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


def whole_slice(slices: Sequence[SliceChange]) -> SliceChange | None:
    """The slice that holds all entities; None without right tags."""
    return next((change for change in slices if change.slice == ALL), None)


def losing_kinds(slices: Sequence[SliceChange]) -> list[str]:
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
        right_after=int(total[3]),
        words=counts.words,
        untagged_before=counts.untagged_before,
        untagged_after=counts.untagged_after,
    )
