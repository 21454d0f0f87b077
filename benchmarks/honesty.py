"""Does the estimate of the integration error ever understate, and what does convergence cost?

For every sentence the default run (float32, tolerance 1e-3) is held against a float64 reference: the true
Σ|error| / Σ|attribution| over words in the worst layer, against 513 nodes on uniform panels; on the component path, in
the worst table, against an adaptive reference at 1e-7. The bank of hard integrands in tests/problems.py has closed-form
answers. Run from the project's root:

    python -m benchmarks.honesty --data ../shared/data --out benchmarks/results/honesty.json
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import click
import numpy as np
import torch
from rich.progress import track

from interp.bundled import corpora, grammar
from interp.engine.options import SweepOptions
from interp.engine.panel_integral import PanelIntegral, integrate_panel
from interp.engine.panels import Panel
from interp.engine.paths import Block, IntegrationPath, nodes_of
from interp.engine.status import IntegrationStatus
from interp.engine.sweep import Integral, integrate
from interp.explain import load
from interp.explain.prepare import build_path, prepare
from interp.question import Question
from tests import problems

ARTICLE = ("Soccer", "-", "Steve", "Tiger", "gets", "a", "lucky", "win", ",", "Rob", "in", "surprise", "defeat")
TOLERANCE = 1e-3
POINTS = 17
SHARP = 1e-7
BANK = (
    *problems.SMOOTH,
    *problems.HARD,
    *problems.KINKS,
    *problems.CANCELLING,
    *problems.DISCONTINUOUS,
    *problems.BLIND,
)
RANDOM_PROBLEMS = 1000
"""Sums of kinks for each place where kinks can lie."""


def cases(name: str, data: File, count: int) -> list[Question]:
    """Sentences with a target: the first entity's first word as `open` finds it, the tagged word of the grammar."""
    rng = np.random.default_rng(20)
    if name == "planted":
        cued = [drawn for drawn in grammar.sample(rng, 4 * count) if drawn.target is not None]
        return [Question(ARTICLE, 10), *(Question(drawn.words, drawn.target + 1) for drawn in cued[: count - 1])]
    sentences = [sentence.words for sentence in corpora.read("uner-test", data) if len(sentence.words) > 2]
    chosen = [sentences[i] for i in rng.permutation(len(sentences))[:count]]
    model = load(name, device="cpu")
    return [Question(words, (model.entities(words) or [(1,)])[0][0]) for words in chosen]


def truth(path: IntegrationPath, evaluate: Any, panels: int = 32) -> list[np.ndarray]:
    """Attributions (groups, units) per state on `panels` uniform panels of 17 nodes: 513 nodes in all."""
    parts = uniform(path, evaluate, panels, POINTS)
    return list(parts[0].by_state(sum(part.values for part in parts)))


def uniform(path: IntegrationPath, evaluate: Any, panels: int, points: int) -> list[PanelIntegral]:
    """Panels of one width, without judging."""
    parts = []
    for i in range(panels):
        panel = Panel(i / panels, (i + 1) / panels, points)
        parts.append(integrate_panel(path, panel, nodes_of(evaluate([Block(path, panel.nodes, (0,))]))))
    return parts


def sharp_truth(path: IntegrationPath, evaluate: Any) -> list[np.ndarray]:
    """The same where uniform panels do not resolve the path (they miss a third of F): refined far beyond the run.

    What vouches for it is completeness, which no panel of it may miss by more than 1e-6.
    """
    (result,) = integrate([path], evaluate, SweepOptions(tolerance=SHARP, max_evaluations=20_000)).integrals[0]
    mass = sum(float(np.abs(value).sum()) for value in result.values)
    if abs(result.residuals[0]) > 1e-6 * mass:
        raise ValueError(f"the reference misses completeness by {abs(result.residuals[0]) / mass:.1e}")
    return list(result.values)


def true_error(result: Integral, reference: Sequence[np.ndarray]) -> float:
    """Σ|error| / Σ|attribution| over units, the worst state and group; groups without any effect have none."""
    worst = 0.0
    for values, right in zip(result.values, reference, strict=True):
        mass = np.abs(right).sum(-1)
        worst = max(worst, *(np.abs(values - right).sum(-1)[mass > 0] / mass[mass > 0]))
    return float(worst)


