"""Hand-set models: they are what they are said to be, and what is attributed is known."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor, nn

import interp
from benchmarks.truth.units import FEATURES, PERTINENT_FACTOR, UNITS, measure

WEIGHTS = torch.linspace(-1, 1, FEATURES, dtype=torch.float64)
VALUES = torch.linspace(-2, 2, FEATURES, dtype=torch.float64)


def answer(name: str, inputs: Tensor) -> float:
    return float(UNITS[name].forward(WEIGHTS, inputs[None])[0])


def test_the_models_compute_what_their_names_say() -> None:
    assert answer("continuous", VALUES) == pytest.approx(float(WEIGHTS @ VALUES))
    for switches in ((0.0, 1.0) * 5, (1.0, 1.0, 0.0, 0.0, 1.0) * 2):
        off = torch.tensor(switches, dtype=torch.float64)
        left = float((WEIGHTS * VALUES * (1 - off)).sum())
        assert answer("conflicting", torch.cat([VALUES, off])) == pytest.approx(left)
    on = VALUES.clone()
    on[::2] = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0])
    by_hand = sum(
        float(on[even] * WEIGHTS[even] + on[even + 1] * (WEIGHTS[even] / 2 if on[even] else WEIGHTS[even + 1]))
        for even in range(0, FEATURES, 2)
    )
    assert answer("interacting", on) == pytest.approx(by_hand)
    absent = torch.zeros(FEATURES, dtype=torch.float64)
    present = torch.ones(FEATURES, dtype=torch.float64)
    half = float(WEIGHTS[: FEATURES // 2].sum())
    assert answer("pertinent negatives", absent) == pytest.approx(PERTINENT_FACTOR * half)
    assert answer("pertinent negatives", present) == pytest.approx(float(WEIGHTS.sum()))
    assert answer("shattered gradients", -VALUES) == 0.0


def test_logic_is_logic() -> None:
    for signs in product((-1.0, 1.0), repeat=FEATURES):
        inputs = torch.tensor(signs, dtype=torch.float64)
        assert answer("and", inputs) == min(signs)
        assert answer("or", inputs) == max(signs)


@pytest.mark.parametrize("name", UNITS)
def test_what_is_attributed_is_known(name: str) -> None:
    row = measure(UNITS[name], 8)
    assert row["statuses"] == {"converged": 8} and row["understated"] == 0
    assert row["error"] is None or row["error"] < 1e-3
    assert row["published"] is None or (row["published"] > 1e-2) == (name == "conflicting")


class Move(nn.Module):
    """Positions (rows, positions, features): what stands at one is added at another and taken away there, or not."""

    def __init__(self, moves: bool) -> None:
        super().__init__()
        self.moves = moves

    def forward(self, states: Tensor) -> Tensor:
        if not self.moves:
            return torch.tanh(states) + states
        moved = states.clone()
        moved[:, TARGET] = states[:, TARGET] + states[:, CUE]
        moved[:, CUE] = 0.0
        return moved


CUE, TARGET, POSITIONS = 1, 3, 5


@pytest.mark.parametrize("moving", [0, 1, 2])
def test_conductance_is_where_evidence_must_be(moving: int) -> None:
    """The target is read at the end, and its evidence is the cue's: behind the layer that moves it, it is there."""
    layers = nn.Sequential(*(Move(moves=number == moving) for number in range(3))).double()
    generator = torch.Generator().manual_seed(moving)
    inputs = torch.zeros(POSITIONS, 4, dtype=torch.float64)
    inputs[CUE] = torch.randn(4, generator=generator, dtype=torch.float64)

    def forward(rows: Tensor) -> Tensor:
        return torch.as_tensor(layers(rows)[:, TARGET].sum(-1))

    attribution = interp.attribute(forward, list(layers), inputs, torch.zeros_like(inputs), tolerance=1e-9)
    for number, layer in enumerate(attribution.conductance):
        sizes = layer.abs().sum(-1)
        place = TARGET if number >= moving else CUE
        assert float(sizes[place] / sizes.sum()) == pytest.approx(1, abs=1e-9)
        assert float(layer.sum()) == pytest.approx(attribution.at_input - attribution.at_reference, rel=1e-6)
