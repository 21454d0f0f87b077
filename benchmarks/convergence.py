"""Error against evaluations: one Chebyshev panel, the adaptive method and Captum, on sentences of both models.

An evaluation is one row forward and backward. The error is Σ|a − reference| / Σ|reference| over words, in the words
view and in the worst layer (the words view among them), against many Chebyshev panels in float64. All methods run in
float32; what they are asked for is points, a tolerance of the worst layer, or steps. Captum's words come from
LayerIntegratedGradients, its layers from LayerConductance, one run for each. Run from the project's root (half an hour
of one core):

    python -m benchmarks.convergence --data ../shared/data --out benchmarks/results/convergence.json \\
        --figure docs/convergence.png

With `--redraw` the figure is drawn anew from `--out`, without computing; with `--resume` an interrupted run goes on.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path as File
from time import perf_counter
from typing import Any

import captum
import click
import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerIntegratedGradients
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from rich.progress import track
from torch import Tensor

from benchmarks import engines
from benchmarks.honesty import TOLERANCE, cases, uniform
from interp.engine.options import SweepOptions
from interp.engine.panel_integral import integrate_panel
from interp.engine.panels import Panel
from interp.engine.paths import Block, IntegrationPath, nodes_of
from interp.engine.status import IntegrationStatus
from interp.engine.sweep import Evaluate, integrate
from interp.explain import Model, load
from interp.explain.prepare import PreparedQuestion, build_path, prepare
from interp.models.tagger import Tagger
from interp.project.files import write
from interp.question import Question
from interp.report.figures.draw import AGAINST, FOR, GRID
from interp.report.figures.save import _file_content, _style

Array = npt.NDArray[np.float64]

MODELS = ("open", "planted")
VIEWS = ("words", "worst layer")
POINTS = (9, 17, 33, 65, 129)
TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
STEPS = {10: (100, 20), 25: (100, 20), 50: (100, 20), 100: (100, 20), 200: (20, 10), 400: (20, 5), 800: (20, 0)}
"""Captum's, and on how many sentences: the words, all layers. It would take hours otherwise."""
LONGEST = 25
"""Sub-tokens of a sentence for `open`, for the same reason."""
PANELS = {"open": 8, "planted": 16}
"""Of 33 points in the reference."""
CONVERGED = IntegrationStatus.CONVERGED.value


@dataclass(frozen=True, eq=False)
class Run:
    """What a method was asked for, the evaluations each view took, and attributions (groups, units) per state."""

    method: str
    budget: float
    evaluations: Mapping[str, int]
    values: Sequence[Array]
    status: str = ""


def sentences(name: str, data: File, count: int, tagger: Tagger) -> list[Question]:
    if name == "planted":
        return cases(name, data, count)
    short = [case for case in cases(name, data, 4 * count) if len(tagger.encode(case.words).ids) <= LONGEST]
    if len(short) < count:
        raise click.ClickException(f"only {len(short)} sentences of at most {LONGEST} sub-tokens")
    return short[:count]


def reference(path: IntegrationPath, evaluate: Evaluate, panels: int) -> tuple[Sequence[Array], float]:
    """Attributions (groups, units) per state; their error is less than that of half the points, the second value."""
    parts = uniform(path, evaluate, panels, 33)
    fine, coarse = (parts[0].by_state(sum(sums)) for sums in zip(*((p.values, p.nested) for p in parts), strict=True))
    return fine, max(errors(coarse, fine).values())


def errors(values: Sequence[Array], right: Sequence[Array]) -> dict[str, float]:
    """Per view; the words alone if nothing else was found."""
    relative = [float(np.abs(a - r).sum() / np.abs(r).sum()) for a, r in zip(values, right, strict=False)]
    return {"words": relative[0]} | ({"worst layer": max(relative)} if len(values) == len(right) else {})


def runs(model: Model, question: PreparedQuestion, index: int) -> Iterator[Run]:
    """All methods with all they can be asked for, on the sentence of this index."""
    tagger, path = model.tagger, build_path(model.tagger, [question], False)
    (samples,) = tagger.evaluate([Block(path, Panel(0.0, 1.0, POINTS[-1]).nodes, (0,))])
    for points in POINTS:
        panel = Panel(0.0, 1.0, points)
        part = integrate_panel(path, panel, nodes_of([samples]))
        yield Run("one panel", points, dict.fromkeys(VIEWS, points), part.by_state(part.values))
    for tolerance in TOLERANCES:
        (result,) = integrate([path], tagger.evaluate, SweepOptions(tolerance=tolerance)).integrals[0]
        taken = dict.fromkeys(VIEWS, result.evaluations)
        yield Run("adaptive", tolerance, evaluations=taken, values=result.values, status=result.status.value)
    for steps, (words, layers) in STEPS.items():
        every = steps + len(tagger.parts.layers) * (steps + 1)  # conductance evaluates both ends of its steps
        taken = {"words": steps, "worst layer": every}
        if index < layers:
            yield Run("captum", steps, taken, engines.captum(model, [[question]], steps, split=False)[0])
        elif index < words:
            yield Run("captum", steps, taken, [captum_words(tagger, path, steps)])


