"""Explanations as one self-contained page: no script, no network, and nothing in it that is not escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from interp.explanation import Explanation, agreements
from interp.report import facts
from interp.report.drawing import INK
from interp.report.figures import svg
from interp.report.text import visible

__all__ = ["notebook", "page"]

_FRAME_HEIGHT = "46rem"


def page(explanations: Sequence[Explanation]) -> str:
    """One HTML document: every explanation, contents when there are several, and how far references agree."""
    sections = [_section(number, shown) for number, shown in enumerate(explanations, start=1)]
    pairs = agreements(explanations)
    template = _environment().get_template("page.html.j2")
    return template.render(sections=sections, agreements=pairs, agreement_note=facts.AGREEMENT_NOTE)


def notebook(explanation: Explanation) -> str:
    """The page inside a frame without rights, so that neither its styles nor its words reach the notebook."""
    template = _environment().get_template("notebook.html.j2")
    return template.render(page=escape(page([explanation])), height=_FRAME_HEIGHT, aim=facts.aim(explanation))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("interp.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters["probability"] = facts.probability
    environment.globals["norm"] = _typographic(facts.signed([1.0], digits=3))
    return environment


def _finalize(value: Any) -> Any:
    """Whatever a template prints: control characters are spelled out, markup made here passes."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _section(number: int, shown: Explanation) -> dict[str, Any]:
    """What the template shows of one explanation."""
    ends = shown.completeness.embedding
    rows = facts.word_rows(shown)
    return {
        "id": f"e{number}",
        "shown": shown,
        "headline": facts.headline(shown),
        "aim": facts.aim(shown),
        "reference": facts.reference(shown),
        "unit": facts.unit(shown),
        "rows": rows,
        "truth": any(row.true for row in rows),
        "number": _format(row.value for row in rows),
        "bar": _bars(shown.attributions),
        "total": ends.at_input - ends.at_reference,
        "tables": _tables(shown),
        "heat": _heat(shown),
        "figures": dict(_figures(number, shown)),
        "paths": facts.path_rows(shown),
        "layers_note": facts.LAYERS_NOTE,
        "integration_note": facts.INTEGRATION_NOTE,
    }


def _tables(shown: Explanation) -> dict[str, dict[str, Any]]:
    """Sorted component tables; those of zeros have no rows."""
    tables = facts.component_rows(shown)
    number = _format(row.value for rows in tables.values() for row in rows)
    return {
        name: {
            "rows": rows if any(row.value for row in rows) else [],
            "number": number,
            "bar": _bars([row.value for row in rows]),
            "sum": number(sum(row.value for row in rows)),
        }
        for name, rows in tables.items()
    }


def _bars(values: Sequence[float]) -> Callable[[float], str]:
    """Where a value's bar lies in its column: all share one scale and one zero."""
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0

    def style(value: float) -> str:
        zero, start, size = -low / span, (min(value, 0.0) - low) / span, abs(value) / span
        return f"--zero:{zero:.2%};--from:{start:.2%};--size:{size:.2%}"

    return style


def _heat(shown: Explanation) -> Mapping[str, Any]:
    """Layers × words: the largest value, and two formats: short in the cell, exact on hover."""
    top = max(map(facts.largest, shown.layers), default=0.0)
    values = [value for layer in shown.layers for value in layer]
    return {
        "top": top or 1.0,
        "short": _typographic(facts.signed(values, digits=3 if top >= 10 else 2)),
        "exact": _typographic(facts.signed(values, digits=5)),
        "sum": _format(map(sum, shown.layers)),
    }


def _figures(number: int, shown: Explanation) -> Iterator[tuple[str, Markup]]:
    """Zoom and density as inline SVG in the page's text colour; their ids stay apart from other figures'."""
    if shown.zoom is None:
        return
    for view in ("zoom", "density"):
        drawn = svg(shown, view).replace(INK, "currentColor")
        drawn = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", drawn, flags=re.DOTALL)
        drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>e{number}-{view}-", drawn)
        yield view, Markup(drawn)


def _format(values: Any) -> Callable[[float], str]:
    return _typographic(facts.signed(values))


def _typographic(number: Callable[[float], str]) -> Callable[[float], str]:
    """The same with a minus sign as wide as the plus."""
    return lambda value: number(value).replace("-", "−")
