"""A result as Markdown, for a pull request or a job's summary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment

from interp.gate.report import facts
from interp.gate.result import GateResult
from interp.gate.slices import LostEntity
from interp.probe import FlipExample
from interp.report.templates import template_environment
from interp.report.text import visible

__all__ = ["gate_markdown"]

_SPECIAL = re.compile(r"([\\`*_\[\]|#~$])")


def gate_markdown(result: GateResult) -> str:
    """Headline, what to do, checks, cues with a sentence each, training rows; words of the data cannot format."""
    return _environment().get_template("summary.md.j2").render(result=result, facts=facts)


@cache
def _environment() -> Environment:
    environment = template_environment("interp.gate.report", html=False)
    environment.filters |= {"plain": _plain, "sentence": _sentence, "loss": _loss}
    return environment


def _plain(text: str) -> str:
    """Text that stays what it is: nothing in it formats, links or mentions anybody."""
    shown = _SPECIAL.sub(r"\\\1", visible(text).replace("\n", " "))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace("@", "&#64;")
    return shown.replace("://", "&#58;//").replace("www.", "www&#46;")


def _sentence(example: FlipExample) -> str:
    return _bold(example.after, example.target_after, example.target_after + 1)


def _loss(entity: LostEntity) -> str:
    return _bold(entity.words, entity.start, entity.stop)


def _bold(words: Sequence[str], start: int, stop: int) -> str:
    """The sentence with these of its words set off."""
    shown = [_plain(word) for word in words]
    return " ".join([*shown[:start], f"**{' '.join(shown[start:stop])}**", *shown[stop:]])
