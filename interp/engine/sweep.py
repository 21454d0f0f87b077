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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

import numpy as np
import numpy.typing as npt
import torch

from interp.engine.options import SweepOptions
from interp.engine.paths import Block, Contribution, IntegrationPath, Node, Samples, integrate_panel, nodes_of
from interp.engine.quadrature import INITIAL_PANELS, SAFETY, Panel, relative_error
from interp.engine.status import IntegrationStatus
from interp.errors import DeviceError, ModelError

__all__ = ["Evaluate", "Integral", "Sweep", "integrate"]

Array = npt.NDArray[np.float64]
Evaluate = Callable[[Sequence[Block]], Sequence[Samples]]

MIN_WIDTH = 2.0**-32
"""Width below which a panel is not bisected: its nodes would coincide (a jump of F ends here)."""

ROUNDING = 16.0
"""Rounding of F and of an attribution sum, in units in the last place of F."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Integral:
    """The attributions of one target on one path.

    `values[l]` (groups, units) and `details[l]` for state l; `residuals[l]` = sum of values − (at_input −
    at_reference); `estimate` of the relative integration error, the worst state and group; `evaluations` of the
    path until this target ended.
    """

    at_input: float
    at_reference: float
    values: tuple[Array, ...]
    details: tuple[Array, ...] | None
    residuals: tuple[float, ...]
    estimate: float
    evaluations: int
    status: IntegrationStatus


@dataclass(frozen=True, eq=False)
class Sweep:
    """Results per path and target, in the order given, and the rows per forward that memory allowed."""

    results: tuple[tuple[Integral, ...], ...]
    rows: int


def integrate(
    paths: Sequence[IntegrationPath],
    evaluate: Evaluate,
    settings: SweepOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Integrate along all paths together, each target until its own estimates are within the tolerance.

    A target gets the panels that it would get alone; targets of one path that ask for the same node share its forward
    pass. `evaluate` takes blocks of nodes of one or more paths and returns their samples. `progress` is told how many
    targets have ended, of how many. Raises DeviceError when not even one row fits the device's memory.
    """
    runs = {path: [_TargetProgress(path, target, settings) for target in range(path.targets)] for path in paths}
    every = [run for own in runs.values() for run in own]
    rows = settings.rows
    while any(run.status is None for run in every):
        # Longest first: sentences of like length share a forward, and memory runs out at once or not at all.
        blocks = [block for path, own in runs.items() for block in _wanted(path, own)]
        queue = deque(sorted(blocks, key=lambda block: (-block.path.length, -len(block.targets))))
        while queue:
            portion = _take(queue, rows)
            samples = _within_memory(evaluate, portion)
            if samples is None:
                rows = max(1, sum(len(block.alphas) for block in portion) // 2)
                queue.extendleft(reversed(portion))
                torch.cuda.empty_cache()
                continue
            for block, each in zip(portion, samples, strict=True):
                for target in block.targets:
                    runs[block.path][target].receive(each)
        for run in every:
            run.advance()
        if progress is not None:
            progress(sum(run.status is not None for run in every), len(every))
    return Sweep(tuple(tuple(run.result() for run in runs[path]) for path in paths), rows)


def _wanted(path: IntegrationPath, runs: Sequence[_TargetProgress]) -> list[Block]:
    """The nodes that targets of one path ask for, each in one block with all that do."""
    asking: dict[float, list[int]] = {}
    for run in runs:
        for alpha in run.missing:
            asking.setdefault(alpha, []).append(run.target)
    alike: dict[tuple[int, ...], list[float]] = {}
    for alpha in sorted(asking):
        alike.setdefault(tuple(asking[alpha]), []).append(alpha)
    return [Block(path, tuple(alphas), targets) for targets, alphas in alike.items()]


def _within_memory(evaluate: Evaluate, blocks: Sequence[Block]) -> Sequence[Samples] | None:
    """Samples, or None when memory ran out; with the exception goes what it held on to."""
    try:
        return evaluate(blocks)
    except torch.OutOfMemoryError as error:
        if sum(len(block.alphas) for block in blocks) > 1:
            return None
        raise DeviceError("One row does not fit the device's memory: use `device` cpu or a shorter text.") from error


def _take(queue: deque[Block], rows: int) -> list[Block]:
    """The next portion of at most `rows` rows: of paths at least three quarters as long as the first, and of as many
    targets, as every row of a forward goes backward as often.
    """
    portion: list[Block] = []
    longest, targets = queue[0].path.length, len(queue[0].targets)
    while queue and rows and 4 * queue[0].path.length >= 3 * longest and len(queue[0].targets) == targets:
        block = queue.popleft()
        portion.append(replace(block, alphas=block.alphas[:rows]))
        if len(block.alphas) > rows:
            queue.appendleft(replace(block, alphas=block.alphas[rows:]))
        rows -= len(portion[-1].alphas)
    return portion


@dataclass(eq=False)
class _Piece:
    """A panel, and its contribution once all its nodes are there."""

    panel: Panel
    contribution: Contribution | None = None


class _TargetProgress:
    """One target of one path on its way: its panels, the nodes that it has, and at the end why it ended."""

    def __init__(self, path: IntegrationPath, target: int, settings: SweepOptions) -> None:
        self.path, self.target, self.settings = path, target, settings
        self.pieces = [_Piece(panel) for panel in INITIAL_PANELS]
        self.nodes: dict[float, Node] = {}
        self.evaluations = 0
        self.estimate = np.inf
        self.status: IntegrationStatus | None = None

    @property
    def missing(self) -> set[float]:
        """Nodes to evaluate next."""
        return _nodes(self.pieces) - self.nodes.keys()

    def receive(self, samples: Samples) -> None:
        """Take new nodes, and integrate over the panels that have all of theirs."""
        self.evaluations += len(samples.alphas)
        self.nodes |= nodes_of([samples])
        self._close()
        if not self.settings.retain:
            self._keep(_nodes(self.pieces))

    def advance(self) -> None:
        """Judge what is there; refine the panels that hold most of the error, as few as will do, or end."""
        if self.status is not None:
            return
        errors = self._errors()
        if not np.isfinite(errors).all():
            raise ModelError("The model gives NaN or infinity between the reference and the input.")
        self.estimate = float(errors.sum())
        if self.estimate <= self.settings.tolerance:
            self._end(IntegrationStatus.CONVERGED)
            return
        refined, reason = self._refinement(errors)
        if not refined:
            self._end(reason)
            return
        self.pieces = [new for i, piece in enumerate(self.pieces) for new in refined.get(i, [piece])]
        self._keep({node for piece in self.pieces for node in piece.panel.nodes})
        self._close()

    def _close(self) -> None:
        """Integrate over the panels that have all their nodes."""
        for piece in self.pieces:
            if piece.contribution is None and self.nodes.keys() >= set(piece.panel.nodes):
                piece.contribution = integrate_panel(self.path, piece.panel, self.nodes, self.target)

    def _keep(self, alphas: set[float]) -> None:
        self.nodes = {alpha: node for alpha, node in self.nodes.items() if alpha in alphas}

    def _refinement(self, errors: Array) -> tuple[dict[int, list[_Piece]], IntegrationStatus]:
        """What to put in place of which panels, as few as will do, and why there are no more."""
        aim = self.settings.tolerance / 2  # of what is left alone; the other half is for what gets refined
        floors = self._floors()
        refined: dict[int, list[_Piece]] = {}
        reason = IntegrationStatus.PRECISION_LIMITED
        rest = errors.sum()
        for index in map(int, np.argsort(-errors, kind="stable")):
            if rest <= aim:
                break
            if errors[index] <= floors[index]:
                continue
            panel = self.pieces[index].panel
            if panel.width < MIN_WIDTH:
                reason = IntegrationStatus.NOT_CONVERGED
                continue
            finer = [_Piece(each) for each in panel.refined(float(errors[index]), aim, self.settings.max_points)]
            cost = len(_nodes([*finer, *chain(*refined.values())]) - self.nodes.keys())
            if self.evaluations + cost > self.settings.max_evaluations:
                reason = IntegrationStatus.NOT_CONVERGED
                break
            refined[index] = finer
            rest -= errors[index]
        return refined, reason

    def _end(self, status: IntegrationStatus) -> None:
        self.status, self.nodes = status, {}

    def _errors(self) -> Array:
        """Estimated relative error of every panel: its worst state and group."""
        parts = self._contributions
        change = np.array([part.outputs[1] - part.outputs[0] for part in parts])
        least = ROUNDING * torch.finfo(self.path.input.dtype).eps * np.abs([part.outputs for part in parts]).max()
        groups, states, state_of = _bounds(parts[0].shapes)
        values, coarse = (np.stack([getattr(part, each) for part in parts]) for each in ("values", "nested"))
        mass = np.add.reduceat(np.abs(values.sum(0)), groups)
        # An effect below rounding has no scale of its own; one of exactly nothing has no error.
        scale = np.maximum(mass, least)
        scale = np.where(scale > 0, scale, np.inf)
        nested = np.add.reduceat(np.abs(values - coarse), groups, axis=1)
        # One residual for all groups: each bears it by its part in what the nested rule did not see.
        total, whole = (np.add.reduceat(each, states, axis=-1)[..., state_of] for each in (nested, mass))
        even = np.divide(mass, whole, out=np.ones_like(mass), where=whole > 0)
        parting = np.divide(nested, total, out=np.tile(even, (len(parts), 1)), where=total > 0)
        residual, coarser = (
            np.abs(np.add.reduceat(each, groups[states], axis=1) - change[:, None])[:, state_of] * parting
            for each in (values, coarse)
        )
        return np.asarray(relative_error(residual / scale, nested / scale, coarser / scale).max(1))

    def _floors(self) -> Array:
        """What rounding alone may add to the estimates: no panel is refined below it."""
        unit = ROUNDING * torch.finfo(self.path.input.dtype).eps
        parts = self._contributions
        groups, states, _ = _bounds(parts[0].shapes)
        masses = np.add.reduceat(np.abs(sum(part.values for part in parts)), groups[states])
        peak = np.abs([part.outputs for part in parts]).max(1)
        mass = max(masses.min(), unit * peak.max())
        return SAFETY * unit * peak / mass if mass > 0 else np.full(len(parts), np.inf)

    @property
    def _contributions(self) -> list[Contribution]:
        return [piece.contribution for piece in self.pieces if piece.contribution is not None]

    def result(self) -> Integral:
        """What the target got, once it has ended."""
        assert self.status is not None
        parts = self._contributions
        values = parts[0].by_state(np.sum([part.values for part in parts], axis=0))
        details = tuple(sum(each) for each in zip(*(part.details for part in parts), strict=True))
        at_reference, at_input = parts[0].outputs[0], parts[-1].outputs[1]
        return Integral(
            at_input=at_input,
            at_reference=at_reference,
            values=values,
            details=details or None,
            residuals=tuple(float(value.sum()) - (at_input - at_reference) for value in values),
            estimate=self.estimate,
            evaluations=self.evaluations,
            status=self.status,
        )


def _nodes(pieces: Iterable[_Piece]) -> set[float]:
    """Of the panels that lack their contribution."""
    return {node for piece in pieces if piece.contribution is None for node in piece.panel.nodes}


@cache
def _bounds(shapes: tuple[tuple[int, int], ...]) -> tuple[npt.NDArray[np.intp], ...]:
    """Where in a contribution's values each group starts, where in the groups each state starts, each group's state."""
    units = [units for groups, units in shapes for _ in range(groups)]
    counts = [groups for groups, _ in shapes]
    starts = (np.cumsum([0, *each[:-1]]) for each in (units, counts))
    return *starts, np.repeat(np.arange(len(shapes)), counts)
