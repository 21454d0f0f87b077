"""The core on any torch module: integrated gradients and every layer's conductance with a known integration error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from interp.engine.hooks import frozen, recording
from interp.engine.options import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOLERANCE, SweepOptions
from interp.engine.paths import Block, IntegrationPath, Samples
from interp.engine.status import IntegrationStatus
from interp.engine.sweep import integrate
from interp.errors import InputError

__all__ = ["Attribution", "attribute"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution:
    """What `attribute` gives, in units of the output."""

    integrated_gradients: Tensor
    """Of the input's shape, float64 on the CPU."""
    conductance: tuple[Tensor, ...]
    """Of each layer, of its output's shape for one row, float64 on the CPU. A layer that is called several times has
    one for each call."""
    at_input: float
    """F(input)."""
    at_reference: float
    """F(reference)."""
    residuals: tuple[float, ...]
    """Sum of the attributions − (at_input − at_reference): the input's first, then each layer's."""
    estimate: float
    """Estimated integration error, Σ|error| / Σ|attribution| over units (all dimensions but the last, the features;
    elements, of a vector): the worst of the input and all layers."""
    evaluations: int
    """Rows that went forward and backward."""
    status: IntegrationStatus

    def __repr__(self) -> str:
        layers = ", ".join(str(tuple(layer.shape)) for layer in self.conductance) or "none"
        return (
            f"<Attribution of {tuple(self.integrated_gradients.shape)}, layers {layers}: F {self.at_input:.3g} from "
            f"{self.at_reference:.3g}, error {self.estimate:.0e}, {self.status.value}>"
        )


def attribute(
    forward: Callable[[Tensor], Tensor],
    layers: Sequence[nn.Module],
    input: Tensor,
    reference: Tensor,
    *,
    tolerance: float = DEFAULT_TOLERANCE,
    max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
    rows: int = 32,
) -> Attribution:
    """Attribute a scalar to its input and to the outputs of layers, along the straight path from a reference.

    Sources: arXiv 1703.01365 (integrated gradients), arXiv 1805.12233 (conductance).

    `forward`: takes (rows, …) stacked inputs to F, (rows,) values, each row on its own.
    `layers`: modules that `forward` calls; none is fine. A layer's conductance is complete (sums to the change of F)
    when the layer separates input from output.
    `input`, `reference`: one row each, floating-point tensors of one shape, where the path ends and where it begins.
    `tolerance`: of the integration error, Σ|error| / Σ|attribution|, for the input and every layer; above 0 and below
    1, default 1e-3.
    `max_evaluations`: rows that may go forward and backward; at least 17, default 1025.
    `rows`: how many go forward at once, default 32.

    `layers`, and a `forward` that is a module, are held still meanwhile (evaluation mode, no parameter gradients);
    whatever else `forward` calls is as you left it, dropout included. Raises InputError when shapes do not fit, a layer
    is not called, or a setting cannot be. A tolerance that is not reached is no error: see `status` of the result.
    """
    if input.shape != reference.shape or not input.is_floating_point():
        raise InputError(
            f"Input and reference must be floating-point tensors of one shape, not {tuple(input.shape)} "
            f"and {tuple(reference.shape)}."
        )
    evaluator = _Evaluator(forward, layers, input.shape)
    path = IntegrationPath(
        input=_with_features(input.detach()),
        reference=_with_features(reference.detach()),
        targets=1,
        sums=_flatten_units,
        detail=_everything,
    )
    options = SweepOptions(tolerance=tolerance, max_evaluations=max_evaluations, rows=rows)
    integral = integrate([path], evaluator, options).integrals[0][0]
    gradients, *conductance = map(torch.from_numpy, integral.details or ())
    return Attribution(
        integrated_gradients=gradients.reshape(input.shape),
        conductance=tuple(
            layer.reshape(shape) for layer, shape in zip(conductance, evaluator.layer_shapes, strict=True)
        ),
        at_input=integral.at_input,
        at_reference=integral.at_reference,
        residuals=integral.residuals,
        estimate=integral.estimate,
        evaluations=integral.evaluations,
        status=integral.status,
    )


@dataclass(eq=False)
class _Evaluator:
    """Takes blocks of nodes forward and backward, and remembers the shapes of one row of every layer's outputs."""

    forward: Callable[[Tensor], Tensor]
    layers: Sequence[nn.Module]
    input_shape: torch.Size
    layer_shapes: list[torch.Size] = field(default_factory=list)

    def __call__(self, blocks: Sequence[Block]) -> list[Samples]:
        return [self._sample(block) for block in blocks]

    def _sample(self, block: Block) -> Samples:
        modules = [*self.layers, *([self.forward] if isinstance(self.forward, nn.Module) else [])]
        state = block.path.at(block.alphas).requires_grad_(True)
        with frozen(*modules), torch.enable_grad(), recording(self.layers) as calls:
            values = self.forward(state.reshape(-1, *self.input_shape))
            self._check(values, calls, len(block.alphas))
            outputs = [output for layer_outputs in calls for output in layer_outputs]
            gradients = torch.autograd.grad(values.sum(), [state, *outputs], materialize_grads=True)
        self.layer_shapes = [output.shape[1:] for output in outputs]
        states = [state.detach(), *(_rows_with_features(output.detach()) for output in outputs)]
        return Samples(
            alphas=block.alphas,
            outputs=values.detach().double().cpu()[:, None],
            states=tuple(states),
            gradients={0: tuple(g.reshape(state.shape) for g, state in zip(gradients, states, strict=True))},
        )

    def _check(self, values: Tensor, calls: Sequence[Sequence[Tensor]], rows: int) -> None:
        if values.shape != (rows,):
            raise InputError(f"forward must give one value a row, shape ({rows},), not {tuple(values.shape)}.")
        uncalled = [number for number, outputs in enumerate(calls) if not outputs]
        if uncalled:
            raise InputError(f"forward never calls layer {uncalled[0]}: name only layers that it calls.")
        if not values.requires_grad:
            raise InputError("forward gives values that do not depend on its input: there is nothing to attribute.")


def _with_features(tensor: Tensor) -> Tensor:
    """A vector's elements are units of one feature."""
    return tensor.reshape(-1, 1) if tensor.ndim < 2 else tensor


def _rows_with_features(rows: Tensor) -> Tensor:
    """The same of every row."""
    return rows.reshape(len(rows), -1, 1) if rows.ndim < 3 else rows


def _flatten_units(values: Tensor) -> Tensor:
    return values.reshape(len(values), -1)


def _everything(values: Tensor) -> Tensor:
    return values
