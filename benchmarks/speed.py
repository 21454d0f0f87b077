"""What a sweep costs, side by side in one run: over a bare forward and backward, and against Captum at equal error.

Run from the project's root on an idle machine:

    python -m benchmarks.speed --data ../shared/data --out benchmarks/results/speed.json
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path as File
from time import perf_counter
from typing import Any

import click
import numpy as np
import torch
from captum.attr import LayerConductance, LayerIntegratedGradients
from torch import Tensor

from benchmarks.honesty import TOLERANCE, cases, true_error, truth
from interp.explain import Model, load
from interp.integration import Settings, integrate
from interp.models.tagger import Tagger
from interp.paths import Block, Path, contribute
from interp.quadrature import Panel
from interp.recording import frozen, replacing
from interp.resolution import path_of, prepare

STEPS = (50, 200, 500, 1000, 2000, 4000, 8000)
REPEATS = 15


def timed(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def paired(first: Callable[[], object], second: Callable[[], object]) -> dict[str, float]:
    """Ratio of the times of two works that take turns: median and quartiles over the pairs."""
    first(), second()
    ratios = [timed(first) / timed(second) for _ in range(REPEATS)]
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    return {"median": float(middle), "q1": float(low), "q3": float(high)}


def overhead(tagger: Tagger, path: Path) -> dict[str, Any]:
    """One sweep of 33 nodes (both panels, all layers, word sums, estimates) over the same rows bare."""
    panels = (Panel(0.0, 0.5, 17), Panel(0.5, 1.0, 17))
    nodes = tuple(sorted({node for panel in panels for node in panel.nodes}))
    encoding, (objective,) = path.context.encoding, path.context.objectives
    ids = torch.tensor([encoding.ids] * len(nodes))

    def sweep() -> None:
        (samples,) = tagger.evaluate([Block(path, nodes)])
        for panel in panels:
            own = samples.select(panel)
            assert own is not None
            contribute(path, panel, [own])

    def bare() -> None:
        state = path.at(nodes).requires_grad_(True)
        with frozen(tagger.model), replacing({tagger.parts.embeddings: state}):
            values: Tensor = objective(tagger.model(input_ids=ids).logits)
            torch.autograd.grad(values.sum(), state)

    return {"tokens": len(encoding.ids), "rows": len(nodes), "ratio": paired(sweep, bare)}


def captum(tagger: Tagger, path: Path, steps: int) -> list[np.ndarray]:
    """Word sums of the embedding block's integrated gradients and of every layer's conductance, by Captum."""
    route = path.context
    (objective,) = route.objectives
    ids = torch.tensor([route.encoding.ids])
    pads = torch.tensor([tagger._reference_ids(route.encoding, "pad")])

    def forward(rows: Tensor) -> Tensor:
        value: Tensor = objective(tagger.model(input_ids=rows).logits)
        return value

    options = {"n_steps": steps, "internal_batch_size": 64}
    own = LayerIntegratedGradients(forward, tagger.parts.embeddings).attribute(ids, pads, **options)
    embeddings = (path.input[None], path.reference[None])

    def above(state: Tensor) -> Tensor:
        with replacing({tagger.parts.embeddings: state}):
            return forward(ids.expand(len(state), -1))

    found = [own]
    for layer in tagger.parts.layers:
        found.append(LayerConductance(above, layer).attribute(*embeddings, **options))
    return [path.sums(each.detach()[0].sum(-1)[None].double()).numpy() for each in found]


def against_captum(model: Model, exact: Model, chosen: Sequence[Any]) -> list[dict[str, Any]]:
    """Time of Captum over ours for all layers, at the fewest of STEPS whose word error is within the tolerance."""
    rows = []
    for case in chosen:
        (one,) = prepare(model.tagger, [case])
        path, tagger = path_of(model.tagger, [one], False), model.tagger
        reference = truth(path_of(exact.tagger, [one], False), exact.tagger.evaluate)

        def ours(path: Path = path, tagger: Tagger = tagger) -> Any:
            return integrate([path], tagger.evaluate, Settings(TOLERANCE)).results[0][0]

        result, seconds = ours(), float(np.median([timed(ours) for _ in range(5)]))
        row = {
            "tokens": len(one.encoding.ids),
            "evaluations": result.evaluations,
            "error": true_error(result, reference),
            "seconds": seconds,
            "captum": [],
        }
        for steps in STEPS:
            start = perf_counter()
            found = captum(tagger, path, steps)
            taken = perf_counter() - start
            errors = [float(np.abs(a - r).sum() / np.abs(r).sum()) for a, r in zip(found, reference, strict=True)]
            row["captum"].append({"steps": steps, "error": max(errors), "seconds": taken, "ratio": taken / seconds})
            click.echo(f"{row['tokens']} tokens: {row['captum'][-1]}")
            if max(errors) <= TOLERANCE:
                break
        rows.append(row)
    return rows


@click.command(help=__doc__)
@click.option("--data", type=click.Path(exists=True, path_type=File), required=True)
@click.option("--count", default=3, show_default=True, help="Sentences against Captum.")
@click.option("--threads", default=2, show_default=True)
@click.option("--out", type=click.Path(path_type=File))
def main(data: File, count: int, threads: int, out: File | None) -> None:
    torch.set_num_threads(threads)
    found: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "threads": threads,
        "torch": torch.__version__,
        "overhead": {},
    }
    article = cases("planted", data, 1)[0]
    for name in ("open", "planted"):
        model = load(name, device="cpu")
        found["overhead"][name] = overhead(model.tagger, path_of(model.tagger, prepare(model.tagger, [article]), False))
        click.echo(f"{name}: {found['overhead'][name]}")
    chosen = [article, *cases("open", data, count - 1)]
    found["captum"] = against_captum(load("open", device="cpu"), load("open", device="cpu", dtype="float64"), chosen)
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
