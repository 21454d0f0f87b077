"""`interp record`: what one model says of many sentences, and why, kept for `interp gate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.console import progress, say
from interp.cli.flags import flag, with_options
from interp.cli.options import ComputingOptions, RecordingOptions, SamplingOptions, cases_flag
from interp.cli.project import open_project

if TYPE_CHECKING:
    from interp.records import Records

__all__ = ["record"]


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """The model, the cases and the folder of the records."""

    model: str = flag("--model", required=True, help="Bundled name, directory, or hub id (owner/name).")
    cases: Sequence[str] = cases_flag(required=True)
    out: Path = flag(
        "--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="A new folder for Parquet."
    )
    resume: bool = flag("--resume", is_flag=True, help="Keep what an earlier run has finished.")


@click.command()
@with_options(options=RecordOptions, sampling=SamplingOptions, recording=RecordingOptions, computing=ComputingOptions)
def record(
    *, options: RecordOptions, sampling: SamplingOptions, recording: RecordingOptions, computing: ComputingOptions
) -> None:
    """Record what a model says of CASES, and why, so that `interp gate` needs to compute it only once.

    The targets of case files are explained; elsewhere right entities, and where nobody says which those are, the
    model's. A model that is in production is recorded once and held against every candidate.
    """
    wanted = recording.settings()

    from interp.records import make_records
    from interp.texts import read_sentences

    _, settings = open_project()
    sentences = sampling.draw(read_sentences(options.cases, settings, say=say))
    budget = computing.budget()
    model = computing.load(options.model)
    with progress(len(sentences), "recording") as report_progress:
        records = make_records(
            model,
            sentences,
            wanted,
            options.out,
            sources=options.cases,
            resume=options.resume,
            memory=budget,
            progress=report_progress,
        )
    click.echo(f"{len(records)} sentences, {_count_targets(records)} targets explained: {options.out}")


def _count_targets(records: Records) -> int:
    """How many targets were explained; what could not be read is said on stderr."""
    count = 0
    for sentence in records:
        count += len({explained.target for explained in sentence.explained})
        if sentence.error:
            say(f"{sentence.id} is left out: {sentence.error}")
    return count
