"""Does the candidate lose more than production where the same sentences are written otherwise?"""

from __future__ import annotations

from collections.abc import Sequence

from interp.errors import counted
from interp.gate.checks.base import WIDE, unmeasured
from interp.gate.checks.slices import FALSE_DISCOVERIES, FEWEST
from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.resample import POWER
from interp.gate.result import CheckResult, CheckStatus
from interp.project.settings import Threshold
from interp.stress import StressResult, VariantChange

__all__ = ["check_stress"]


def check_stress(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """Variants on which the candidate surely loses more than the limit beside what the baseline loses."""
    threshold, stress = criteria.gate.stress, measurements.stress
    if stress is None:
        return unmeasured("stress", threshold, planned=measurements.stress_planned, why=measurements.why_not_stressed)
    judged = [change for change in stress.variants if change.entities >= FEWEST]
    if not judged:
        return CheckResult(
            name="stress",
            severity=threshold.severity,
            status=CheckStatus.INCONCLUSIVE,
            sentence=f"No way of writing changes sentences with {FEWEST} right entities: give more cases.",
        )
    beyond = [change for change in judged if _is_beyond(change, threshold.limit)]
    worst = (beyond or judged)[0]
    return CheckResult(
        name="stress",
        severity=threshold.severity,
        status=CheckStatus.FAIL if beyond else _judge_rest(judged, threshold),
        sentence=_sentence(worst, beyond, stress, threshold.limit),
        unit="F1",
        value=worst.change,
        low=worst.low,
        high=worst.high,
        limit=threshold.limit,
        smallest=POWER * (worst.high - worst.low) / 2,
        count=worst.entities,
    )


def _is_beyond(change: VariantChange, limit: float) -> bool:
    return -change.change > limit and change.q < FALSE_DISCOVERIES


def _judge_rest(judged: Sequence[VariantChange], threshold: Threshold) -> CheckStatus:
    """An advisory check says what it saw; a critical one passes only if it can exclude twice the limit everywhere."""
    if threshold.severity == "advisory":
        return CheckStatus.PASS
    limit = threshold.limit
    open_ended = any(-change.change > limit or -change.low > WIDE * limit for change in judged)
    return CheckStatus.INCONCLUSIVE if open_ended else CheckStatus.PASS


def _sentence(worst: VariantChange, beyond: Sequence[VariantChange], stress: StressResult, limit: float) -> str:
    scores = (
        f"F1 {worst.candidate_plain:.3f} → {worst.candidate:.3f}, baseline {worst.baseline_plain:.3f} → "
        f"{worst.baseline:.3f}; {worst.entities} entities, q {worst.q:.2g}"
    )
    if beyond:
        sentence = f"Sentences {worst.variant} cost the candidate {-worst.change:.3f} more ({scores})."
        if more := len(beyond) - 1:
            sentence += f" {counted(more, 'more way')} of writing did so."
    else:
        sentence = (
            f"None of {len(stress.variants)} ways of writing {stress.sentences} of {stress.of} sentences surely costs "
            f"the candidate {limit:g} more F1 than the baseline; worst are those {worst.variant} ({scores})."
        )
    if stress.right == "baseline":
        sentence += " Right is what the baseline says of the plain ones, as nobody gave right tags: that is stability."
    return f"{sentence} Other noise is not seen, nor {'; nor '.join(stress.untried)}."