def captum_words(tagger: Tagger, path: IntegrationPath, steps: int) -> Array:
    """Word sums of Captum's integrated gradients of the embedding block."""
    route = path.context
    (objective,) = route.objectives
    ids, pads = (torch.tensor([row]) for row in (route.encoding.ids, tagger.constant_reference(route.encoding, "pad")))

    def forward(rows: Tensor) -> Tensor:
        value: Tensor = objective(tagger.model(input_ids=rows).logits)
        return value

    method = LayerIntegratedGradients(forward, tagger.parts.embeddings)
    attributions = method.attribute(ids, pads, n_steps=steps, internal_batch_size=64)
    return np.asarray(path.sums(attributions.detach()[0].sum(-1)[None].double()).numpy())


def sentence(fast: Model, exact: Model, case: Question, index: int) -> dict[str, Any]:
    start = perf_counter()
    (prepared,) = prepare(fast.tagger, [case])
    right, bound = reference(
        build_path(exact.tagger, [prepared], False), exact.tagger.evaluate, PANELS[fast.tagger.info.name]
    )
    rows = [
        (view, run.method, run.budget, run.evaluations[view], error, run.status)
        for run in runs(fast, prepared, index)
        for view, error in errors(run.values, right).items()
    ]
    return {
        "words": case.words,
        "tokens": len(prepared.encoding.ids),
        "bound": bound,
        "seconds": perf_counter() - start,
        "rows": rows,
    }


def study(name: str, data: File, count: int, partial: File) -> dict[str, Any]:
    fast, exact = (load(name, device="cpu", dtype=dtype) for dtype in ("float32", "float64"))
    known: dict[tuple[str, int], Any] = {}
    if partial.exists():
        known = {(line["model"], line["index"]): line for line in map(json.loads, partial.open(encoding="utf-8"))}
    done = []
    for index, case in enumerate(track(sentences(name, data, count, fast.tagger), name)):
        row = known.get((fast.tagger.info.sha256, index))
        if row is None or row["words"] != list(case.words):
            row = {"model": fast.tagger.info.sha256, "index": index, **sentence(fast, exact, case, index)}
            with partial.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        done.append(row)
    return {
        "model": fast.tagger.info.sha256,
        "sentences": len(done),
        "longest": LONGEST if name == "open" else None,
        "tokens": [row["tokens"] for row in done],
        "reference": {"nodes": 32 * PANELS[name] + 1, "bound": rounded(max(row["bound"] for row in done))},
        "seconds": round(sum(row["seconds"] for row in done)),
        "points": points_of(row for sentence_row in done for row in sentence_row["rows"]),
    }


