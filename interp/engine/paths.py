"""Straight paths from a reference to an input, what was sampled on them, and what a panel's samples integrate to.

With states h and gradients g = ∂F/∂h at the nodes of a panel, every attribution is Σ_ij K_ij g_i · h_j, where K is
the rule's matrix of pairs (weights times differentiation matrix). The products g_i · h_j are formed once; the rule
and the rule nested in it are then two small contractions of the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from interp.engine.quadrature import Panel, chebyshev_rule

__all__ = ["Block", "Contribution", "IntegrationPath", "Node", "Samples", "integrate_panel", "nodes_of"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegrationPath:
    """A straight line from `reference` to `input`, two states of one shape (…, features), and what to do along it.

    `targets` counts the scalars F explained on it. `sums` takes values without the features dimension, (rules, …),
    to (rules, units) or (rules, groups, units): what the error is controlled for, each group on its own. `detail`,
    if given, picks from elementwise values (…, features) what is wanted at full resolution. `context` is for
    whoever evaluates the path.
    """

    input: Tensor
    reference: Tensor
    targets: int
    sums: Callable[[Tensor], Tensor]
    context: Any = None
    detail: Callable[[Tensor], Tensor] | None = None

    @property
    def length(self) -> int:
        """Rows of features in a state (sub-tokens, say): paths of like length are evaluated together."""
        return self.input.shape[-2] if self.input.ndim > 1 else 1

    def at(self, alphas: Sequence[float]) -> Tensor:
        """States (nodes, …, features); both ends are the given tensors to the bit."""
        wide = torch.promote_types(self.input.dtype, torch.float32)  # a node must be where the rule has it
        weight = torch.tensor(alphas, dtype=torch.float64).to(self.input.device, wide).view(-1, *[1] * self.input.ndim)
        return torch.lerp(self.reference.to(wide), self.input.to(wide), weight).to(self.input.dtype)


@dataclass(frozen=True, eq=False)
class Block:
    """Rows to evaluate: the nodes `alphas` of one path, and which of its targets to go backward from."""

    path: IntegrationPath
    alphas: tuple[float, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Samples:
    """What a block gave: outputs (nodes, targets), states per layer (nodes, …) and the gradients to them of each
    target that was asked for.
    """

    alphas: tuple[float, ...]
    outputs: Tensor
    states: tuple[Tensor, ...]
    gradients: Mapping[int, tuple[Tensor, ...]]


Node = tuple[Samples, int]
"""A node of a path, evaluated: the samples that have it and its row in them."""


@dataclass(frozen=True, eq=False)
class Contribution:
    """A panel's part of one target's integrals.

    `values` and `nested` values of all states one after the other, each of `shapes` (groups, units); `details` per
    state; `outputs`: F at both ends of the panel.
    """

    values: Array
    nested: Array
    shapes: tuple[tuple[int, int], ...]
    details: tuple[Array, ...]
    outputs: tuple[float, float]

    def by_state(self, flat: Array) -> tuple[Array, ...]:
        """Numbers in the order of `values` as one array (groups, units) per state."""
        ends = np.cumsum([groups * units for groups, units in self.shapes])
        return tuple(part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), self.shapes, strict=True))


def integrate_panel(path: IntegrationPath, panel: Panel, nodes: Mapping[float, Node], target: int = 0) -> Contribution:
    """Integrate one target over one panel, all of whose nodes are there: every state."""
    found = [nodes[alpha] for alpha in panel.nodes]
    rule = chebyshev_rule(panel.points)
    pairs = torch.from_numpy(np.stack([rule.pairs, rule.nested])).to(path.input.device)
    both, details = [], []
    for layer in range(len(found[0][0].states)):
        states = _gather([(samples.states[layer], row) for samples, row in found])
        gradients = _gather([(samples.gradients[target][layer], row) for samples, row in found])
        slope = (path.input - path.reference) * panel.width if layer == 0 else None
        products = _products(states, gradients, slope, panel.points)
        sums = path.sums(torch.einsum("...ij,rij->r...", products, pairs)).cpu().numpy()
        both.append(sums if sums.ndim > 2 else sums[:, None])
        if path.detail is not None:
            details.append(_elementwise(path.detail, states, gradients=gradients, slope=slope, points=panel.points))
    values, nested = (np.concatenate([each[r].ravel() for each in both]) for r in (0, 1))
    start, end = (float(samples.outputs[row, target]) for samples, row in (found[0], found[-1]))
    return Contribution(
        values, nested, shapes=tuple(each.shape[1:] for each in both), details=tuple(details), outputs=(start, end)
    )


def nodes_of(samples: Sequence[Samples]) -> dict[float, Node]:
    """The nodes that samples hold."""
    return {alpha: (each, row) for each in samples for row, alpha in enumerate(each.alphas)}


def _gather(found: Sequence[tuple[Tensor, int]]) -> Tensor:
    """Those rows in order, at least float32; no copy where they lie so already."""
    tensor, first = found[0]
    if all(each is tensor and row == first + place for place, (each, row) in enumerate(found)):
        whole = tensor[first : first + len(found)]
    else:
        whole = torch.stack([each[row] for each, row in found])
    return whole if whole.dtype in (torch.float32, torch.float64) else whole.float()


def _products(states: Tensor, gradients: Tensor, slope: Tensor | None, points: int) -> Tensor:
    """Σ over features of gradient at node i times state at node j, (…, i, j) in float64: all that any rule needs.

    A middle state is subtracted first: rules differentiate, so constants drop out, and float32 rounding is
    amplified less.
    """
    if slope is not None:  # the path itself is straight: its derivative is known, not interpolated
        nodes = torch.from_numpy(chebyshev_rule(points).nodes).to(states.device)
        return (gradients * slope).sum(-1).double().movedim(0, -1)[..., :, None] * nodes
    centred = states - states[points // 2]
    return torch.einsum("i...h,j...h->...ij", gradients, centred).double()


def _elementwise(
    detail: Callable[[Tensor], Tensor], states: Tensor, gradients: Tensor, slope: Tensor | None, points: int
) -> Array:
    """The same integral without the sum over features, for what `detail` picks."""
    rule = chebyshev_rule(points)
    weights = torch.from_numpy(rule.weights).to(states)
    if slope is not None:
        return _array(torch.einsum("i,i...->...", weights, detail(gradients)) * detail(slope))
    centred = detail(states) - detail(states[points // 2])
    derivative = torch.einsum("ij,j...->i...", torch.from_numpy(rule.derivative).to(states), centred)
    return _array(torch.einsum("i,i...,i...->...", weights, detail(gradients), derivative))


def _array(tensor: Tensor) -> Array:
    return np.asarray(tensor.double().cpu().numpy())
