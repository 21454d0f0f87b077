"""Checks of the integration, which every case gets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from interp.cases.checks.base import MARGIN, Answer, Verdict
from interp.cases.terms import in_case_terms
from interp.engine.status import IntegrationStatus
from interp.explanation import Explanation

__all__ = ["Complete", "Converged"]


LOOSEST = 0.5
"""No integration tolerance beyond this is proposed."""


@dataclass(frozen=True)
class Complete:
    """At every layer the attributions must sum to F(input) − F(reference), within the integration's tolerance."""

    name: ClassVar[str] = "complete"

    def judge(self, answer: Answer) -> Verdict:
        residuals = _relative_residuals(answer.explanation)
        tolerance = answer.explanation.integration.tolerance
        where, worst = max(residuals.items(), key=lambda item: item[1] if math.isfinite(item[1]) else math.inf)
        passed = all(residual <= tolerance for residual in residuals.values())
        actual = f"{worst:.1e} of Σ|attribution| at the {where}"
        sentence = f"The attributions miss F(input) − F(reference) by {actual}"
        return Verdict(
            passed=passed,
            sentence=f"{sentence}." if passed else f"{sentence}, allowed {tolerance:.1e}.",
            expected=f"residual within {tolerance:.1e} of Σ|attribution|",
            actual=actual,
        )

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        residuals = [_relative_residuals(answer.explanation) for answer in answers]
        return _tolerance_line([residual for by_place in residuals for residual in by_place.values()])


@dataclass(frozen=True)
class Converged:
    """The estimated integration error must be within its tolerance, on every path, where there is more than next to
    nothing to explain.
    """

    name: ClassVar[str] = "converged"

    def judge(self, answer: Answer) -> Verdict:
        paths = answer.explanation.completeness.paths
        expected = f"error within {answer.explanation.integration.tolerance:.1e}"
        actual = ", ".join(f"{name} path {path.estimate:.1e}" for name, path in paths.items())
        missed = [
            f"the {name} path is {path.status.value}: {in_case_terms(path.status.message)}"
            for name, path in paths.items()
            if not path.status.settled
        ]
        if not missed:
            statuses = {path.status for path in paths.values()}
            negligible = IntegrationStatus.NEGLIGIBLE
            sentence = negligible.message if negligible in statuses else "The integration converged."
            return Verdict(passed=True, sentence=sentence, expected=expected, actual=actual)
        sentence = "; ".join(missed)
        sentence = f"{sentence[0].upper()}{sentence[1:]}"
        return Verdict(passed=False, sentence=sentence, expected=expected, actual=actual)

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        paths = [path for answer in answers for path in answer.explanation.completeness.paths.values()]
        return _tolerance_line([path.estimate for path in paths])


def _relative_residuals(explanation: Explanation) -> dict[str, float]:
    """|residual| by layer, as a part of that layer's Σ|attribution|; a layer of zeros has the embedding's."""
    states = {"embedding": explanation.attributions}
    states |= {f"layer {number}": values for number, values in enumerate(explanation.layers, start=1)}
    masses = {name: math.fsum(map(abs, values)) for name, values in states.items()}
    residuals = {
        name: abs(residual) / (mass or masses["embedding"] or 1.0)
        for (name, mass), residual in zip(masses.items(), explanation.integration.residuals, strict=True)
    }
    split = explanation.completeness.components
    if split is not None and explanation.components is not None:
        tables = explanation.components.present.values()
        mass = math.fsum(abs(value) for table in tables for value in table)
        residuals["component tables"] = abs(split.residuals[0]) / (mass or 1.0)
    return residuals


def _tolerance_line(errors: Sequence[float]) -> str | None:
    """A tolerance of one digit that leaves the margin; None where no sensible one holds."""
    if not all(map(math.isfinite, errors)) or not 0 < max(errors) < LOOSEST:
        return None
    least = max(errors) / MARGIN
    unit = 10.0 ** math.floor(math.log10(least))
    return f"integration_tolerance = {math.ceil(least / unit) * unit:.0e}"
