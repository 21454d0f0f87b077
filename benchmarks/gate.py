"""What the gate costs: recording over its evaluations run bare, and of every part the cost per sentence.

    python -m benchmarks.gate --data ../shared/data --out benchmarks/results/gating.json

`data` holds conll2003/valid.txt. Recording and bare rows take turns; parts are timed once each, and how much of it is
spent in the model. It takes about three minutes.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from benchmarks.meter import machine
from interp.engine.paths import Block
from interp.explain import Model, load
from interp.gate import Criteria, Side, judge_candidate
from interp.models.tagger import Tagger
from interp.probe import ProbeSettings, frequent_cues, probe_models
from interp.probe.probe import CONFIRMING, SKETCHING
from interp.project.settings import Settings
from interp.records import RecordSettings
from interp.records.make import make_records
from interp.stress import StressPlan, shipped_names, stress_models
from interp.taggers import ModelPredictor, Predictor
from interp.texts import Sentence, limit_explained, read_sentences, sample_sentences

PAIRS = 3
RECORDED, TAGGED, EXPLAINED, STRESSED, WORDS, KEPT = 4, 200, 6, 100, 30, 2
"""Sentences of every part, words that are sketched, and those of them that are measured."""
RECORD = RecordSettings()
NOISE = 0.1
"""Of a weight's spread, added to make a candidate whose effects are not nothing."""


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def recording(model: Model, sentences: list[Any]) -> dict[str, Any]:
    """Time of recording over that of the same rows forward and backward alone, pair by pair."""
    ratios, calls = [], _calls(model.tagger, lambda: _record(model, sentences))
    for _ in range(PAIRS):
        whole, _ = seconds(partial(_record, model, sentences))
        bare, _ = seconds(partial(_bare, model.tagger, calls))
        ratios.append(whole / bare)
    rows = sum(rows for rows, *_ in calls)
    return {"ratio": float(np.median(ratios)), "pairs": ratios, "rows": rows, "sentences": len(sentences)}


def _record(model: Model, sentences: list[Any], settings: RecordSettings = RECORD) -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_records(model, sentences, settings, Path(folder))


def _calls(tagger: Tagger, work: Callable[[], None]) -> list[tuple[int, int, int]]:
    """Of every forward of a work: its rows, its sub-tokens, and how many targets went backward."""
    calls: list[tuple[int, int, int]] = []
    evaluate = tagger.evaluate

    def noted(blocks: Sequence[Block]) -> Any:
        lengths = [len(block.path.context.encoding.ids) for block in blocks]
        targets = max(len(block.targets) for block in blocks)
        calls.append((sum(len(block.alphas) for block in blocks), max(lengths), targets))
        return evaluate(blocks)

    tagger.evaluate = noted  # type: ignore[method-assign]
    try:
        work()
    finally:
        del tagger.evaluate
    return calls


def _bare(tagger: Tagger, calls: Sequence[tuple[int, int, int]]) -> None:
    """As many rows forward and backward to the input alone; nothing is kept or integrated."""
    for rows, length, targets in calls:
        state = torch.randn(rows, length, tagger.model.config.hidden_size, requires_grad=True)
        logits = tagger.model(inputs_embeds=state, attention_mask=torch.ones(rows, length)).logits
        for number in range(1, targets + 1):
            torch.autograd.grad(logits[:, number % length].max(-1).values.sum(), state, retain_graph=number < targets)


