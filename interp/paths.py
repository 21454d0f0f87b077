"""Straight paths from a reference to an input, what was sampled on them, and what a panel's samples integrate to.

With states h and gradients g = ∂F/∂h at the nodes of a panel, every attribution is Σ_ij K_ij g_i · h_j, where K is
the rule's matrix of pairs (weights times differentiation matrix). The products g_i · h_j are formed once; the rule
and the rule nested in it are then two small contractions of the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from interp.quadrature import Panel, chebyshev

__all__ = ["Block", "Contribution", "Path", "Samples", "contribute"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Path:
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
    """Rows to evaluate: the nodes `alphas` of one path."""

    path: Path
    alphas: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Samples:
    """What a block gave: outputs (nodes, targets), states per layer (nodes, …) and per target the gradients to
    them.
    """

    alphas: tuple[float, ...]
    outputs: Tensor
    states: tuple[Tensor, ...]
    gradients: tuple[tuple[Tensor, ...], ...]

    def select(self, panel: Panel) -> Samples | None:
        """The rows that are nodes of a panel, None if there are none."""
        wanted = set(panel.nodes)
        rows = [i for i, alpha in enumerate(self.alphas) if alpha in wanted]
        if not rows:
            return None
        return Samples(
            tuple(self.alphas[i] for i in rows),
            self.outputs[rows],
            tuple(state[rows] for state in self.states),
            tuple(tuple(gradient[rows] for gradient in target) for target in self.gradients),
        )


@dataclass(frozen=True, eq=False)
class Contribution:
    """A panel's part of the integrals: per target and state, values and nested values (groups, units), and details."""

    values: list[list[Array]]
    nested: list[list[Array]]
    details: list[list[Array]]
    outputs: Array  # (2, targets): F at both ends of the panel


def contribute(path: Path, panel: Panel, chunks: Sequence[Samples]) -> Contribution:
    """Integrate over one panel from samples at all its nodes, every target and state."""
    alphas = [alpha for chunk in chunks for alpha in chunk.alphas]
    order = sorted(range(len(alphas)), key=alphas.__getitem__)
    outputs = torch.cat([chunk.outputs for chunk in chunks])[order].numpy()
    rule = chebyshev(panel.points)
    pairs = torch.from_numpy(np.stack([rule.pairs, rule.nested])).to(path.input.device)
    values: list[list[Array]] = [[] for _ in range(path.targets)]
    nested: list[list[Array]] = [[] for _ in range(path.targets)]
    details: list[list[Array]] = [[] for _ in range(path.targets)]
    for layer in range(len(chunks[0].states)):
        states = _gather([chunk.states[layer] for chunk in chunks], order)
        slope = (path.input - path.reference) * panel.width if layer == 0 else None
        for k in range(path.targets):
            gradients = _gather([chunk.gradients[k][layer] for chunk in chunks], order)
            products = _products(states, gradients, slope, panel.points)
            fine, coarse = path.sums(torch.einsum("...ij,rij->r...", products, pairs)).cpu().numpy()
            values[k].append(np.atleast_2d(fine))
            nested[k].append(np.atleast_2d(coarse))
            if path.detail is not None:
                details[k].append(_elementwise(path.detail, states, gradients, slope, panel.points))
    return Contribution(values, nested, details, outputs[[0, -1]])


def _gather(parts: Sequence[Tensor], order: Sequence[int]) -> Tensor:
    """Rows of all parts in the order of α, at least float32."""
    whole = torch.cat(list(parts)) if len(parts) > 1 else parts[0]
    if list(order) != list(range(len(order))):
        whole = whole[list(order)]
    return whole if whole.dtype in (torch.float32, torch.float64) else whole.float()


def _products(states: Tensor, gradients: Tensor, slope: Tensor | None, points: int) -> Tensor:
    """Σ over features of gradient at node i times state at node j, (…, i, j) in float64: all that any rule needs.

    A middle state is subtracted first: rules differentiate, so constants drop out, and float32 rounding is
    amplified less.
    """
    if slope is not None:  # the path itself is straight: its derivative is known, not interpolated
        nodes = torch.from_numpy(chebyshev(points).nodes).to(states.device)
        return (gradients * slope).sum(-1).double().movedim(0, -1)[..., :, None] * nodes
    centred = states - states[points // 2]
    return torch.einsum("i...h,j...h->...ij", gradients, centred).double()


def _elementwise(
    detail: Callable[[Tensor], Tensor], states: Tensor, gradients: Tensor, slope: Tensor | None, points: int
) -> Array:
    """The same integral without the sum over features, for what `detail` picks."""
    rule = chebyshev(points)
    weights = torch.from_numpy(rule.weights).to(states)
    if slope is not None:
        return _array(torch.einsum("i,i...->...", weights, detail(gradients)) * detail(slope))
    centred = detail(states) - detail(states[points // 2])
    derivative = torch.einsum("ij,j...->i...", torch.from_numpy(rule.derivative).to(states), centred)
    return _array(torch.einsum("i,i...,i...->...", weights, detail(gradients), derivative))


def _array(tensor: Tensor) -> Array:
    return np.asarray(tensor.double().cpu().numpy())
