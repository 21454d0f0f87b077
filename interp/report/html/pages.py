"""Explanations and comparisons as self-contained pages: no script, no network, nothing that is not escaped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment
from markupsafe import escape

from interp.errors import counted
from interp.explanation import Explanation
from interp.explanation.agreement import group_by_method, reference_agreements
from interp.golden import Comparison
from interp.report import compared, facts, methods, number_formats
from interp.report.failures import FailedCase, Failure
from interp.report.html import views
from interp.report.templates import template_environment

__all__ = ["changes_page", "explanations_page", "failure_page", "index_page", "notebook_frame"]

_FRAME_HEIGHT = "46rem"
"""Where a frame cannot be as high as its page: a front end that runs no script."""


def explanations_page(explanations: Sequence[Explanation], *, framed: bool = False) -> str:
    """One HTML document: every explanation, contents when there are several, and how far references and methods
    agree. `framed`: without the heading and the margins of a page of its own.
    """
    sections = [views.section(number, shown) for number, shown in enumerate(explanations, start=1)]
    pairs = reference_agreements(explanations)
    template = _environment().get_template("page.html.j2")
    return template.render(
        sections=sections,
        framed=framed,
        agreements=pairs,
        agreement_note=facts.AGREEMENT_NOTE,
        comparisons=[views.methods_compared(same) for same in group_by_method(explanations)],
        compared_note=methods.COMPARED_NOTE,
        overlap_note=methods.OVERLAP_NOTE,
    )


def notebook_frame(explanations: Sequence[Explanation]) -> str:
    """The page in a frame that may run nothing, so that neither its styles nor its words reach the notebook; the
    notebook's own document gives the frame the height of its page.
    """
    title = facts.aim(explanations[0]) if len(explanations) == 1 else counted(len(explanations), "explanation")
    template = _environment().get_template("notebook.html.j2")
    return template.render(page=escape(explanations_page(explanations, framed=True)), height=_FRAME_HEIGHT, title=title)


def changes_page(named: Sequence[tuple[str, Comparison]]) -> str:
    """Goldens old beside new, the one that moved most first; those that did not move are counted."""
    notable, within, same = compared.sorted_by_change(named)
    shown = [views.comparison(name, number, comparison) for number, (name, comparison) in enumerate(notable, start=1)]
    closing = compared.closing(within, same, alone=not notable)
    return _environment().get_template("changes.html.j2").render(comparisons=shown, closing=closing)


def failure_page(
    name: str, failures: Sequence[Failure], explanation: Explanation, comparison: Comparison | None
) -> str:
    """A case that failed: its failed checks, what moved since the golden was accepted, the whole explanation."""
    compared_view = None
    if comparison is not None:
        sentences = [failure.verdict.sentence for failure in failures]
        compared_view = views.comparison("Golden beside now", 1, comparison, said_before=sentences)
    template = _environment().get_template("failure.html.j2")
    return template.render(
        name=name,
        failures=[views.failed(failure, explanation) for failure in failures],
        compared=compared_view,
        section=views.section(1, explanation),
    )


def index_page(cases: Sequence[FailedCase]) -> str:
    """The failed cases of one run."""
    return _environment().get_template("index.html.j2").render(cases=cases)


@cache
def _environment() -> Environment:
    environment = template_environment("interp.report.html", html=True)
    environment.filters["probability"] = number_formats.probability
    environment.filters["tolerances"] = compared.tolerances
    environment.globals["norm"] = views.typographic(number_formats.signed([1.0], digits=3))
    return environment
