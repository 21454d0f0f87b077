"""How an integration ended."""

from __future__ import annotations

from enum import Enum

__all__ = ["IntegrationStatus"]


class IntegrationStatus(Enum):
    """The value is what stands in files; `message` says it, with the remedy."""

    CONVERGED = "converged"
    NEGLIGIBLE = "negligible"
    NOT_CONVERGED = "not-converged"
    DISCONTINUOUS = "discontinuous"
    PRECISION_LIMITED = "precision-limited"

    @property
    def message(self) -> str:
        return _MESSAGES[self]

    @property
    def settled(self) -> bool:
        """Whether nothing is left to be done about it."""
        return self in (IntegrationStatus.CONVERGED, IntegrationStatus.NEGLIGIBLE)


_MESSAGES = {
    IntegrationStatus.CONVERGED: "The estimated integration error is within the tolerance.",
    IntegrationStatus.NEGLIGIBLE: (
        "The tolerance is missed only where there is next to nothing to explain: in a layer or table whose absolute "
        "attributions, integration error included, add up to less than `tolerance` times the output itself."
    ),
    IntegrationStatus.NOT_CONVERGED: (
        "The tolerance was not met with the evaluations allowed: raise `max_evaluations` or `tolerance`."
    ),
    IntegrationStatus.DISCONTINUOUS: (
        "The output jumps between neighbouring points of the path, which no number of evaluations resolves: raise "
        "`tolerance` or choose another `reference`; below float64, whose rounding can look like a jump, use `dtype` "
        "float64."
    ),
    IntegrationStatus.PRECISION_LIMITED: (
        "Rounding of this float type hides any further gain: raise `tolerance`, or use `dtype` float64 where it is "
        "another."
    ),
}
