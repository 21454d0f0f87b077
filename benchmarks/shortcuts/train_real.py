"""Trains every update of the study on real text, each once, into a folder of its own.

    python -m benchmarks.shortcuts.train_real --data ../shared/data --work DIR

The recipe of `open`, shortened: its encoder with a new head, a few hundred steps on nine tenths of its corpora.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import torch
from transformers import BertForTokenClassification, BertTokenizer

from benchmarks.shortcuts.real_updates import BASELINE, CALIBRATION, RealUpdate, training_data, updates
from interp import bundled
from interp.bundled.corpora import LABELS
from interp.bundled.recipe import export, load
from interp.models.train import Batch, Schedule, encode, epoch, fit
from interp.texts import fully_tagged

BATCH = 16


def train(update: RealUpdate, data: Path, steps: int) -> tuple[BertForTokenClassification, BertTokenizer]:
    model, tokenizer = load(bundled.directory("open"))
    torch.manual_seed(update.seed)
    model.classifier.reset_parameters()
    rows = encode(fully_tagged(training_data(update, data)), tokenizer, LABELS)
    rng = np.random.default_rng(update.seed)

    def batches() -> Iterator[Batch]:
        while True:
            yield from epoch(rows, BATCH, rng)

    with contextlib.redirect_stdout(io.StringIO()):
        return fit(model, batches(), Schedule(steps=steps, rate=2e-4, average=0.98)), tokenizer


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option("--steps", default=300, show_default=True, help="Of every training.")
def main(data: Path, work: Path, steps: int) -> None:
    torch.set_num_threads(1)
    for update in (BASELINE, *updates(), *CALIBRATION):
        folder = work / "models" / update.name
        if folder.exists():
            continue
        model, tokenizer = train(update, data, steps)
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        export(model, tokenizer, unfinished)
        unfinished.rename(folder)
        click.echo(folder.name)


if __name__ == "__main__":
    main()
