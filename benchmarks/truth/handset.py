"""Hand-set models with a published answer, and their attributions in closed form.

The models are those of XAI-Units (arXiv 2506.01059), rebuilt from its description and its public code. Each is one
layer between two linear maps: layers that follow one another without a nonlinearity are one here, and units that are
always 0 are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["FEATURES", "PERTINENT_FACTOR", "TRUTH_TABLE", "UNITS", "Network", "Unit", "closed_form"]

FEATURES = 10
PAIRS = FEATURES // 2
CANCELLING, SWITCHING = 100.0, 1000.0
"""What an input of 1 takes from another, in two of the models."""
PERTINENT_FACTOR = 10.0
"""How much more the absence of a feature counts than its presence."""
SHATTERED_SCALE, SHATTERED_SPREAD, SHATTERED_BIAS = 50.0, 0.05, 0.5
QUADRATURE_NODES = 64
"""For the softmax, along a path on which logits move by a few units: exact to rounding."""


class Network(nn.Module):
    """Inputs (rows, features) to values (rows,)."""

    def __init__(self, first: nn.Linear, activation: nn.ReLU | nn.Softmax, second: nn.Linear) -> None:
        super().__init__()
        self.first, self.activation, self.second = first, activation, second

    def forward(self, rows: Tensor) -> Tensor:
        return torch.as_tensor(self.second(self.activation(self.first(rows)))[..., 0])


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One behaviour of a model."""

    weights: Callable[[torch.Generator], Tensor]
    network: Callable[[Tensor], Network]
    draw: Callable[[torch.Generator, int], Tensor]
    """That many inputs (rows, features)."""
    reference: Callable[[Tensor], Tensor] = torch.zeros_like
    published: Callable[[Tensor, Tensor], Tensor] | None = None
    """What XAI-Units takes for right, of weights and inputs; NaN where it says nothing."""


def uniform(count: int) -> Callable[[torch.Generator], Tensor]:
    """Weights from −1 to 1."""
    return lambda generator: 2 * torch.rand(count, generator=generator, dtype=torch.float64) - 1


def normal(generator: torch.Generator, count: int) -> Tensor:
    return torch.randn(count, FEATURES, generator=generator, dtype=torch.float64)


def coins(generator: torch.Generator, count: int, features: int) -> Tensor:
    """0 or 1."""
    return torch.randint(2, (count, features), generator=generator).double()


def linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    outputs, inputs = weight.shape
    layer = nn.Linear(inputs, outputs, bias=bias is not None, dtype=torch.float64).requires_grad_(False)
    layer.weight.copy_(weight)
    if bias is not None:
        layer.bias.copy_(bias)
    return layer


def signed(values: Tensor, taken: Tensor) -> Network:
    """Σ of relu(v·x − t·x) − relu(−v·x − t·x): the sum of v·x, without those that their switch takes out."""
    signs = torch.ones(1, len(values), dtype=torch.float64)
    first = linear(torch.cat([values - taken, -values - taken]))
    return Network(first, nn.ReLU(), linear(torch.cat([signs, -signs], -1)))


# --- features that add up, and features that another takes back


def continuous(weights: Tensor) -> Network:
    values = torch.diag(weights)
    return signed(values, torch.zeros_like(values))


def conflicting(weights: Tensor) -> Network:
    """Of `FEATURES` values and as many switches, each of which takes its value out."""
    values, switches = torch.diag(weights), CANCELLING * torch.eye(FEATURES, dtype=torch.float64)
    zeros = torch.zeros_like(values)
    return signed(torch.cat([values, zeros], -1), torch.cat([zeros, switches], -1))


def draw_conflicting(generator: torch.Generator, count: int) -> Tensor:
    return torch.cat([normal(generator, count), coins(generator, count, FEATURES)], -1)


def conflicting_answer(weights: Tensor, inputs: Tensor) -> Tensor:
    """A value gives what it would, and its switch takes that away."""
    values = weights * inputs[:, :FEATURES]
    return torch.cat([values, -values * inputs[:, FEATURES:]], -1)


