"""The gate: two sets of records held against each other, what they nominate probed, everything judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from interp.errors import IncomparableError
from interp.gate.advice import advise, headline, stale_floors
from interp.gate.checks import CHECKS
from interp.gate.checks.cues import find_cues
from interp.gate.comparable import why_not_comparable
from interp.gate.inputs import Criteria, ProbePlan, Side
from interp.gate.measure import Measurements, measure, probe_further
from interp.gate.result import CheckResult, CheckStatus, DataSummary, GateResult, SideSummary, overall
from interp.gate.share_scheme import describe_schemes, share_side_scheme
from interp.gate.side_by_side import compare_cases
from interp.gate.slices import whole_slice
from interp.probe import Cue
from interp.progress import Phase, unwatched_phase
from interp.project.settings import Threshold
from interp.stress import StressPlan
from interp.versions import versions

__all__ = ["judge_candidate", "judge_measurements"]

MOST_SHIFTS = 30
ROUNDS = 2
"""Times that the sentences of a probe are doubled where they were too few to tell."""
MOST_LOST = 3


def judge_candidate(
    baseline: Side,
    candidate: Side,
    criteria: Criteria,
    plan: ProbePlan | None,
    phase: Phase = unwatched_phase,
    stress: StressPlan | None = None,
    has_time: Callable[[], bool] = lambda: True,
) -> GateResult:
    """Hold a candidate against a baseline; without a plan nothing is probed, without `stress` nothing
    written otherwise. `phase` is told how far that is.

    Models that tag in other schemes are told in IOB2. Where cues could not be told for want of sentences, they are
    probed in more as long as `has_time`. What cannot be compared gives a result that says so, not an exception.
    """
    reason = why_not_comparable(baseline, candidate)
    if reason is not None:
        return _incomparable(baseline, candidate, reason)
    shared = share_side_scheme(baseline, candidate)
    if shared != (baseline, candidate):
        result = judge_candidate(*shared, criteria, plan, phase=phase, stress=stress, has_time=has_time)
        settings = {**result.settings, "tags": describe_schemes(baseline, candidate)}
        return replace(result, settings=settings)
    try:
        measurements = measure(baseline, candidate, criteria, plan, phase=phase, stress=stress)
    except IncomparableError as error:
        return _incomparable(baseline, candidate, str(error))
    if plan is not None:
        measurements = _probe_until_told(
            baseline,
            candidate,
            criteria=criteria,
            plan=plan,
            measurements=measurements,
            phase=phase,
            has_time=has_time,
        )
    with phase("judging"):
        return judge_measurements(baseline, candidate, criteria, plan, measurements=measurements)


def _probe_until_told(
    baseline: Side,
    candidate: Side,
    *,
    criteria: Criteria,
    plan: ProbePlan,
    measurements: Measurements,
    phase: Phase,
    has_time: Callable[[], bool],
) -> Measurements:
    """Doubtful cues in more and more sentences, as long as there are sentences and time."""
    for _ in range(ROUNDS):
        cues = _doubtful_cues(measurements, criteria)
        if not cues or not has_time():
            break
        plan = replace(plan, probing=plan.probing.wider)
        further = probe_further(
            baseline, candidate, criteria=criteria, plan=plan, cues=cues, measurements=measurements, phase=phase
        )
        if further is None:
            break
        measurements = further
    return measurements


def _doubtful_cues(measurements: Measurements, criteria: Criteria) -> list[Cue]:
    """Those that too few sentences tell nothing certain of, where no other cue has failed."""
    if measurements.probe is None:
        return []
    findings = find_cues(measurements.probe, measurements.associations, criteria)
    standing = [finding for finding in findings if not finding.accepted]
    if any(finding.status is CheckStatus.FAIL for finding in standing):
        return []
    names = {finding.cue for finding in standing if finding.status is CheckStatus.INCONCLUSIVE}
    return [measured.cue for measured in measurements.probe.measured if measured.cue.name in names]


def judge_measurements(
    baseline: Side, candidate: Side, criteria: Criteria, plan: ProbePlan | None, *, measurements: Measurements
) -> GateResult:
    """What was measured of a pair, judged."""
    checks = {name: check(measurements, criteria) for name, check in CHECKS.items()}
    status = overall(list(checks.values()))
    findings = find_cues(measurements.probe, measurements.associations, criteria) if measurements.probe else ()
    behaviour, shifts = measurements.behaviour, measurements.shifts
    whole = whole_slice(behaviour.slices)
    return GateResult(
        status=status,
        headline=headline(status, checks),
        advice=(*advise(checks, findings, criteria), *stale_floors(criteria, measurements)),
        baseline=_summary(baseline, whole.before if whole else None),
        candidate=_summary(candidate, whole.after if whole else None),
        data=DataSummary(
            fingerprint=measurements.header.data,
            sources=measurements.header.sources,
            sentences=measurements.header.sentences,
            documents=behaviour.documents,
            targets=shifts.cases,
            unread=measurements.faults.unread,
        ),
        checks=tuple(checks.values()),
        cues=findings,
        evidence=shifts.shifts[:MOST_SHIFTS],
        agreement=shifts.agreement,
        slices=behaviour.slices,
        flips=behaviour.flips,
        lost=behaviour.lost[:MOST_LOST],
        leaks=behaviour.leaks,
        stress=measurements.stress,
        cases=compare_cases(baseline.records, candidate.records, findings),
        waivers=tuple(
            f"{waiver.cue} for {waiver.tag}, until {waiver.until}: {waiver.reason}" for waiver in criteria.waivers
        ),
        settings=_settings(criteria, plan, measurements),
        versions=versions(),
    )


def _incomparable(baseline: Side, candidate: Side, reason: str) -> GateResult:
    sentence = f"The two sides cannot be held against each other: {reason}."
    about = baseline.records.about
    return GateResult(
        status=CheckStatus.INCOMPARABLE,
        headline=sentence,
        advice=(),
        baseline=_summary(baseline, None),
        candidate=_summary(candidate, None),
        data=DataSummary(
            fingerprint=about.data, sources=about.sources, sentences=about.sentences, documents=0, targets=0, unread=0
        ),
        checks=(CheckResult(name="records", severity="critical", status=CheckStatus.INCOMPARABLE, sentence=sentence),),
        versions=versions(),
    )


def _summary(side: Side, f1: float | None) -> SideSummary:
    model = side.records.about.model
    return SideSummary(model.name, model.sha256, f1)


def _settings(criteria: Criteria, plan: ProbePlan | None, measurements: Measurements) -> dict[str, str]:
    recorded = measurements.header.wanted
    settings = {
        name: f"{threshold.limit:g} ({threshold.severity})"
        for name, threshold in criteria.gate
        if isinstance(threshold, Threshold)
    }
    settings["references"] = ", ".join(recorded.references)
    settings["tolerance"] = f"{recorded.tolerance:g}"
    settings["seed"] = f"{criteria.seed}"
    if measurements.stress:
        settings["sentences written otherwise"] = f"{measurements.stress.sentences}"
    if criteria.costly:
        settings["costly kinds"] = ", ".join(criteria.costly)
    if criteria.floors:
        settings["benign runs"] = f"{len(criteria.floors.runs)}"
    if plan:
        settings["sites"] = f"{plan.probing.measured}"
        settings["cues at most"] = f"{plan.most}"
    return settings
