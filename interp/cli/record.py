"""`interp record`: what one model says of many sentences, and why, kept for `interp gate` and `interp summary`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from interp.cli.console import resuming, say
from interp.cli.documents import check_document, write_document
from interp.cli.engines import EngineOptions
from interp.cli.flags import PATH, flag, with_options
from interp.cli.load_model import MODEL_HELP, check_models, check_taggers, load_predictor, say_notices
from interp.cli.options import ComputingOptions, RecordingOptions, SamplingOptions, cases_flag
from interp.cli.progress import phase
from interp.cli.project import open_project
from interp.cli.read_texts import read_texts
from interp.errors import InputError, counted

if TYPE_CHECKING:
    from interp.records import Records, RecordSettings
    from interp.texts import Corpus, Sentence

__all__ = ["record"]

OF_CASES = ("sample", "explain", "seed")
"""Options that a corpus does not have."""
NAMED = 5
"""Sentences that are left out, before they are only counted."""


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """The model, what it is asked about, and the folder of the records."""

    model: str = flag("--model", required=True, help=MODEL_HELP)
    cases: Sequence[str] = cases_flag(required=False)
    corpus: str | None = flag(
        "--corpus",
        metavar="TEXTS",
        help="In place of cases: text of any size without labels, all of it explained. A .txt, .jsonl, .csv or "
        ".parquet file, a glob of them, also at s3://, gs:// or az://, or hf:DIR.",
    )
    out: Path = flag("--out", required=True, metavar="DIR", type=PATH, help="A new folder for Parquet.")
    resume: bool = flag("--resume", is_flag=True, help="Keep what an earlier run has finished.")
    errors: str | None = flag(
        "--errors", metavar="FILE", help="Which sentences could not be read, and why, as JSON Lines; - for stdout."
    )

    def check(self) -> None:
        """Raise InputError where it is not clear what is to be recorded, OutputError where it cannot be written."""
        if bool(self.cases) == bool(self.corpus):
            raise InputError("Name what the model is asked about, with --cases or with --corpus.")
        context = click.get_current_context()
        for name in OF_CASES if self.corpus else ():
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                raise InputError(f"All of a corpus is recorded, and `{name}` is for cases: drop it.")
        check_document(self.errors)


@click.command()
@with_options(
    options=RecordOptions,
    sampling=SamplingOptions,
    recording=RecordingOptions,
    computing=ComputingOptions,
    engine=EngineOptions,
)
def record(
    *,
    options: RecordOptions,
    sampling: SamplingOptions,
    recording: RecordingOptions,
    computing: ComputingOptions,
    engine: EngineOptions,
) -> None:
    """Record what a model says of CASES, and why, so that `interp gate` needs to compute it only once; or of a corpus.

    The targets of case files are explained; elsewhere right entities, and where nobody says which those are, the
    model's. A model that is in production is recorded once and held against every candidate. A run that was stopped, or
    killed, goes on with --resume.
    """
    from interp.project.files import make_folder
    from interp.taggers import is_tagger
    from interp.texts import SentenceList
    from interp.texts.file_corpus import open_corpus

    options.check()
    engine.check()
    settings = recording.settings()
    computing.budget()
    tags_alone = is_tagger(options.model) and options.corpus is None and engine.in_this_process
    (check_taggers if tags_alone else check_models)([options.model], computing.device)
    if options.corpus is None:
        sentences = sampling.draw(read_texts(options.cases, open_project()[1]))
        corpus: Corpus = SentenceList(sentences)
    else:
        with phase(f"opening {options.corpus}"):
            corpus = open_corpus(options.corpus)
    make_folder(options.out)

    with resuming(partial(_describe_kept, options.out)):
        if tags_alone:
            records = _record_tags(options, sentences, computing)
        else:
            records = _record_model(options, corpus, settings, computing=computing, engine=engine)
    _tell_unread(records, options.errors)
    _tell_counts(records, options.out, to_stderr=options.errors == "-")


def _record_model(
    options: RecordOptions,
    corpus: Corpus,
    settings: RecordSettings,
    *,
    computing: ComputingOptions,
    engine: EngineOptions,
) -> Records:
    from interp.records.make import part_recorder
    from interp.records.recording import Recording, part_size_of

    model = computing.load(options.model)
    memory = computing.budget()
    recording = Recording.of(
        model.info,
        corpus,
        settings,
        folder=options.out,
        sources=[options.corpus] if options.corpus else options.cases,
        part_size=part_size_of(len(corpus)),
    )
    parts = recording.begin(options.resume)
    with phase("recording", len(corpus)) as progress:
        if engine.in_this_process or not parts:
            return recording.make_parts(parts, part_recorder(model, settings, memory), progress)
        del model  # its memory is the workers'
        engine.make_parts(
            recording, parts, model=options.model, device=computing.device, memory=memory, progress=progress
        )
    return recording.finished


def _record_tags(options: RecordOptions, sentences: Sequence[Sentence], computing: ComputingOptions) -> Records:
    """Of any tagger."""
    from interp.records.make import record_tags

    predictor = load_predictor(options.model, computing.device, [sentence.words for sentence in sentences])
    with phase("recording", len(sentences)) as progress:
        records = record_tags(
            predictor, sentences, options.out, sources=options.cases, resume=options.resume, progress=progress
        )
    say_notices(predictor)
    return records


def _describe_kept(folder: Path) -> str:
    """Of a run that was stopped."""
    from interp.records.store import count_kept

    return f"{counted(count_kept(folder), 'sentence')} kept in {folder}: go on with --resume."


def _tell_unread(records: Records, file: str | None) -> None:
    """Which sentences there is nothing of: in the file, and on stderr, where they are few."""
    from interp.records.tally import unread_rows

    if file is not None:
        write_document("".join(f"{json.dumps(asdict(row))}\n" for row in unread_rows(records)), file)
    first_rows = list(islice(unread_rows(records), NAMED + 1))
    if len(first_rows) <= NAMED:
        say(*(f"{row.id} is left out: {row.reason}" for row in first_rows))
        return
    count = sum(1 for _ in unread_rows(records))
    all_of_them = "" if file else " All of them: --resume --errors FILE."
    say(f"{count} sentences are left out, {first_rows[0].id} first: {first_rows[0].reason.rstrip('.')}.{all_of_them}")


def _tell_counts(records: Records, folder: Path, *, to_stderr: bool) -> None:
    from interp.records.tally import count_targets

    click.echo(f"{len(records)} sentences, {count_targets(records)} targets explained: {folder}", err=to_stderr)
