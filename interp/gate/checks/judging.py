"""From what was measured to checks with a status, the headline and what to do next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from shlex import quote

from interp.gate.behaviour import ALL, FlipRate, SliceChange
from interp.gate.evidence import EvidenceShifts
from interp.gate.floors import Floors
from interp.gate.result import CheckResult, CheckStatus, CueFinding
from interp.project.settings import GateSettings, Threshold

__all__ = [
    "POWER",
    "WIDE",
    "advice",
    "agreement_check",
    "evidence_check",
    "f1_check",
    "flip_check",
    "headline",
    "slice_check",
]

FEWEST = 10
"""Right entities of a slice that is judged."""
FOUND = 0.05
"""F1 of a baseline that has anything to do with the right tags."""
FALSE = 0.05
"""Of the slices that are named, the part that may be named by accident."""
WIDE = 2.0
"""Where effects of so many limits cannot be excluded, nothing passes."""
SMALLEST = 1.0
"""Cases' worth: between roundings of the same weights a thousandth can be far beyond noise, and means nothing."""
POWER = 2.8 / 1.96
"""An effect of so many half intervals is seen with 80 % power."""
TERM = timedelta(days=90)
"""How long a waiver is proposed for."""


def judge_interval(value: float, low: float, high: float, limit: float) -> CheckStatus:
    """A harm and its interval against a limit: fail surely beyond, inconclusive perhaps beyond, NaN never passes."""
    if not all(map(math.isfinite, (value, low, high, limit))):
        return CheckStatus.ERROR
    if low > limit:
        return CheckStatus.FAIL
    return CheckStatus.INCONCLUSIVE if value > limit or high > WIDE * limit else CheckStatus.PASS


# --- behaviour


def f1_check(slices: Sequence[SliceChange], threshold: Threshold, floors: Floors | None) -> CheckResult:
    whole = next((each for each in slices if each.slice == ALL), None)
    if whole is None:
        told = "No case has right tags, so that F1 cannot be told."
        return CheckResult(name="f1", severity=threshold.severity, status=CheckStatus.SKIPPED, sentence=told)
    if whole.before < FOUND:
        told = (
            f"The baseline finds next to none of {whole.count} right entities (F1 {whole.before:.3f}): look at the "
            f"column of tags, the names of kinds, and whether the model tags in IOB2, IOB1 or IOBES."
        )
        return CheckResult(
            name="f1",
            severity=threshold.severity,
            status=CheckStatus.ERROR,
            sentence=told,
            unit="F1",
            count=whole.count,
        )
    floor = floors.f1 if floors else None
    limit = max(threshold.limit, floor or 0.0)
    change = whole.after - whole.before
    status = judge_interval(-change, -whole.high, -whole.low, limit)
    told = (
        f"Strict span F1 {whole.before:.3f} → {whole.after:.3f} ({change:+.3f}, {whole.low:+.3f} to {whole.high:+.3f}) "
        f"on {whole.count} entities; {whole.lost} lost, {whole.won} won."
    )
    if status is CheckStatus.INCONCLUSIVE:
        told += f" A loss beyond {limit:.3f} can be neither shown nor excluded."
    return CheckResult(
        name="f1",
        severity=threshold.severity,
        status=status,
        sentence=told,
        unit="F1",
        value=change,
        low=whole.low,
        high=whole.high,
        limit=limit,
        floor=floor,
        smallest=whole.smallest,
        count=whole.count,
    )


def slice_check(slices: Sequence[SliceChange], threshold: Threshold) -> CheckResult:
    """Slices that surely lost more than the limit: by McNemar's test on right entities after Benjamini and Hochberg,
    or by the interval over documents, which sees wrong ones too.
    """
    judged = [each for each in slices if each.slice != ALL and each.count >= FEWEST]
    if not judged:
        told = f"No slice has {FEWEST} right entities."
        return CheckResult(name="slices", severity=threshold.severity, status=CheckStatus.SKIPPED, sentence=told)
    lost = [
        each
        for each in judged
        if each.before - each.after > threshold.limit and (each.q < FALSE or each.high < -threshold.limit)
    ]
    worst = min(lost or judged, key=lambda each: each.after - each.before)
    change = worst.after - worst.before
    which = f"{worst.slice}: F1 {worst.before:.3f} → {worst.after:.3f} on {worst.count} entities (q {worst.q:.2g})"
    told = f"{len(lost)} of {len(judged)} slices lost, most {which}." if lost else f"No slice lost; lowest {which}."
    return CheckResult(
        name="slices",
        severity=threshold.severity,
        status=CheckStatus.FAIL if lost else CheckStatus.PASS,
        sentence=told,
        unit="F1",
        value=change,
        low=worst.low,
        high=worst.high,
        limit=threshold.limit,
        floor=None,
        smallest=worst.smallest,
        count=worst.count,
    )


def flip_check(rate: FlipRate | None, threshold: Threshold, floors: Floors | None) -> CheckResult:
    if rate is None:
        return CheckResult(
            name="flips",
            severity=threshold.severity,
            status=CheckStatus.INCONCLUSIVE,
            sentence="No sentence can be compared.",
        )
    floor = floors.flips if floors else None
    limit = max(threshold.limit, floor or 0.0)
    status = judge_interval(rate.value, rate.low, rate.high, limit)
    told = f"{rate.value:.2%} of {rate.count} words have another tag ({rate.low:.2%} to {rate.high:.2%})."
    return CheckResult(
        name="flips",
        severity=threshold.severity,
        status=status,
        sentence=told,
        unit="of words",
        value=rate.value,
        low=rate.low,
        high=rate.high,
        limit=limit,
        floor=floor,
        count=rate.count,
    )


