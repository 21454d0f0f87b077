"""Hand-set models with a published answer, through `interp.attribute`.

    python -m benchmarks.truth.units --out benchmarks/results/truth-units.json

Models, inputs, references, answers and scores are those of XAI-Units (arXiv 2506.01059), in its experiment on tables.
The closed form of what is attributed tells what is wrong where an answer is missed: the integral, or the method.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from captum.attr import IntegratedGradients
from captum.metrics import sensitivity_max
from torch import Tensor

import interp
from benchmarks.rounding import rounded
from benchmarks.truth.handset import UNITS, Network, Unit, closed_form

__all__ = ["measure"]

CAPTUM_STEPS = 50
"""Captum's default, which the publication left as it is."""
DRAWS = 5
"""Of weights, as in the publication."""
PERTURBED = 20
"""Inputs of each draw for the sensitivity, each of which is perturbed ten times."""
ROUNDING = 1e-12
"""An error below it is no more than rounding, whatever the estimate."""


def measure(unit: Unit, count: int) -> dict[str, Any]:
    """Over `count` inputs: errors as parts of Σ|attribution|, and squares of what is missed of the published answer."""
    rows: list[dict[str, Any]] = []
    for seed in range(DRAWS):
        generator = torch.Generator().manual_seed(seed)
        weights = unit.weights(generator)
        network = unit.network(weights)
        inputs = unit.draw(generator, count // DRAWS)
        rows += measure_draw(unit, weights, network, inputs)
        if unit.published is None:
            rows[-1]["sensitivity"] = sensitivities(network, inputs[:PERTURBED])
    row = {
        "inputs": len(rows),
        "statuses": dict(Counter(row["status"] for row in rows)),
        "evaluations": float(np.median([row["evaluations"] for row in rows])),
        "understated": sum(row["understated"] for row in rows),
    }
    for name in ("error", "conductance_error", "incomplete", "captum_error"):
        row[name] = max(row[name] for row in rows)
    for name in ("missed", "captum_missed", "sensitivity"):
        known = [row[name] for row in rows if name in row]
        row[name] = np.mean(known, axis=0).tolist() if known else None
    return row


def measure_draw(unit: Unit, weights: Tensor, network: Network, inputs: Tensor) -> list[dict[str, Any]]:
    """A row for each input."""
    references = unit.reference(inputs)
    exact, exact_layer = closed_form(network, inputs, references)
    captum = captum_values(network, inputs, references)
    answers = None if unit.published is None else unit.published(weights, inputs)
    rows = []
    for index, (row, reference) in enumerate(zip(inputs, references, strict=True)):
        attribution = attribute(network, row, reference)
        values = attribution.integrated_gradients
        error, layer_error = part(values, exact[index]), part(attribution.conductance[0], exact_layer[index])
        moved = network(row) - network(reference)
        result = {
            "status": attribution.status.value,
            "evaluations": attribution.evaluations,
            "error": error,
            "conductance_error": layer_error,
            "understated": attribution.status.settled and max(error, layer_error) > max(attribution.estimate, ROUNDING),
            "incomplete": float((values.sum() - moved).abs()) / (float(exact[index].abs().sum()) or 1.0),
            "captum_error": part(captum[index], exact[index]),
        }
        if answers is not None:
            result |= {"missed": missed(values, answers[index]), "captum_missed": missed(captum[index], answers[index])}
        rows.append(result)
    return rows


def attribute(network: Network, row: Tensor, reference: Tensor) -> interp.Attribution:
    return interp.attribute(network, [network.first], row, reference)


def captum_values(network: Network, inputs: Tensor, references: Tensor) -> Tensor:
    attributions = IntegratedGradients(network).attribute(inputs, references, n_steps=CAPTUM_STEPS)
    return torch.as_tensor(attributions).detach()


def part(values: Tensor, exact: Tensor) -> float:
    """Σ|error| as a part of Σ|attribution|; itself where nothing is attributed."""
    return float((values - exact).abs().sum()) / (float(exact.abs().sum()) or 1.0)


def missed(values: Tensor, answer: Tensor) -> float:
    """Mean square of the difference, over the features that have an answer."""
    differences = values - answer
    return float(differences[~differences.isnan()].square().mean())


def sensitivities(network: Network, inputs: Tensor) -> list[float]:
    """How far attributions move with the inputs, at most, as Captum and the publication count it: of `attribute`, and
    of the closed form at the same perturbed inputs.
    """

    def ours(rows: Tensor) -> Tensor:
        return torch.stack([attribute(network, row, torch.zeros_like(row)).integrated_gradients for row in rows])

    def exact(rows: Tensor) -> Tensor:
        return closed_form(network, rows, torch.zeros_like(rows))[0]

    return [mean_sensitivity(explain, inputs) for explain in (ours, exact)]


def mean_sensitivity(explain: Callable[[Tensor], Tensor], inputs: Tensor) -> float:
    def explain_either(rows: Tensor | tuple[Tensor]) -> tuple[Tensor]:
        """Captum gives inputs as a tuple, and perturbed ones as they are."""
        return (explain(rows if isinstance(rows, Tensor) else rows[0]),)

    torch.manual_seed(0)
    return float(sensitivity_max(explain_either, inputs).mean())


@click.command(help=__doc__)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--inputs", default=1000, show_default=True, help="Of every model.")
def main(out: Path, inputs: int) -> None:
    torch.set_num_threads(1)
    rows = {name: measure(unit, inputs) for name, unit in UNITS.items()}
    out.write_text(json.dumps({name: rounded(row) for name, row in rows.items()}, indent=1) + "\n")
    click.echo(out.read_text())


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.truth.units")
