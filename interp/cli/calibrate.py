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
    from interp.explanation import ReferenceKind

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

    from interp.files import check_writable
    from interp.records import Wanted
    from interp.settings import find_root, load_settings
    from interp.texts import explained, read
    from interp.texts import sample as drawn

    root = find_root(Path.cwd())
    settings = load_settings(root)
    path = out or root / settings.gate.floors
    check_writable(path)
    sentences = explained(drawn(read(specs, settings), sample, seed), explain, seed)
    clean = read(texts, settings, "text") if texts else None
    to_learn = read([training], settings, "conll") if training and count else []

    from interp.explain import load
    from interp.gate import Asked, calibrating, floors
    from interp.gate.continuing import continued as train_on
    from interp.gate.terminal import show_floors
    from interp.probe import Probing

    desk = Desk(
        sentences, specs, Wanted(tuple(references), tolerance, not words_only), device, memory,
        root / ".interp" / "records",
    )  # fmt: skip
    model = load(baseline, device)
    benign: list[tuple[floors.Source, Callable[[], Model]]] = [
        *(("retrained", partial(load, each, device)) for each in retrained),
        *(("continued", partial(load, each, device)) for each in continued),
        *(("continued", partial(train_on, model, to_learn, seed + i, steps, rate)) for i in range(1, count + 1)),
    ]
    asked = Asked(clean, None, Probing(measured=sites, seed=seed), most)
    found = calibrating.calibrate(model, benign, desk.recorded, asked)
    floors.save(found, path)

    from rich.console import Console

    show_floors(found, Console(highlight=False, markup=False))
    click.echo(f"\n{path}: commit it; interp gate reads it.")
