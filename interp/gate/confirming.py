"""What intervention confirms: every cue's effect held against what benign trainings do to it, and said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from interp.gate.floors import Floors
from interp.gate.judging import POWER, WIDE
from interp.gate.result import Check, CueFinding, Status, Waived
from interp.gate.waivers import Waiver, waiver_for
from interp.probe import Association, Cue, Effect, Found, Place, Probed
from interp.settings import Threshold
from interp.tags import kind_of

__all__ = ["cue_check", "cue_findings", "limit_of"]

MOST_ROWS = 20
ASSUMED = 1.0
"""Nats that benign trainings may move a cue by where none are known: MiniLM on CoNLL-2003 did 0.7, small models 0.9."""


def limit_of(cue: Cue, kind: str, threshold: Threshold, floors: Floors | None) -> float:
    """What a cue may move a kind of tag by: what matters, and no less than benign trainings do."""
    floor = floors.cue(cue, kind) if floors else None
    return max(threshold.limit, ASSUMED if floor is None else floor)


def cue_findings(
    probed: Probed,
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
        told = [e for e in limits if e is nearest or _held_effect(e, limits[e]) is not Status.PASS]
        for effect in told:
            waiver = waiver_for(waivers, each.cue.name, effect.tag, effect.mean)
            waived = None if waiver is None else Waived(waiver.reason, f"{waiver.until}", not waiver.holds(today))
            floor = floors.cue(each.cue, effect.kind) if floors else None
            found.append(_finding(each, effect, limits[effect], floor, by_cue.get(each.cue), waived))
    order = [Status.FAIL, Status.ERROR, Status.INCONCLUSIVE, Status.PASS]
    return tuple(
        sorted(found, key=lambda each: (each.accepted, order.index(each.status), -abs(each.effect) / each.limit))
    )


def _finding(
    found: Found, effect: Effect, limit: float, floor: float | None, link: Association | None, waived: Waived | None
) -> CueFinding:
    finding = CueFinding(
        found.cue.name,
        _shown(found.cue, effect),
        effect.tag,
        effect.edit.place.value,
        found.source,
        _held_effect(effect, limit),
        effect.mean,
        effect.low,
        effect.high,
        limit,
        floor,
        effect.candidate,
        effect.baseline,
        effect.flips,
        effect.count,
        effect.example,
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


def _held_effect(effect: Effect, limit: float) -> Status:
    """Either sign is a harm: a cue that is leaned on, or one that no longer is.

    The limit is one on means over as many sites, so that their scatter is in it; the interval only has to exclude that
    there is nothing at all. What is within its limit passes unless twice what is assumed of benign models is possible.
    """
    sign = -1 if effect.mean < 0 else 1
    low, high = sorted((sign * effect.low, sign * effect.high))
    if not all(map(math.isfinite, (effect.mean, low, high))):
        return Status.ERROR
    if abs(effect.mean) > limit:
        return Status.FAIL if low > 0 else Status.INCONCLUSIVE
    return Status.INCONCLUSIVE if high > WIDE * max(limit, ASSUMED) else Status.PASS


def _shown(cue: Cue, effect: Effect) -> str:
    return f"that {cue.shown} is missing" if effect.edit.place is Place.GONE else cue.shown


def said(finding: CueFinding) -> str:
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


def cue_check(findings: Sequence[CueFinding], probed: Probed, threshold: Threshold) -> Check:
    left = [each for each in findings if not each.accepted]
    if not left:
        told = "Every cue beyond its limit is accepted." if findings else "No cue could be measured."
        return Check("cues", threshold.severity, Status.PASS if findings else Status.INCONCLUSIVE, told, "nats")
    worst = left[0]
    if worst.status is Status.FAIL:
        others = sum(each.status is Status.FAIL for each in left) - 1
        told = f"{said(worst)}; {_benign(worst)}."
        told += f" {others} more cue{'s' if others > 1 else ''} did so." if others else ""
    elif worst.status is Status.INCONCLUSIVE:
        told = f"{said(worst)}; {_benign(worst)}. Its interval, {worst.low:+.1f} to {worst.high:+.1f}, is too wide."
    else:
        told = (
            f"None of {probed.cues} cues moves a tag beyond its limit; nearest is {worst.shown} on {worst.tag}, "
            f"{worst.effect:+.1f} nats ({_benign(worst)})."
        )
    if accepted := len(findings) - len(left):
        told += f" {accepted} accepted."
    halves = sorted((each.high - each.low) / 2 for each in findings)
    return Check(
        "cues",
        threshold.severity,
        worst.status,
        told,
        "nats",
        worst.effect,
        worst.low,
        worst.high,
        worst.limit,
        worst.floor,
        POWER * halves[len(halves) // 2],
        worst.count,
    )


def _benign(finding: CueFinding) -> str:
    if finding.floor is None:
        return f"limit {finding.limit:.1f}, as no benign models are known (interp gate calibrate)"
    return f"benign models at most {finding.floor:.1f}"
