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
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from interp.errors import DeviceError, InputError, ModelError
from interp.paths import Block, Contribution, Path, Samples, contribute
from interp.quadrature import MOST_POINTS, SAFETY, START, Panel, Status, relative_error

__all__ = ["LEAST_EVALUATIONS", "Result", "Settings", "Sweep", "integrate"]

Array = npt.NDArray[np.float64]
Evaluate = Callable[[Sequence[Block]], Sequence[Samples]]

NARROWEST = 2.0**-32
"""Width below which a panel is not bisected: its nodes would coincide (a jump of F ends here)."""

ROUNDING = 16.0
"""Rounding of F and of an attribution sum, in units in the last place of F."""

LEAST_EVALUATIONS = len({node for panel in START for node in panel.nodes})


@dataclass(frozen=True)
class Settings:
    """How far to integrate and in what portions.

    `tolerance` of Σ|error| / Σ|attribution|; `max_evaluations` per path; `rows` forward at once; `retain` keeps the
    states of evaluated nodes for finer panels (without it memory is bounded by one panel, and what is refined is
    evaluated anew); `most_points` of a panel.
    """

    tolerance: float = 1e-3
    max_evaluations: int = 1025
    rows: int = 32
    retain: bool = True
    most_points: int = MOST_POINTS

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise InputError(f"{self.rows} rows per forward are too few: one is the least.")
        if not 0 < self.tolerance < 1:
            raise InputError(f"The tolerance must be between 0 and 1, such as 1e-3, not {self.tolerance:g}.")
        if self.max_evaluations < LEAST_EVALUATIONS:
            raise InputError(
                f"{self.max_evaluations} evaluations are too few: --max-evaluations is {LEAST_EVALUATIONS} at least."
            )


@dataclass(frozen=True, eq=False)
class Result:
    """The attributions of one target on one path.

    `values[l]` (groups, units) and `details[l]` for state l; `residuals[l]` = sum of values − (at_input −
    at_reference); `estimate` of the relative integration error, the worst state and group; `evaluations` of the
    whole path.
    """

    at_input: float
    at_reference: float
    values: tuple[Array, ...]
    details: tuple[Array, ...] | None
    residuals: tuple[float, ...]
    estimate: float
    evaluations: int
    status: Status


@dataclass(frozen=True, eq=False)
class Sweep:
    """Results per path and target, in the order given, and the rows per forward that memory allowed."""

    results: tuple[tuple[Result, ...], ...]
    rows: int


