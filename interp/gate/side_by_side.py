"""The cases to look at: where evidence moved most, under both models."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

from interp.gate.evidence import distance, match_explanations
from interp.gate.record_faults import is_finite
from interp.gate.result import CaseComparison, CheckStatus, CueFinding
from interp.records import Record, Records

__all__ = ["compare_cases"]

MOST_CASES = 24


def compare_cases(baseline: Records, candidate: Records, findings: Sequence[CueFinding]) -> tuple[CaseComparison, ...]:
    """The cases that moved farthest, those that hold a cue beyond its limit first."""
    cue_words = {word for finding in findings if finding.status is CheckStatus.FAIL for word in finding.cue.split(" ")}

    def weight(case: CaseComparison) -> tuple[bool, float]:
        return not cue_words.isdisjoint(case.words), case.distance

    # Of equal weight, later cases come first.
    numbered = enumerate(_comparisons(baseline, candidate))
    weighed = ((*weight(case), number, case) for number, case in numbered)
    return tuple(case for *_, case in heapq.nlargest(MOST_CASES, weighed))


def _comparisons(baseline: Records, candidate: Records) -> Iterator[CaseComparison]:
    for before, after in zip(baseline, candidate, strict=True):
        yield from _comparisons_of(before, after)


def _comparisons_of(before: Record, after: Record) -> Iterator[CaseComparison]:
    """Every target of one sentence that both models give the same tags, under its first reference."""
    seen: set[tuple[int, ...]] = set()
    for old, new in match_explanations(before, after):
        if old.target in seen:
            continue
        seen.add(old.target)
        if is_finite(old) and is_finite(new):
            yield CaseComparison(
                id=before.id,
                words=before.words,
                target=old.target,
                tags=old.tags,
                reference=old.reference,
                distance=distance(old, new),
                baseline=old.attributions,
                candidate=new.attributions,
                baseline_layers=old.layers,
                candidate_layers=new.layers,
            )
