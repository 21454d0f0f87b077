"""Checks of the integration, which every case gets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from interp.cases.checks.base import MARGIN, Answer, Verdict
from interp.explanation import Explanation

__all__ = ["Complete", "Converged"]


LOOSEST = 0.5
"""No integration tolerance beyond this is proposed."""


@dataclass(frozen=True)
class Complete:
    """At every layer the attributions must sum to F(input) − F(reference), within the integration's tolerance."""

    name: ClassVar[str] = "complete"

    def judge(self, answer: Answer) -> Verdict:
        parts = _residuals(answer.explanation)
        tolerance = answer.explanation.integration.tolerance
        where, worst = max(parts.items(), key=lambda item: item[1] if math.isfinite(item[1]) else math.inf)
        passed = all(part <= tolerance for part in parts.values())
        got = f"{worst:.1e} of Σ|attribution| at the {where}"
        sentence = f"The attributions miss F(input) − F(reference) by {got}" + (
            "" if passed else f", allowed {tolerance:.1e}"
        )
        return Verdict(passed, f"{sentence}.", f"residual within {tolerance:.1e} of Σ|attribution|", got)

    def line(self, answers: Sequence[Answer]) -> str | None:
        return _tolerance([part for answer in answers for part in _residuals(answer.explanation).values()])


@dataclass(frozen=True)
class Converged:
    """The estimated integration error must be within its tolerance, on every path."""

    name: ClassVar[str] = "converged"

    def judge(self, answer: Answer) -> Verdict:
        paths = answer.explanation.completeness.paths
        expected = f"error within {answer.explanation.integration.tolerance:.1e}"
        got = ", ".join(f"{name} path {path.estimate:.1e}" for name, path in paths.items())
        missed = [(name, path) for name, path in paths.items() if path.status.value != "converged"]
        if not missed:
            return Verdict(True, "The integration converged.", expected, got)
        told = "; ".join(f"the {name} path is {path.status.value}: {path.status.message}" for name, path in missed)
        return Verdict(False, f"{told[0].upper()}{told[1:]}", expected, got)

    def line(self, answers: Sequence[Answer]) -> str | None:
        paths = [path for answer in answers for path in answer.explanation.completeness.paths.values()]
        return _tolerance([path.estimate for path in paths])


def _residuals(explanation: Explanation) -> dict[str, float]:
    """|residual| by layer, as a part of that layer's Σ|attribution|; a layer of zeros has the embedding's."""
    path = explanation.integration
    names = ["embedding", *(f"layer {number}" for number in range(1, len(explanation.layers) + 1))]
    masses = [math.fsum(map(abs, values)) for values in (explanation.attributions, *explanation.layers)]
    found = {
        name: abs(residual) / (mass or masses[0] or 1.0)
        for name, mass, residual in zip(names, masses, path.residuals, strict=True)
    }
    split = explanation.completeness.components
    if split is not None and explanation.components is not None:
        mass = math.fsum(abs(value) for table in explanation.components.present.values() for value in table)
        found["component tables"] = abs(split.residuals[0]) / (mass or 1.0)
    return found


def _tolerance(errors: Sequence[float]) -> str | None:
    """A tolerance of one digit that leaves the margin; None where no sensible one holds."""
    if not all(map(math.isfinite, errors)) or not 0 < max(errors) < LOOSEST:
        return None
    wanted = max(errors) / MARGIN
    unit = 10.0 ** math.floor(math.log10(wanted))
    return f"integration_tolerance = {math.ceil(wanted / unit) * unit:.0e}"