def study(name: str, tables: bool, chosen: Sequence[Question]) -> list[dict[str, Any]]:
    fast, exact = (load(name, device="cpu", dtype=dtype) for dtype in ("float32", "float64"))
    rows = []
    for case in track(chosen, f"{name}, {'component' if tables else 'embedding'} path"):
        (prepared,) = prepare(fast.tagger, [case])
        (result,) = integrate(
            [build_path(fast.tagger, [prepared], tables)], fast.tagger.evaluate, SweepOptions(tolerance=TOLERANCE)
        ).integrals[0]
        known = sharp_truth if tables else truth
        reference = known(build_path(exact.tagger, [prepared], tables), exact.tagger.evaluate)
        rows.append(
            {
                "words": len(prepared.encoding.words),
                "status": result.status.value,
                "evaluations": result.evaluations,
                "estimate": result.estimate,
                "error": true_error(result, reference),
            }
        )
    return rows


def bank() -> list[dict[str, Any]]:
    return [
        {"problem": problem.name, "blind": problem in problems.BLIND} | solve(problem, SweepOptions().max_evaluations)
        for problem in BANK
    ]


def kinks(count: int) -> dict[str, dict[str, Any]]:
    """By the place where the kinks lie: the summary of `count` random sums of kinks."""
    return {
        place: summary([solve(problems.random_kinks(place, seed), 4001) for seed in range(count)])
        for place in track(problems.PLACES, "random sums of kinks")
    }


def solve(problem: problems.Problem, max_evaluations: int) -> dict[str, Any]:
    options = SweepOptions(tolerance=TOLERANCE, max_evaluations=max_evaluations)
    (result,) = integrate([problems.path([problem])], problems.evaluator(), options).integrals[0]
    error = max(float(np.abs(value[0] - problem.truth).sum()) for value in result.values)
    return {
        "status": result.status.value,
        "evaluations": result.evaluations,
        "estimate": result.estimate,
        "error": error / float(np.abs(problem.truth).sum()),
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    converged = [row for row in rows if row["status"] == IntegrationStatus.CONVERGED.value]
    evaluations = np.array([row["evaluations"] for row in converged])
    return {
        "sentences": len(rows),
        "converged": len(converged),
        "understated": sum(row["error"] > TOLERANCE for row in converged),
        "largest_error": max(row["error"] for row in converged),
        "median_error": float(np.median([row["error"] for row in converged])),
        "evaluations": {
            "median": float(np.median(evaluations)),
            "p90": float(np.quantile(evaluations, 0.9)),
            "max": int(evaluations.max()),
        },
        "first": {key: rows[0][key] for key in ("status", "evaluations", "estimate", "error")},
    }


@click.command(help=__doc__)
@click.option("--data", type=click.Path(exists=True, path_type=File), required=True)
@click.option("--count", default=200, show_default=True)
@click.option("--tables", default=10, show_default=True, help="Sentences of the component path, which is dearer.")
@click.option("--out", type=click.Path(path_type=File))
def main(data: File, count: int, tables: int, out: File | None) -> None:
    torch.set_num_threads(1)
    results: dict[str, Any] = {"tolerance": TOLERANCE, "torch": torch.__version__, "runs": {}}
    for name in ("planted", "open"):
        chosen = cases(name, data, count)
        results["runs"][f"{name}, embedding path"] = study(name, False, chosen)
        for positions in ("mean", "zero"):
            results["runs"][f"{name}, component path, {positions}"] = study(
                name, True, [replace(case, positions=positions) for case in chosen[:tables]]
            )
    results["bank"] = bank()
    results["kinks"] = kinks(RANDOM_PROBLEMS)
    results["summary"] = {run: summary(rows) for run, rows in results["runs"].items()}
    click.echo(json.dumps(results["summary"] | results["kinks"], indent=1))
    for row in results["bank"]:
        click.echo(f"{row['problem']:45} {row['status']:18} {row['evaluations']:5} {row['error']:.1e}")
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
