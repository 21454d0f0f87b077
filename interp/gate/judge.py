"""The gate: two sets of records held against each other, what they nominate probed, everything judged."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from interp.errors import InputError
from interp.gate.behaviour import ALL, Behaviour, SliceChange
from interp.gate.checks import cues, judging
from interp.gate.evidence import Evidence, EvidenceShifts, distance, matched
from interp.gate.floors import Floors
from interp.gate.result import (
    CaseComparison,
    CheckResult,
    CheckStatus,
    CueFinding,
    DataSummary,
    GateResult,
    SideSummary,
    overall,
)
from interp.gate.waivers import Waiver
from interp.probe import (
    Association,
    Cue,
    Nomination,
    Predictor,
    ProbeResult,
    ProbeSettings,
    find_associations,
    frequent_cues,
    merge_nominations,
    probe_models,
)
from interp.project.settings import GateSettings, Threshold
from interp.records import Record, RecordedExplanation, Records, RecordsHeader, why_incomparable
from interp.texts import Sentence
from interp.versions import versions

__all__ = [
    "Criteria",
    "Measurements",
    "ProbePlan",
    "Side",
    "TrainingData",
    "judge_candidate",
    "judge_measurements",
    "measure",
]

LEADERS = 60
"""Words on which evidence shifted most, and cues whose association changed most, that are probed."""
MOST_CASES = 24
PROBING = ProbeSettings()
MOST_SHIFTS = 30
UNCONVERGED = 0.05
"""Part of the integrations that may miss their tolerance before it is worth a word."""


UNREAD = 0.05
"""Part of the sentences that may be unreadable before nothing can be said."""


@dataclass(frozen=True)
class Side:
    """One side: its records, and the model to probe, None where there are only records."""

    records: Records
    predictor: Predictor | None = None


@dataclass(frozen=True)
class TrainingData:
    """What both models were trained on."""

    old: Sequence[Sentence]
    new: Sequence[Sentence]


@dataclass(frozen=True)
class Criteria:
    """What a pair is judged by: limits, floors and waivers of the project, and the seed of all that is drawn."""

    gate: GateSettings = field(default_factory=GateSettings)
    floors: Floors | None = None
    waivers: Sequence[Waiver] = ()
    today: date = field(default_factory=date.today)
    seed: int = 0


@dataclass(frozen=True)
class ProbePlan:
    """What to probe: in `texts` (None: in the cases), how many cues at `most`, and those that `training` data tells."""

    texts: Sequence[Sentence] | None = None
    training: TrainingData | None = None
    probing: ProbeSettings = PROBING
    most: int = 300


def judge_candidate(
    baseline: Side,
    candidate: Side,
    judged: Criteria,
    asked: ProbePlan | None,
    progress: Callable[[float], None] | None = None,
) -> GateResult:
    """Hold a candidate against a baseline; without `asked` nothing is probed. `progress` is told the part done, of 1.

    What cannot be compared gives a result that says so, not an exception.
    """
    why = why_incomparable(baseline.records.about, candidate.records.about)
    labels = [set(each.records.about.model.labels) for each in (baseline, candidate)]
    if why is None and labels[0] != labels[1]:
        why = f"the models have other tags ({', '.join(sorted(labels[0] ^ labels[1]))} on one side only)"
    if why is not None:
        return _incomparable(baseline, candidate, why)
    return judge_measurements(
        baseline,
        candidate,
        found=measure(baseline, candidate, judged=judged, asked=asked, progress=progress),
        judged=judged,
        asked=asked,
    )


def judge_measurements(
    baseline: Side, candidate: Side, found: Measurements, judged: Criteria, asked: ProbePlan | None
) -> GateResult:
    """What was measured of a pair, judged."""
    slices = found.behaviour.slices(judged.seed)
    findings, cues = _cues(found, judged, asked)
    about = baseline.records.about
    rest = _checks(found, slices, judged, len(about.wanted.references))
    checks = {check.name: check for check in (cues, *rest)}
    status = overall(list(checks.values()))
    whole = next((each for each in slices if each.slice == ALL), None)
    return GateResult(
        status=status,
        headline=judging.headline(status, checks),
        advice=(
            *judging.advice(status, checks, findings=findings, gate=judged.gate, today=judged.today),
            *_stale(judged, about),
        ),
        baseline=_side(baseline, whole.before if whole else None),
        candidate=_side(candidate, whole.after if whole else None),
        data=_data(about, found),
        checks=tuple(checks.values()),
        cues=findings,
        evidence=found.shifts.shifts[:MOST_SHIFTS],
        agreement=found.shifts.agreement,
        slices=slices,
        flips=found.behaviour.flips,
        cases=tuple(_beside(baseline.records, candidate.records, findings)),
        waivers=tuple(f"{each.cue} for {each.tag}, until {each.until}: {each.reason}" for each in judged.waivers),
        settings=_settings(judged, about.wanted.references, about.wanted.tolerance, asked),
        versions=versions(),
    )


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """All that is measured of a pair, before any limit. `note` says why there is no probe."""

    behaviour: Behaviour
    shifts: EvidenceShifts
    probed: ProbeResult | None
    links: tuple[Association, ...]
    faults: RecordFaults
    note: str


def measure(
    baseline: Side,
    candidate: Side,
    judged: Criteria,
    asked: ProbePlan | None,
    progress: Callable[[float], None] | None = None,
) -> Measurements:
    """Read both sets of records side by side, then probe what they nominate. The records must be comparable."""
    training = asked.training if asked else None
    known = frozenset(word for each in training.old for word in each.words) if training else None
    behaviour, evidence, faults = Behaviour(baseline.records.about.model.labels, known), Evidence(), RecordFaults()
    clean: list[tuple[str, tuple[str, ...]]] = []
    for one, other in zip(baseline.records, candidate.records, strict=True):
        clean.append((one.id, one.words))
        if faults.comparable(one, other):
            behaviour.add(one, other)
            evidence.add(one, other)
    shifts = evidence.result(judged.floors.spread if judged.floors else None, judged.seed)
    links = tuple(find_associations(training.old, training.new, LEADERS)) if training else ()
    probed, note = None, "Not asked for."
    if asked is not None:
        if asked.texts is not None:
            clean = [(each.id, each.words) for each in asked.texts]
        note = "Records alone cannot be probed: name the models behind them too, or ask for no probe."
        if baseline.predictor and candidate.predictor:
            cues = _nominated(shifts, links, clean, asked.most)
            try:
                usual = judged.floors.usually if judged.floors else _alike
                probed = probe_models(
                    baseline.predictor,
                    candidate.predictor,
                    texts=clean,
                    candidates=cues,
                    probing=asked.probing,
                    progress=progress,
                    usual=usual,
                )
            except InputError as error:
                note = str(error)
    return Measurements(behaviour=behaviour, shifts=shifts, probed=probed, links=links, faults=faults, note=note)


def _cues(found: Measurements, judged: Criteria, asked: ProbePlan | None) -> tuple[tuple[CueFinding, ...], CheckResult]:
    threshold = judged.gate.cues
    if found.probed is None:
        status = CheckStatus.INCONCLUSIVE if asked else CheckStatus.SKIPPED
        return (), CheckResult(name="cues", severity=threshold.severity, status=status, sentence=found.note)
    findings = cues.cue_findings(
        found.probed, found.links, threshold=threshold, floors=judged.floors, waivers=judged.waivers, today=judged.today
    )
    return findings, cues.cue_check(findings, found.probed, threshold)


def _checks(found: Measurements, slices: Sequence[SliceChange], judged: Criteria, references: int) -> list[CheckResult]:
    gate = judged.gate
    return [
        judging.f1_check(slices, gate.f1, judged.floors),
        judging.slice_check(slices, gate.slices),
        judging.flip_check(found.behaviour.flip_rate(judged.seed), gate.flips, judged.floors),
        judging.evidence_check(found.shifts, gate.evidence, references),
        judging.agreement_check(found.shifts, gate.agreement, found.faults.targets),
        found.faults.check(),
    ]


def _stale(judged: Criteria, about: RecordsHeader) -> list[str]:
    if judged.floors is None or judged.floors.baseline == about.model.sha256:
        return []
    return [f"{judged.gate.floors} is of another baseline: calibrate anew where trainings have changed."]


def _alike(_cue: Cue, _kind: str) -> float:
    return 1.0


class RecordFaults:
    """What is wrong with records: counted, and the first of each named."""

    def __init__(self) -> None:
        self.unread = 0
        self._sentences = 0
        self.targets = 0
        self._errors: list[str] = []
        self._unconverged = 0
        self._integrations = 0

    def comparable(self, one: Record, other: Record) -> bool:
        """Whether a pair can be compared."""
        self._sentences += 1
        if one.error or other.error:
            self.unread += 1
            if not (one.error and other.error):
                self._errors.append(f"{one.id} can be read by one model alone: {one.error or other.error}")
            return False
        if not all(math.isfinite(p) for p in (*one.probabilities, *other.probabilities) if p is not None):
            self._errors.append(f"{one.id} holds a probability that is no number")
            return False
        self.targets += len({each.target for each in one.explained})
        for each in (*one.explained, *other.explained):
            self._integrations += 1
            self._unconverged += each.status != "converged"
            if not _sound(each):
                self._errors.append(f"{one.id} holds an attribution that is no number")
                return False
        return True

    def check(self) -> CheckResult:
        if self._errors:
            told = f"{self._errors[0]} ({len(self._errors)} such)."
            return CheckResult(
                name="records", severity="critical", status=CheckStatus.ERROR, sentence=told, count=len(self._errors)
            )
        part = self._unconverged / max(self._integrations, 1)
        told = f"{self._integrations} integrations, {self._unconverged} of them short of their tolerance."
        if self.unread:
            told += f" {self.unread} sentences are left out: neither model can read them."
        status = CheckStatus.WARN if part > UNCONVERGED else CheckStatus.PASS
        if self.unread > UNREAD * self._sentences:
            status = CheckStatus.INCONCLUSIVE
        return CheckResult(
            name="records",
            severity="critical",
            status=status,
            sentence=told,
            unit="unconverged",
            value=part,
            limit=UNCONVERGED,
            count=self._integrations,
        )


def _sound(explained: RecordedExplanation) -> bool:
    """Whether all its numbers are finite."""
    return all(map(math.isfinite, (*explained.attributions, *(value for row in explained.layers for value in row))))


def _nominated(
    shifts: EvidenceShifts, links: Iterable[Association], texts: Sequence[tuple[str, Sequence[str]]], most: int
) -> list[Nomination]:
    """The words on which evidence shifted most, cues whose association with a tag changed, frequent words and pairs."""
    words = dict.fromkeys(each.feature for each in shifts.shifts if each.group == "word")
    leaders = [Nomination(Cue("words", word), "evidence") for word in list(words)[:LEADERS]]
    trained = [each.candidate for each in links]
    return merge_nominations(leaders, trained, frequent_cues([words for _, words in texts], most), most=most)


def _beside(baseline: Records, candidate: Records, findings: Sequence[CueFinding]) -> list[CaseComparison]:
    """The cases to look at: where evidence moved most, those that hold a cue beyond its limit first."""
    cues = {word for each in findings if each.status is CheckStatus.FAIL for word in each.cue.split(" ")}

    def weighed() -> Iterator[tuple[bool, float, int, CaseComparison]]:
        number = 0
        for one, other in zip(baseline, candidate, strict=True):
            seen: set[tuple[int, ...]] = set()
            for mine, theirs in matched(one, other):
                if mine.target in seen:  # the first reference alone is shown
                    continue
                seen.add(mine.target)
                number += 1
                if _sound(mine) and _sound(theirs):
                    away = distance(mine, theirs)
                    yield (
                        not cues.isdisjoint(one.words),
                        away,
                        number,
                        CaseComparison(
                            id=one.id,
                            words=one.words,
                            target=mine.target,
                            tags=mine.tags,
                            reference=mine.reference,
                            distance=away,
                            baseline=mine.attributions,
                            candidate=theirs.attributions,
                            baseline_layers=mine.layers,
                            candidate_layers=theirs.layers,
                        ),
                    )

    return [each for *_, each in heapq.nlargest(MOST_CASES, weighed())]


def _incomparable(baseline: Side, candidate: Side, why: str) -> GateResult:
    told = f"The two sides cannot be held against each other: {why}."
    about = baseline.records.about
    return GateResult(
        status=CheckStatus.INCOMPARABLE,
        headline=told,
        advice=(),
        baseline=_side(baseline, None),
        candidate=_side(candidate, None),
        data=DataSummary(
            fingerprint=about.data, sources=about.sources, sentences=about.sentences, documents=0, targets=0, unread=0
        ),
        checks=(CheckResult(name="records", severity="critical", status=CheckStatus.INCOMPARABLE, sentence=told),),
        versions=versions(),
    )


def _side(opponent: Side, f1: float | None) -> SideSummary:
    model = opponent.records.about.model
    return SideSummary(model.name, model.sha256, f1)


def _data(about: RecordsHeader, found: Measurements) -> DataSummary:
    documents, targets = found.behaviour.documents, found.shifts.cases
    return DataSummary(
        fingerprint=about.data,
        sources=about.sources,
        sentences=about.sentences,
        documents=documents,
        targets=targets,
        unread=found.faults.unread,
    )


def _settings(judged: Criteria, references: Sequence[str], tolerance: float, asked: ProbePlan | None) -> dict[str, str]:
    found = {name: f"{value.limit:g} ({value.severity})" for name, value in judged.gate if isinstance(value, Threshold)}
    found |= {"references": ", ".join(references), "tolerance": f"{tolerance:g}", "seed": f"{judged.seed}"}
    if judged.floors:
        found["benign runs"] = f"{len(judged.floors.runs)}"
    if asked:
        found |= {"sites": f"{asked.probing.measured}", "cues at most": f"{asked.most}"}
    return found
