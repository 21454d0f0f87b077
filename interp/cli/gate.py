"""`interp gate`: is the new model still right for the right reasons?"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.console import progress, say
from interp.cli.options import CASES, Desk, computing, probing, sampling
from interp.errors import InputError

if TYPE_CHECKING:
    from interp.gate import Criteria, GateResult
    from interp.project.settings import GateSettings
    from interp.question import ReferenceKind

__all__ = ["gate"]

TRAINING = "What both were trained on: names the rows that bring a cue in."


@click.group(invoke_without_command=True)
@click.option("--baseline", metavar="MODEL|RECORDS", help="What is in production: a model, or records of it.")
@click.option("--candidate", metavar="MODEL|RECORDS", help="What is to replace it.")
@click.option("--cases", "specs", multiple=True, metavar="CASES", help=CASES)
@click.option("--training", nargs=2, metavar="OLD NEW", help=TRAINING)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="DIR", help="Write JSON, page, Markdown, JUnit there."
)
@click.option(
    "--records",
    "kept",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where records are kept, to be used again where model, cases and settings are the same.  "
    "[default: .interp/records]",
)
@click.option("--baseline-model", metavar="MODEL", help="The model behind --baseline RECORDS, to be probed.")
@click.option("--candidate-model", metavar="MODEL", help="The model behind --candidate RECORDS.")
@click.option("--no-probe", is_flag=True, help="Judge by the cases alone.")
@click.option(
    "--fail-on",
    type=click.Choice(["warn", "inconclusive"]),
    multiple=True,
    help="Exit status 1 for these too.",
)
@probing
@sampling
@computing
@click.pass_context
def gate(
    context: click.Context,
    baseline: str | None,
    candidate: str | None,
    specs: Sequence[str],
    texts: Sequence[str],
    training: tuple[str, str] | None,
    report: Path | None,
    kept: Path | None,
    baseline_model: str | None,
    candidate_model: str | None,
    no_probe: bool,
    sites: int,
    most: int,
    fail_on: Sequence[str],
    sample: int | None,
    explain: int | None,
    seed: int,
    references: Sequence[ReferenceKind],
    tolerance: float,
    words_only: bool,
    device: str,
    memory: str | None,
) -> None:
    """Hold a candidate against the model in production: tags, F1, explanations, and cues put into clean sentences.

    Attribution nominates, intervention confirms: red is a cue that the candidate, and not the baseline, takes for a
    sign of a tag; a loss of F1; or tags and explanations that have next to nothing in common. Limits stand in
    [tool.interp.gate] of pyproject.toml.

    Exit status 0: passed. 1: the candidate is worse. 2: could not tell, or the input does not fit.
    """
    if context.invoked_subcommand is not None:
        return
    for name, given in (("--baseline", baseline), ("--candidate", candidate)):
        if not given:
            raise InputError(f"Name the models with --baseline and --candidate: {name} is missing.")
    assert baseline and candidate

    from interp.gate import ProbePlan, TrainingData, exit_status, judge_candidate
    from interp.probe import ProbeSettings
    from interp.project.files import make_folder
    from interp.project.settings import find_root, load_settings
    from interp.records import RecordSettings
    from interp.texts import limit_explained, read_sentences
    from interp.texts import sample_sentences as drawn

    root = find_root(Path.cwd())
    settings = load_settings(root)
    if report is not None:
        make_folder(report)
    judged = _judged(root, settings.gate, seed)
    if judged.floors and judged.floors.sites != sites and not no_probe:
        raise InputError(
            f"{settings.gate.floors} was made with {judged.floors.sites} sites: use --sites {judged.floors.sites}, or "
            f"calibrate anew."
        )
    asked = None
    if not no_probe:
        clean = read_sentences(texts, settings, "text") if texts else None
        trained = TrainingData(*(read_sentences([spec], settings, "conll") for spec in training)) if training else None
        asked = ProbePlan(clean, trained, ProbeSettings(measured=sites, seed=seed), most)
    sentences = limit_explained(drawn(read_sentences(specs, settings), sample, seed), explain, seed) if specs else None
    desk = Desk(
        sentences=sentences,
        sources=specs,
        wanted=RecordSettings(tuple(references), tolerance, not words_only),
        device=device,
        memory=memory,
        kept=kept or root / ".interp" / "records",
    )
    one = desk.opponent("baseline", baseline, baseline_model, not no_probe)
    other = desk.opponent("candidate", candidate, candidate_model, not no_probe)
    with progress(1, "probing") as told:
        result = judge_candidate(one, other, judged, asked, progress=told)
    _tell(result, report)
    sys.exit(exit_status(result.status, fail_on))


def _judged(root: Path, settings: GateSettings, seed: int) -> Criteria:
    """Limits, floors and waivers of the project at `root`."""
    from interp.gate import Criteria, floors, waivers

    path = root / settings.floors
    return Criteria(
        settings,
        floors.load_floors(path) if path.is_file() else None,
        waivers=waivers.load_waivers(root / settings.waivers),
        today=date.today(),
        seed=seed,
    )


FILES = ("result.json", "report.html", "summary.md", "junit.xml")


def _tell(result: GateResult, report: Path | None) -> None:
    """Terminal; files where they are asked for; the job's summary where there is one."""
    from rich.console import Console

    from interp.gate.document import dumps
    from interp.gate.report.junit import gate_junit
    from interp.gate.report.markdown import gate_markdown
    from interp.gate.report.page import gate_page
    from interp.gate.report.terminal import show_gate
    from interp.project.files import write

    summary = gate_markdown(result)
    if report is not None:
        for name, content in zip(FILES, (dumps(result), gate_page(result), summary, gate_junit(result)), strict=True):
            write(report / name, content)
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(summary)
        except OSError as error:
            say(f"The summary could not be added to {path}: {error.strerror}.")
    show_gate(result, Console(highlight=False, markup=False))
    if report is not None:
        click.echo(f"\n{report / 'report.html'}, with {', '.join(name for name in FILES if name != 'report.html')}")


@gate.command()
@click.argument("cue", metavar="CUE")
@click.option("--tag", required=True, help="The tag that it may be a sign of.")
@click.option("--reason", required=True, help="Why that is right.")
@click.option("--effect", type=float, metavar="NATS", help="What is accepted; one much larger fails again.")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The last day on which that holds.")
def accept(cue: str, tag: str, reason: str, effect: float | None, until: datetime) -> None:
    """Accept that models take CUE for a sign of a tag: a dated entry in interp-waivers.toml.

    CUE is what the report calls it: words, -ending (behind --), form:UPPER, spot:FIRST. The file is reviewed like code,
    every report shows what is accepted, and an entry that has ended does not hold.
    """
    from interp.gate.waivers import Waiver
    from interp.gate.waivers import add_waiver as add
    from interp.project.settings import find_root, load_settings

    if not (cue.strip() and tag.strip() and reason.strip()):
        raise InputError("CUE, --tag and --reason must not be empty.")
    root = find_root(Path.cwd())
    path = root / load_settings(root).gate.waivers
    today = date.today()
    add(path, Waiver(cue=cue, tag=tag, reason=reason, until=until.date(), added=today, effect=effect), today)
    click.echo(f"{path}: `{cue}` is accepted for {tag} until {until.date()}.")
