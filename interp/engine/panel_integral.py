"""What the samples of a panel integrate to.

With states h and gradients g = ∂F/∂h at the nodes of a panel, every attribution is Σ_ij K_ij g_i · h_j, where K is
the rule's matrix of pairs (weights times differentiation matrix). The products g_i · h_j are formed once; closed and
open weights, the rules nested in them and the rules nested in those are then small contractions of the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from interp.engine.panels import Panel
from interp.engine.paths import IntegrationPath, Node
from interp.engine.quadrature import PairWeights, chebyshev_rule

__all__ = ["PanelIntegral", "Shapes", "integrate_panel"]

Array = npt.NDArray[np.float64]
Shapes = tuple[tuple[int, int], ...]
"""(groups, units) of every state."""


OPEN_IS_EXACT = 1e-4
"""Times the discrepancy of the closed weights: below it the open weights are taken. Where the gradient at an end is not
the limit from inside, as at the ReLU of a zero reference, theirs alone vanishes. Above it, what looks like such an end
may be a kink between the end and its neighbour whose traces nearly cancel in F: at 1e-1, 10 of 300 sums of kinks were
understated, at 1e-4 none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PanelIntegral:
    """A panel's part of one target's integrals."""

    values: Array
    """Of all states one after the other, flat."""
    nested: Array
    """The same by the nested rule."""
    coarsest: Array
    """The same by the rule nested in that one."""
    shapes: Shapes
    outputs: tuple[float, float]
    """F at both ends of the panel."""
    details: tuple[Array, ...] = ()
    """Per state, at full resolution; none where nobody asks for them."""

    @property
    def change(self) -> float:
        """Of F over the panel: what every state's values sum to, if the layer separates input from output."""
        return self.outputs[1] - self.outputs[0]

    def by_state(self, values: Array) -> tuple[Array, ...]:
        """Numbers in the order of `values` as one array (groups, units) per state."""
        ends = np.cumsum([groups * units for groups, units in self.shapes])
        parts = np.split(values, ends[:-1])
        return tuple(part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class _LayerSamples:
    """One layer's states and gradients (nodes, …, features) at the nodes of a panel.

    `slope`: of the path's own state, which is straight, so that its derivative is known and not interpolated.
    """

    states: Tensor
    gradients: Tensor
    slope: Tensor | None

    @property
    def points(self) -> int:
        return len(self.states)


def integrate_panel(path: IntegrationPath, panel: Panel, nodes: Mapping[float, Node], target: int = 0) -> PanelIntegral:
    """Integrate one target over one panel, all of whose nodes are there: every state."""
    panel_nodes = [nodes[alpha] for alpha in panel.nodes]
    (first, first_row), (last, last_row) = panel_nodes[0], panel_nodes[-1]
    layers = [
        _LayerSamples(
            states=_gather([(samples.states[layer], row) for samples, row in panel_nodes]),
            gradients=_gather([(samples.gradients[target][layer], row) for samples, row in panel_nodes]),
            slope=(path.input - path.reference) * panel.width if layer == 0 else None,
        )
        for layer in range(len(first.states))
    ]
    rule = chebyshev_rule(panel.points)
    outputs = float(first.outputs[first_row, target]), float(last.outputs[last_row, target])
    closed, opened = _integrate_layers(path, layers, (rule.closed, rule.open), outputs)
    integral, weights = (opened, rule.open) if _is_open_exact(closed, opened) else (closed, rule.closed)
    if path.detail is None:
        return integral
    details = tuple(_elementwise(path.detail, layer, weights.weights) for layer in layers)
    return replace(integral, details=details)


def _integrate_layers(
    path: IntegrationPath,
    layers: Sequence[_LayerSamples],
    all_weights: Sequence[PairWeights],
    outputs: tuple[float, float],
) -> list[PanelIntegral]:
    """The integral over one panel by each of the weights."""
    matrices = [matrix for weights in all_weights for matrix in (weights.pairs, weights.nested, weights.coarsest)]
    pairs = torch.from_numpy(np.stack(matrices)).to(path.input.device)
    layer_sums = []
    for layer in layers:
        sums = path.sums(torch.einsum("...ij,rij->r...", _products(layer), pairs)).cpu().numpy()
        layer_sums.append(sums if sums.ndim > 2 else sums[:, None])  # (rules, groups, units)
    rows = iter(np.concatenate([sums.reshape(len(matrices), -1) for sums in layer_sums], axis=1))
    shapes = tuple(sums.shape[1:] for sums in layer_sums)
    return [
        PanelIntegral(values=next(rows), nested=next(rows), coarsest=next(rows), shapes=shapes, outputs=outputs)
        for _ in all_weights
    ]


def _is_open_exact(closed: PanelIntegral, opened: PanelIntegral) -> bool:
    return _discrepancy(opened) < OPEN_IS_EXACT * _discrepancy(closed)


def _discrepancy(integral: PanelIntegral) -> float:
    """How far an integral is from the nested rule's and from the change of F, over all states."""
    residuals = [state.sum() - integral.change for state in integral.by_state(integral.values)]
    return float(np.abs(integral.values - integral.nested).sum() + np.abs(residuals).sum())


def _gather(places: Sequence[tuple[Tensor, int]]) -> Tensor:
    """Those rows of those tensors in order, at least float32; no copy where they lie so already."""
    tensor, first = places[0]
    if all(other is tensor and row == first + number for number, (other, row) in enumerate(places)):
        rows = tensor[first : first + len(places)]
    else:
        rows = torch.stack([tensor[row] for tensor, row in places])
    return rows if rows.dtype in (torch.float32, torch.float64) else rows.float()


def _products(layer: _LayerSamples) -> Tensor:
    """Σ over features of gradient at node i times state at node j, (…, i, j) in float64: all that any rule needs.

    A middle state is subtracted first: rules differentiate, so constants drop out, and float32 rounding is
    amplified less.
    """
    if layer.slope is not None:
        nodes = torch.from_numpy(chebyshev_rule(layer.points).nodes).to(layer.states.device)
        return (layer.gradients * layer.slope).sum(-1).double().movedim(0, -1)[..., :, None] * nodes
    centred = layer.states - layer.states[layer.points // 2]
    return torch.einsum("i...h,j...h->...ij", layer.gradients, centred).double()


def _elementwise(detail: Callable[[Tensor], Tensor], layer: _LayerSamples, node_weights: Array) -> Array:
    """The same integral without the sum over features, for what `detail` picks."""
    weights = torch.from_numpy(node_weights).to(layer.states)
    gradients = detail(layer.gradients)
    if layer.slope is not None:
        return _array(torch.einsum("i,i...->...", weights, gradients) * detail(layer.slope))
    centred = detail(layer.states) - detail(layer.states[layer.points // 2])
    differentiate = torch.from_numpy(chebyshev_rule(layer.points).derivative).to(layer.states)
    derivative = torch.einsum("ij,j...->i...", differentiate, centred)
    return _array(torch.einsum("i,i...,i...->...", weights, gradients, derivative))


def _array(tensor: Tensor) -> Array:
    return np.asarray(tensor.double().cpu().numpy())
