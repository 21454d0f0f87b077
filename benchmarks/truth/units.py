"""Hand-set models with a published answer, through `interp.attribute`.

    python -m benchmarks.truth.units --out benchmarks/results/truth-units.json

The models are those of XAI-Units (arXiv 2506.01059), rebuilt from its description and its public code: ten features,
weights from −1 to 1, its references and its answers. All but one of them have a closed form of integrated gradients,
too, which tells what is wrong: the integral, or the method.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor

import interp
from benchmarks.rounding import rounded

__all__ = ["UNITS", "Unit", "measure"]

FEATURES = 10
PAIRS = FEATURES // 2
CANCELLING, SWITCHING = 100.0, 1000.0
"""What an input of 1 takes from another, in two of the models."""
PERTINENT_FACTOR = 10.0
"""How much more the absence of a feature counts than its presence."""
SHATTERED_SCALE = 50.0

Answer = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of weights, an input and its reference."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One behaviour of a model: F (rows,) of weights and inputs (rows, features), and what its inputs give to it."""

    forward: Callable[[Tensor, Tensor], Tensor]
    draw: Callable[[torch.Generator], Tensor]
    """An input."""
    reference: Callable[[Tensor], Tensor] = torch.zeros_like
    published: Answer | None = None
    """What XAI-Units takes for right; NaN where it says nothing."""
    exact: Answer | None = None
    """Integrated gradients in closed form."""


def normal(generator: torch.Generator) -> Tensor:
    return torch.randn(FEATURES, generator=generator, dtype=torch.float64)


def coin(count: int, generator: torch.Generator) -> Tensor:
    """0 or 1."""
    return torch.randint(2, (count,), generator=generator).double()


def weighted(weights: Tensor, inputs: Tensor, _reference: Tensor) -> Tensor:
    return weights * inputs


# --- features that add up, and features that another takes back


def continuous(weights: Tensor, rows: Tensor) -> Tensor:
    return (torch.relu(weights * rows) - torch.relu(-weights * rows)).sum(-1)


def conflicting(weights: Tensor, rows: Tensor) -> Tensor:
    """Of `FEATURES` values and as many switches, each of which takes its value out."""
    values, switches = rows[..., :FEATURES], rows[..., FEATURES:]
    taken = CANCELLING * switches
    return (torch.relu(weights * values - taken) - torch.relu(-weights * values - taken)).sum(-1)


def draw_conflicting(generator: torch.Generator) -> Tensor:
    return torch.cat([normal(generator), coin(FEATURES, generator)])


def conflicting_published(weights: Tensor, inputs: Tensor, _reference: Tensor) -> Tensor:
    """A value gives what it would, and its switch takes that away."""
    values = weights * inputs[:FEATURES]
    return torch.cat([values, -values * inputs[FEATURES:]])


def conflicting_exact(weights: Tensor, inputs: Tensor, _reference: Tensor) -> Tensor:
    """Value and switch grow together, so that a value which is taken out in the end never counts on the way."""
    counts = weights * inputs[:FEATURES] * (1 - inputs[FEATURES:])
    return torch.cat([counts, torch.zeros_like(counts)])


# --- features whose weight is another's affair


def interacting(weights: Tensor, rows: Tensor) -> Tensor:
    """Even features switch the weight of the next: from the odd weight to the even one less a half."""
    switches, values = rows[..., ::2], rows[..., 1::2]
    off, on = weights[1::2], weights[::2] / 2
    taken = SWITCHING * switches
    difference = (off - on) * values
    switched = torch.relu(difference - taken) - torch.relu(-difference - taken) + on * values
    return (switched + weights[::2] * switches).sum(-1)


def draw_interacting(generator: torch.Generator) -> Tensor:
    inputs = normal(generator)
    inputs[::2] = coin(PAIRS, generator)
    return inputs


def interacting_published(weights: Tensor, inputs: Tensor, _reference: Tensor) -> Tensor:
    answer = weights * inputs
    answer[1::2] = torch.where(inputs[::2] > 0, weights[::2] / 2, weights[1::2]) * inputs[1::2]
    return answer


# --- features whose absence counts


def pertinent(weights: Tensor, rows: Tensor) -> Tensor:
    """Of the first half 0 counts ten times as much as 1."""
    absent, present = torch.relu(1 - 2 * rows[..., :PAIRS]), torch.relu(2 * rows[..., :PAIRS] - 1)
    first = weights[:PAIRS] * (present + PERTINENT_FACTOR * absent)
    return first.sum(-1) + (weights[PAIRS:] * rows[..., PAIRS:]).sum(-1)


def draw_pertinent(generator: torch.Generator) -> Tensor:
    inputs = normal(generator)
    inputs[:PAIRS] = coin(PAIRS, generator)
    return inputs


