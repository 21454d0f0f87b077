"""Does it find fewer of some sort of entity, even where all together did not move?"""

from __future__ import annotations

from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus
from interp.gate.slices import ALL, SliceChange

__all__ = ["check_slices"]

FEWEST = 10
"""Right entities of a slice that is judged."""
FALSE_DISCOVERIES = 0.05
"""Of the slices that are named, the part that may be named by accident."""


def check_slices(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """Slices that surely lost more than the limit: by McNemar's test on right entities after Benjamini and Hochberg,
    or by the interval over documents, which sees wrong ones too.
    """
    threshold = criteria.gate.slices
    judged = [change for change in measurements.behaviour.slices if change.slice != ALL and change.count >= FEWEST]
    if not judged:
        return CheckResult(
            name="slices",
            severity=threshold.severity,
            status=CheckStatus.SKIPPED,
            sentence=f"No slice has {FEWEST} right entities.",
        )
    losing = [change for change in judged if _is_lost(change, threshold.limit)]
    worst = min(losing or judged, key=lambda change: change.after - change.before)
    description = (
        f"{worst.slice}: F1 {worst.before:.3f} → {worst.after:.3f} on {worst.count} entities (q {worst.q:.2g})"
    )
    return CheckResult(
        name="slices",
        severity=threshold.severity,
        status=CheckStatus.FAIL if losing else CheckStatus.PASS,
        sentence=(
            f"{len(losing)} of {len(judged)} slices lost, most {description}."
            if losing
            else f"No slice lost; lowest {description}."
        ),
        unit="F1",
        value=worst.after - worst.before,
        low=worst.low,
        high=worst.high,
        limit=threshold.limit,
        smallest=worst.smallest,
        count=worst.count,
    )


def _is_lost(change: SliceChange, limit: float) -> bool:
    beyond_chance = change.q < FALSE_DISCOVERIES or change.high < -limit
    return change.before - change.after > limit and beyond_chance
