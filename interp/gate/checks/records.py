"""Are the records of both models sound?"""

from __future__ import annotations

from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus

__all__ = ["check_records"]

UNCONVERGED = 0.05
"""Part of the integrations that may miss their tolerance before it is worth a word."""
UNREAD = 0.05
"""Part of the sentences that may be unreadable before nothing can be said."""


def check_records(measurements: Measurements, _criteria: Criteria) -> CheckResult:
    """Sentences that one model alone can read and numbers that are none are errors."""
    faults = measurements.faults
    if faults.errors:
        return CheckResult(
            name="records",
            severity="critical",
            status=CheckStatus.ERROR,
            sentence=f"{faults.errors[0]} ({len(faults.errors)} such).",
            count=len(faults.errors),
        )
    sentence = f"{faults.integrations} integrations, {faults.unconverged} of them short of their tolerance."
    if not measurements.explained:
        sentence = f"{faults.sentences} sentences tagged."
    if faults.unread:
        sentence += f" {faults.unread} sentences are left out: neither model can read them."
    unconverged_part = faults.unconverged / max(faults.integrations, 1)
    if faults.unread > UNREAD * faults.sentences:
        status = CheckStatus.INCONCLUSIVE
    else:
        status = CheckStatus.WARN if unconverged_part > UNCONVERGED else CheckStatus.PASS
    return CheckResult(
        name="records",
        severity="critical",
        status=status,
        sentence=sentence,
        unit="unconverged",
        value=unconverged_part,
        limit=UNCONVERGED,
        count=faults.integrations,
    )
