"""How far off a panel's attributions are: the estimate that decides what is refined and when a sweep has converged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from interp.engine.panel_integral import PanelIntegral, Shapes
from interp.engine.quadrature import error_when_refined

__all__ = ["SAFETY", "is_negligible", "panel_errors", "relative_error", "rounding_floors"]

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

SAFETY = 3.0
"""On panels of trained models the true error was at most 3.3 times the residual or the power of the nested
difference."""

CANCELLING = 0.01
"""The nested rule's residual over its error below which errors cancel in F, so that no residual tells of them."""

SLOWNESS = 8.0
"""Times r² is 1/2 where r is 1/4, more than the r / (1 − r) = 1/3 that is due there, and is capped at the 1 that is due
where r is 1/2. Of 6,000 random sums of kinks, 1 was further off than the tolerance, by 1 %; without it, one in
sixteen."""

ROUNDING = 16.0
"""Rounding of F and of an attribution sum, in units in the last place of F."""


def relative_error(*, residual: Array, nested: Array, nested_residual: Array, coarser: Array) -> Array:
    """Estimated error of a panel's attributions, from what its rule and those nested in it give, all relative to
    Σ|attribution|.

    `residual`: |sum of attributions − change of F|, exactly known, close to the error, but blind to errors that
    cancel. `nested`: Σ|difference to the nested rule|, blind to nothing that the nodes see, but the error of the
    coarser rule: under geometric convergence the finer one's is its square. The power 3/2 is QUADPACK's cautious
    form of that (Piessens et al. 1983). Where errors are seen to cancel (`nested_residual` is small beside
    `nested`), the nested difference itself is the estimate. `coarser`: the nested rule's difference to the one
    nested in it, which tells how fast the rules converge. At a kink or a jump of the gradient twice the points leave
    a part r of the error, 1/4 or 1/2, and no power of it: r is the ratio of the two differences, and the finer
    rule's error r / (1 − r) times `nested`. `SLOWNESS` · r² takes the place of that factor, as it vanishes under
    geometric convergence. It is capped at 1 (from r = 0.35), which is all that is due at a kink, r = 1/2, the slowest
    rate at which rules converge here. Where r is larger they do not converge yet: no factor follows from r, and the
    panel is far from done either way. Nothing here sees what lies between all nodes and leaves no trace at the ends.
    """
    geometric = SAFETY * np.maximum(residual, error_when_refined(nested))
    with np.errstate(over="ignore"):  # beside a difference that is next to none, the ratio counts as 1
        ratio = np.divide(nested, coarser, out=np.ones_like(nested), where=coarser > 0)
        algebraic = np.minimum(1, SLOWNESS * ratio**2) * nested
    estimate = np.maximum(geometric, algebraic)
    return np.asarray(np.where(nested_residual < CANCELLING * nested, np.maximum(estimate, nested), estimate))


def panel_errors(integrals: Sequence[PanelIntegral], epsilon: float) -> Array:
    """Estimated relative error of every panel of one target: that of its worst state and group.

    `epsilon` is the precision of the float type that F was computed in.
    """
    return np.asarray(_group_errors(integrals, epsilon).max(1))


def is_negligible(integrals: Sequence[PanelIntegral], epsilon: float, tolerance: float) -> bool:
    """Whether the groups whose error misses the tolerance hold next to nothing: Σ|attribution| of the whole path, its
    estimated error added, is at most `tolerance` · |F|, the larger |F| of what the ends of panels have.

    A person who allows errors of `tolerance` cannot miss an effect that is less than that of F itself. The error is
    added because it is what is not known of the effect: where F moves and no gradient shows it, there is a residual
    and hence an error, and nothing is negligible. Effects that cancel in F have their mass, and are not either.
    """
    layout = _Layout.of(integrals[0].shapes)
    errors = _group_errors(integrals, epsilon)
    mass = layout.group_sums(np.abs(np.sum([integral.values for integral in integrals], axis=0)))
    peak = _peaks(integrals).max()
    unknown = errors.sum(0) * _scale(mass, peak, epsilon)
    sizable = mass + unknown > tolerance * peak
    return bool(errors[:, sizable].max(1, initial=0).sum() <= tolerance)


