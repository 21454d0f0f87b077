"""A summary as one self-contained page: what is leaned on first, examples one click away, columns sorted by theirs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment
from markupsafe import Markup

from interp.report.html.views import bars
from interp.report.templates import template_environment
from interp.summary.report import facts
from interp.summary.result import KindSummary, MovedWord, Summary

__all__ = ["summary_page"]


def summary_page(summary: Summary, moved: Sequence[MovedWord] = ()) -> str:
    """The HTML document."""
    script = _script()
    return (
        _environment()
        .get_template("summary.html.j2")
        .render(
            summary=summary,
            moved=moved,
            facts=facts,
            bars={kind.kind: _bars(kind) for kind in summary.kinds},
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _bars(kind: KindSummary) -> dict[str, object]:
    """One scale for the words of a kind, and one for the evidence at its places."""
    means = [word.mean for word in (*kind.words_for, *kind.words_against)]
    return {"words": bars(means), "places": bars([place.share for place in kind.places])}


@cache
def _script() -> str:
    return files("interp.summary.report").joinpath("templates", "sort.js").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = template_environment("interp.summary.report", "interp.report.html", html=True)
    environment.filters["percent"] = lambda value: f"{100 * value:.1f} %"
    return environment
