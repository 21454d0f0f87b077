"""`interp gate calibrate`: how far harmless trainings differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.answers import stored_answers
from interp.cli.flags import PATH, count_from, flag, with_options
from interp.cli.load_model import check_taggers, say_notices
from interp.cli.options import (
    ComputingOptions,
    ProbingOptions,
    RecordingOptions,
    SamplingOptions,
    cases_flag,
    clean_texts_flag,
    kinds_flag,
)
from interp.cli.progress import phase
from interp.cli.project import open_project
from interp.cli.read_texts import read_texts
from interp.cli.recorder import DEFAULT_FOLDER, LoadedSide, Recorder
from interp.errors import InputError

if TYPE_CHECKING:
    from interp.gate import Floors, ProbePlan
    from interp.gate.floors import Source
    from interp.project.settings import Settings
    from interp.texts import Sentence

__all__ = ["calibrate"]


@dataclass(frozen=True, kw_only=True)
class CalibrationOptions:
    """The baseline, and models that nobody would call worse: given, or trained here."""

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
    kinds: Sequence[str] = kinds_flag()

    def check(self) -> None:
        """Raise InputError where there are too few benign models, or nothing to train one on."""
        from interp.gate import parse_map
        from interp.gate.floors import FEWEST
        from interp.taggers import is_tagger

        benign = len(self.retrained) + len(self.continued) + self.count
        if not benign:
            raise InputError("Name benign models with --retrained or --continued, or train some with --continue.")
        if benign < FEWEST:
            raise InputError(f"Give at least {FEWEST} benign models, better five or more: {benign} tell no floor.")
        if self.count and is_tagger(self.baseline):
            raise InputError(
                f'--continue trains transformers models alone: train "{self.baseline}" again, with other seeds, and '
                "name the results with --retrained."
            )
        parse_map(self.kinds)
        if self.count and not self.training:
            raise InputError("--continue needs tagged sentences: name them with --on.")
        if not 0 < self.rate <= 1:
            raise InputError(f"The learning rate must be above 0 and at most 1, such as 5e-5, not {self.rate:g}.")

    def read_training(self, settings: Settings) -> list[Sentence]:
        """What checkpoints are trained on; nothing where none is."""
        return read_texts([self.training], settings, "conll") if self.training and self.count else []

    def list_benign(
        self, baseline: LoadedSide, training: Sequence[Sentence], *, seed: int, recorder: Recorder
    ) -> list[tuple[Source, Callable[[str], LoadedSide]]]:
        """Benign models, each loaded or trained when its turn comes and called what a person is to read; the seeds of
        training follow `seed`.
        """
        load = partial(recorder.load_side, model_behind=None, probed=True)
        seeds = range(seed + 1, seed + 1 + self.count)
        return [
            *(("retrained", partial(load, spec=spec)) for spec in self.retrained),
            *(("continued", partial(load, spec=spec)) for spec in self.continued),
            *(("continued", partial(self._train, baseline, training, seed=training_seed)) for training_seed in seeds),
        ]

    def _train(self, baseline: LoadedSide, training: Sequence[Sentence], name: str, *, seed: int) -> LoadedSide:
        """A copy of the baseline that has learnt a little more."""
        from interp.gate.continue_training import continue_training
        from interp.taggers import ModelPredictor

        assert baseline.model is not None, "checked before"
        model = continue_training(baseline.model, training, seed=seed, steps=self.steps, rate=self.rate, phase=phase)
        return LoadedSide(name=name, model=model, predictor=ModelPredictor(model))


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
    check_taggers([options.baseline, *options.retrained, *options.continued], computing.device)
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
    baseline = recorder.load_side("baseline", options.baseline, model_behind=None, probed=True)
    benign = options.list_benign(baseline, training, seed=sampling.seed, recorder=recorder)
    floors = _measure_floors(baseline, benign, recorder=recorder, plan=plan, kinds=options.kinds)
    save_floors(floors, path)

    from rich.console import Console

    show_floors(floors, Console(highlight=False, markup=False))
    click.echo(f"\n{path}: commit it; interp gate reads it.")


def _measure_floors(
    baseline: LoadedSide,
    benign: Sequence[tuple[Source, Callable[[str], LoadedSide]]],
    *,
    recorder: Recorder,
    plan: ProbePlan,
    kinds: Sequence[str],
) -> Floors:
    """Every benign model in its turn: none is kept in memory behind it."""
    from interp.gate import parse_map, share_tags
    from interp.gate.calibrate import compare_benign, floors_of

    recorded, names = recorder.record_side(baseline, probed=True), parse_map(kinds)
    comparisons = []
    for number, (source, load) in enumerate(benign, 1):
        shown = f"benign model {number} of {len(benign)}"
        with phase(shown):
            side = recorder.record_side(load(shown), probed=True)
            assert side.predictor is not None
            with stored_answers(recorder.folder, recorded, side) as stored:
                first, second = share_tags(*stored, names)
                comparisons.append(
                    compare_benign(side.predictor.name, source, baseline=first, benign=second, plan=plan, phase=phase)
                )
            say_notices(side.predictor)
    say_notices(recorded.predictor)
    return floors_of(recorded.records, comparisons, plan.probing.measured)