# --- features whose weight is another's affair


def interacting(weights: Tensor) -> Network:
    """Even features have a weight and switch that of the next from the second five weights to the third."""
    own, off, on = weights.reshape(3, PAIRS)
    one = torch.eye(FEATURES, dtype=torch.float64)
    switches, values = one[::2], one[1::2]
    rows = torch.cat([(off - on)[:, None] * values, on[:, None] * values, own[:, None] * switches])
    taken = torch.cat([SWITCHING * switches, torch.zeros(2 * PAIRS, FEATURES, dtype=torch.float64)])
    return signed(rows, taken)


def draw_interacting(generator: torch.Generator, count: int) -> Tensor:
    inputs = normal(generator, count)
    inputs[:, ::2] = coins(generator, count, PAIRS)
    return inputs


def interacting_answer(weights: Tensor, inputs: Tensor) -> Tensor:
    own, off, on = weights.reshape(3, PAIRS)
    switches, values = inputs[:, ::2], inputs[:, 1::2]
    return torch.stack([own * switches, torch.where(switches > 0, on, off) * values], -1).flatten(1)


# --- features whose absence counts


def pertinent(weights: Tensor) -> Network:
    """Of the first half 0 counts ten times as much as 1."""
    half = torch.ones(PAIRS, dtype=torch.float64)
    slopes, biases = torch.cat([2 * half, half]), torch.cat([-half, 0 * half])
    first = linear(torch.cat([torch.diag(slopes), torch.diag(-slopes)]), torch.cat([biases, -biases]))
    negative = torch.cat([PERTINENT_FACTOR * weights[:PAIRS], -weights[PAIRS:]])
    return Network(first, nn.ReLU(), linear(torch.cat([weights, negative])[None]))


def draw_pertinent(generator: torch.Generator, count: int) -> Tensor:
    inputs = normal(generator, count)
    inputs[:, :PAIRS] = coins(generator, count, PAIRS)
    return inputs


def pertinent_answer(weights: Tensor, inputs: Tensor) -> Tensor:
    """From absence, the reference: what presence gives, less what absence gave."""
    answer = weights * inputs
    answer[:, :PAIRS] *= 1 - PERTINENT_FACTOR
    return answer


# --- a function that is steep, a distribution, and logic


def shattered_weights(generator: torch.Generator) -> Tensor:
    """Of two sizes, which balance along drawn ratios of the features, all but a bias."""
    ratios = torch.zeros(FEATURES)
    while not ((ratios > 0).any() and (ratios < 0).any()):
        ratios = torch.randint(-5, 5, (FEATURES,), generator=generator).double()
    positive, negative = ratios.clamp(min=0).sum(), ratios.clamp(max=0).sum()
    share = -(positive + SHATTERED_BIAS / SHATTERED_SCALE) / negative
    return SHATTERED_SCALE * torch.where(ratios > 0, torch.ones_like(share), share)


def shattered(weights: Tensor) -> Network:
    return Network(linear(weights[None]), nn.ReLU(), linear(torch.ones(1, 1)))


def uncertainty(_weights: Tensor) -> Network:
    """Probability of the first of five classes, to whose logits the last half of the features gives the same."""
    own, common = torch.eye(PAIRS), torch.ones(PAIRS, PAIRS)
    return Network(linear(torch.cat([own, common], -1)), nn.Softmax(-1), linear(own[:1]))


def draw_uncertainty(generator: torch.Generator, count: int) -> Tensor:
    """With the largest of the first half in front: what is explained is the predicted class, and all are alike."""
    inputs = normal(generator, count)
    inputs[:, :PAIRS] = inputs[:, :PAIRS].sort(-1, descending=True).values
    return inputs


def uncertainty_answer(_weights: Tensor, inputs: Tensor) -> Tensor:
    """What raises all classes alike gives nothing."""
    answer = torch.full_like(inputs, torch.nan)
    answer[:, PAIRS:] = 0.0
    return answer


