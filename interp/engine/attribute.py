"""The core on any torch module: integrated gradients and every layer's conductance with a known integration error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    """What `attribute` found, in units of the output.

    `integrated_gradients` has the input's shape, `conductance[l]` that of layer l's output for one row (a layer
    that is called several times has one for each call), both float64 on the CPU. `residuals`: their sums minus
    (at_input − at_reference), the input's first. `estimate` is the estimated integration error, Σ|error| /
    Σ|attribution| over units (all dimensions but the last, the features; elements, of a vector), the worst of the
    input and all layers.
    """

    integrated_gradients: Tensor
    conductance: tuple[Tensor, ...]
    at_input: float
    at_reference: float
    residuals: tuple[float, ...]
    estimate: float
    evaluations: int
    status: IntegrationStatus


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

    `forward` takes (rows, …) stacked inputs to (rows,) values, each row on its own. A
    layer's conductance is complete (sums to the change of F) when the layer separates input from output. `rows` go
    forward at once. Sources: arXiv 1703.01365 (integrated gradients), arXiv 1805.12233 (conductance). Raises
    InputError when shapes do not fit. `layers`, and a `forward` that is a module, are held still meanwhile
    (evaluation mode, no parameter gradients); whatever else `forward` calls is as you left it, dropout included.
    """
    if input.shape != reference.shape or not input.is_floating_point():
        raise InputError(
            f"Input and reference must be floating-point tensors of one shape, not {tuple(input.shape)} "
            f"and {tuple(reference.shape)}."
        )
    flat = input.ndim < 2  # a vector's elements are units of one feature
    ends = [tensor.detach().reshape(-1, 1) if flat else tensor.detach() for tensor in (input, reference)]
    modules = [*layers, *([forward] if isinstance(forward, nn.Module) else [])]

    shapes: list[torch.Size] = []  # of one row of every layer's output

    def evaluate(blocks: Sequence[Block]) -> list[Samples]:
        return [
            _sample(forward, layers, modules=modules, block=block, shape=input.shape, shapes=shapes) for block in blocks
        ]

    path = IntegrationPath(input=ends[0], reference=ends[1], targets=1, sums=_units, detail=_everything)
    result = integrate(
        [path], evaluate, SweepOptions(tolerance=tolerance, max_evaluations=max_evaluations, rows=rows)
    ).results[0][0]
    own, *above = (torch.from_numpy(detail) for detail in result.details or ())
    return Attribution(
        integrated_gradients=own.reshape(input.shape),
        conductance=tuple(detail.reshape(shape) for detail, shape in zip(above, shapes, strict=True)),
        at_input=result.at_input,
        at_reference=result.at_reference,
        residuals=result.residuals,
        estimate=result.estimate,
        evaluations=result.evaluations,
        status=result.status,
    )


def _sample(
    forward: Callable[[Tensor], Tensor],
    layers: Sequence[nn.Module],
    modules: Sequence[nn.Module],
    block: Block,
    shape: torch.Size,
    shapes: list[torch.Size],
) -> Samples:
    """One block forward and backward; `shapes` is filled with those of the layers' outputs."""
    state = block.path.at(block.alphas).requires_grad_(True)
    with frozen(*modules), torch.enable_grad(), recording(layers) as calls:
        values = forward(state.reshape(-1, *shape))
        if values.shape != (len(block.alphas),):
            raise InputError(
                f"forward must give one value a row, shape ({len(block.alphas)},), not {tuple(values.shape)}."
            )
        if [] in calls:
            raise InputError(f"forward never calls layer {calls.index([])}: name only layers that it calls.")
        if not values.requires_grad:
            raise InputError("forward gives values that do not depend on its input: there is nothing to attribute.")
        recorded = [output for outputs in calls for output in outputs]
        gradients = torch.autograd.grad(values.sum(), [state, *recorded], materialize_grads=True)
    shapes[:] = [output.shape[1:] for output in recorded]
    states = [state.detach(), *(_with_features(output.detach()) for output in recorded)]
    return Samples(
        block.alphas,
        values.detach().double().cpu()[:, None],
        tuple(states),
        {0: tuple(gradient.reshape(like.shape) for gradient, like in zip(gradients, states, strict=True))},
    )


def _with_features(rows: Tensor) -> Tensor:
    return rows.reshape(len(rows), -1, 1) if rows.ndim < 3 else rows


def _units(values: Tensor) -> Tensor:
    return values.reshape(len(values), -1)


def _everything(values: Tensor) -> Tensor:
    return values
