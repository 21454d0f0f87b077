"""The gate: two sets of records held against each other, what they nominate probed, everything judged."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from interp.errors import InputError
from interp.gate import confirming, judging
from interp.gate.behaviour import ALL, Behaviour, SliceMoved
from interp.gate.evidence import Evidence, Shifts, distance, matched
from interp.gate.floors import Floors
from interp.gate.result import Beside, Check, CueFinding, Data, Result, Side, Status, overall
from interp.gate.waivers import Waiver
from interp.probe import (
    Association,
    Candidate,
    Cue,
    Predictor,
    Probed,
    Probing,
    associations,
    frequent,
    merged,
    probe,
)
from interp.records import About, Explained, Record, Records, incomparable
from interp.settings import Gate, Threshold
from interp.texts import Sentence
from interp.versions import versions

__all__ = ["Asked", "Judged", "Measured", "Opponent", "Training", "judge", "measure", "result_of"]

LEADERS = 60
"""Words on which evidence shifted most, and cues whose association changed most, that are probed."""
MOST_CASES = 24
PROBING = Probing()
MOST_SHIFTS = 30
UNCONVERGED = 0.05
"""Part of the integrations that may miss their tolerance before it is worth a word."""


UNREAD = 0.05
"""Part of the sentences that may be unreadable before nothing can be said."""


@dataclass(frozen=True)
class Opponent:
    """One side: its records, and the model to probe, None where there are only records."""

    records: Records
    predictor: Predictor | None = None


@dataclass(frozen=True)
class Training:
    """What both models were trained on."""

    old: Sequence[Sentence]
    new: Sequence[Sentence]


@dataclass(frozen=True)
class Judged:
    """What a pair is judged by: limits, floors and waivers of the project, and the seed of all that is drawn."""

    gate: Gate = field(default_factory=Gate)
    floors: Floors | None = None
    waivers: Sequence[Waiver] = ()
    today: date = field(default_factory=date.today)
    seed: int = 0


@dataclass(frozen=True)
class Asked:
    """What to probe: in `texts` (None: in the cases), how many cues at `most`, and those that `training` data tells."""

    texts: Sequence[Sentence] | None = None
    training: Training | None = None
    probing: Probing = PROBING
    most: int = 300


def judge(
    baseline: Opponent,
    candidate: Opponent,
    judged: Judged,
    asked: Asked | None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Hold a candidate against a baseline; without `asked` nothing is probed. `progress` is told the part done, of 1.

    What cannot be compared gives a result that says so, not an exception.
    """
    why = incomparable(baseline.records.about, candidate.records.about)
    labels = [set(each.records.about.model.labels) for each in (baseline, candidate)]
    if why is None and labels[0] != labels[1]:
        why = f"the models have other tags ({', '.join(sorted(labels[0] ^ labels[1]))} on one side only)"
    if why is not None:
        return _incomparable(baseline, candidate, why)
    return result_of(baseline, candidate, measure(baseline, candidate, judged, asked, progress), judged, asked)


def result_of(baseline: Opponent, candidate: Opponent, found: Measured, judged: Judged, asked: Asked | None) -> Result:
    """What was measured of a pair, judged."""
    slices = found.behaviour.slices(judged.seed)
    findings, cues = _cues(found, judged, asked)
    about = baseline.records.about
    rest = _checks(found, slices, judged, len(about.wanted.references))
    checks = {check.name: check for check in (cues, *rest)}
    status = overall(list(checks.values()))
    whole = next((each for each in slices if each.slice == ALL), None)
    return Result(
        status,
        judging.headline(status, checks),
        (*judging.advice(status, checks, findings, judged.gate, judged.today), *_stale(judged, about)),
        _side(baseline, whole.before if whole else None),
        _side(candidate, whole.after if whole else None),
        _data(about, found),
        tuple(checks.values()),
        findings,
        found.shifts.shifts[:MOST_SHIFTS],
        found.shifts.agreement,
        slices,
        found.behaviour.flips,
        tuple(_beside(baseline.records, candidate.records, findings)),
        tuple(f"{each.cue} for {each.tag}, until {each.until}: {each.reason}" for each in judged.waivers),
        _settings(judged, about.wanted.references, about.wanted.tolerance, asked),
        versions(),
    )


@dataclass(frozen=True)
class Measured:
    """All that is measured of a pair, before any limit. `note` says why there is no probe."""

    behaviour: Behaviour
    shifts: Shifts
    probed: Probed | None
    links: tuple[Association, ...]
    faults: Faults
    note: str


def measure(
    baseline: Opponent,
    candidate: Opponent,
    judged: Judged,
    asked: Asked | None,
    progress: Callable[[float], None] | None = None,
) -> Measured:
    """Read both sets of records side by side, then probe what they nominate. The records must be comparable."""
    training = asked.training if asked else None
    known = frozenset(word for each in training.old for word in each.words) if training else None
    behaviour, evidence, faults = Behaviour(baseline.records.about.model.labels, known), Evidence(), Faults()
    clean: list[tuple[str, tuple[str, ...]]] = []
    for one, other in zip(baseline.records, candidate.records, strict=True):
        clean.append((one.id, one.words))
        if faults.comparable(one, other):
            behaviour.add(one, other)
            evidence.add(one, other)
    shifts = evidence.result(judged.floors.spread if judged.floors else None, judged.seed)
    links = tuple(associations(training.old, training.new, LEADERS)) if training else ()
    probed, note = None, "Not asked for."
    if asked is not None:
        if asked.texts is not None:
            clean = [(each.id, each.words) for each in asked.texts]
        note = "Records alone cannot be probed: name the models behind them too, or ask for no probe."
        if baseline.predictor and candidate.predictor:
            cues = _nominated(shifts, links, clean, asked.most)
            try:
                usual = judged.floors.usually if judged.floors else _alike
                probed = probe(baseline.predictor, candidate.predictor, clean, cues, asked.probing, progress, usual)
            except InputError as error:
                note = str(error)
    return Measured(behaviour, shifts, probed, links, faults, note)


