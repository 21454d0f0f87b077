"""What a check is, and how a harm with its interval is held against a limit."""

from __future__ import annotations

import math
from typing import Protocol

from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus, Severity
from interp.project.settings import Threshold

__all__ = ["WIDE", "GateCheck", "judge_interval", "judge_told", "unmeasured", "why_not_explained"]

WIDE = 2.0
"""Where effects of so many limits cannot be excluded, nothing passes."""


def why_not_explained(measurements: Measurements) -> str:
    """Of a pair without explanations."""
    if measurements.explained:
        return "Nothing was explained: none of the cases has a target (--explain)."
    return "Nothing was explained: one side at least gives tags alone."


def unmeasured(name: str, threshold: Threshold, *, planned: bool, why: str) -> CheckResult:
    """Of a question that could not be asked, or was not to be."""
    status = CheckStatus.INCONCLUSIVE if planned else CheckStatus.SKIPPED
    return CheckResult(name=name, severity=threshold.severity, status=status, sentence=why)


class GateCheck(Protocol):
    """One question about a pair of models, answered from what was measured of it."""

    def __call__(self, measurements: Measurements, criteria: Criteria, /) -> CheckResult: ...


def judge_interval(value: float, low: float, high: float, limit: float) -> CheckStatus:
    """A harm and its interval against a limit: fail surely beyond, inconclusive perhaps beyond, NaN never passes."""
    if not all(map(math.isfinite, (value, low, high, limit))):
        return CheckStatus.ERROR
    if low > limit:
        return CheckStatus.FAIL
    if value > limit or high > WIDE * limit:
        return CheckStatus.INCONCLUSIVE
    return CheckStatus.PASS


def judge_told(value: float, low: float, high: float, limit: float, *, severity: Severity) -> CheckStatus:
    """The same, but that an advisory check passes however wide its interval is: it stops nobody, and a warning that
    the cases are few would stand in every report.
    """
    status = judge_interval(value, low, high, limit)
    within = status is CheckStatus.INCONCLUSIVE and value <= limit
    return CheckStatus.PASS if within and severity == "advisory" else status
