"""Does the candidate lean on words, kinds of words or layers on which the baseline did not?"""

from __future__ import annotations

from interp.gate.checks.base import why_not_explained
from interp.gate.evidence import Shift
from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus
from interp.project.settings import Threshold

__all__ = ["SMALLEST", "check_evidence"]

SMALLEST = 1.0
"""Cases' worth: between roundings of the same weights a thousandth can be far beyond noise, and means nothing."""


def check_evidence(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """Features on which evidence moved farther than cases and trainings move it."""
    threshold, shifts = criteria.gate.evidence, measurements.shifts.shifts
    if not measurements.explained:
        return _skipped(threshold, why_not_explained(measurements))
    if len(measurements.header.wanted.references) < 2:
        return _skipped(threshold, "A shift counts only if it is there under two references: record with two.")
    if not shifts:
        return _skipped(threshold, "No word stands in enough cases that both models tag alike.")
    beyond_noise = [shift for shift in shifts if abs(shift.z) > threshold.limit and abs(shift.total) >= SMALLEST]
    farthest = _describe(shifts[0])
    return CheckResult(
        name="evidence",
        severity=threshold.severity,
        status=CheckStatus.FAIL if beyond_noise else CheckStatus.PASS,
        sentence=(
            f"Evidence moved beyond noise on {len(beyond_noise)} features, most on {farthest}."
            if beyond_noise
            else f"No evidence moved beyond noise; most on {farthest}."
        ),
        unit="z",
        value=shifts[0].z,
        limit=threshold.limit,
        count=measurements.shifts.cases,
    )


def _describe(shift: Shift) -> str:
    return f"{shift.shown} ({shift.band}), {shift.total:+.1f} cases' worth in {shift.cases} (z {shift.z:+.1f})"


def _skipped(threshold: Threshold, sentence: str) -> CheckResult:
    return CheckResult(name="evidence", severity=threshold.severity, status=CheckStatus.SKIPPED, sentence=sentence)