@dataclass
class Meter:
    """Of one part: seconds of wall and processor, those of them in the model, and rows that models read."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    in_model: float = 0.0
    rows: int = 0
    evaluations: int = 0
    _start: tuple[float, float] = field(default=(0.0, 0.0))

    def start(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self.seconds += time.perf_counter() - self._start[0]
        self.processor_seconds += time.process_time() - self._start[1]

    def per(self, count: int) -> dict[str, float]:
        """Costs of one of so many, and what limits them; rows are evaluations where there are any."""
        rows = self.evaluations or self.rows or 1
        return {
            "seconds": self.seconds / count,
            "processor seconds": self.processor_seconds / count,
            "rows": rows / count,
            "seconds a row": self.seconds / rows,
            "share in the model": self.in_model / self.seconds,
        }


@contextmanager
def metered(models: Sequence[Model], meters: list[Meter]) -> Iterator[None]:
    """Forward passes of tags, and forward and backward passes of explanations, go to the last meter."""

    running: list[str] = []

    def timed_by(call: Callable[..., Any], count: Callable[..., None]) -> Callable[..., Any]:
        def measured(*arguments: Any, **named: Any) -> Any:
            if running:  # a forward pass within an evaluation
                return call(*arguments, **named)
            running.append("")
            start = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                running.pop()
                meters[-1].in_model += time.perf_counter() - start
                count(*arguments, **named)

        return measured

    def count_evaluations(blocks: Sequence[Block]) -> None:
        meters[-1].evaluations += sum(len(block.alphas) for block in blocks)

    def count_rows(**named: Any) -> None:
        meters[-1].rows += len(named["input_ids"])

    for model in models:
        tagger = model.tagger
        tagger.evaluate = timed_by(tagger.evaluate, count_evaluations)  # type: ignore[method-assign]
        tagger.model.forward = timed_by(tagger.model.forward, count_rows)
    try:
        yield
    finally:
        for model in models:
            del model.tagger.evaluate, model.tagger.model.forward


def parts(model: Model, candidate: Model, sentences: Sequence[Sentence]) -> dict[str, Any]:
    """Costs per sentence of every part of a gate."""
    both, costs = (ModelPredictor(model), ModelPredictor(candidate)), {}
    tagged = sentences[:TAGGED]
    both[0]([sentence.words for sentence in tagged[:16]])  # what is done once
    meter = measure([model], lambda: both[0]([sentence.words for sentence in tagged]))
    costs["tagging"] = meter.per(TAGGED)
    explained = [sentence for sentence in sentences if any(tag != "O" for tag in sentence.gold or ())][:EXPLAINED]
    for name, settings in (("words", RecordSettings(layers=False)), ("words and layers", RecordSettings())):
        meter = measure([model], partial(_record, model, list(explained), settings))
        costs[f"explaining {name}"] = meter.per(EXPLAINED)
    texts = [(sentence.id, sentence.words) for sentence in sentences]
    for stage, meter in probe_stages((model, candidate), both, texts).items():
        costs[stage] = meter.per(max(meter.rows, 1))
    names = StressPlan(names=shipped_names(), count=STRESSED)
    meter = measure([model, candidate], lambda: stress_models(*both, sentences, names))
    costs["stress"] = meter.per(STRESSED)
    return costs


def measure(models: Sequence[Model], work: Callable[[], Any]) -> Meter:
    meter = Meter()
    with metered(models, [meter]):
        meter.start()
        work()
        meter.stop()
    return meter


def probe_stages(
    models: tuple[Model, Model], predictors: tuple[Predictor, Predictor], texts: list[tuple[str, tuple[str, ...]]]
) -> dict[str, Meter]:
    """The stages of a probe, parted by what its progress tells; every effect is confirmed."""
    names, meters = ["sketching", "measuring", "confirming"], [Meter()]
    ends = [SKETCHING, 1 - CONFIRMING, 1.0]

    def tell(done: float) -> None:
        if done >= ends[len(meters) - 1] - 1e-9:
            meters[-1].stop()
            if len(meters) < len(names):
                meters.append(Meter())
            meters[-1].start()

    cues = frequent_cues([words for _, words in texts], WORDS)
    settings = ProbeSettings(kept=KEPT)
    with metered(models, meters):
        meters[0].start()
        probe_models(*predictors, texts=texts, candidates=cues, probing=settings, progress=tell, least=lambda *_: 0.0)
    return dict(zip(names, meters, strict=True))


def noisy(name: str) -> Model:
    """A model that is trained otherwise, as far as cost goes."""
    model = load(name, "cpu")
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.tagger.model.parameters():
            weight += NOISE * weight.std(correction=0) * torch.randn(weight.shape, generator=draw)
    return model


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(data: Path, out: Path | None) -> None:
    valid = read_sentences([f"conll:{data / 'conll2003' / 'valid.txt'}"], Settings())
    results: dict[str, Any] = {"machine": machine()}
    models = {name: load(name, "cpu") for name in ("open", "planted")}
    for name, model in models.items():
        results[f"recording {name}"] = recording(model, sample_sentences(valid, RECORDED, 0))
        click.echo(f"{name}: {results[f'recording {name}']['ratio']:.2f}")
    sentences = sample_sentences(valid, 400, 0)
    results["per sentence, open"] = parts(models["open"], noisy("open"), sentences)
    for part, costs in results["per sentence, open"].items():
        click.echo(f"{part}: " + ", ".join(f"{value:.3g} {name}" for name, value in costs.items()))
    with tempfile.TemporaryDirectory() as folder:
        cases = limit_explained(sentences, 0, 0)
        sides = Side(make_records(models["open"], cases, RecordSettings(), Path(folder)))
        results["a gate over 400 tagged cases, seconds"], _ = seconds(
            lambda: judge_candidate(sides, sides, Criteria(), None)
        )
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
