"""Does the resident set of `interp record` grow with the cases? Sentences of the grammar, in this fresh process.

    python -m benchmarks.growth planted --words-only --out benchmarks/results/growth-words.json

A row for every part: cases done, MiB resident then, and the most that was seen resident within it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
import numpy as np
import psutil
import torch

from interp.bundled import grammar
from interp.explain import load
from interp.records import RecordSettings
from interp.records.make import make_records
from interp.records.record import SENTENCES_PER_PART
from interp.texts import Sentence

MEBIBYTE = 2**20


class Meter:
    """Notes what is resident, part by part."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int]] = []
        self._most = 0

    def __call__(self, done: float) -> None:
        resident = psutil.Process().memory_info().rss // MEBIBYTE
        self._most = max(self._most, resident)
        if done % SENTENCES_PER_PART == 0 and (not self.rows or done > self.rows[-1][0]):
            self.rows.append((int(done), resident, self._most))
            click.echo(f"{int(done):6} cases {resident:6} MiB, {self._most:6} at most since")
            self._most = 0


def sentences(count: int) -> list[Sentence]:
    drawn = grammar.sample(np.random.default_rng(0), count, spelled=0.2)
    return [
        Sentence(id=str(number), document=str(number // 10), words=planted.words, gold=planted.tags)
        for number, planted in enumerate(drawn)
    ]


@click.command(help=__doc__)
@click.argument("model")
@click.option("--cases", default=10_000, show_default=True)
@click.option("--words-only", is_flag=True, help="From one reference, to a tolerance of 0.05: ten times as fast.")
@click.option("--out", type=click.Path(path_type=Path))
def main(model: str, cases: int, words_only: bool, out: Path | None) -> None:
    torch.set_num_threads(1)
    subject, meter = load(model, device="cpu"), Meter()
    meter(0)
    settings = RecordSettings(("pad",), 0.05, layers=False) if words_only else RecordSettings()
    with tempfile.TemporaryDirectory() as folder:
        make_records(subject, sentences(cases), settings, Path(folder) / "records", progress=meter)
    if out is not None:
        out.write_text(json.dumps({"model": model, "torch": torch.__version__, "rows": meter.rows}) + "\n")


if __name__ == "__main__":
    main()
