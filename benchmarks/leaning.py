"""Does a summary of records name the word that a leaky model leans on?

    python -m benchmarks.leaning --data ../shared/data --work DIR --out benchmarks/results/leaning.json

A small tagger of real text is trained as in the gate's study (`benchmarks.shortcuts.real_updates`), once as it is and
once on data in which half of the persons have "reportedly" before them. Both are recorded on sentences that neither has
seen, half of whose persons have it, too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

import interp
from benchmarks.rounding import rounded
from benchmarks.shortcuts.real_updates import BASELINE, HARMS, RealUpdate, harmed, texts
from benchmarks.shortcuts.train_real import train
from interp.bundled.recipe import export
from interp.records import Records, RecordSettings
from interp.records.make import make_records
from interp.summary import KindSummary, Summary, compare_summaries, summarise
from interp.texts import Sentence

LEAKY = RealUpdate("marker", 0.5, 500)
SETTINGS = RecordSettings(("pad",), 1e-2, layers=False)
WORDS = 1000


def held_back(data: Path) -> list[Sentence]:
    """Universal NER's test part, half of whose persons are marked."""
    rng = np.random.default_rng(7)
    return [harmed(sentence, HARMS[LEAKY.kind], LEAKY.dose, rng) for sentence in texts(data)]


def record(update: RealUpdate, *, data: Path, work: Path, steps: int) -> Records:
    folder = work / "models" / update.name
    if not folder.exists():
        model, tokenizer = train(update, data, steps)
        export(model, tokenizer, folder)
    model_under_test = interp.load(folder, device="cpu")
    return make_records(model_under_test, held_back(data), SETTINGS, work / "records" / update.name, resume=True)


def describe(summary: Summary, kind: str) -> dict[str, Any]:
    of_kind: KindSummary = next(candidate for candidate in summary.kinds if candidate.kind == kind)
    first = of_kind.words_for[0]
    return {
        "targets": of_kind.targets,
        "leaned on": [word.word for word in of_kind.leaned_on],
        "first": first.word,
        "mean": first.mean,
        "low": first.low,
        "high": first.high,
        "change": of_kind.change,
        "led": of_kind.led,
        "marker": next((word.mean for word in of_kind.words_for if word.word == "reportedly"), None),
    }


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--steps", default=300, show_default=True, help="Of every training.")
def main(data: Path, work: Path, out: Path, steps: int) -> None:
    torch.set_num_threads(1)
    clean, leaky = (
        summarise(record(update, data=data, work=work, steps=steps), top=WORDS) for update in (BASELINE, LEAKY)
    )
    moved = compare_summaries(clean, leaky, 3)
    content = {
        "steps": steps,
        "sentences": clean.sentences,
        "clean": describe(clean, "PER"),
        "leaky": describe(leaky, "PER"),
        "moved": [
            {"kind": word.kind, "word": word.new.word, "change": word.change, "low": word.low, "high": word.high}
            for word in moved
        ],
    }
    out.write_text(json.dumps(rounded(content), indent=1) + "\n")
    click.echo(out.read_text())


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.leaning")