def integrate(
    paths: Sequence[Path],
    evaluate: Evaluate,
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Integrate along all paths together, each until its own estimates are within the tolerance.

    `evaluate` takes blocks of nodes of one or more paths and returns their samples. `progress` is told how many
    paths have ended, of how many. Raises DeviceError when not even one row fits the device's memory.
    """
    runs = [_Progress(path, settings) for path in paths]
    rows = settings.rows
    while active := [run for run in runs if run.status is None]:
        # Longest first: sentences of like length share a forward, and memory runs out at once or not at all.
        active.sort(key=lambda run: -run.path.length)
        queue = deque((run, run.missing) for run in active)
        while queue:
            portion = _take(queue, rows)
            samples = _within_memory(evaluate, [Block(run.path, alphas) for run, alphas in portion])
            if samples is None:
                rows = max(1, sum(len(alphas) for _, alphas in portion) // 2)
                queue.extendleft(reversed(portion))
                torch.cuda.empty_cache()
                continue
            for (run, _), each in zip(portion, samples, strict=True):
                run.receive(each)
        for run in active:
            run.advance()
        if progress is not None:
            progress(sum(run.status is not None for run in runs), len(runs))
    return Sweep(tuple(run.results() for run in runs), rows)


def _within_memory(evaluate: Evaluate, blocks: Sequence[Block]) -> Sequence[Samples] | None:
    """Samples, or None when memory ran out; with the exception goes what it held on to."""
    try:
        return evaluate(blocks)
    except torch.OutOfMemoryError as error:
        if sum(len(block.alphas) for block in blocks) > 1:
            return None
        raise DeviceError("One row does not fit the device's memory: use --device cpu or a shorter text.") from error


def _take(queue: deque[tuple[_Progress, tuple[float, ...]]], rows: int) -> list[tuple[_Progress, tuple[float, ...]]]:
    """The next portion of at most `rows` rows, of paths that are at least three quarters as long as the first."""
    portion: list[tuple[_Progress, tuple[float, ...]]] = []
    longest = queue[0][0].path.length
    while queue and rows and 4 * queue[0][0].path.length >= 3 * longest:
        run, alphas = queue.popleft()
        portion.append((run, alphas[:rows]))
        if len(alphas) > rows:
            queue.appendleft((run, alphas[rows:]))
        rows -= len(alphas[:rows])
    return portion


@dataclass(eq=False)
class _Piece:
    """A panel with its samples, while they are of use, and its contribution, once all its nodes are there."""

    panel: Panel
    chunks: list[Samples]
    contribution: Contribution | None = None

    @property
    def missing(self) -> set[float]:
        if self.contribution is not None:
            return set()
        return set(self.panel.nodes).difference(*(chunk.alphas for chunk in self.chunks))


class _Progress:
    """One path on its way: its panels, the evaluations so far, and at the end the verdict on every target."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path, self.settings = path, settings
        self.pieces = [_Piece(panel, []) for panel in START]
        self.evaluations = 0
        self.status: Status | None = None  # why it ended; targets within the tolerance are converged all the same

    @property
    def missing(self) -> tuple[float, ...]:
        """Nodes to evaluate next, each once, in the order of α."""
        return tuple(sorted(_missing(self.pieces)))

    def receive(self, samples: Samples) -> None:
        """Hand new rows to the panels that have them as nodes; a complete panel gives its contribution."""
        self.evaluations += len(samples.alphas)
        for piece in self.pieces:
            if piece.contribution is None and (own := samples.select(piece.panel)) is not None:
                piece.chunks.append(own)
                self._close(piece)

    def _close(self, piece: _Piece) -> None:
        if piece.contribution is None and not piece.missing:
            piece.contribution = contribute(self.path, piece.panel, piece.chunks)
            if not self.settings.retain:
                piece.chunks = []

    def advance(self) -> None:
        """Judge what is there; refine the panels that hold most of the error, as few as will do, or end."""
        errors = self._errors()
        if not np.isfinite(errors).all():
            raise ModelError("The model gives NaN or infinity between the reference and the input.")
        open_targets = errors.sum(0) > self.settings.tolerance
        if not open_targets.any():
            self.status = Status.CONVERGED
            return
        share = errors[:, open_targets].max(1)
        floor = self._floors()[:, open_targets].min(1)
        aim = self.settings.tolerance / 2  # of what is left alone; the other half is for what gets refined
        refined: dict[int, list[_Piece]] = {}
        reason = Status.PRECISION_LIMITED
        rest = share.sum()
        for index in map(int, np.argsort(-share, kind="stable")):
            if rest <= aim:
                break
            if share[index] <= floor[index]:
                continue
            if self.pieces[index].panel.width < NARROWEST:
                reason = Status.NOT_CONVERGED
                continue
            finer = self._finer(self.pieces[index], float(share[index]))
            cost = len(_missing([*finer, *(piece for pieces in refined.values() for piece in pieces)]))
            if self.evaluations + cost > self.settings.max_evaluations:
                reason = Status.NOT_CONVERGED
                break
            refined[index] = finer
            rest -= share[index]
        if not refined:
            self.status = reason
        self.pieces = [new for i, piece in enumerate(self.pieces) for new in refined.get(i, [piece])]
        for piece in self.pieces:
            self._close(piece)

    def _finer(self, piece: _Piece, error: float) -> list[_Piece]:
        panels = piece.panel.refined(error, self.settings.tolerance / 2, self.settings.most_points)
        kept = [[own for chunk in piece.chunks if (own := chunk.select(panel))] for panel in panels]
        return [_Piece(panel, chunks) for panel, chunks in zip(panels, kept, strict=True)]

    def _errors(self) -> Array:
        """Estimated relative error of every panel (rows) for every target (columns): its worst state and group."""
        return np.stack([self._target_errors(k) for k in range(self.path.targets)], axis=1)

    def _target_errors(self, target: int) -> Array:
        parts = self._contributions
        change = np.array([part.outputs[1, target] - part.outputs[0, target] for part in parts])
        peak = max(np.abs(part.outputs[:, target]).max() for part in parts)
        least = ROUNDING * torch.finfo(self.path.input.dtype).eps * peak
        worst = np.zeros(len(parts))
        for layer in range(len(parts[0].values[target])):
            values = np.stack([part.values[target][layer] for part in parts])
            coarse = np.stack([part.nested[target][layer] for part in parts])
            mass = np.abs(values.sum(0)).sum(-1)
            # An effect below rounding has no scale of its own; one of exactly nothing has no error.
            scale = np.maximum(mass, least)
            scale = np.where(scale > 0, scale, np.inf)
            nested = np.abs(values - coarse).sum(-1)
            # One residual for all groups: each bears it by its part in what the nested rule did not see.
            total = nested.sum(1, keepdims=True)
            even = np.broadcast_to(mass / mass.sum() if mass.any() else np.ones_like(mass), nested.shape)
            parting = np.divide(nested, total, out=even.copy(), where=total > 0)
            residual, coarser = (np.abs(each.sum((1, 2)) - change)[:, None] * parting for each in (values, coarse))
            worst = np.maximum(worst, relative_error(residual / scale, nested / scale, coarser / scale).max(1))
        return worst

    def _floors(self) -> Array:
        """What rounding alone may add to the estimates (panels, targets): no panel is refined below it."""
        unit = ROUNDING * torch.finfo(self.path.input.dtype).eps
        parts = self._contributions
        floors = np.full((len(parts), self.path.targets), np.inf)
        for k in range(self.path.targets):
            masses = [np.abs(sum(each)).sum() for each in zip(*(part.values[k] for part in parts), strict=True)]
            peak = np.array([np.abs(part.outputs[:, k]).max() for part in parts])
            mass = max(min(masses), unit * peak.max())
            if mass > 0:
                floors[:, k] = SAFETY * unit * peak / mass
        return floors

    @property
    def _contributions(self) -> list[Contribution]:
        return [piece.contribution for piece in self.pieces if piece.contribution is not None]

    def results(self) -> tuple[Result, ...]:
        """What every target got."""
        assert self.status is not None
        return tuple(self._result(k, float(error)) for k, error in enumerate(self._errors().sum(0)))

    def _result(self, target: int, error: float) -> Result:
        parts = self._contributions
        values = tuple(sum(each) for each in zip(*(part.values[target] for part in parts), strict=True))
        details = tuple(sum(each) for each in zip(*(part.details[target] for part in parts), strict=True))
        at_reference, at_input = float(parts[0].outputs[0, target]), float(parts[-1].outputs[1, target])
        return Result(
            at_input,
            at_reference,
            values,
            details or None,
            tuple(float(value.sum()) - (at_input - at_reference) for value in values),
            error,
            self.evaluations,
            Status.CONVERGED if error <= self.settings.tolerance else self.status or Status.NOT_CONVERGED,
        )


def _missing(pieces: Iterable[_Piece]) -> set[float]:
    return set().union(*(piece.missing for piece in pieces))
