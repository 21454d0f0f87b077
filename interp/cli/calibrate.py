"""`interp gate calibrate`: how far harmless trainings differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.options import CASES, Desk, computing, probing, sampling
from interp.errors import InputError

if TYPE_CHECKING:
    from interp.explain import Model
    from interp.question import ReferenceKind

__all__ = ["calibrate"]


@click.command()
@click.option("--baseline", required=True, metavar="MODEL", help="What candidates will be held against.")
@click.option("--retrained", multiple=True, metavar="MODEL", help="Trained as the baseline was, with another seed.")
@click.option("--continued", multiple=True, metavar="MODEL", help="A late checkpoint, or trained on a little.")
@click.option(
    "--continue",
    "count",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Train the baseline on N times, on --on.",
)
@click.option("--on", "training", metavar="DATA", help="Tagged sentences for --continue, as --cases.")
@click.option("--steps", type=click.IntRange(1), default=200, show_default=True, help="Batches of 16, per --continue.")
@click.option("--rate", type=float, default=5e-5, show_default=True, help="Learning rate of --continue.")
@click.option("--cases", "specs", multiple=True, required=True, metavar="CASES", help=CASES)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="[default: interp-floors.json]")
@probing
@sampling
@computing
def calibrate(
    baseline: str,
    retrained: Sequence[str],
    continued: Sequence[str],
    count: int,
    training: str | None,
    steps: int,
    rate: float,
    specs: Sequence[str],
    texts: Sequence[str],
    sites: int,
    most: int,
    out: Path | None,
    sample: int | None,
    explain: int | None,
    seed: int,
    references: Sequence[ReferenceKind],
    tolerance: float,
    words_only: bool,
    device: str,
    memory: str | None,
) -> None:
    """Learn how far harmless trainings differ, so that the gate does not take noise for a finding.

    Retrained seeds are the true measure. Where there are none to spare, late checkpoints or a short further training
    of the baseline (--continue 5 --on conll:train.txt) are a cheap floor, which lies below the true one.
    """
    if not (retrained or continued or count):
        raise InputError("Name benign checkpoints with --retrained or --continued, or train some with --continue.")
    if count and not training:
        raise InputError("--continue needs tagged sentences: name them with --on.")

    from interp.project.files import check_writable
    from interp.project.settings import find_root, load_settings
    from interp.records import RecordSettings
    from interp.texts import limit_explained, read_sentences
    from interp.texts import sample_sentences as drawn

    root = find_root(Path.cwd())
    settings = load_settings(root)
    path = out or root / settings.gate.floors
    check_writable(path)
    sentences = limit_explained(drawn(read_sentences(specs, settings), sample, seed), explain, seed)
    clean = read_sentences(texts, settings, "text") if texts else None
    to_learn = read_sentences([training], settings, "conll") if training and count else []

    from interp.explain import load
    from interp.gate import ProbePlan, calibrate, floors
    from interp.gate.continue_training import continue_training as train_on
    from interp.gate.report.terminal import show_floors
    from interp.probe import ProbeSettings

    desk = Desk(
        sentences=sentences,
        sources=specs,
        wanted=RecordSettings(tuple(references), tolerance, not words_only),
        device=device,
        memory=memory,
        kept=root / ".interp" / "records",
    )
    model = load(baseline, device)
    benign: list[tuple[floors.Source, Callable[[], Model]]] = [
        *(("retrained", partial(load, each, device)) for each in retrained),
        *(("continued", partial(load, each, device)) for each in continued),
        *(("continued", partial(train_on, model, to_learn, seed + i, steps, rate)) for i in range(1, count + 1)),
    ]
    asked = ProbePlan(clean, None, ProbeSettings(measured=sites, seed=seed), most)
    found = calibrate.calibrate(model, benign, desk.recorded, asked)
    floors.save_floors(found, path)

    from rich.console import Console

    show_floors(found, Console(highlight=False, markup=False))
    click.echo(f"\n{path}: commit it; interp gate reads it.")
