"""One target of one path on its way through a sweep: its panels, its nodes, and at the end why it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from interp.engine.estimate import is_negligible, panel_errors, rounding_floors
from interp.engine.options import SweepOptions
from interp.engine.panel_integral import PanelIntegral, integrate_panel
from interp.engine.panels import INITIAL_PANELS, Panel
from interp.engine.paths import IntegrationPath, Node, Samples, nodes_of
from interp.engine.status import IntegrationStatus
from interp.errors import ModelError

__all__ = ["TargetSweep"]

Array = npt.NDArray[np.float64]

MIN_WIDTH = 2.0**-32
"""Width below which a panel is not bisected: its nodes would coincide (a jump of F ends here)."""


@dataclass(eq=False)
class _PanelState:
    """A panel, and its integral once all its nodes are there."""

    panel: Panel
    integral: PanelIntegral | None = None


@dataclass(frozen=True)
class _Refinement:
    """The panels that take the place of others, by the index of those, and why there are no more of them."""

    finer: dict[int, tuple[Panel, ...]]
    reason: IntegrationStatus


class TargetSweep:
    """Asks for `missing` nodes, receives samples, and advances until it has a `status`."""

    def __init__(self, path: IntegrationPath, number: int, options: SweepOptions) -> None:
        self.path, self.number, self.options = path, number, options
        self.evaluations = 0
        self.estimate = np.inf
        self.status: IntegrationStatus | None = None
        self._panels = [_PanelState(panel) for panel in INITIAL_PANELS]
        self._nodes: dict[float, Node] = {}

    @property
    def missing(self) -> set[float]:
        """Nodes to evaluate next."""
        return _open_nodes(self._panels) - self._nodes.keys()

    @property
    def integrals(self) -> list[PanelIntegral]:
        """Of the panels that have all their nodes, from the reference to the input."""
        return [state.integral for state in self._panels if state.integral is not None]

    def receive(self, samples: Samples) -> None:
        """Take new nodes, and integrate over the panels that have all of theirs."""
        self.evaluations += len(samples.alphas)
        self._nodes |= nodes_of([samples])
        self._integrate_complete_panels()
        if not self.options.retain:
            self._keep_nodes(_open_nodes(self._panels))

    def advance(self) -> None:
        """Judge what is there; refine the panels that hold most of the error, as few as will do, or end."""
        if self.status is not None:
            return
        errors = panel_errors(self.integrals, self.path.epsilon)
        if not np.isfinite(errors).all():
            raise ModelError("The model gives NaN or infinity between the reference and the input.")
        self.estimate = float(errors.sum())
        if self.estimate <= self.options.tolerance:
            self._end(IntegrationStatus.CONVERGED)
            return
        refinement = self._choose_refinement(errors)
        if not refinement.finer:
            negligible = is_negligible(self.integrals, self.path.epsilon, self.options.tolerance)
            self._end(IntegrationStatus.NEGLIGIBLE if negligible else refinement.reason)
            return
        self._refine(refinement)

    def _choose_refinement(self, errors: Array) -> _Refinement:
        """Refine the panels of the largest errors until what is left alone is within half of the tolerance; the other
        half is for what gets refined.
        """
        aim = self.options.tolerance / 2
        floors = rounding_floors(self.integrals, self.path.epsilon, self.path.magnitude)
        finer: dict[int, tuple[Panel, ...]] = {}
        reason = IntegrationStatus.PRECISION_LIMITED
        left_alone = errors.sum()
        for index in map(int, np.argsort(-errors, kind="stable")):
            if left_alone <= aim:
                break
            if errors[index] <= floors[index]:
                continue
            panel = self._panels[index].panel
            if panel.width < MIN_WIDTH:
                reason = IntegrationStatus.DISCONTINUOUS
                continue
            candidates = panel.refined(float(errors[index]), aim, self.options.max_points)
            if self._cost_of([*finer.values(), candidates]) > self.options.max_evaluations - self.evaluations:
                if reason is not IntegrationStatus.DISCONTINUOUS:  # which more evaluations would not mend
                    reason = IntegrationStatus.NOT_CONVERGED
                break
            finer[index] = candidates
            left_alone -= errors[index]
        return _Refinement(finer, reason)

    def _cost_of(self, panels: Iterable[Sequence[Panel]]) -> int:
        """Nodes that these panels need and that are not there."""
        nodes = {alpha for group in panels for panel in group for alpha in panel.nodes}
        return len(nodes - self._nodes.keys())

    def _refine(self, refinement: _Refinement) -> None:
        states: list[_PanelState] = []
        for index, state in enumerate(self._panels):
            finer = refinement.finer.get(index)
            states += [state] if finer is None else [_PanelState(panel) for panel in finer]
        self._panels = states
        self._keep_nodes({alpha for state in states for alpha in state.panel.nodes})
        self._integrate_complete_panels()

    def _integrate_complete_panels(self) -> None:
        for state in self._panels:
            if state.integral is None and self._nodes.keys() >= set(state.panel.nodes):
                state.integral = integrate_panel(self.path, state.panel, self._nodes, self.number)

    def _keep_nodes(self, alphas: set[float]) -> None:
        self._nodes = {alpha: node for alpha, node in self._nodes.items() if alpha in alphas}

    def _end(self, status: IntegrationStatus) -> None:
        self.status, self._nodes = status, {}


def _open_nodes(states: Iterable[_PanelState]) -> set[float]:
    """Of the panels that lack their integral."""
    return {alpha for state in states if state.integral is None for alpha in state.panel.nodes}
