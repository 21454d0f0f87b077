"""How many words have another tag?"""

from __future__ import annotations

from interp.gate.checks.base import judge_interval
from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus

__all__ = ["check_flips"]


def check_flips(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """The part of the words whose tag turned, held against the limit and what benign trainings turn."""
    threshold, rate = criteria.gate.flips, measurements.behaviour.flip_rate
    if rate is None:
        return CheckResult(
            name="flips",
            severity=threshold.severity,
            status=CheckStatus.INCONCLUSIVE,
            sentence="No sentence can be compared.",
        )
    floor = criteria.floors.flips if criteria.floors else None
    limit = max(threshold.limit, floor or 0.0)
    return CheckResult(
        name="flips",
        severity=threshold.severity,
        status=judge_interval(rate.value, rate.low, rate.high, limit),
        sentence=f"{rate.value:.2%} of {rate.count} words have another tag ({rate.low:.2%} to {rate.high:.2%}).",
        unit="of words",
        value=rate.value,
        low=rate.low,
        high=rate.high,
        limit=limit,
        floor=floor,
        count=rate.count,
    )
