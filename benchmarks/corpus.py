"""How fast a corpus is recorded and summed: a plain loop, one process, several, and Ray, one after the other.

    python -m benchmarks.corpus --work DIR --out benchmarks/results/corpus.json

Rates are from the first part that is done to the last, so that starting processes, seconds for a corpus of any size, is
not in them. The plain loop is `Model.explain_many` on the same questions, on one thread, with nothing written.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

import interp
from benchmarks.rounding import rounded
from interp.bundled.grammar import sample
from interp.explain import Model
from interp.progress import Progress
from interp.question import Question
from interp.question.tags import find_entities
from interp.records import RecordSettings, load_records
from interp.records.in_processes import record_in_processes
from interp.records.make import part_recorder
from interp.records.on_ray import record_on_ray
from interp.records.recording import Recording
from interp.records.store import part_name, write_part
from interp.records.tag import tag_sentences
from interp.records.tally import count_targets
from interp.records.worker import WorkerModel
from interp.summary import summarise
from interp.taggers import ModelPredictor
from interp.texts import Sentence, SentenceList

SETTINGS = RecordSettings(("pad",), 1e-2, layers=False)
PARTS, COPIES = 8, 16
"""In which records are there many times, for the summary."""


@dataclass
class Watch:
    """Takes progress; knows the rate between the first part and the last."""

    marks: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self, done: float) -> None:
        if not self.marks or done > self.marks[-1][0]:
            self.marks.append((done, time.perf_counter()))

    @property
    def rate(self) -> float:
        """Sentences a second."""
        started = [mark for mark in self.marks if mark[0] > 0]
        (first, then), (last, now) = started[0], started[-1]
        return (last - first) / (now - then)


def planted_sentences(count: int) -> list[Sentence]:
    rng = np.random.default_rng(5)
    texts = [planted.words for planted in sample(rng, 3 * count) if "[PAD]" not in planted.words]
    return [Sentence(f"planted:{number}", f"planted:{number}", words) for number, words in enumerate(texts[:count])]


def plain_loop(model: Model, sentences: list[Sentence]) -> float:
    """Sentences a second, tagged and explained, and nothing else."""
    start = time.perf_counter()
    questions = [
        Question(
            record.words,
            [index + 1 for index in range(entity.start, entity.stop)],
            output="centred-logit",
            without=("components", "layers"),
        )
        for record in tag_sentences(ModelPredictor(model), sentences)
        for entity in find_entities(record.tags)
    ]
    for _ in model.explain_many(questions, tolerance=SETTINGS.tolerance):
        pass
    return len(sentences) / (time.perf_counter() - start)


def measure(name: str, record: Callable[[Recording, list[int], Progress], object], recording: Recording) -> float:
    shutil.rmtree(recording.folder, ignore_errors=True)
    watch = Watch()
    record(recording, recording.begin(resume=False), watch)
    click.echo(f"{name}: {watch.rate:.1f} sentences a second")
    return watch.rate


def summary_rates(folder: Path, work: Path) -> dict[str, float]:
    """Of the same records 128 times, in eight large parts: a corpus of millions has such."""
    source = load_records(folder)
    records = list(source)
    header = replace(source.about, sentences=PARTS * COPIES * len(records), part_size=COPIES * len(records))
    many = work / "many"
    shutil.rmtree(many, ignore_errors=True)
    many.mkdir(parents=True)
    for number in range(PARTS):
        write_part(many / part_name(number, header), header, records * COPIES)
    copies = load_records(many)
    start = time.perf_counter()
    summarise(copies)
    seconds = time.perf_counter() - start
    rows = sum(map(len, copies.tables(["number"])))
    size, targets = (sum(path.stat().st_size for path in where.glob("part-*.parquet")) for where in (folder, many))
    return {
        "rows": rows,
        "rows a second": rows / seconds,
        "bytes a target": size / count_targets(source),
        "bytes a target, in large parts": targets / count_targets(copies),
    }


@click.command(help=__doc__)
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--sentences", default=3000, show_default=True)
@click.option("--part-size", default=64, show_default=True)
@click.option("--summary-alone", is_flag=True, help="Keep the other figures of --out, and the records of --work.")
def main(work: Path, out: Path, sentences: int, part_size: int, summary_alone: bool) -> None:
    if summary_alone:
        _write(out, {**json.loads(out.read_text()), "summary": summary_rates(work / "records", work)})
        return
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    model = interp.load("planted", device="cpu")
    corpus = planted_sentences(sentences)
    folder = work / "records"
    recording = Recording.of(
        model.info, SentenceList(corpus), SETTINGS, folder=folder, sources=["planted"], part_size=part_size
    )
    worker = WorkerModel(name="planted", device="cpu", threads=1, memory=None)
    engines: dict[str, Callable[[Recording, list[int], Progress], object]] = {
        "this process": lambda what, parts, progress: what.make_parts(parts, part_recorder(model, SETTINGS), progress),
    }
    for workers in (1, 2):
        engines[f"{workers} local"] = lambda what, parts, progress, workers=workers: record_in_processes(
            what, parts, worker, workers=workers, progress=progress
        )
        engines[f"{workers} on Ray"] = lambda what, parts, progress, workers=workers: record_on_ray(
            what, parts, worker, workers=workers, gpus_per_worker=0, address=None, progress=progress
        )
    before = plain_loop(model, corpus)
    rates = {name: measure(name, record, recording) for name, record in engines.items()}
    after = plain_loop(model, corpus)
    plain = (before + after) / 2
    click.echo(f"plain loop: {before:.1f} before, {after:.1f} after")
    content: dict[str, Any] = {
        "sentences": sentences,
        "part_size": part_size,
        "plain": {"before": before, "after": after},
        "rates": rates,
        "of the plain loop": {name: rate / plain for name, rate in rates.items()},
        "summary": summary_rates(folder, work),
        "most resident MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    _write(out, content)


def _write(out: Path, content: dict[str, Any]) -> None:
    out.write_text(json.dumps(rounded(content), indent=1) + "\n")
    click.echo(out.read_text())


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.corpus")
