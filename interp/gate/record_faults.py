"""What is wrong with records: sentences that cannot be read, numbers that are none, integrations that fell short."""

from __future__ import annotations

import math
from dataclasses import dataclass

from interp.engine.status import IntegrationStatus
from interp.records import Record, RecordedExplanation

__all__ = ["FaultCounter", "RecordFaults", "is_finite"]


@dataclass(frozen=True, kw_only=True)
class RecordFaults:
    """Of two sets of records, side by side."""

    sentences: int
    unread: int
    """Sentences that one or both of the models cannot read."""
    targets: int
    """Explained by the baseline, in sentences that can be compared."""
    integrations: int
    """Of both models."""
    unconverged: int
    """Integrations that missed their tolerance."""
    errors: tuple[str, ...]
    """What makes a pair of records worthless, each named by its sentence."""


class FaultCounter:
    """Takes pairs of records one by one."""

    def __init__(self) -> None:
        self._sentences = self._unread = self._targets = 0
        self._integrations = self._unconverged = 0
        self._errors: list[str] = []

    def is_comparable(self, baseline: Record, candidate: Record) -> bool:
        """Whether a pair can be compared; what is wrong with it is counted."""
        self._sentences += 1
        if baseline.error or candidate.error:
            self._unread += 1
            if not (baseline.error and candidate.error):
                reason = baseline.error or candidate.error
                self._errors.append(f"{baseline.id} can be read by one model alone: {reason}")
            return False
        probabilities = (*baseline.probabilities, *candidate.probabilities)
        if not all(math.isfinite(probability) for probability in probabilities if probability is not None):
            self._errors.append(f"{baseline.id} holds a probability that is no number")
            return False
        self._targets += len({explanation.target for explanation in baseline.explained})
        for explanation in (*baseline.explained, *candidate.explained):
            self._integrations += 1
            self._unconverged += not IntegrationStatus(explanation.status).settled
            if not is_finite(explanation):
                self._errors.append(f"{baseline.id} holds an attribution that is no number")
                return False
        return True

    def result(self) -> RecordFaults:
        return RecordFaults(
            sentences=self._sentences,
            unread=self._unread,
            targets=self._targets,
            integrations=self._integrations,
            unconverged=self._unconverged,
            errors=tuple(self._errors),
        )


def is_finite(explanation: RecordedExplanation) -> bool:
    """Whether all its numbers are finite."""
    layer_values = (value for layer in explanation.layers for value in layer)
    return all(map(math.isfinite, (*explanation.attributions, *layer_values)))
