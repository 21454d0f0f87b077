"""Does the resident set of `interp record` grow with the cases? Sentences of the grammar, in this fresh process.

    python -m benchmarks.growth planted --cases 10000 --out benchmarks/results/growth.json

Every row holds cases done, MiB resident, and MiB that Arrow holds.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
import numpy as np
import psutil
import pyarrow as pa
import torch

from interp.bundled import grammar
from interp.explain import load
from interp.records import RecordSettings
from interp.records.make import make_records
from interp.texts import Sentence

EVERY = 100
MEBIBYTE = 2**20


class Meter:
    """Notes what is resident, every hundred cases."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, float]] = []

    def __call__(self, done: float) -> None:
        if not self.rows or done >= self.rows[-1][0] + EVERY:
            resident = psutil.Process().memory_info().rss // MEBIBYTE
            self.rows.append((int(done), resident, pa.total_allocated_bytes() / MEBIBYTE))
            click.echo(f"{int(done):6} cases {resident:6} MiB")


def sentences(count: int) -> list[Sentence]:
    drawn = grammar.sample(np.random.default_rng(0), count, spelled=0.2)
    return [
        Sentence(id=str(number), document=str(number // 10), words=planted.words, gold=planted.tags)
        for number, planted in enumerate(drawn)
    ]


@click.command(help=__doc__)
@click.argument("model")
@click.option("--cases", default=10_000, show_default=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(model: str, cases: int, out: Path | None) -> None:
    torch.set_num_threads(1)
    subject, meter = load(model, device="cpu"), Meter()
    meter(0)
    with tempfile.TemporaryDirectory() as folder:
        make_records(subject, sentences(cases), RecordSettings(), Path(folder) / "records", progress=meter)
    if out is not None:
        out.write_text(json.dumps({"model": model, "torch": torch.__version__, "rows": meter.rows}) + "\n")


if __name__ == "__main__":
    main()
