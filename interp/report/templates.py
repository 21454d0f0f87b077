"""The one way in which templates are read: every name must be there, and nothing on a page goes unescaped."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from interp.report.text import visible

__all__ = ["template_environment"]

MINUS = "−"
"""As wide as the plus."""
_HYPHEN_AS_SIGN = re.compile(r"(?<![\w-])-(?=\d)")
"""And not that of B-PER or of a date."""


def template_environment(*packages: str, html: bool) -> Environment:
    """Templates of these packages, those of the first before those of the second.

    For `html` everything is escaped, control characters are spelled out, and there are the filters `signed`, a number
    with so many decimals, and `minus`, for signs in a sentence; else text stands as it is given.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_spell_out if html else None,
    )
    if html:
        environment.filters |= {"signed": _signed, "minus": _with_minus}
    return environment


def _signed(value: float, digits: int = 1) -> str:
    return f"{value:+.{digits}f}".replace("-", MINUS)


def _with_minus(text: str) -> str:
    return _HYPHEN_AS_SIGN.sub(MINUS, text)


def _spell_out(value: Any) -> Any:
    """Whatever a template prints: control characters are spelled out, markup made here passes."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
