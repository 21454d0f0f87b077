"""What the samples of a panel integrate to.

With states h and gradients g = ∂F/∂h at the nodes of a panel, every attribution is Σ_ij K_ij g_i · h_j, where K is
the rule's matrix of pairs (weights times differentiation matrix). The products g_i · h_j are formed once; the rule
and the rule nested in it are then two small contractions of the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from interp.engine.panels import Panel
from interp.engine.paths import IntegrationPath, Node
from interp.engine.quadrature import chebyshev_rule

__all__ = ["PanelIntegral", "Shapes", "integrate_panel"]

Array = npt.NDArray[np.float64]
Shapes = tuple[tuple[int, int], ...]
"""(groups, units) of every state."""


@dataclass(frozen=True, eq=False)
class PanelIntegral:
    """A panel's part of one target's integrals."""

    values: Array
    """Of all states one after the other, flat."""
    nested: Array
    """The same by the nested rule."""
    shapes: Shapes
    details: tuple[Array, ...]
    """Per state, at full resolution; none where nobody asks for them."""
    outputs: tuple[float, float]
    """F at both ends of the panel."""

    @property
    def change(self) -> float:
        """Of F over the panel: what every state's values sum to, if the layer separates input from output."""
        return self.outputs[1] - self.outputs[0]

    def by_state(self, values: Array) -> tuple[Array, ...]:
        """Numbers in the order of `values` as one array (groups, units) per state."""
        ends = np.cumsum([groups * units for groups, units in self.shapes])
        parts = np.split(values, ends[:-1])
        return tuple(part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True))


def integrate_panel(path: IntegrationPath, panel: Panel, nodes: Mapping[float, Node], target: int = 0) -> PanelIntegral:
    """Integrate one target over one panel, all of whose nodes are there: every state."""
    panel_nodes = [nodes[alpha] for alpha in panel.nodes]
    rule = chebyshev_rule(panel.points)
    pairs = torch.from_numpy(np.stack([rule.pairs, rule.nested])).to(path.input.device)
    state_sums, details = [], []
    for layer in range(len(panel_nodes[0][0].states)):
        states = _gather([(samples.states[layer], row) for samples, row in panel_nodes])
        gradients = _gather([(samples.gradients[target][layer], row) for samples, row in panel_nodes])
        slope = (path.input - path.reference) * panel.width if layer == 0 else None
        products = _products(states, gradients, slope, panel.points)
        sums = path.sums(torch.einsum("...ij,rij->r...", products, pairs)).cpu().numpy()
        state_sums.append(sums if sums.ndim > 2 else sums[:, None])  # (rules, groups, units)
        if path.detail is not None:
            details.append(_elementwise(path.detail, states, gradients, slope=slope, points=panel.points))
    (first, first_row), (last, last_row) = panel_nodes[0], panel_nodes[-1]
    return PanelIntegral(
        values=np.concatenate([sums[0].ravel() for sums in state_sums]),
        nested=np.concatenate([sums[1].ravel() for sums in state_sums]),
        shapes=tuple(sums.shape[1:] for sums in state_sums),
        details=tuple(details),
        outputs=(float(first.outputs[first_row, target]), float(last.outputs[last_row, target])),
    )


def _gather(places: Sequence[tuple[Tensor, int]]) -> Tensor:
    """Those rows of those tensors in order, at least float32; no copy where they lie so already."""
    tensor, first = places[0]
    if all(other is tensor and row == first + number for number, (other, row) in enumerate(places)):
        rows = tensor[first : first + len(places)]
    else:
        rows = torch.stack([tensor[row] for tensor, row in places])
    return rows if rows.dtype in (torch.float32, torch.float64) else rows.float()


def _products(states: Tensor, gradients: Tensor, slope: Tensor | None, points: int) -> Tensor:
    """Σ over features of gradient at node i times state at node j, (…, i, j) in float64: all that any rule needs.

    A middle state is subtracted first: rules differentiate, so constants drop out, and float32 rounding is
    amplified less. `slope`: of the path's own state, which is straight, so that its derivative is known and not
    interpolated.
    """
    if slope is not None:
        nodes = torch.from_numpy(chebyshev_rule(points).nodes).to(states.device)
        return (gradients * slope).sum(-1).double().movedim(0, -1)[..., :, None] * nodes
    centred = states - states[points // 2]
    return torch.einsum("i...h,j...h->...ij", gradients, centred).double()


def _elementwise(
    detail: Callable[[Tensor], Tensor], states: Tensor, gradients: Tensor, *, slope: Tensor | None, points: int
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
