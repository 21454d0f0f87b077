"""The one way in which templates are read: every name must be there, and nothing on a page goes unescaped."""

from __future__ import annotations

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from interp.report.text import visible

__all__ = ["template_environment"]


def template_environment(*packages: str, html: bool) -> Environment:
    """Templates of these packages, those of the first before those of the second.

    For `html` everything is escaped, and control characters are spelled out; else text stands as it is given.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_spell_out if html else None,
    )


def _spell_out(value: Any) -> Any:
    """Whatever a template prints: control characters are spelled out, markup made here passes."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
