"""Integrated gradients and every layer's conductance along straight paths, by one adaptive sweep.

A scalar F depends on an input through states h_0 (the input), h_1, …, h_L (layer outputs). On the straight path
from a reference (α = 0) to the input (α = 1) the attribution of state l is A_l = ∫ ∂F/∂h_l ⊙ dh_l/dα dα: integrated
gradients for l = 0 (Sundararajan et al. 2017, arXiv 1703.01365), conductance above (Dhamdhere et al. 2018, arXiv
1805.12233).

A node of the path costs one evaluation: one row forward, whose states are recorded, and backward to all of them.
dh_l/dα costs none: it is the derivative of the polynomial through the states at the panel's nodes. Where a layer
separates input from output, its attributions sum to F(input) − F(reference), exactly known; what is missing is the
residual.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from interp.engine.options import SweepOptions
from interp.engine.paths import Block, IntegrationPath, Samples
from interp.engine.status import IntegrationStatus
from interp.engine.target import TargetSweep
from interp.errors import DeviceError

__all__ = ["Evaluate", "Integral", "Sweep", "integrate"]

Array = npt.NDArray[np.float64]
Evaluate = Callable[[Sequence[Block]], Sequence[Samples]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Integral:
    """The attributions of one target on one path."""

    at_input: float
    """F(input)."""
    at_reference: float
    """F(reference)."""
    values: tuple[Array, ...]
    """(groups, units) of each state."""
    details: tuple[Array, ...] | None
    """What the path's `detail` picks, of each state."""
    residuals: tuple[float, ...]
    """Of each state: the sum of its values − (at_input − at_reference)."""
    estimate: float
    """Of the relative integration error: the worst state and group."""
    evaluations: int
    """Of the path, until this target ended."""
    status: IntegrationStatus


@dataclass(frozen=True, eq=False)
class Sweep:
    """Integrals per path and target, in the order given, and the rows per forward that memory allowed."""

    integrals: tuple[tuple[Integral, ...], ...]
    rows: int


def integrate(
    paths: Sequence[IntegrationPath],
    evaluate: Evaluate,
    options: SweepOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Integrate along all paths together, each target until its own estimates are within the tolerance.

    A target gets the panels that it would get alone; targets of one path that ask for the same node share its forward
    pass. `evaluate` takes blocks of nodes of one or more paths and returns their samples. `progress` is told how many
    targets have ended, of how many. Raises DeviceError when not even one row fits the device's memory.
    """
    sweeps_of_path = {path: [TargetSweep(path, number, options) for number in range(path.targets)] for path in paths}
    all_sweeps = [sweep for path_sweeps in sweeps_of_path.values() for sweep in path_sweeps]
    rows_allowed = options.rows
    while any(sweep.status is None for sweep in all_sweeps):
        blocks = [block for path, sweeps in sweeps_of_path.items() for block in _missing_blocks(path, sweeps)]
        rows_allowed = _evaluate_blocks(blocks, evaluate, sweeps_of_path, rows_allowed)
        for sweep in all_sweeps:
            sweep.advance()
        if progress is not None:
            progress(sum(sweep.status is not None for sweep in all_sweeps), len(all_sweeps))
    integrals = tuple(tuple(_integral(sweep) for sweep in sweeps_of_path[path]) for path in paths)
    return Sweep(integrals, rows_allowed)


def _missing_blocks(path: IntegrationPath, sweeps: Sequence[TargetSweep]) -> list[Block]:
    """The nodes that targets of one path ask for, each in one block with all that do."""
    numbers_of_node: dict[float, list[int]] = {}
    for sweep in sweeps:
        for alpha in sweep.missing:
            numbers_of_node.setdefault(alpha, []).append(sweep.number)
    nodes_of_numbers: dict[tuple[int, ...], list[float]] = {}
    for alpha in sorted(numbers_of_node):
        nodes_of_numbers.setdefault(tuple(numbers_of_node[alpha]), []).append(alpha)
    return [Block(path, tuple(alphas), numbers) for numbers, alphas in nodes_of_numbers.items()]


def _evaluate_blocks(
    blocks: Sequence[Block],
    evaluate: Evaluate,
    sweeps_of_path: dict[IntegrationPath, list[TargetSweep]],
    rows_allowed: int,
) -> int:
    """Evaluate all blocks, `rows_allowed` at once at most, and hand the samples to their targets; returns the rows that
    memory allowed.
    """
    # Longest first: sentences of like length share a forward, and memory runs out at once or not at all.
    queue = deque(sorted(blocks, key=lambda block: (-block.path.length, -len(block.targets))))
    while queue:
        portion = _take_portion(queue, rows_allowed)
        samples_of_blocks = _within_memory(evaluate, portion)
        if samples_of_blocks is None:
            rows_allowed = max(1, _row_count(portion) // 2)
            queue.extendleft(reversed(portion))
            torch.cuda.empty_cache()
            continue
        for block, samples in zip(portion, samples_of_blocks, strict=True):
            for number in block.targets:
                sweeps_of_path[block.path][number].receive(samples)
    return rows_allowed


def _within_memory(evaluate: Evaluate, blocks: Sequence[Block]) -> Sequence[Samples] | None:
    """Samples, or None when memory ran out; with the exception goes what it held on to."""
    try:
        return evaluate(blocks)
    except torch.OutOfMemoryError as error:
        if _row_count(blocks) > 1:
            return None
        raise DeviceError("One row does not fit the device's memory: use `device` cpu or a shorter text.") from error


def _row_count(blocks: Sequence[Block]) -> int:
    return sum(len(block.alphas) for block in blocks)


def _take_portion(queue: deque[Block], most_rows: int) -> list[Block]:
    """The next portion of at most so many rows: of paths at least three quarters as long as the first, and of as many
    targets, as every row of a forward goes backward as often.
    """
    portion: list[Block] = []
    longest, target_count = queue[0].path.length, len(queue[0].targets)
    room = most_rows
    while queue and room and 4 * queue[0].path.length >= 3 * longest and len(queue[0].targets) == target_count:
        block = queue.popleft()
        portion.append(replace(block, alphas=block.alphas[:room]))
        if len(block.alphas) > room:
            queue.appendleft(replace(block, alphas=block.alphas[room:]))
        room -= len(portion[-1].alphas)
    return portion


def _integral(sweep: TargetSweep) -> Integral:
    """What a target that has ended got."""
    assert sweep.status is not None
    panels = sweep.integrals
    at_reference, at_input = panels[0].outputs[0], panels[-1].outputs[1]
    values = panels[0].by_state(np.sum([panel.values for panel in panels], axis=0))
    details = tuple(sum(state_details) for state_details in zip(*(panel.details for panel in panels), strict=True))
    return Integral(
        at_input=at_input,
        at_reference=at_reference,
        values=values,
        details=details or None,
        residuals=tuple(float(state.sum()) - (at_input - at_reference) for state in values),
        estimate=sweep.estimate,
        evaluations=sweep.evaluations,
        status=sweep.status,
    )
