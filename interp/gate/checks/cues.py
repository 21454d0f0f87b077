"""What intervention confirms: every cue's effect held against what benign trainings do to it, and said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median_high

from interp.errors import counted
from interp.gate.amounts import amount, with_unit
from interp.gate.checks.base import WIDE, unmeasured
from interp.gate.inputs import ASSUMED, Criteria
from interp.gate.measure import Measurements
from interp.gate.resample import POWER
from interp.gate.result import AcceptedWaiver, CheckResult, CheckStatus, CueFinding
from interp.gate.waivers import waiver_for
from interp.probe import Association, Cue, Effect, MeasuredCue, Place, ProbeResult
from interp.project.settings import Threshold
from interp.question.tags import kind_of

__all__ = ["check_cues", "find_cues", "judge_cues", "limit_of"]

MOST_ROWS = 20
CONFIDENCE = 0.99
"""That no cue of a pair which differs in nothing but its training is beyond what its controls say."""
_ORDER = (CheckStatus.FAIL, CheckStatus.ERROR, CheckStatus.INCONCLUSIVE, CheckStatus.PASS)


def check_cues(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """Whether any word, ending, form or place became, or ceased to be, a sign of a tag."""
    threshold, probe = criteria.gate.cues, measurements.probe
    if probe is None:
        return unmeasured("cues", threshold, planned=measurements.probe_planned, why=measurements.why_not_probed)
    return judge_cues(find_cues(probe, measurements.associations, criteria), probe, threshold)


def limit_of(cue: Cue, effect: Effect, criteria: Criteria) -> float:
    """What a cue may move a tag by: what matters, no less than benign trainings do, and than its controls."""
    least = criteria.least_effect(cue, effect.kind, effect.unit)
    return least if effect.controls is None else max(least, effect.controls.limit(effect.mean, CONFIDENCE))


def find_cues(probe: ProbeResult, associations: Sequence[Association], criteria: Criteria) -> tuple[CueFinding, ...]:
    """What was measured of every cue, those beyond their limit first, accepted ones behind them."""
    by_cue = {association.cue: association for association in associations}
    findings = [
        _finding(measured, effect, by_cue.get(measured.cue), criteria)
        for measured in probe.measured
        for effect in _telling_effects(measured, criteria)
    ]
    return tuple(sorted(findings, key=_weight))


def _weight(finding: CueFinding) -> tuple[bool, int, float]:
    return finding.accepted, _ORDER.index(finding.status), -abs(finding.effect) / finding.limit


def _telling_effects(measured: MeasuredCue, criteria: Criteria) -> Iterator[Effect]:
    """The effect nearest to its limit, and all that are beyond theirs: an accepted tag must not hide another one that
    the same cue moves too.
    """
    limits = {effect: limit_of(measured.cue, effect, criteria) for effect in measured.effects}
    nearest = max(limits, key=lambda effect: abs(effect.mean) / limits[effect])
    for effect, limit in limits.items():
        if effect is nearest or _judge(effect, limit) is not CheckStatus.PASS:
            yield effect


def _finding(measured: MeasuredCue, effect: Effect, association: Association | None, criteria: Criteria) -> CueFinding:
    cue, limit = measured.cue, limit_of(measured.cue, effect, criteria)
    finding = CueFinding(
        cue=cue.name,
        shown=f"that {cue.shown} is missing" if effect.edit.place is Place.GONE else cue.shown,
        tag=effect.tag,
        place=effect.edit.place.value,
        source=measured.source,
        status=_judge(effect, limit),
        unit=effect.unit,
        effect=effect.mean,
        low=effect.low,
        high=effect.high,
        limit=limit,
        floor=criteria.floor_of(cue, effect.kind, effect.unit),
        controls=len(effect.controls.effects) if effect.controls else 0,
        candidate=effect.candidate,
        baseline=effect.baseline,
        flips=effect.flips,
        count=effect.count,
        example=effect.example,
        waived=_waived(cue, effect, criteria),
    )
    if association is None or kind_of(association.tag) != effect.kind:
        return finding
    new_rows = tuple(row.id for row in association.rows if not row.old)
    return replace(
        finding,
        where=association.where,
        trained=association.new,
        trained_count=association.new_count,
        trained_before=association.old,
        trained_before_count=association.old_count,
        rows=new_rows[:MOST_ROWS],
        row_count=len(new_rows),
    )


def _waived(cue: Cue, effect: Effect, criteria: Criteria) -> AcceptedWaiver | None:
    waiver = waiver_for(criteria.waivers, cue.name, effect.tag, effect.mean)
    if waiver is None:
        return None
    return AcceptedWaiver(waiver.reason, f"{waiver.until}", expired=not waiver.holds(criteria.today))


def _judge(effect: Effect, limit: float) -> CheckStatus:
    """Either sign is a harm: a cue that is leaned on, or one that no longer is.

    The limit is one on means over as many sites, so that their scatter is in it; the interval only has to exclude that
    there is nothing at all. What is within its limit passes unless twice what is assumed of benign models is possible.
    """
    sign = -1 if effect.mean < 0 else 1
    low, high = sorted((sign * effect.low, sign * effect.high))
    if not all(map(math.isfinite, (effect.mean, low, high))):
        return CheckStatus.ERROR
    if abs(effect.mean) > limit:
        return CheckStatus.FAIL if low > 0 else CheckStatus.INCONCLUSIVE
    return CheckStatus.INCONCLUSIVE if high > WIDE * max(limit, ASSUMED[effect.unit]) else CheckStatus.PASS


def judge_cues(findings: Sequence[CueFinding], probe: ProbeResult, threshold: Threshold) -> CheckResult:
    """The check, by the worst finding that nobody accepted."""
    open_findings = [finding for finding in findings if not finding.accepted]
    if not open_findings:
        return CheckResult(
            name="cues",
            severity=threshold.severity,
            status=CheckStatus.PASS if findings else CheckStatus.INCONCLUSIVE,
            sentence="Every cue beyond its limit is accepted." if findings else "No cue could be measured.",
            unit=findings[0].unit if findings else "",
        )
    worst = open_findings[0]
    sentence = _sentence(worst, open_findings, probe)
    if accepted := len(findings) - len(open_findings):
        sentence += f" {accepted} accepted."
    half_interval = median_high((finding.high - finding.low) / 2 for finding in findings)
    return CheckResult(
        name="cues",
        severity=threshold.severity,
        status=worst.status,
        sentence=sentence,
        unit=worst.unit,
        value=worst.effect,
        low=worst.low,
        high=worst.high,
        limit=worst.limit,
        floor=worst.floor,
        smallest=POWER * half_interval,
        count=worst.count,
    )


def _sentence(worst: CueFinding, open_findings: Sequence[CueFinding], probe: ProbeResult) -> str:
    if worst.status is CheckStatus.FAIL:
        more = sum(finding.status is CheckStatus.FAIL for finding in open_findings) - 1
        sentence = f"{_behaviour(worst)}; {_benign(worst)}."
        return f"{sentence} {counted(more, 'more cue')} did so." if more else sentence
    if worst.status is CheckStatus.INCONCLUSIVE:
        interval = f"{amount(worst.low, worst.unit)} to {amount(worst.high, worst.unit)}"
        return f"{_behaviour(worst)}; {_benign(worst)}. Its interval, {interval}, is too wide."
    return (
        f"None of {probe.cues} proposed cues moves a tag beyond its limit; nearest is {worst.shown} on {worst.tag}, "
        f"{with_unit(worst.effect, worst.unit)} ({_benign(worst)}). What nobody proposes is not seen."
    )


def _behaviour(finding: CueFinding) -> str:
    """What the candidate does, without a full stop."""
    sign = f"{finding.shown} for a sign"
    if finding.effect > 0:
        does = f"takes {sign} of {finding.tag}"
    elif finding.baseline > -finding.effect / 2:
        does = f"no longer takes {sign} of {finding.tag}"
    else:
        does = f"takes {sign} against {finding.tag}"
    whose = "flips" if finding.effect > 0 else "the baseline's tag alone flips in"
    return (
        f"The candidate {does}: {with_unit(finding.effect, finding.unit)}, {whose} {finding.flips} of {finding.count} "
        f"sentences; baseline {amount(finding.baseline, finding.unit)}"
    )


def _benign(finding: CueFinding) -> str:
    """What the effect is held against."""
    limit = amount(finding.limit, finding.unit).removeprefix("+")
    if finding.floor is not None:
        floor = f"benign models at most {amount(finding.floor, finding.unit).removeprefix('+')}"
        beyond_floor = finding.controls and finding.limit > finding.floor
        return f"{floor}, {finding.controls} words like it below {limit}" if beyond_floor else floor
    if finding.controls:
        return f"limit {limit}, which {finding.controls} words like it stay below"
    calibrating = ", as no benign models are known (interp gate calibrate)" if finding.unit == "nats" else ""
    return f"limit {limit}{calibrating}"
