"""Straight paths from a reference to an input, and what is sampled on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["Block", "IntegrationPath", "Node", "Samples", "nodes_of"]


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegrationPath:
    """A straight line from `reference` to `input`, two states of one shape (…, features), and what to do along it."""

    input: Tensor
    reference: Tensor
    targets: int
    """How many scalars F are explained on it."""
    sums: Callable[[Tensor], Tensor]
    """Values without the features dimension, (rules, …), to (rules, units) or (rules, groups, units): what the error is
    controlled for, each group on its own."""
    context: Any = None
    """For whoever evaluates the path."""
    magnitude: float = 0.0
    """Of the numbers that F is a difference of, such as logits: F rounds as they do, also where it is far smaller."""
    detail: Callable[[Tensor], Tensor] | None = None
    """Picks from elementwise values (…, features) what is wanted at full resolution."""

    @property
    def length(self) -> int:
        """Rows of features in a state (sub-tokens, say): paths of like length are evaluated together."""
        return self.input.shape[-2] if self.input.ndim > 1 else 1

    @property
    def epsilon(self) -> float:
        """The precision of the states' float type."""
        return torch.finfo(self.input.dtype).eps

    def at(self, alphas: Sequence[float]) -> Tensor:
        """States (nodes, …, features); both ends are the given tensors to the bit."""
        wide = torch.promote_types(self.input.dtype, torch.float32)  # a node must be where the rule has it
        weights = torch.tensor(alphas, dtype=torch.float64).to(self.input.device, wide)
        weights = weights.view(-1, *[1] * self.input.ndim)
        return torch.lerp(self.reference.to(wide), self.input.to(wide), weights).to(self.input.dtype)


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


def nodes_of(blocks: Sequence[Samples]) -> dict[float, Node]:
    """The nodes that samples hold, by their place on the path."""
    return {alpha: (samples, row) for samples in blocks for row, alpha in enumerate(samples.alphas)}