def pertinent_published(weights: Tensor, inputs: Tensor, _reference: Tensor) -> Tensor:
    answer = weights * inputs
    answer[:PAIRS] *= 1 - PERTINENT_FACTOR
    return answer


# --- a function that breaks, a distribution, and logic


def shattered(weights: Tensor, rows: Tensor) -> Tensor:
    return torch.relu(SHATTERED_SCALE * rows @ weights)


def shattered_exact(weights: Tensor, inputs: Tensor, _reference: Tensor) -> Tensor:
    return SHATTERED_SCALE * weights * inputs * (weights @ inputs > 0)


def uncertainty(_weights: Tensor, rows: Tensor) -> Tensor:
    """Probability of the first of five classes, to whose logits the last half of the features gives the same."""
    logits = rows[..., :PAIRS] + rows[..., PAIRS:].sum(-1, keepdim=True)
    return logits.softmax(-1)[..., 0]


def uncertainty_published(_weights: Tensor, inputs: Tensor, _reference: Tensor) -> Tensor:
    answer = torch.full_like(inputs, torch.nan)
    answer[PAIRS:] = 0.0
    return answer


def all_of(_weights: Tensor, rows: Tensor) -> Tensor:
    """1 where all features are 1, else −1."""
    return 2 * torch.relu(torch.relu(rows.sum(-1)) - (FEATURES - 1)) - 1


def draw_signs(generator: torch.Generator) -> Tensor:
    """Some of 1 and −1; all alike in one of eight."""
    signs = 2 * coin(FEATURES, generator) - 1
    return torch.full_like(signs, float(signs[0])) if coin(3, generator).sum() == 0 else signs


def opposite(sign: float) -> Callable[[Tensor], Tensor]:
    """All features of one sign; of the other where that is the input itself."""

    def reference(inputs: Tensor) -> Tensor:
        alike = bool((inputs == sign).all())
        return torch.full_like(inputs, -sign if alike else sign)

    return reference


def logic_answer(_weights: Tensor, inputs: Tensor, reference: Tensor) -> Tensor:
    """Those that differ from the reference share what it moves."""
    differs = (inputs != reference).double()
    return differs / differs.sum() * 2 * torch.sign(inputs - reference)


UNITS: Mapping[str, Unit] = {
    "continuous": Unit(forward=continuous, draw=normal, published=weighted, exact=weighted),
    "conflicting": Unit(
        forward=conflicting, draw=draw_conflicting, published=conflicting_published, exact=conflicting_exact
    ),
    "interacting": Unit(
        forward=interacting, draw=draw_interacting, published=interacting_published, exact=interacting_published
    ),
    "pertinent negatives": Unit(
        forward=pertinent, draw=draw_pertinent, published=pertinent_published, exact=pertinent_published
    ),
    "shattered gradients": Unit(forward=shattered, draw=normal, exact=shattered_exact),
    "uncertainty": Unit(forward=uncertainty, draw=normal, published=uncertainty_published),
    "and": Unit(forward=all_of, draw=draw_signs, reference=opposite(1.0), published=logic_answer, exact=logic_answer),
    "or": Unit(
        forward=lambda weights, rows: -all_of(weights, -rows),
        draw=draw_signs,
        reference=opposite(-1.0),
        published=logic_answer,
        exact=logic_answer,
    ),
}


def measure(unit: Unit, count: int) -> dict[str, Any]:
    """Errors over `count` inputs, as parts of Σ|attribution| in closed form, and against the published answer."""
    generator = torch.Generator().manual_seed(0)
    weights = 2 * torch.rand(FEATURES, generator=generator, dtype=torch.float64) - 1
    statuses: Counter[str] = Counter()
    evaluations, errors, understated, squares = [], [0.0], 0, []
    for _ in range(count):
        inputs = unit.draw(generator)
        reference = unit.reference(inputs)
        attribution = interp.attribute(lambda rows: unit.forward(weights, rows), [], inputs, reference)
        values = attribution.integrated_gradients
        statuses[attribution.status.value] += 1
        evaluations.append(attribution.evaluations)
        if unit.exact is not None:
            exact = unit.exact(weights, inputs, reference)
            mass = float(exact.abs().sum())
            error = float((values - exact).abs().sum()) / mass if mass else float(values.abs().sum())
            errors.append(error)
            understated += attribution.status.settled and error > max(attribution.estimate, 1e-9) and mass > 0
        if unit.published is not None:
            difference = values - unit.published(weights, inputs, reference)
            squares.append(float(difference[~difference.isnan()].square().mean()))
    return {
        "inputs": count,
        "statuses": dict(statuses),
        "evaluations": float(np.median(evaluations)),
        "error": max(errors) if unit.exact is not None else None,
        "understated": int(understated),
        "published": float(np.mean(squares)) if squares else None,
    }


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
