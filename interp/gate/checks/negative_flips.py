"""Does the candidate lose what production had right, whatever else it wins? (Xie et al., arXiv 2105.03048)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interp.gate.checks.base import judge_told
from interp.gate.checks.slices import FEWEST
from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus
from interp.gate.slices import ALL, KIND, SliceChange, whole_slice

__all__ = ["check_negative_flips"]


def check_negative_flips(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """Right entities that the baseline finds and the candidate does not, over those that the baseline finds."""
    threshold, slices = criteria.gate.negative_flips, measurements.behaviour.slices
    whole = whole_slice(slices)
    if whole is None or not whole.right_before:
        nothing = "No case has right tags" if whole is None else "The baseline finds no right entity"
        return CheckResult(
            name="negative_flips",
            severity=threshold.severity,
            status=CheckStatus.SKIPPED if whole is None else CheckStatus.INCONCLUSIVE,
            sentence=f"{nothing}, so that none can be lost.",
        )
    floor = criteria.floors.negative_flips if criteria.floors else None
    limit = max(threshold.limit, floor or 0.0)
    status = judge_told(whole.lost_part, whole.lost_low, whole.lost_high, limit, severity=threshold.severity)
    return CheckResult(
        name="negative_flips",
        severity=threshold.severity,
        status=status,
        sentence=_sentence(whole, slices),
        unit="of entities",
        value=whole.lost_part,
        low=whole.lost_low,
        high=whole.lost_high,
        limit=limit,
        floor=floor,
        count=whole.right_before,
    )


def _sentence(whole: SliceChange, slices: Sequence[SliceChange]) -> str:
    sentence = (
        f"{whole.lost} of {whole.right_before} entities that the baseline has right the candidate has wrong "
        f"({whole.lost_part:.1%}, {whole.lost_low:.1%} to {whole.lost_high:.1%})"
    )
    if worst := " and ".join(_worst(slices)):
        sentence += f", most in {worst}"
    return f"{sentence}. Entities that the cases do not hold are not seen."


def _worst(slices: Sequence[SliceChange]) -> Iterator[str]:
    """The kind, and the other slice, of which most is surely lost."""
    judged = [change for change in slices if change.slice != ALL and change.right_before >= FEWEST and change.lost]
    kinds = [change for change in judged if change.slice.startswith(KIND)]
    others = [change for change in judged if not change.slice.startswith(KIND)]
    for group in (kinds, others):
        if group:
            worst = max(group, key=lambda change: (change.lost_low, change.lost_part))
            yield f"{worst.slice} ({worst.lost} of {worst.right_before})"
