"""How far to integrate and in what portions; needs neither torch nor NumPy: a mistake is told before they load."""

from __future__ import annotations

from dataclasses import dataclass

from interp.errors import InputError

__all__ = [
    "DEFAULT_MAX_EVALUATIONS",
    "DEFAULT_TOLERANCE",
    "MAX_POINTS",
    "MIN_EVALUATIONS",
    "MIN_POINTS",
    "SweepOptions",
]

DEFAULT_TOLERANCE = 1e-3
"""Of Σ|error| / Σ|attribution|."""
DEFAULT_MAX_EVALUATIONS = 1025
"""Per path: rows that go forward and backward."""
MIN_POINTS, MAX_POINTS = 9, 33
"""Of a panel."""
MIN_EVALUATIONS = 2 * MIN_POINTS - 1
"""A path starts as two panels that share a node."""


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """What one sweep is told. Raises InputError for what cannot be."""

    tolerance: float = DEFAULT_TOLERANCE
    """Of Σ|error| / Σ|attribution|, for every state and group of every target."""
    max_evaluations: int = DEFAULT_MAX_EVALUATIONS
    """Per path."""
    rows: int = 32
    """Forward at once."""
    retain: bool = True
    """Keep the states of evaluated nodes for finer panels. Without it memory is bounded by one panel, and what is
    refined is evaluated anew."""
    max_points: int = MAX_POINTS
    """Of a panel."""

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise InputError(f"{self.rows} rows per forward are too few: one is the least.")
        if not 0 < self.tolerance < 1:
            raise InputError(f"The tolerance must be between 0 and 1, such as 1e-3, not {self.tolerance:g}.")
        if self.max_evaluations < MIN_EVALUATIONS:
            raise InputError(
                f"{self.max_evaluations} evaluations are too few: `max_evaluations` is {MIN_EVALUATIONS} at least."
            )
