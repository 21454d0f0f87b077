"""How an integration ended."""

from __future__ import annotations

from enum import Enum

__all__ = ["IntegrationStatus"]


class IntegrationStatus(Enum):
    """The value is what stands in files; `message` says it, with the remedy."""

    CONVERGED = "converged"
    NOT_CONVERGED = "not-converged"
    PRECISION_LIMITED = "precision-limited"

    @property
    def message(self) -> str:
        return _MESSAGES[self]


_MESSAGES = {
    IntegrationStatus.CONVERGED: "The estimated integration error is within the tolerance.",
    IntegrationStatus.NOT_CONVERGED: (
        "The tolerance was not met with the evaluations allowed: raise `max_evaluations` or `tolerance`."
    ),
    IntegrationStatus.PRECISION_LIMITED: (
        "Rounding of this float type hides any further gain: use `dtype` float64 or raise `tolerance`."
    ),
}
