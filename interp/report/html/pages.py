"""Explanations and comparisons as self-contained pages: no script, no network, nothing that is not escaped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from interp.explanation import Explanation
from interp.explanation.agreement import group_by_method, reference_agreements
from interp.golden import Comparison
from interp.report import compared, facts, methods
from interp.report.html import views
from interp.report.terminal.failure import Failure
from interp.report.text import visible

__all__ = ["changes_page", "explanations_page", "failure_page", "index_page", "notebook_frame"]

_FRAME_HEIGHT = "46rem"


def explanations_page(explanations: Sequence[Explanation]) -> str:
    """One HTML document: every explanation, contents when there are several, and how far references and methods
    agree.
    """
    sections = [views.section(number, shown) for number, shown in enumerate(explanations, start=1)]
    pairs = reference_agreements(explanations)
    template = _environment().get_template("page.html.j2")
    return template.render(
        sections=sections,
        agreements=pairs,
        agreement_note=facts.AGREEMENT_NOTE,
        comparisons=[views.methods_compared(same) for same in group_by_method(explanations)],
        compared_note=methods.COMPARED_NOTE,
        overlap_note=methods.OVERLAP_NOTE,
    )


def notebook_frame(explanation: Explanation) -> str:
    """The page inside a frame without rights, so that neither its styles nor its words reach the notebook."""
    template = _environment().get_template("notebook.html.j2")
    return template.render(
        page=escape(explanations_page([explanation])), height=_FRAME_HEIGHT, aim=facts.aim(explanation)
    )


def changes_page(named: Sequence[tuple[str, Comparison]]) -> str:
    """Goldens old beside new, the one that moved most first; those that did not move are counted."""
    told, within, same = compared.sorted_by_change(named)
    shown = [views.comparison(name, number, done) for number, (name, done) in enumerate(told, start=1)]
    closing = compared.closing(within, same, alone=not told)
    return _environment().get_template("changes.html.j2").render(comparisons=shown, closing=closing)


def failure_page(
    name: str, failures: Sequence[Failure], explanation: Explanation, comparison: Comparison | None
) -> str:
    """A case that failed: its failed checks, what moved since the golden was accepted, the whole explanation."""
    told = [failure.verdict.sentence for failure in failures]
    template = _environment().get_template("failure.html.j2")
    return template.render(
        name=name,
        failures=[views.failed(failure, explanation) for failure in failures],
        compared=None if comparison is None else views.comparison("Golden beside now", 1, comparison, told),
        section=views.section(1, explanation),
    )


def index_page(entries: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    """The failed cases of one run: the page of each, its name, the sentences of its failed checks."""
    return _environment().get_template("index.html.j2").render(entries=entries)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("interp.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters["probability"] = facts.probability
    environment.filters["tolerances"] = compared.tolerances
    environment.globals["norm"] = views.typographic(facts.signed([1.0], digits=3))
    return environment


def _finalize(value: Any) -> Any:
    """Whatever a template prints: control characters are spelled out, markup made here passes."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
