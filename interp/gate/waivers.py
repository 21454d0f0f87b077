"""Findings that a person has accepted: in a file of the project, each with a reason and a date on which it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from interp.errors import InputError
from interp.project.files import write
from interp.project.strict import Strict, parse_toml, validation_problems
from interp.project.toml_text import toml_string
from interp.question.tags import kind_of

__all__ = ["Waiver", "add_waiver", "load_waivers", "waiver_for"]

SLACK = 1.5
"""How many times the accepted effect is still the same finding."""


class Waiver(Strict):
    """`cue` by its name (a word, "-vex", "form:UPPER"), for one kind of tag; good until the end of the day `until`.

    `effect`, where it is given, is what was accepted, in nats: one of the other sign, or much larger, is another
    finding.
    """

    cue: Annotated[str, Field(min_length=1)]
    tag: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    until: date
    added: date
    effect: float | None = None

    def holds(self, today: date) -> bool:
        return today <= self.until

    def covers(self, cue: str, tag: str, effect: float) -> bool:
        """One for B-PER speaks of I-PER too."""
        same = self.cue == cue and kind_of(self.tag) == kind_of(tag)
        return same and (self.effect is None or 0 < effect / self.effect <= SLACK)


class _WaiverFile(Strict):
    waiver: list[Waiver] = Field(default_factory=list)


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """All waivers of a file; none where there is no file. Raises InputError, which names the key."""
    if not path.is_file():
        return ()
    _, content = parse_toml(path, str(path))
    try:
        return tuple(_WaiverFile.model_validate(content).waiver)
    except ValidationError as error:
        problems = [f"{path}, key {key}: {sentence}" for key, sentence in validation_problems(error, _WaiverFile)]
        raise InputError("\n".join(problems)) from error


def waiver_for(waivers: Sequence[Waiver], cue: str, tag: str, effect: float) -> Waiver | None:
    """The one that ends last."""
    covering = [waiver for waiver in waivers if waiver.covers(cue, tag, effect)]
    return max(covering, key=lambda waiver: waiver.until, default=None)


def add_waiver(path: Path, waiver: Waiver, today: date) -> None:
    """Add a waiver to a file, whose other lines stay as they are. Raises InputError or OutputError."""
    if not waiver.holds(today):
        raise InputError(f"--until {waiver.until} is past: name a day to come.")
    load_waivers(path)  # a file that is damaged is not added to
    before = path.read_text(encoding="utf-8") if path.is_file() else _HEAD
    lines = [f"{name} = {_toml_value(value)}" for name, value in waiver if value is not None]
    write(path, "\n".join([before.rstrip(), "", "[[waiver]]", *lines, ""]))


_HEAD = "# What `interp gate` found and a person accepted. Written by `interp gate accept`; reviewed like code.\n"


def _toml_value(value: str | date | float) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return toml_string(value) if isinstance(value, str) else repr(value)
