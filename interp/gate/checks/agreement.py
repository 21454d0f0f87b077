"""Have explanations of the same tags anything to do with each other?"""

from __future__ import annotations

import math

from interp.gate.checks.base import why_not_explained
from interp.gate.evidence import EvidenceAgreement
from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus

__all__ = ["check_agreement"]


def check_agreement(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """Seeds move explanations, but not as far as chance: less agreement than the limit is a broken model."""
    threshold, agreement = criteria.gate.agreement, measurements.shifts.agreement
    if agreement is None:
        explained = measurements.explained and measurements.faults.targets > 0
        return CheckResult(
            name="agreement",
            severity=threshold.severity,
            status=CheckStatus.INCONCLUSIVE if explained else CheckStatus.SKIPPED,
            sentence="No target has the same tags in both models." if explained else why_not_explained(measurements),
        )
    return CheckResult(
        name="agreement",
        severity=threshold.severity,
        status=_judge(agreement, threshold.limit),
        sentence=(
            f"Explanations agree {agreement.beyond_chance:.0%} beyond chance ({agreement.low:.0%} to "
            f"{agreement.high:.0%}; at least {threshold.limit:.0%} is asked; words in random order have 0 %)."
        ),
        unit="beyond chance",
        value=agreement.beyond_chance,
        low=agreement.low,
        high=agreement.high,
        limit=threshold.limit,
        count=measurements.shifts.cases,
    )


def _judge(agreement: EvidenceAgreement, limit: float) -> CheckStatus:
    if not all(map(math.isfinite, (agreement.beyond_chance, agreement.low, agreement.high))):
        return CheckStatus.ERROR
    if agreement.high < limit:
        return CheckStatus.FAIL
    if agreement.beyond_chance < limit or agreement.low < 0:
        return CheckStatus.INCONCLUSIVE
    return CheckStatus.PASS
