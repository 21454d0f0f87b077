"""Hand-set models: they are what they are said to be, and what is attributed is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import interp
from benchmarks.truth.handset import FEATURES, PERTINENT_FACTOR, TRUTH_TABLE, UNITS, closed_form
from benchmarks.truth.units import DRAWS, measure

WEIGHTS = torch.linspace(-1, 1, FEATURES, dtype=torch.float64)
VALUES = torch.linspace(-2, 2, FEATURES, dtype=torch.float64)


def answer(name: str, inputs: Tensor, weights: Tensor = WEIGHTS) -> float:
    return float(UNITS[name].network(weights)(inputs[None])[0])


def test_the_models_compute_what_their_names_say() -> None:
    assert answer("continuous", VALUES) == pytest.approx(float(WEIGHTS @ VALUES))
    for switches in ((0.0, 1.0) * 5, (1.0, 1.0, 0.0, 0.0, 1.0) * 2):
        off = torch.tensor(switches, dtype=torch.float64)
        left = float((WEIGHTS * VALUES * (1 - off)).sum())
        assert answer("conflicting", torch.cat([VALUES, off])) == pytest.approx(left)
    absent = torch.zeros(FEATURES, dtype=torch.float64)
    present = torch.ones(FEATURES, dtype=torch.float64)
    half = float(WEIGHTS[: FEATURES // 2].sum())
    assert answer("pertinent negatives", absent) == pytest.approx(PERTINENT_FACTOR * half)
    assert answer("pertinent negatives", present) == pytest.approx(float(WEIGHTS.sum()))
    assert answer("shattered gradients", -VALUES) == 0.0
    assert answer("shattered gradients", VALUES) == pytest.approx(float(WEIGHTS @ VALUES))
    exponentials = VALUES[: FEATURES // 2].exp()
    assert answer("uncertainty", VALUES) == pytest.approx(float(exponentials[0] / exponentials.sum()))


def test_a_switch_sets_the_weight_of_the_next_feature() -> None:
    inputs = VALUES.clone()
    inputs[::2] = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0])
    own, off, on = (3.0, 5.0, 7.0, 11.0, 13.0), (0.1, 0.2, 0.3, 0.4, 0.5), (-4.0, -3.0, 2.0, 1.0, 0.0)
    by_hand = sum(
        float(inputs[2 * pair]) * own[pair] + float(inputs[2 * pair + 1]) * (on if inputs[2 * pair] else off)[pair]
        for pair in range(FEATURES // 2)
    )
    weights = torch.tensor([*own, *off, *on], dtype=torch.float64)
    assert answer("interacting", inputs, weights) == pytest.approx(by_hand)


def test_logic_is_logic() -> None:
    assert torch.equal(UNITS["and"].network(WEIGHTS)(TRUTH_TABLE), TRUTH_TABLE.amin(-1))
    assert torch.equal(UNITS["or"].network(WEIGHTS)(TRUTH_TABLE), TRUTH_TABLE.amax(-1))


@pytest.mark.parametrize("name", UNITS)
def test_the_closed_form_is_what_many_small_steps_add_up_to(name: str) -> None:
    unit = UNITS[name]
    generator = torch.Generator().manual_seed(1)
    network = unit.network(unit.weights(generator))
    inputs = unit.draw(generator, 2)
    references = unit.reference(inputs)
    steps = 2000
    for row, reference, exact in zip(inputs, references, closed_form(network, inputs, references)[0], strict=True):
        alphas = ((torch.arange(steps, dtype=torch.float64) + 0.5) / steps)[:, None]
        path = (reference + alphas * (row - reference)).requires_grad_(True)
        (gradients,) = torch.autograd.grad(network(path).sum(), path)
        torch.testing.assert_close((row - reference) * gradients.mean(0), exact, rtol=1e-2, atol=1e-6)


@pytest.mark.parametrize("name", UNITS)
def test_what_is_attributed_is_known(name: str) -> None:
    row = measure(UNITS[name], DRAWS)
    assert row["statuses"] == {"converged": DRAWS} and row["understated"] == 0
    assert max(row["error"], row["conductance_error"], row["incomplete"]) < 1e-3
    assert row["missed"] is None or (row["missed"] > 1e-2) == (name == "conflicting")


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
