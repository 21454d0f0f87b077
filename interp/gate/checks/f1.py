"""Does the candidate find fewer of the right entities?"""

from __future__ import annotations

from interp.gate.behaviour import SliceChange, whole_slice
from interp.gate.checks.base import judge_interval
from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus

__all__ = ["check_f1"]

LEAST_F1 = 0.05
"""Of a baseline that has anything to do with the right tags."""


def check_f1(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """Strict span F1 of all entities, its loss held against the limit and what benign trainings lose."""
    threshold = criteria.gate.f1
    whole = whole_slice(measurements.behaviour.slices)
    if whole is None:
        return CheckResult(
            name="f1",
            severity=threshold.severity,
            status=CheckStatus.SKIPPED,
            sentence="No case has right tags, so that F1 cannot be told.",
        )
    if whole.before < LEAST_F1:
        return CheckResult(
            name="f1",
            severity=threshold.severity,
            status=CheckStatus.ERROR,
            sentence=(
                f"The baseline finds next to none of {whole.count} right entities (F1 {whole.before:.3f}): look at the "
                f"column of tags, the names of kinds, and whether the model tags in IOB2, IOB1 or IOBES."
            ),
            unit="F1",
            count=whole.count,
        )
    floor = criteria.floors.f1 if criteria.floors else None
    limit = max(threshold.limit, floor or 0.0)
    change = whole.after - whole.before
    status = judge_interval(-change, -whole.high, -whole.low, limit)
    return CheckResult(
        name="f1",
        severity=threshold.severity,
        status=status,
        sentence=_sentence(whole, status, limit),
        unit="F1",
        value=change,
        low=whole.low,
        high=whole.high,
        limit=limit,
        floor=floor,
        smallest=whole.smallest,
        count=whole.count,
    )


def _sentence(whole: SliceChange, status: CheckStatus, limit: float) -> str:
    change = whole.after - whole.before
    sentence = (
        f"Strict span F1 {whole.before:.3f} → {whole.after:.3f} ({change:+.3f}, {whole.low:+.3f} to {whole.high:+.3f}) "
        f"on {whole.count} entities; {whole.lost} lost, {whole.won} won."
    )
    if status is CheckStatus.INCONCLUSIVE:
        sentence += f" A loss beyond {limit:.3f} can be neither shown nor excluded."
    return sentence
