"""Which attribution method finds a mechanism that is known?

    python -m benchmarks.truth --work DIR --out benchmarks/results/truth.json

trains small taggers, each on one planted mechanism, proves by intervention that they use it and nothing else, and asks
every method about texts of it. What is done lies in DIR and is not done again, so that a study that was stopped goes
on. `python -m benchmarks.truth.report FILE` makes the tables.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.rounding import rounded
from benchmarks.truth.measure import METHODS, measure
from benchmarks.truth.mechanisms import MECHANISMS
from benchmarks.truth.summary import summarise
from benchmarks.truth.train import Recipe, build


def recipes(names: tuple[str, ...], seeds: int) -> Iterator[Recipe]:
    """Seed by seed, so that what a study that was stopped lacks is a seed and no mechanism. Every other model learns
    texts with blanks: of each mechanism there are both.
    """
    for seed in range(seeds):
        for number, mechanism in enumerate(MECHANISMS):
            if mechanism in names:
                yield Recipe(mechanism=mechanism, seed=seed, blanks=(number + seed) % 2 == 1)


@click.command(help=__doc__)
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Models and rows; resumed.")
@click.option("--out", type=click.Path(path_type=Path), help="Results as JSON.")
@click.option("--mechanism", "names", multiple=True, type=click.Choice(list(MECHANISMS)), help="Only these.")
@click.option("--method", "methods", multiple=True, type=click.Choice(list(METHODS)), help="Only these.")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Models of each mechanism.")
@click.option(
    "--sentences", type=click.IntRange(1), default=60, show_default=True, help="Explained texts of each case."
)
def main(
    work: Path, out: Path | None, names: tuple[str, ...], methods: tuple[str, ...], seeds: int, sentences: int
) -> None:
    torch.set_num_threads(1)
    work.mkdir(parents=True, exist_ok=True)
    models: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    layers: list[dict[str, Any]] = []
    for recipe in recipes(names or tuple(MECHANISMS), seeds):
        clock = time.perf_counter()
        model, row = build(recipe, work)
        models.append(row)
        verdict = "proven" if row["proven"] else "NOT PROVEN"
        click.echo(f"{recipe.name}: {verdict}, accuracy {row['proof']['accuracy'][2]:.4f}")
        if not row["proven"]:
            continue
        for method in methods or tuple(METHODS):
            summary = summarise(recipe, method, measure(model, recipe, method, count=sentences, work=work))
            rows += summary.rows
            layers += summary.layers
        click.echo(f"{recipe.name}: {len(methods or METHODS)} methods, {time.perf_counter() - clock:.0f} s in all")
        if out is not None:
            content = {"sentences": sentences, "models": models, "rows": rows, "layers": layers}
            out.write_text(lines(content))


def lines(content: dict[str, Any]) -> str:
    """JSON with one line for each row."""
    parts = []
    for key, value in content.items():
        listed = isinstance(value, list)
        text = "[\n" + ",\n".join(json.dumps(rounded(row)) for row in value) + "\n]" if listed else json.dumps(value)
        parts.append(f"{json.dumps(key)}: {text}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.truth")