def _cues(found: Measured, judged: Judged, asked: Asked | None) -> tuple[tuple[CueFinding, ...], Check]:
    threshold = judged.gate.cues
    if found.probed is None:
        status = Status.INCONCLUSIVE if asked else Status.SKIPPED
        return (), Check("cues", threshold.severity, status, found.note)
    findings = confirming.cue_findings(
        found.probed, found.links, threshold, judged.floors, judged.waivers, judged.today
    )
    return findings, confirming.cue_check(findings, found.probed, threshold)


def _checks(found: Measured, slices: Sequence[SliceMoved], judged: Judged, references: int) -> list[Check]:
    gate = judged.gate
    return [
        judging.f1_check(slices, gate.f1, judged.floors),
        judging.slice_check(slices, gate.slices),
        judging.flip_check(found.behaviour.flip_rate(judged.seed), gate.flips, judged.floors),
        judging.evidence_check(found.shifts, gate.evidence, references),
        judging.agreement_check(found.shifts, gate.agreement, found.faults.targets),
        found.faults.check(),
    ]


def _stale(judged: Judged, about: About) -> list[str]:
    if judged.floors is None or judged.floors.baseline == about.model.sha256:
        return []
    return [f"{judged.gate.floors} is of another baseline: calibrate anew where trainings have changed."]


def _alike(_cue: Cue, _kind: str) -> float:
    return 1.0


class Faults:
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

    def check(self) -> Check:
        if self._errors:
            told = f"{self._errors[0]} ({len(self._errors)} such)."
            return Check("records", "critical", Status.ERROR, told, count=len(self._errors))
        part = self._unconverged / max(self._integrations, 1)
        told = f"{self._integrations} integrations, {self._unconverged} of them short of their tolerance."
        if self.unread:
            told += f" {self.unread} sentences are left out: neither model can read them."
        status = Status.WARN if part > UNCONVERGED else Status.PASS
        if self.unread > UNREAD * self._sentences:
            status = Status.INCONCLUSIVE
        return Check(
            "records", "critical", status, told, "unconverged", part, limit=UNCONVERGED, count=self._integrations
        )


def _sound(explained: Explained) -> bool:
    """Whether all its numbers are finite."""
    return all(map(math.isfinite, (*explained.attributions, *(value for row in explained.layers for value in row))))


def _nominated(
    shifts: Shifts, links: Iterable[Association], texts: Sequence[tuple[str, Sequence[str]]], most: int
) -> list[Candidate]:
    """The words on which evidence shifted most, cues whose association with a tag changed, frequent words and pairs."""
    words = dict.fromkeys(each.feature for each in shifts.shifts if each.group == "word")
    leaders = [Candidate(Cue("words", word), "evidence") for word in list(words)[:LEADERS]]
    trained = [each.candidate for each in links]
    return merged(leaders, trained, frequent([words for _, words in texts], most), most=most)


def _beside(baseline: Records, candidate: Records, findings: Sequence[CueFinding]) -> list[Beside]:
    """The cases to look at: where evidence moved most, those that hold a cue beyond its limit first."""
    cues = {word for each in findings if each.status is Status.FAIL for word in each.cue.split(" ")}

    def weighed() -> Iterator[tuple[bool, float, int, Beside]]:
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
                        Beside(
                            one.id, one.words, mine.target, mine.tags, mine.reference, away, mine.attributions,
                            theirs.attributions, mine.layers, theirs.layers,
                        ),
                    )  # fmt: skip

    return [each for *_, each in heapq.nlargest(MOST_CASES, weighed())]


def _incomparable(baseline: Opponent, candidate: Opponent, why: str) -> Result:
    told = f"The two sides cannot be held against each other: {why}."
    about = baseline.records.about
    return Result(
        Status.INCOMPARABLE,
        told,
        (),
        _side(baseline, None),
        _side(candidate, None),
        Data(about.data, about.sources, about.sentences, 0, 0, 0),
        (Check("records", "critical", Status.INCOMPARABLE, told),),
        versions=versions(),
    )


def _side(opponent: Opponent, f1: float | None) -> Side:
    model = opponent.records.about.model
    return Side(model.name, model.sha256, f1)


def _data(about: About, found: Measured) -> Data:
    documents, targets = found.behaviour.documents, found.shifts.cases
    return Data(about.data, about.sources, about.sentences, documents, targets, found.faults.unread)


def _settings(judged: Judged, references: Sequence[str], tolerance: float, asked: Asked | None) -> dict[str, str]:
    found = {name: f"{value.limit:g} ({value.severity})" for name, value in judged.gate if isinstance(value, Threshold)}
    found |= {"references": ", ".join(references), "tolerance": f"{tolerance:g}", "seed": f"{judged.seed}"}
    if judged.floors:
        found["benign runs"] = f"{len(judged.floors.runs)}"
    if asked:
        found |= {"sites": f"{asked.probing.measured}", "cues at most": f"{asked.most}"}
    return found
