"""What intervention confirms: every cue's effect held against what benign trainings do to it, and said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from interp.gate.checks.judging import POWER, WIDE
from interp.gate.floors import Floors
from interp.gate.result import AcceptedWaiver, CheckResult, CheckStatus, CueFinding
from interp.gate.waivers import Waiver, waiver_for
from interp.probe import Association, Cue, Effect, MeasuredCue, Place, ProbeResult
from interp.project.settings import Threshold
from interp.question.tags import kind_of

__all__ = ["cue_check", "cue_findings", "limit_of"]

MOST_ROWS = 20
ASSUMED = 1.0
"""Nats that benign trainings may move a cue by where none are known: MiniLM on CoNLL-2003 did 0.7, small models 0.9."""


def limit_of(cue: Cue, kind: str, threshold: Threshold, floors: Floors | None) -> float:
    """What a cue may move a kind of tag by: what matters, and no less than benign trainings do."""
    floor = floors.cue(cue, kind) if floors else None
    return max(threshold.limit, ASSUMED if floor is None else floor)


def cue_findings(
    probed: ProbeResult,
    links: Sequence[Association],
    threshold: Threshold,
    floors: Floors | None,
    waivers: Sequence[Waiver],
    today: date,
) -> tuple[CueFinding, ...]:
    """What was measured of every cue, those beyond their limit first, accepted ones behind them."""
    by_cue = {link.cue: link for link in links}
    found = []
    for each in probed.found:
        limits = {effect: limit_of(each.cue, effect.kind, threshold, floors) for effect in each.effects}
        nearest = max(limits, key=lambda effect: abs(effect.mean) / limits[effect])
        # An accepted tag must not hide another one that the same cue moves too.
        told = [e for e in limits if e is nearest or _held_effect(e, limits[e]) is not CheckStatus.PASS]
        for effect in told:
            waiver = waiver_for(waivers, each.cue.name, effect.tag, effect.mean)
            waived = (
                None if waiver is None else AcceptedWaiver(waiver.reason, f"{waiver.until}", not waiver.holds(today))
            )
            floor = floors.cue(each.cue, effect.kind) if floors else None
            found.append(
                _finding(each, effect, limit=limits[effect], floor=floor, link=by_cue.get(each.cue), waived=waived)
            )
    order = [CheckStatus.FAIL, CheckStatus.ERROR, CheckStatus.INCONCLUSIVE, CheckStatus.PASS]
    return tuple(
        sorted(found, key=lambda each: (each.accepted, order.index(each.status), -abs(each.effect) / each.limit))
    )


def _finding(
    found: MeasuredCue,
    effect: Effect,
    limit: float,
    floor: float | None,
    link: Association | None,
    waived: AcceptedWaiver | None,
) -> CueFinding:
    finding = CueFinding(
        cue=found.cue.name,
        shown=_shown(found.cue, effect),
        tag=effect.tag,
        place=effect.edit.place.value,
        source=found.source,
        status=_held_effect(effect, limit),
        effect=effect.mean,
        low=effect.low,
        high=effect.high,
        limit=limit,
        floor=floor,
        candidate=effect.candidate,
        baseline=effect.baseline,
        flips=effect.flips,
        count=effect.count,
        example=effect.example,
        waived=waived,
    )
    if link is None or kind_of(link.tag) != effect.kind:
        return finding
    rows = tuple(row.id for row in link.rows if not row.old)
    return replace(
        finding,
        where=link.where,
        trained=link.new,
        trained_count=link.new_count,
        trained_before=link.old,
        trained_before_count=link.old_count,
        rows=rows[:MOST_ROWS],
        row_count=len(rows),
    )


def _held_effect(effect: Effect, limit: float) -> CheckStatus:
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
    return CheckStatus.INCONCLUSIVE if high > WIDE * max(limit, ASSUMED) else CheckStatus.PASS


def _shown(cue: Cue, effect: Effect) -> str:
    return f"that {cue.shown} is missing" if effect.edit.place is Place.GONE else cue.shown


def describe_cue(finding: CueFinding) -> str:
    """What the candidate does, without a full stop."""
    about = f"{finding.shown} for a sign"
    if finding.effect > 0:
        does = f"takes {about} of {finding.tag}"
    elif finding.baseline > -finding.effect / 2:
        does = f"no longer takes {about} of {finding.tag}"
    else:
        does = f"takes {about} against {finding.tag}"
    whose = "flips" if finding.effect > 0 else "the baseline's tag alone flips in"
    return (
        f"The candidate {does}: {finding.effect:+.1f} nats, {whose} {finding.flips} of {finding.count} sentences; "
        f"baseline {finding.baseline:+.1f}"
    )


def cue_check(findings: Sequence[CueFinding], probed: ProbeResult, threshold: Threshold) -> CheckResult:
    left = [each for each in findings if not each.accepted]
    if not left:
        told = "Every cue beyond its limit is accepted." if findings else "No cue could be measured."
        return CheckResult(
            name="cues",
            severity=threshold.severity,
            status=CheckStatus.PASS if findings else CheckStatus.INCONCLUSIVE,
            sentence=told,
            unit="nats",
        )
    worst = left[0]
    if worst.status is CheckStatus.FAIL:
        others = sum(each.status is CheckStatus.FAIL for each in left) - 1
        told = f"{describe_cue(worst)}; {_benign(worst)}."
        told += f" {others} more cue{'s' if others > 1 else ''} did so." if others else ""
    elif worst.status is CheckStatus.INCONCLUSIVE:
        interval = f"{worst.low:+.1f} to {worst.high:+.1f}"
        told = f"{describe_cue(worst)}; {_benign(worst)}. Its interval, {interval}, is too wide."
    else:
        told = (
            f"None of {probed.cues} cues moves a tag beyond its limit; nearest is {worst.shown} on {worst.tag}, "
            f"{worst.effect:+.1f} nats ({_benign(worst)})."
        )
    if accepted := len(findings) - len(left):
        told += f" {accepted} accepted."
    halves = sorted((each.high - each.low) / 2 for each in findings)
    return CheckResult(
        name="cues",
        severity=threshold.severity,
        status=worst.status,
        sentence=told,
        unit="nats",
        value=worst.effect,
        low=worst.low,
        high=worst.high,
        limit=worst.limit,
        floor=worst.floor,
        smallest=POWER * halves[len(halves) // 2],
        count=worst.count,
    )


def _benign(finding: CueFinding) -> str:
    if finding.floor is None:
        return f"limit {finding.limit:.1f}, as no benign models are known (interp gate calibrate)"
    return f"benign models at most {finding.floor:.1f}"
