"""`interp gate`: is the new model still right for the right reasons?"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal, get_args

import click

from interp.cli.answers import stored_answers
from interp.cli.console import resuming, say
from interp.cli.durations import parse_duration
from interp.cli.flags import PATH, count_from, flag, with_options
from interp.cli.load_model import say_notices
from interp.cli.options import (
    ComputingOptions,
    ProbingOptions,
    RecordingOptions,
    SamplingOptions,
    cases_flag,
    clean_texts_flag,
    kinds_flag,
    training_flag,
)
from interp.cli.plan import describe_left_out, plan_gate
from interp.cli.progress import phase
from interp.cli.project import open_project, read_criteria
from interp.cli.read_texts import read_texts
from interp.cli.recorder import DEFAULT_FOLDER, LoadedSide, Recorder
from interp.errors import InputError
from interp.project.defaults import STRESS_SENTENCES

if TYPE_CHECKING:
    from interp.gate import Criteria, GateResult, ProbePlan, Side
    from interp.gate.plan import Work
    from interp.probe import ProbeSettings
    from interp.project.settings import Settings
    from interp.stress import StressPlan

__all__ = ["gate"]

FailOn = Literal["warn", "inconclusive"]
"""Statuses that can be made to stop a candidate."""
PAGE = "report.html"


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """The two sides, what they are held against each other on, and where that is told."""

    baseline: str | None = flag(
        "--baseline", metavar="MODEL|RECORDS", help="What is in production: a model, or records of it."
    )
    candidate: str | None = flag("--candidate", metavar="MODEL|RECORDS", help="What is to replace it.")
    cases: Sequence[str] = cases_flag(required=False)
    training: tuple[str, str] | None = training_flag()
    report: Path | None = flag("--report", type=PATH, metavar="DIR", help="Write JSON, page, Markdown, JUnit there.")
    records: Path | None = flag(
        "--records",
        type=PATH,
        metavar="DIR",
        help="Where records are kept, to be used again where model, cases and settings are the same.  "
        f"[default: {DEFAULT_FOLDER.as_posix()}]",
    )
    baseline_model: str | None = flag(
        "--baseline-model", metavar="MODEL", help="The model behind --baseline RECORDS, to be probed."
    )
    candidate_model: str | None = flag(
        "--candidate-model", metavar="MODEL", help="The model behind --candidate RECORDS."
    )
    kinds: Sequence[str] = kinds_flag()
    costly: Sequence[str] = flag(
        "--costly",
        multiple=True,
        metavar="KIND",
        help="A kind of which no more words may be left untagged, such as PER. Give it several times.",
    )
    stress: int = flag(
        "--stress",
        type=count_from(0),
        default=STRESS_SENTENCES,
        show_default=True,
        metavar="N",
        help="Sentences, at random, that are written otherwise too: case, typos, scans, names. 0 leaves it out.",
    )
    names: str | None = flag(
        "--names",
        metavar="FILE.toml|faker:LOCALE,...",
        help="Names of people by origin for that, drawn ones go into --report too.  [default: of eight countries]",
    )
    budget: str | None = flag(
        "--budget",
        metavar="TIME",
        help="Explain and probe as much as fits, at most what is asked for: 3m, 90s, 1h.",
    )
    no_probe: bool = flag("--no-probe", is_flag=True, help="Judge by the cases alone.")
    fail_on: Sequence[FailOn] = flag(
        "--fail-on", type=click.Choice(get_args(FailOn)), multiple=True, help="Exit status 1 for these too."
    )
    texts: Sequence[str] = clean_texts_flag()

    def check(self) -> None:
        """Raise InputError where a side is missing, or a kind has no other name."""
        for name, side in (("--baseline", self.baseline), ("--candidate", self.candidate)):
            if not side:
                raise InputError(f"Name the models with --baseline and --candidate: {name} is missing.")
        self.seconds()

        from interp.gate import parse_map

        parse_map(self.kinds)

    def seconds(self) -> float | None:
        """Of the budget; None without one. Raises InputError for what is no span of time."""
        return parse_duration(self.budget) if self.budget else None

    def plan_probe(self, probing: ProbeSettings, most_cues: int, settings: Settings) -> ProbePlan:
        """What is probed, with the texts and training data read."""
        from interp.gate import ProbePlan, TrainingData

        texts = read_texts(self.texts, settings, "text", labels=False) if self.texts else None
        training = None
        if self.training is not None:
            old, new = (read_texts([spec], settings, "conll") for spec in self.training)
            training = TrainingData(old, new)
        return ProbePlan(texts=texts, training=training, probing=probing, most=most_cues)

    def plan_stress(self, seed: int) -> StressPlan | None:
        """What is written otherwise, with the names read or drawn; nothing where models are not to be asked again."""
        from interp.stress import StressPlan, read_names, shipped_names

        if self.no_probe or not self.stress:
            return None
        names = shipped_names() if self.names is None else read_names(self.names, seed)
        return StressPlan(names=names, count=self.stress, seed=seed)

    def check_sides(self, recorder: Recorder) -> None:
        """Raise an error for a side that cannot be, before the first is loaded."""
        assert self.baseline and self.candidate, "checked before"
        recorder.check_side(self.baseline, self.baseline_model)
        recorder.check_side(self.candidate, self.candidate_model)

    def load_sides(self, recorder: Recorder) -> tuple[LoadedSide, LoadedSide]:
        """The baseline and the candidate."""
        assert self.baseline and self.candidate, "checked before"
        load = partial(recorder.load_side, probed=not self.no_probe)
        return (
            load("baseline", self.baseline, model_behind=self.baseline_model),
            load("candidate", self.candidate, model_behind=self.candidate_model),
        )

    def record_sides(self, recorder: Recorder, baseline: LoadedSide, candidate: LoadedSide) -> tuple[Side, Side]:
        """Both, recorded where they are no records yet."""
        first, second = (recorder.record_side(side, probed=not self.no_probe) for side in (baseline, candidate))
        return first, second

    def share_tags(self, baseline: Side, candidate: Side) -> tuple[Side, Side]:
        """Both, with one set of tags."""
        from interp.gate import parse_map, share_tags

        return share_tags(baseline, candidate, parse_map(self.kinds))


@click.group(invoke_without_command=True)
@with_options(
    options=GateOptions,
    probing=ProbingOptions,
    sampling=SamplingOptions,
    recording=RecordingOptions,
    computing=ComputingOptions,
)
@click.pass_context
def gate(
    context: click.Context,
    *,
    options: GateOptions,
    probing: ProbingOptions,
    sampling: SamplingOptions,
    recording: RecordingOptions,
    computing: ComputingOptions,
) -> None:
    """Hold a candidate against the model in production: tags, F1, explanations, and cues put into clean sentences.

    Attribution nominates, intervention confirms: red is a cue that the candidate, and not the baseline, takes for a
    sign of a tag; a loss of F1; more words left untagged of a kind that is --costly; or tags and explanations that have
    next to nothing in common. Limits stand in [tool.interp.gate] of pyproject.toml.

    Exit status 0: passed. 1: the candidate is worse. 2: could not tell, or the input does not fit.
    """
    if context.invoked_subcommand is not None:
        return
    options.check()

    from interp.gate import exit_status
    from interp.project.files import make_folder

    start = monotonic()
    root, settings = open_project()
    if options.report is not None:
        make_folder(options.report)
    criteria = replace(read_criteria(root, settings.gate, sampling.seed), costly=tuple(options.costly))
    plan = None
    if not options.no_probe:
        probing.check_floors(criteria.floors, settings.gate.floors)
        plan = options.plan_probe(probing.settings(sampling.seed), probing.most_cues, settings)
    stress = options.plan_stress(sampling.seed)
    recorder = Recorder(
        cases=sampling.draw(read_texts(options.cases, settings)) if options.cases else None,
        sources=options.cases,
        settings=recording.settings(),
        computing=computing,
        folder=options.records or root / DEFAULT_FOLDER,
    )
    options.check_sides(recorder)
    sides = options.load_sides(recorder)
    budget = options.seconds()
    left_out = ""
    if recorder.cases:
        with phase("planning"):
            work = _plan_work(sides, recorder, plan, stress)
        most = len(recorder.cases) if sampling.explain is None else min(sampling.explain, len(recorder.cases))
        planned = plan_gate(work, explain=most, cues=probing.most_cues, budget=budget, spent=monotonic() - start)
        if planned.explain < most:
            recorder = replace(recorder, cases=sampling.limit_explained(recorder.cases, planned.explain))
        plan = replace(plan, most=planned.cues) if plan else None
        left_out = describe_left_out(planned, explain=most, cues=probing.most_cues)
    recorded = options.record_sides(recorder, *sides)
    until = None if budget is None else start + budget
    with stored_answers(recorder.folder, *recorded) as stored:
        baseline, candidate = options.share_tags(*stored)
        result = _judge(baseline, candidate, criteria, plan, stress=stress, until=until)
    if left_out:
        result = replace(result, advice=(*result.advice, f"--budget {options.budget} left some out: {left_out}."))
    say_notices(baseline.predictor, candidate.predictor)
    _report(result, options.report, stress)
    sys.exit(exit_status(result.status, options.fail_on))


def _plan_work(
    sides: Sequence[LoadedSide], recorder: Recorder, plan: ProbePlan | None, stress: StressPlan | None
) -> Work:
    """What there is to do, at the pace of a few sentences."""
    from interp.gate.plan import Pace, Work, measure_pace

    cases = recorder.cases or []
    recorded_sides = [recorder.is_recorded(side) for side in sides]
    paces = [
        measure_pace(side.predictor, None if recorded else side.model, cases, recorder.settings)
        for side, recorded in zip(sides, recorded_sides, strict=True)
        if side.predictor is not None
    ]
    return Work(
        sentences=len(cases),
        recorded=recorded_sides.count(False),
        pace=Pace(max(pace.tagging for pace in paces), max(pace.explaining for pace in paces)) if paces else Pace(0, 0),
        probing=plan.probing if plan else None,
        stress=stress,
    )


def _judge(
    baseline: Side,
    candidate: Side,
    criteria: Criteria,
    plan: ProbePlan | None,
    *,
    stress: StressPlan | None,
    until: float | None,
) -> GateResult:
    """Until that moment more is measured where it could not be told."""
    from interp.gate import judge_candidate

    def has_time() -> bool:
        return until is None or monotonic() < until

    with resuming(lambda: "Records are kept: the same command goes on from there."):
        return judge_candidate(baseline, candidate, criteria, plan, phase=phase, stress=stress, has_time=has_time)


def _report(result: GateResult, folder: Path | None, stress: StressPlan | None) -> None:
    """Files where they are asked for; the job's summary where there is one; the terminal."""
    from rich.console import Console

    from interp.gate.report.markdown import gate_markdown
    from interp.gate.report.terminal import show_gate
    from interp.project.files import write
    from interp.stress import dump_names

    summary = gate_markdown(result)
    files = _render_files(result, summary) if folder is not None else {}
    if files and stress is not None:
        files["names.toml"] = dump_names(stress.names)
    for name, content in files.items():
        write(Path(str(folder), name), content)
    _add_to_job_summary(summary)
    show_gate(result, Console(highlight=False, markup=False))
    if folder is not None:
        click.echo(f"\n{folder / PAGE}, with {', '.join(name for name in files if name != PAGE)}")


def _render_files(result: GateResult, summary: str) -> dict[str, str]:
    """Every file of a report by its name; all of them, before the first is written."""
    from interp.gate.document import dumps
    from interp.gate.report.junit import gate_junit
    from interp.gate.report.page import gate_page

    return {
        "result.json": dumps(result),
        PAGE: gate_page(result),
        "summary.md": summary,
        "junit.xml": gate_junit(result),
    }


def _add_to_job_summary(summary: str) -> None:
    """Where GitHub runs this, the page of the job shows it."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(summary)
    except OSError as error:
        say(f"The summary could not be added to {path}: {error.strerror}.")