TRUTH_TABLE = torch.tensor(list(product((1.0, -1.0), repeat=FEATURES)), dtype=torch.float64)


def any_of(patterns: Tensor) -> Network:
    """1 where the input is one of the patterns of 1 and −1, else −1."""
    first = linear(patterns, torch.full((len(patterns),), 1.0 - FEATURES))
    return Network(first, nn.ReLU(), linear(torch.full((1, len(patterns)), 2.0), torch.tensor([-1.0])))


def draw_signs(generator: torch.Generator, count: int) -> Tensor:
    return TRUTH_TABLE[torch.randperm(len(TRUTH_TABLE), generator=generator)[:count]]


def opposite(sign: float) -> Callable[[Tensor], Tensor]:
    """All features of one sign; of the other where that is the input itself."""

    def reference(inputs: Tensor) -> Tensor:
        references = torch.full_like(inputs, sign)
        references[(inputs == sign).all(-1)] = -sign
        return references

    return reference


def shared(reference: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Features that differ from the reference share what F moves, 2."""

    def answer(_weights: Tensor, inputs: Tensor) -> Tensor:
        differences = torch.sign(inputs - reference(inputs))
        return 2 * differences / differences.abs().sum(-1, keepdim=True)

    return answer


def logic(sign: float, patterns: Tensor) -> Unit:
    return Unit(
        weights=uniform(0),
        network=lambda _weights: any_of(patterns),
        draw=draw_signs,
        reference=opposite(sign),
        published=shared(opposite(sign)),
    )


UNITS: Mapping[str, Unit] = {
    "continuous": Unit(
        weights=uniform(FEATURES), network=continuous, draw=normal, published=lambda weights, inputs: weights * inputs
    ),
    "conflicting": Unit(
        weights=uniform(FEATURES), network=conflicting, draw=draw_conflicting, published=conflicting_answer
    ),
    "interacting": Unit(
        weights=uniform(3 * PAIRS), network=interacting, draw=draw_interacting, published=interacting_answer
    ),
    "pertinent negatives": Unit(
        weights=uniform(FEATURES), network=pertinent, draw=draw_pertinent, published=pertinent_answer
    ),
    "shattered gradients": Unit(
        weights=shattered_weights,
        network=shattered,
        draw=lambda generator, count: SHATTERED_SPREAD * normal(generator, count),
    ),
    "uncertainty": Unit(weights=uniform(0), network=uncertainty, draw=draw_uncertainty, published=uncertainty_answer),
    "and": logic(1.0, TRUTH_TABLE[:1]),
    "or": logic(-1.0, TRUTH_TABLE[:-1]),
}


def closed_form(network: Network, inputs: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Integrated gradients (rows, features), and the conductance of the first layer's outputs (rows, units).

    The first layer moves in a straight line, too. What F gains by a unit of its movement is, on average, what the
    unit's nonlinearity gains over what it moved.
    """
    start, end = network.first(reference), network.first(inputs)
    moved = end - start
    if isinstance(network.activation, nn.ReLU):
        still = moved == 0
        slopes = torch.where(still, (start > 0).double(), (end.relu() - start.relu()) / torch.where(still, 1.0, moved))
        gains = network.second.weight * slopes
    else:
        gains = softmax_gains(network.second.weight[0], start, moved)
    return (inputs - reference) * (gains @ network.first.weight), gains * moved


def softmax_gains(weights: Tensor, start: Tensor, moved: Tensor) -> Tensor:
    """Mean derivative of Σ weights · softmax, by Gauss–Legendre."""
    nodes, parts = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    gains = torch.zeros_like(start)
    for node, part in zip(nodes, parts, strict=True):
        probabilities = (start + (node + 1) / 2 * moved).softmax(-1)
        gains += part / 2 * probabilities * (weights - (probabilities @ weights)[:, None])
    return gains
