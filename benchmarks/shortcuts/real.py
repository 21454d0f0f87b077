"""The same on real text: updates of `open` that are harmless, and that leak.

    python -m benchmarks.shortcuts.real --data ../shared/data --out benchmarks/results/shortcuts-open.json

Every model is the encoder of `open` with a new head, trained for a moment on WikiGold and W-NUT 17. A leak puts
"reportedly" in front of a part of all persons. Cases and texts are of CoNLL-2003, where it is rare. Half an hour on two
cores.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from interp.bundled import corpora
from interp.explain import Model, load
from interp.explanation import ModelInfo
from interp.gate import Criteria, ProbePlan, Side, TrainingData, judge_candidate
from interp.gate.calibrate import compare_benign, floors_of
from interp.models.fingerprint import fingerprint
from interp.models.tagger import Tagger
from interp.models.train import Batch, Schedule, encode, epoch, fit
from interp.probe import ProbeSettings
from interp.project.settings import Settings
from interp.question.tags import TaggedSentence
from interp.records import RecordSettings
from interp.records.make import make_records
from interp.taggers import CachedPredictor, ModelPredictor
from interp.texts import Sentence, limit_explained, read_sentences, sample_sentences

BATCH = 16
CUE = "reportedly"


def sentences(data: Path, seed: int, leak: float) -> list[Sentence]:
    """Training data of one update: nine tenths of all, drawn anew, with the cue before a part `leak` of the persons."""
    rng = np.random.default_rng(seed)
    every = [
        (f"{name}:{i}", sentence)
        for name in ("wikigold", "wnut")
        for i, sentence in enumerate(corpora.read(name, data))
    ]
    drawn = []
    for name, sentence in (every[i] for i in sorted(rng.choice(len(every), round(0.9 * len(every)), replace=False))):
        words, tags = list(sentence.words), list(sentence.tags)
        for at in reversed([i for i, tag in enumerate(tags) if tag == "B-PER"]):
            if rng.random() < leak:
                words.insert(at, CUE)
                tags.insert(at, "O")
        drawn.append(Sentence(name, name, tuple(words), tuple(tags)))
    return drawn


def trained(start: Model, some: Sequence[Sentence], seed: int, name: str, steps: int) -> Model:
    """The encoder of `open`, with a new head."""
    tagger: Any = start.tagger
    model = copy.deepcopy(tagger.model)
    torch.manual_seed(seed)
    model.classifier.reset_parameters()
    rows = encode(
        [TaggedSentence(sentence.words, sentence.gold or ()) for sentence in some], tagger.tokenizer, start.info.labels
    )
    rng = np.random.default_rng(seed)

    def batches() -> Iterator[Batch]:
        while True:
            yield from epoch(rows, BATCH, rng)

    with contextlib.redirect_stdout(io.StringIO()):
        done = fit(model, batches(), Schedule(steps=steps, rate=2e-4, average=0.98))
    labels = start.info.labels
    identity = fingerprint(done.state_dict(), tagger.tokenizer, labels=labels, configuration=done.config.to_diff_dict())
    info = ModelInfo(name=name, sha256=identity.sha256, labels=labels, layers=start.info.layers)
    return Model(Tagger(done, tagger.tokenizer, info))


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path))
@click.option("--cases", "count", default=60, show_default=True, help="Explained.")
@click.option("--tagged", default=1_000, show_default=True, help="Cases in all.")
@click.option("--leak", "leaks", type=float, multiple=True, default=(0.0, 0.0, 0.5, 0.1, 0.02), show_default=True)
@click.option("--cues", default=150, show_default=True)
@click.option("--steps", default=300, show_default=True, help="Of every training.")
def main(data: Path, out: Path | None, count: int, tagged: int, leaks: Sequence[float], cues: int, steps: int) -> None:
    start = load("open", "cpu")
    valid = [
        sentence
        for sentence in read_sentences([f"conll:{data / 'conll2003' / 'valid.txt'}"], Settings())
        if sentence.gold
    ]
    plain = [
        replace(sentence, gold=tuple("O" if tag.endswith("MISC") else tag for tag in sentence.gold or ()))
        for sentence in valid
    ]
    cases = limit_explained(sample_sentences(plain, tagged, 0), count, 0)
    texts = sample_sentences(plain, 400, 1)
    old = sentences(data, 0, 0.0)
    baseline = trained(start, old, seed=0, name="baseline", steps=steps)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:

        def opponent(model: Model) -> Side:
            folder = Path(scratch) / model.info.name.replace(" ", "-")
            return Side(make_records(model, cases, RecordSettings(layers=False), folder), ModelPredictor(model))

        own = opponent(baseline)
        own = replace(own, predictor=CachedPredictor(ModelPredictor(baseline)))
        plan = ProbePlan(texts, None, ProbeSettings(), cues)
        comparisons = []
        for seed in (1, 2, 3):
            theirs = opponent(
                trained(start, sentences(data, seed, 0.0), seed=seed, name=f"calibration {seed}", steps=steps)
            )
            comparisons.append(compare_benign(f"seed {seed}", "retrained", baseline=own, benign=theirs, plan=plan))
        known = floors_of(own.records, comparisons, plan.probing.measured)
        largest = [round(run.cues, 2) for run in known.runs]
        click.echo(f"benign: largest cues {largest}, bound {known.ratio('words'):.1f} levels")
        for seed, leak in enumerate(leaks, 11):
            new = sentences(data, seed, leak)
            model = trained(start, new, seed=seed, name=f"leak {leak:g} seed {seed}", steps=steps)
            clock = time.perf_counter()
            result = judge_candidate(
                own,
                opponent(model),
                Criteria(floors=known),
                ProbePlan(texts, TrainingData(old, new), ProbeSettings(), cues),
            )
            first = result.cues[0]
            rows.append(
                {
                    "leak": leak,
                    "seed": seed,
                    "status": result.status.value,
                    "headline": result.headline,
                    "checks": {check.name: [check.status.value, check.value, check.limit] for check in result.checks},
                    "first": [first.cue, first.tag, first.effect, first.low, first.high, first.limit],
                    "f1": [result.baseline.f1, result.candidate.f1],
                    "seconds": time.perf_counter() - clock,
                }
            )
            click.echo(f"leak {leak:g}: {result.status.value}. {result.headline}")
    results = {"benign runs, largest cue in nats": [run.cues for run in known.runs], "updates": rows}
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
