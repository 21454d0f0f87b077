"""How much a gate does and how long that is expected to take, before it begins."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interp.errors import counted
from interp.explain import Model
from interp.probe import ProbeSettings
from interp.probe.sites import INSERTIONS
from interp.records import RecordSettings
from interp.records.make import make_records
from interp.stress import StressPlan
from interp.taggers import Predictor
from interp.texts import Sentence

__all__ = ["Pace", "PlannedPhase", "Work", "WorkPlan", "fit_budget", "measure_pace", "plan_work"]

TAGGED, EXPLAINED = 64, 3
"""Sentences by which a pace is measured."""
EXPLAINING = (500, 200, 100, 50, 25, 10)
PROBED_CUES = (300, 150, 75, 40)
"""What a budget chooses from, the most first; with fewer nothing can be said of evidence, or of cues."""
CONFIRMED, CONTROLS = 4, 9
"""Cues that are confirmed in harmless pairs, each put in as often as that, with its controls."""
SPARE = 0.9
"""Part of a budget that is planned for: what is estimated may take longer."""


@dataclass(frozen=True)
class Pace:
    """Seconds that a model takes for a sentence."""

    tagging: float
    explaining: float
    """All targets under all references; 0 of a tagger that cannot be explained."""


@dataclass(frozen=True)
class PlannedPhase:
    """As in "tag 320 sentences"."""

    label: str
    seconds: float


@dataclass(frozen=True)
class WorkPlan:
    """What is to be done: so many sentences are explained, so many cues tried at most."""

    phases: tuple[PlannedPhase, ...]
    explain: int
    cues: int

    @property
    def seconds(self) -> float:
        return sum(phase.seconds for phase in self.phases)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What there is to do it on."""

    sentences: int
    recorded: int
    """Sides that are to be recorded: those of which there are no records yet."""
    pace: Pace
    """Of the slower side."""
    probing: ProbeSettings | None
    """None where nothing is probed."""
    stress: StressPlan | None
    """None where nothing is written otherwise."""


def measure_pace(
    predictor: Predictor, model: Model | None, sentences: Sequence[Sentence], settings: RecordSettings
) -> Pace:
    """By a few sentences of middling length; `model`: the same, where it is to be explained."""
    by_length = sorted(sentences, key=lambda sentence: len(sentence.words))
    some = [sentence.words for sentence in _middle(by_length, TAGGED)]
    predictor(some[:4])  # what is done once is not counted
    halves = [half for half in (some[::2], some[1::2]) if half]
    tagging = min(_time_of(predictor, half) / len(half) for half in halves)  # a machine may have hesitated once
    explainable = [sentence for sentence in by_length if sentence.has_targets]
    if model is None or not explainable:
        return Pace(tagging, 0.0)
    pilot = _middle(explainable, EXPLAINED)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        make_records(model, pilot, settings, Path(folder))
        return Pace(tagging, (time.perf_counter() - start) / len(pilot))


def plan_work(work: Work, explain: int, cues: int) -> WorkPlan:
    """The phases of so much work, in their order."""
    tagged, explained = work.recorded * work.sentences, work.recorded * min(explain, work.sentences)
    phases = [PlannedPhase(f"tag {counted(work.sentences, 'sentence')}", tagged * work.pace.tagging)]
    if explained and work.pace.explaining:
        phases.append(PlannedPhase(f"explain {min(explain, work.sentences)}", explained * work.pace.explaining))
    if work.probing is not None:
        seconds = 2 * work.pace.tagging * _probed_rows(cues, work.probing)
        phases.append(PlannedPhase(f"probe {counted(cues, 'cue')}", seconds))
    if work.stress is not None:
        stressed = min(work.stress.count, work.sentences)
        seconds = 2 * work.pace.tagging * stressed * (work.stress.ways + 1)
        phases.append(PlannedPhase(f"stress {counted(stressed, 'sentence')}", seconds))
    return WorkPlan(tuple(phases), explain, cues)


def fit_budget(work: Work, explain: int, cues: int, budget: float) -> WorkPlan:
    """As many of these explained and tried as fit into so many seconds; fewer explained before fewer are tried. The
    least that there is where nothing fits.
    """
    plan = plan_work(work, explain, cues)
    for fewer_cues in [cues, *(count for count in PROBED_CUES if count < cues)]:
        for fewer_explained in [explain, *(count for count in EXPLAINING if count < explain)]:
            plan = plan_work(work, fewer_explained, fewer_cues)
            if plan.seconds <= SPARE * budget:
                return plan
    return plan


def _probed_rows(cues: int, probing: ProbeSettings) -> int:
    """Sentences that one model reads."""
    sketched = 2 * cues * probing.sketched
    kept = cues if probing.kept is None else min(probing.kept, cues)
    measured = kept * (len(INSERTIONS) + 1) * probing.measured
    return sketched + measured + CONFIRMED * (CONTROLS + 1) * probing.measured


def _time_of(predictor: Predictor, sentences: Sequence[Sequence[str]]) -> float:
    start = time.perf_counter()
    predictor(sentences)
    return time.perf_counter() - start


def _middle(sentences: Sequence[Sentence], count: int) -> Sequence[Sentence]:
    start = max(0, (len(sentences) - count) // 2)
    return sentences[start : start + count]
