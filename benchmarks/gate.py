"""What the gate costs: recording over its evaluations run bare, a gate over recorded cases, a probe of 300 words.

    python -m benchmarks.gate --data ../shared/data --out benchmarks/results/gating.json

`data` holds conll2003/valid.txt. Recording and bare rows take turns; the rest is timed once each, on a quiet machine.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
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
from interp.project.settings import Settings
from interp.records import RecordSettings
from interp.records.make import make_records
from interp.taggers import ModelPredictor
from interp.texts import limit_explained, read_sentences, sample_sentences

PAIRS = 3


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


def _record(model: Model, sentences: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_records(model, sentences, RecordSettings(), Path(folder))


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


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(data: Path, out: Path | None) -> None:
    valid = read_sentences([f"conll:{data / 'conll2003' / 'valid.txt'}"], Settings())
    results: dict[str, Any] = {"machine": machine()}
    models = {name: load(name, "cpu") for name in ("open", "planted")}
    for name, model in models.items():
        results[f"recording {name}"] = recording(model, sample_sentences(valid, 16, 0))
        click.echo(f"{name}: {results[f'recording {name}']['ratio']:.2f}")
    model = models["open"]
    cases = limit_explained(sample_sentences(valid, 1_000, 0), 200, 0)
    candidate = Model(model.tagger)
    with tempfile.TemporaryDirectory() as folder:
        took, records = seconds(lambda: make_records(model, cases, RecordSettings(), Path(folder)))
        sides = Side(records), Side(records)
        results["recording 1,000 sentences, 200 of them explained, seconds"] = took
        results["a gate over 1,000 recorded cases, seconds"], _ = seconds(
            lambda: judge_candidate(*sides, Criteria(), None)
        )
    texts = [(sentence.id, sentence.words) for sentence in sample_sentences(valid, 400, 1)]
    cues = frequent_cues([words for _, words in texts], 300)
    took, done = seconds(
        lambda: probe_models(
            ModelPredictor(model), ModelPredictor(candidate), texts=texts, candidates=cues, probing=ProbeSettings()
        )
    )
    results["a probe of 300 words and pairs on both models, seconds"] = took
    results["cues"] = done.cues
    click.echo(json.dumps({key: value for key, value in results.items() if "seconds" in key}, indent=1))
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