# --- evidence


def evidence_check(shifts: EvidenceShifts, threshold: Threshold, references: int) -> CheckResult:
    if references < 2:
        told = "A shift counts only if it is there under two references: record with two."
        return CheckResult(name="evidence", severity=threshold.severity, status=CheckStatus.SKIPPED, sentence=told)
    if not shifts.shifts:
        told = "No word stands in enough cases that both models tag alike."
        return CheckResult(name="evidence", severity=threshold.severity, status=CheckStatus.SKIPPED, sentence=told)
    beyond = [each for each in shifts.shifts if abs(each.z) > threshold.limit and abs(each.total) >= SMALLEST]
    top = shifts.shifts[0]
    feature = f"`{top.feature}`" if top.group == "word" else top.feature
    which = f"{feature} ({top.band}), {top.total:+.1f} cases' worth in {top.cases} (z {top.z:+.1f})"
    told = (
        f"Evidence moved beyond noise on {len(beyond)} features, most on {which}."
        if beyond
        else (f"No evidence moved beyond noise; most on {which}.")
    )
    status = CheckStatus.FAIL if beyond else CheckStatus.PASS
    return CheckResult(
        name="evidence",
        severity=threshold.severity,
        status=status,
        sentence=told,
        unit="z",
        value=top.z,
        limit=threshold.limit,
        count=shifts.cases,
    )


def agreement_check(shifts: EvidenceShifts, threshold: Threshold, targets: int) -> CheckResult:
    """Whether explanations have anything to do with each other: seeds move them, but not as far as chance."""
    found = shifts.agreement
    if found is None:
        status = CheckStatus.INCONCLUSIVE if targets else CheckStatus.SKIPPED
        told = "No target has the same tags in both models." if targets else "Nothing was explained."
        return CheckResult(name="agreement", severity=threshold.severity, status=status, sentence=told)
    limit, value = threshold.limit, found.beyond_chance
    if not all(map(math.isfinite, (value, found.low, found.high))):
        status = CheckStatus.ERROR
    elif found.high < limit:
        status = CheckStatus.FAIL
    else:
        status = CheckStatus.INCONCLUSIVE if value < limit or found.low < 0 else CheckStatus.PASS
    told = (
        f"Explanations agree {value:.0%} beyond chance ({found.low:.0%} to {found.high:.0%}; at least {limit:.0%} is "
        f"asked; words in random order have 0 %)."
    )
    return CheckResult(
        name="agreement",
        severity=threshold.severity,
        status=status,
        sentence=told,
        unit="beyond chance",
        value=value,
        low=found.low,
        high=found.high,
        limit=limit,
        count=shifts.cases,
    )


# --- all of it


def headline(status: CheckStatus, checks: Mapping[str, CheckResult]) -> str:
    """The sentence that a report begins with: that of the check which decided, or what was looked at."""
    deciding = [each for each in checks.values() if each.status is status and each.severity == "critical"]
    if status is CheckStatus.WARN:
        deciding = [each for each in checks.values() if each.status not in (CheckStatus.PASS, CheckStatus.SKIPPED)]
    if status is not CheckStatus.PASS and deciding:
        return deciding[0].sentence
    if status is CheckStatus.PASS:
        parts = [checks[name].sentence for name in ("cues", "f1") if checks[name].status is CheckStatus.PASS]
        return " ".join(parts) or status.message
    return status.message


def advice(
    status: CheckStatus,
    checks: Mapping[str, CheckResult],
    findings: Sequence[CueFinding],
    gate: GateSettings,
    today: date,
) -> list[str]:
    """What to do next, the first thing first."""
    found: list[str] = []
    worst = next((each for each in findings if each.status is CheckStatus.FAIL and not each.accepted), None)
    if worst is not None:
        if worst.rows:
            found.append(
                f"Look at the {worst.row_count} rows that the new training data brings it in with "
                f"({worst.trained} of {worst.trained_count} words {worst.where} bear {worst.tag}, before "
                f"{worst.trained_before} of {worst.trained_before_count}): "
                f"{', '.join(worst.rows[:3])}{' …' if worst.row_count > 3 else ''}."
            )
        else:
            found.append(f"Look for {worst.cue} in the candidate's training data; --training OLD NEW names the rows.")
        found.append(f"If it is right, accept it: {_accepting(worst, today)}")
    if checks["cues"].status is CheckStatus.INCONCLUSIVE:
        found.append("Probe in more sentences: --texts, --sites.")
    if checks["f1"].status is CheckStatus.INCONCLUSIVE and (count := checks["f1"].count):
        found.append(f"Give more cases with right tags than {count} entities: --cases.")
    if checks["records"].status is CheckStatus.ERROR:
        found.append("Record anew; where it stays so, the model is broken.")
    if checks["agreement"].status is CheckStatus.FAIL:
        found.append("Look at the cases below: explanations of the same tags have nothing to do with each other.")
    if (
        status is not CheckStatus.PASS
        and checks["cues"].floor is None
        and checks["cues"].status is not CheckStatus.SKIPPED
    ):
        found.append(f"Learn how far harmless trainings differ: interp gate calibrate writes {gate.floors}.")
    return found


def _accepting(finding: CueFinding, today: date) -> str:
    """The command. Cues and tags come from data: they are quoted for a shell."""
    cue, tag = quote(finding.cue), quote(finding.tag)
    options = f"--tag {tag} --effect {finding.effect:+.1f} --reason '…' --until {today + TERM}"
    return f"interp gate accept {options} -- {cue}" if cue.startswith("-") else f"interp gate accept {cue} {options}"
