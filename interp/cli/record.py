"""`interp record`: what one model says of many sentences, and why, kept for `interp gate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.console import progress, say
from interp.cli.options import CASES, computing, sampling

if TYPE_CHECKING:
    from interp.question import ReferenceKind
    from interp.records import Records

__all__ = ["record"]


@click.command()
@click.option("--model", required=True, help="Bundled name, directory, or hub id (owner/name).")
@click.option("--cases", "specs", multiple=True, required=True, metavar="CASES", help=CASES)
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="A new folder for Parquet.")
@click.option("--resume", is_flag=True, help="Keep what an earlier run has finished.")
@sampling
@computing
def record(
    model: str,
    specs: Sequence[str],
    out: Path,
    sample: int | None,
    explain: int | None,
    seed: int,
    references: Sequence[ReferenceKind],
    tolerance: float,
    words_only: bool,
    device: str,
    memory: str | None,
    resume: bool,
) -> None:
    """Record what a model says of CASES, and why, so that `interp gate` needs to compute it only once.

    The targets of case files are explained; elsewhere right entities, and where nobody says which those are, the
    model's. A model that is in production is recorded once and held against every candidate.
    """
    from interp.project.settings import find_root, load_settings
    from interp.records import RecordSettings
    from interp.texts import limit_explained, read_sentences
    from interp.texts import sample_sentences as drawn

    wanted = RecordSettings(tuple(references), tolerance, not words_only)
    sentences = drawn(read_sentences(specs, load_settings(find_root(Path.cwd()))), sample, seed)
    sentences = limit_explained(sentences, explain, seed)

    from interp.engine.budget import parse_size
    from interp.explain import load
    from interp.records import make_records

    budget = parse_size(memory) if memory else None
    loaded = load(model, device)
    with progress(len(sentences), "recording") as told:
        done = make_records(loaded, sentences, wanted, out, sources=specs, resume=resume, memory=budget, progress=told)
    click.echo(f"{len(done)} sentences, {_targets(done)}: {out}")


def _targets(records: Records) -> str:
    """How many targets were explained; what could not be read is said on stderr."""
    count = 0
    for each in records:
        count += len({one.target for one in each.explained})
        if each.error:
            say(f"{each.id} is left out: {each.error}")
    return f"{count} targets explained"