def points_of(rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """One per view, method and budget, over all sentences."""
    groups: dict[tuple[str, str, float], list[Sequence[Any]]] = defaultdict(list)
    for view, method, budget, *rest in rows:
        groups[view, method, budget].append(rest)
    points = []
    for (view, method, budget), own in groups.items():
        evaluations, off, statuses = zip(*own, strict=True)
        point: dict[str, Any] = {"view": view, "method": method, "budget": budget, "sentences": len(own)}
        if method == "adaptive":
            within = [error <= budget for error, status in zip(off, statuses, strict=True) if status == CONVERGED]
            point |= {"converged": len(within), "understated": within.count(False)}
        point |= {"evaluations": summarised(evaluations), "errors": summarised(off)}
        if method == "adaptive":
            point["each_evaluations"] = evaluations
        points.append(point | {"each_error": list(map(rounded, off))})
    return points


def summarised(values: Sequence[float]) -> dict[str, float]:
    quantiles = np.quantile(values, [0.25, 0.5, 0.75, 1])
    summary = dict(zip(("q1", "median", "q3", "max"), quantiles, strict=True)) | {"mean": np.mean(values)}
    return {name: rounded(value) for name, value in summary.items()}


def rounded(value: float) -> float:
    return float(f"{value:.3g}")


def line(points: Sequence[Mapping[str, Any]], view: str, method: str) -> list[Mapping[str, Any]]:
    """A method's points in the order of what they cost."""
    own = [point for point in points if (point["view"], point["method"]) == (view, method)]
    return sorted(own, key=lambda point: (point["evaluations"]["mean"], -point["errors"]["median"]))


def needed(points: Sequence[Mapping[str, Any]], view: str, method: str, error: str) -> str:
    """Mean evaluations at which an error (median, max) falls to the tolerance, between two points as straight in the
    logarithms. A maximum is followed over the same sentences only.
    """
    own = line(points, view, method)
    if error == "max":
        own = [point for point in own if point["sentences"] == own[0]["sentences"]]
    known = [(point["evaluations"]["mean"], point["errors"][error]) for point in own]
    if known[0][1] <= TOLERANCE:
        return f"{known[0][0]:g}"
    for (x, y), (next_x, next_y) in pairwise(known):
        if y > TOLERANCE >= next_y:
            part = np.log(TOLERANCE / y) / np.log(next_y / y)
            return f"{x * (next_x / x) ** part:.1f}"
    return f"> {known[-1][0]:g}"


LOOKS = {
    "one panel": ("#707882", "s", "one Chebyshev panel"),
    "captum": (AGAINST, "^", "Captum"),
    "adaptive": (FOR, "o", "interp, adaptive (ring: by default)"),
}


def figure(results: Mapping[str, Any]) -> Figure:
    """Rows of views, columns of models: median lines with bands of quartiles."""
    with _style():
        drawing = Figure(figsize=(7.2, 5.8), layout="constrained")
        grid = drawing.subplots(len(VIEWS), len(MODELS), sharex=True, sharey=True)
        for i, view in enumerate(VIEWS):
            grid[i, 0].set_ylabel(f"relative error, {view}")
            for j, model in enumerate(MODELS):
                plot(grid[i, j], results["models"][model]["points"], view)
        for axes, model in zip(grid[0], MODELS, strict=True):
            axes.set_title(f"{model}, {results['models'][model]['sentences']} sentences", fontsize=10)
        grid[0, 1].text(8e3, 1.3 * TOLERANCE, "default tolerance", ha="right", va="bottom", color=GRID, fontsize=8)
        grid[0, 0].text(8e3, 4e-7, "integrated gradients", ha="right", va="bottom", color=AGAINST, fontsize=8)
        grid[1, 0].text(8e3, 0.3, "conductance, layer by layer", ha="right", va="bottom", color=AGAINST, fontsize=8)
        drawing.supxlabel("evaluations (rows forward and backward), mean with quartiles", fontsize=9)
        drawing.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    return drawing


def plot(axes: Axes, points: Sequence[Mapping[str, Any]], view: str) -> None:
    axes.set(xscale="log", yscale="log", xlim=(7, 9e3), ylim=(1e-8, 1))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(TOLERANCE, color=GRID, linewidth=0.8, linestyle=(0, (4, 3)))
    for method, (colour, marker, name) in LOOKS.items():
        own = line(points, view, method)
        x = [point["evaluations"]["mean"] for point in own]
        low, middle, high = ([point["errors"][key] for point in own] for key in ("q1", "median", "q3"))
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(x, middle, color=colour, marker=marker, markersize=4.5, linewidth=1.5, label=name)
        for point in own:
            taken, middle = point["evaluations"], point["errors"]["median"]
            axes.hlines(middle, taken["q1"], taken["q3"], color=colour, linewidth=1)
            if (method, point["budget"]) == ("adaptive", TOLERANCE):
                axes.plot(taken["mean"], middle, "o", color=colour, markersize=9, fillstyle="none")


def flat(results: Mapping[str, Any]) -> str:
    """JSON with every list of numbers and every summary on one line."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    return re.sub(r"[\[{][^][{}]*[\]}]", lambda match: re.sub(r"\s+", " ", match[0]), text) + "\n"


def table(results: Mapping[str, Any]) -> str:
    """Evaluations after which the error is within the tolerance, of the median sentence and of the worst."""
    lines = [f"{'evaluations to an error of':33} {TOLERANCE:g}: median sentence, worst sentence"]
    for model, own in results["models"].items():
        for view in VIEWS:
            for method in LOOKS:
                median, most = (needed(own["points"], view, method, error) for error in ("median", "max"))
                lines.append(f"{model:8} {view:12} {method:10} {median:>8} {most:>8}")
    return "\n".join(lines)


@click.command(help=__doc__)
@click.option("--data", type=click.Path(exists=True, path_type=File), help="Needed unless --redraw is given.")
@click.option("--count", default=100, show_default=True, help="Sentences per model.")
@click.option("--out", type=click.Path(path_type=File), required=True)
@click.option("--figure", "image", type=click.Path(path_type=File))
@click.option("--redraw", is_flag=True, help="Draw what --out holds; compute nothing.")
@click.option("--partial", type=click.Path(path_type=File), help="Finished sentences, as they come [default: in /tmp].")
@click.option("--resume", is_flag=True, help="Keep what --partial holds.")
def main(
    data: File | None, count: int, out: File, image: File | None, redraw: bool, partial: File | None, resume: bool
) -> None:
    if redraw:
        results = json.loads(out.read_text(encoding="utf-8"))
    elif data is None:
        raise click.UsageError("--data is missing.")
    else:
        torch.set_num_threads(1)
        partial = partial or File(input=tempfile.gettempdir()) / "interp-convergence.jsonl"
        if not resume:
            partial.unlink(missing_ok=True)
        results = {
            "tolerance": TOLERANCE,
            "threads": 1,
            "torch": torch.__version__,
            "captum": captum.__version__,
            "models": {name: study(name, data, count, partial) for name in MODELS},
        }
        write(out, flat(results))
    click.echo(table(results))
    if image is not None:
        write(image, _file_content(figure(results), image.suffix))


if __name__ == "__main__":
    main()
