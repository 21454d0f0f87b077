"""Parts of a path with Chebyshev points on them, and what takes the place of one that is not good enough."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from interp.engine.options import MIN_POINTS
from interp.engine.quadrature import chebyshev_rule, error_when_refined

__all__ = ["INITIAL_PANELS", "Panel"]

DOUBLING_LIMIT = 0.3
"""Relative error of a panel of the fewest points up to which more points are likely to help: beyond, F has a feature
there that halves resolve better."""


@dataclass(frozen=True)
class Panel:
    """From `start` to `end` of a path, [0, 1], with `points` on it. Ends are dyadic, so shared nodes are equal to the
    bit.
    """

    start: float
    end: float
    points: int

    @property
    def width(self) -> float:
        return self.end - self.start

    @cached_property
    def nodes(self) -> tuple[float, ...]:
        return tuple((self.start + self.width * chebyshev_rule(self.points).nodes).tolist())

    def refined(self, error: float, tolerance: float, max_points: int) -> tuple[Panel, ...]:
        """Twice the points, which reuses every node, where that is likely to be enough; else two halves."""
        if self.points < max_points and self._is_doubling_enough(error, tolerance):
            return (Panel(self.start, self.end, 2 * self.points - 1),)
        middle = (self.start + self.end) / 2
        return Panel(self.start, middle, MIN_POINTS), Panel(middle, self.end, MIN_POINTS)

    def _is_doubling_enough(self, error: float, tolerance: float) -> bool:
        if self.points == MIN_POINTS:
            return error <= DOUBLING_LIMIT
        return float(error_when_refined(error)) <= tolerance


INITIAL_PANELS = (Panel(0.0, 0.5, MIN_POINTS), Panel(0.5, 1.0, MIN_POINTS))
"""Two panels: on trained taggers two of 17 points are three times as accurate as one of 33."""
