"""A result as one self-contained page: the sentence first, then why, then the cases side by side with filters.

No script: the filters are radio buttons that the style sheet asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment

from interp.gate.report import facts
from interp.gate.result import CaseComparison, CheckStatus, CueFinding, GateResult
from interp.report.templates import template_environment

__all__ = ["gate_page"]

MOST_FLIPS = 40


def gate_page(result: GateResult) -> str:
    """The HTML document."""
    tags = sorted({" ".join(case.tags) for case in result.cases})
    failing = [finding for finding in result.cues if finding.status is CheckStatus.FAIL and not finding.accepted]
    variants = result.stress.variants if result.stress else ()
    return (
        _environment()
        .get_template("gate.html.j2")
        .render(
            result=result,
            facts=facts,
            first=failing[0] if failing else None,
            bars=_bars([(finding.low, finding.effect, finding.high) for finding in result.cues]),
            stress_bars=_bars([(change.low, change.change, change.high) for change in variants]),
            tags=tags,
            cases=[_case(case, tags, failing) for case in result.cases],
            flips=result.flips[:MOST_FLIPS],
        )
    )


def _bars(effects: Sequence[tuple[float, float, float]]) -> dict[int, dict[str, float]]:
    """Where each interval and mean (low, mean, high) lie, in percent of one scale for all."""
    ends = [0.0, *(end for low, _, high in effects for end in (low, high))]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def at(value: float) -> float:
        return round(100 * (value - low) / span, 2)

    return {
        number: {
            "zero": at(0.0),
            "low": at(first),
            "size": at(last) - at(first),
            "mean": at(mean),
        }
        for number, (first, mean, last) in enumerate(effects)
    }


def _case(case: CaseComparison, tags: Sequence[str], failing: Sequence[CueFinding]) -> dict[str, Any]:
    """One case as its template shows it: chips and a layer map of either model, on one scale each."""
    words = {word for finding in failing for word in finding.cue.split(" ")}
    return {
        "case": case,
        "tag": tags.index(" ".join(case.tags)),
        "cued": not words.isdisjoint(case.words),
        "sides": [
            _side("baseline", case, case.baseline, case.baseline_layers),
            _side("candidate", case, case.candidate, case.candidate_layers),
        ],
    }


def _side(
    name: str, case: CaseComparison, values: Sequence[float], layers: Sequence[Sequence[float]]
) -> dict[str, Any]:
    top = max(map(abs, values), default=0.0) or 1.0
    total = sum(map(abs, values)) or 1.0
    peak = max((abs(value) for row in layers for value in row), default=0.0) or 1.0
    return {
        "name": name,
        "chips": [
            {
                "word": word,
                "value": value,
                "fraction": abs(value) / top,
                "share": abs(value) / total,
                "target": index in case.target,
            }
            for index, (word, value) in enumerate(zip(case.words, values, strict=True))
        ],
        "layers": [[(value, abs(value) / peak) for value in row] for row in layers],
    }


@cache
def _environment() -> Environment:
    return template_environment("interp.gate.report", "interp.report.html", html=True)