def _group_errors(integrals: Sequence[PanelIntegral], epsilon: float) -> Array:
    """Estimated relative error of every panel and group, (panels, groups)."""
    layout = _Layout.of(integrals[0].shapes)
    values = np.stack([integral.values for integral in integrals])  # (panels, units of all states)
    nested_values = np.stack([integral.nested for integral in integrals])
    coarsest_values = np.stack([integral.coarsest for integral in integrals])
    change = np.array([integral.change for integral in integrals])[:, None]

    mass = layout.group_sums(np.abs(values.sum(0)))  # Σ|attribution| of the whole path, by group
    nested = layout.group_sums(np.abs(values - nested_values))  # (panels, groups)
    coarser = layout.group_sums(np.abs(nested_values - coarsest_values))
    parts = _parts_of_residual(nested, mass, layout)
    residual = layout.spread(np.abs(layout.state_sums(values) - change)) * parts
    nested_residual = layout.spread(np.abs(layout.state_sums(nested_values) - change)) * parts

    scale = _scale(mass, _peaks(integrals).max(), epsilon)
    return relative_error(
        residual=residual / scale,
        nested=nested / scale,
        nested_residual=nested_residual / scale,
        coarser=coarser / scale,
    )


def rounding_floors(integrals: Sequence[PanelIntegral], epsilon: float, magnitude: float = 0.0) -> Array:
    """What rounding alone may add to the estimate of every panel: no panel is refined below it. `magnitude`: of the
    numbers that F is a difference of.
    """
    layout = _Layout.of(integrals[0].shapes)
    peaks = _peaks(integrals)
    whole_path = np.sum([integral.values for integral in integrals], axis=0)
    least_mass = layout.state_sums(np.abs(whole_path)).min()
    mass = max(least_mass, ROUNDING * epsilon * peaks.max())
    rounded = np.maximum(peaks, magnitude)
    return np.asarray(SAFETY * ROUNDING * epsilon * rounded / mass) if mass > 0 else np.full(len(integrals), np.inf)


def _parts_of_residual(nested: Array, mass: Array, layout: _Layout) -> Array:
    """What part each group bears of its state's one residual: that of what the nested rule did not see, or of the mass
    where the nested rule saw all; (panels, groups).
    """
    state_nested = layout.spread(layout.states_of_groups(nested))
    state_mass = layout.spread(layout.states_of_groups(mass))
    by_mass = np.divide(mass, state_mass, out=np.ones_like(mass), where=state_mass > 0)
    parts = np.tile(by_mass, (len(nested), 1))
    return np.asarray(np.divide(nested, state_nested, out=parts, where=state_nested > 0))


def _scale(mass: Array, peak: float, epsilon: float) -> Array:
    """What errors are relative to, by group. An effect below rounding has no scale of its own; one of exactly nothing
    has no error.
    """
    scale = np.maximum(mass, ROUNDING * epsilon * peak)
    return np.where(scale > 0, scale, np.inf)


def _peaks(integrals: Sequence[PanelIntegral]) -> Array:
    """The larger |F| at the ends of every panel."""
    return np.asarray(np.abs([integral.outputs for integral in integrals]).max(1))


@dataclass(frozen=True)
class _Layout:
    """Where in the values of all states, one after the other, each group starts, where in the groups each state starts,
    and the state of each group.
    """

    group_starts: Indices
    state_starts: Indices
    state_of_group: Indices

    @staticmethod
    @cache
    def of(shapes: Shapes) -> _Layout:
        units = [units for groups, units in shapes for _ in range(groups)]
        groups = [groups for groups, _ in shapes]
        return _Layout(
            group_starts=np.cumsum([0, *units[:-1]]),
            state_starts=np.cumsum([0, *groups[:-1]]),
            state_of_group=np.repeat(np.arange(len(shapes)), groups),
        )

    def group_sums(self, values: Array) -> Array:
        """Values (…, units) to sums (…, groups)."""
        return np.add.reduceat(values, self.group_starts, axis=-1)

    def state_sums(self, values: Array) -> Array:
        """Values (…, units) to sums (…, states)."""
        return np.add.reduceat(values, self.group_starts[self.state_starts], axis=-1)

    def states_of_groups(self, values: Array) -> Array:
        """Sums (…, groups) to sums (…, states)."""
        return np.add.reduceat(values, self.state_starts, axis=-1)

    def spread(self, values: Array) -> Array:
        """Values (…, states) to each of their groups (…, groups)."""
        return values[..., self.state_of_group]
