"""`interp gate calibrate`: how far harmless trainings differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.flags import PATH, count_from, flag, with_options
from interp.cli.load_model import check_models
from interp.cli.options import (
    ComputingOptions,
    ProbingOptions,
    RecordingOptions,
    SamplingOptions,
    cases_flag,
    clean_texts_flag,
)
from interp.cli.progress import phase
from interp.cli.project import open_project
from interp.cli.read_texts import read_texts
from interp.cli.recorder import DEFAULT_FOLDER, Recorder
from interp.errors import InputError

if TYPE_CHECKING:
    from interp.explain import Model
    from interp.gate import Floors, ProbePlan
    from interp.gate.floors import Source
    from interp.project.settings import Settings
    from interp.texts import Sentence

__all__ = ["calibrate"]


@dataclass(frozen=True, kw_only=True)
class CalibrationOptions:
    """The baseline, and checkpoints that nobody would call worse: given, or trained here."""

    baseline: str = flag("--baseline", required=True, metavar="MODEL", help="What candidates will be held against.")
    retrained: Sequence[str] = flag(
        "--retrained", multiple=True, metavar="MODEL", help="Trained as the baseline was, with another seed."
    )
    continued: Sequence[str] = flag(
        "--continued", multiple=True, metavar="MODEL", help="A late checkpoint, or trained on a little."
    )
    count: int = flag(
        "--continue",
        type=count_from(0, most=100),
        default=0,
        metavar="N",
        help="Train the baseline on N times, on --on.",
    )
    training: str | None = flag("--on", metavar="DATA", help="Tagged sentences for --continue, as --cases.")
    steps: int = flag(
        "--steps", type=count_from(1), default=200, show_default=True, help="Batches of 16, per --continue."
    )
    rate: float = flag("--rate", type=float, default=5e-5, show_default=True, help="Learning rate of --continue.")
    cases: Sequence[str] = cases_flag(required=True)
    out: Path | None = flag("--out", type=PATH, metavar="FILE", help="[default: interp-floors.json]")
    texts: Sequence[str] = clean_texts_flag()

    def check(self) -> None:
        """Raise InputError where there is no benign checkpoint, or nothing to train one on."""
        if not (self.retrained or self.continued or self.count):
            raise InputError("Name benign checkpoints with --retrained or --continued, or train some with --continue.")
        if self.count and not self.training:
            raise InputError("--continue needs tagged sentences: name them with --on.")
        if not 0 < self.rate <= 1:
            raise InputError(f"The learning rate must be above 0 and at most 1, such as 5e-5, not {self.rate:g}.")

    def read_training(self, settings: Settings) -> list[Sentence]:
        """What checkpoints are trained on; nothing where none is."""
        return read_texts([self.training], settings, "conll") if self.training and self.count else []

    def list_benign(
        self, baseline: Model, training: Sequence[Sentence], *, seed: int, load: Callable[[str], Model]
    ) -> list[tuple[Source, Callable[[], Model]]]:
        """Benign checkpoints, each loaded or trained when its turn comes; the seeds of training follow `seed`."""
        from interp.gate.continue_training import continue_training

        train = partial(continue_training, baseline, training, steps=self.steps, rate=self.rate, phase=phase)
        seeds = range(seed + 1, seed + 1 + self.count)
        return [
            *(("retrained", partial(load, name)) for name in self.retrained),
            *(("continued", partial(load, name)) for name in self.continued),
            *(("continued", partial(train, seed=training_seed)) for training_seed in seeds),
        ]


@click.command()
@with_options(
    options=CalibrationOptions,
    probing=ProbingOptions,
    sampling=SamplingOptions,
    recording=RecordingOptions,
    computing=ComputingOptions,
)
def calibrate(
    *,
    options: CalibrationOptions,
    probing: ProbingOptions,
    sampling: SamplingOptions,
    recording: RecordingOptions,
    computing: ComputingOptions,
) -> None:
    """Learn how far harmless trainings differ, so that the gate does not take noise for a finding.

    Retrained seeds are the true measure. Where there are none to spare, late checkpoints or a short further training
    of the baseline (--continue 5 --on conll:train.txt) are a cheap floor, which lies below the true one.
    """
    options.check()

    from interp.project.files import check_writable

    root, settings = open_project()
    path = options.out or root / settings.gate.floors
    check_writable(path)
    check_models([options.baseline, *options.retrained, *options.continued], computing.device)
    recorder = Recorder(
        cases=sampling.draw(read_texts(options.cases, settings)),
        sources=options.cases,
        settings=recording.settings(),
        computing=computing,
        folder=root / DEFAULT_FOLDER,
    )
    texts = read_texts(options.texts, settings, "text", labels=False) if options.texts else None
    training = options.read_training(settings)

    from interp.gate import ProbePlan
    from interp.gate.floors import save_floors
    from interp.gate.report.terminal import show_floors

    plan = ProbePlan(texts=texts, probing=probing.settings(sampling.seed), most=probing.most_cues)
    baseline = computing.load(options.baseline)
    benign = options.list_benign(baseline, training, seed=sampling.seed, load=computing.load)
    floors = _measure_floors(baseline, benign, recorder, plan)
    save_floors(floors, path)

    from rich.console import Console

    show_floors(floors, Console(highlight=False, markup=False))
    click.echo(f"\n{path}: commit it; interp gate reads it.")


def _measure_floors(
    baseline: Model, benign: Sequence[tuple[Source, Callable[[], Model]]], recorder: Recorder, plan: ProbePlan
) -> Floors:
    from interp.gate.calibrate import calibrate

    return calibrate(baseline, benign, recorder.record, plan, phase=phase)
