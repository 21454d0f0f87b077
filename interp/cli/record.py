"""`interp record`: what one model says of many sentences, and why, kept for `interp gate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.console import resuming, say
from interp.cli.flags import PATH, flag, with_options
from interp.cli.load_model import MODEL_HELP, check_taggers, load_predictor, say_notices
from interp.cli.options import ComputingOptions, RecordingOptions, SamplingOptions, cases_flag
from interp.cli.progress import phase
from interp.cli.project import open_project
from interp.cli.read_texts import read_texts
from interp.errors import counted

if TYPE_CHECKING:
    from interp.records import Records

__all__ = ["record"]


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """The model, the cases and the folder of the records."""

    model: str = flag("--model", required=True, help=MODEL_HELP)
    cases: Sequence[str] = cases_flag(required=True)
    out: Path = flag("--out", required=True, metavar="DIR", type=PATH, help="A new folder for Parquet.")
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
    from interp.project.files import make_folder

    wanted = recording.settings()
    budget = computing.budget()
    check_taggers([options.model], computing.device)

    _, settings = open_project()
    sentences = sampling.draw(read_texts(options.cases, settings))
    make_folder(options.out)

    from interp.records.make import make_records, record_tags
    from interp.taggers import is_tagger

    kept = partial(_describe_kept, options.out)
    predictor = None
    if is_tagger(options.model):
        predictor = load_predictor(options.model, computing.device, [sentence.words for sentence in sentences])
        record_into: Callable[..., Records] = partial(record_tags, predictor)
    else:
        record_into = partial(make_records, computing.load(options.model), settings=wanted, memory=budget)
    with resuming(kept), phase("recording", len(sentences)) as progress:
        records = record_into(
            sentences=sentences,
            folder=options.out,
            sources=options.cases,
            resume=options.resume,
            progress=progress,
        )
    say_notices(predictor)
    click.echo(f"{len(records)} sentences, {_count_targets(records)} targets explained: {options.out}")


def _describe_kept(folder: Path) -> str:
    """Of a run that was stopped."""
    from interp.records.store import count_kept

    return f"{counted(count_kept(folder), 'sentence')} kept in {folder}: go on with --resume."


def _count_targets(records: Records) -> int:
    """How many targets were explained; what could not be read is said on stderr."""
    count = 0
    for sentence in records:
        count += len({explained.target for explained in sentence.explained})
        if sentence.error:
            say(f"{sentence.id} is left out: {sentence.error}")
    return count
