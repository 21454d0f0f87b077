"""Findings that a person has accepted: in a file of the project, each with a reason and a date on which it ends."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from interp.errors import InputError
from interp.project.files import is_missing, write
from interp.project.strict import Strict, parse_toml, validation_problems
from interp.project.toml_text import toml_value
from interp.question.tags import kind_of

__all__ = ["Waiver", "add_waiver", "load_waivers", "make_waiver", "waiver_for"]

SLACK = 1.5
"""How many times the accepted effect is still the same finding."""


_BYTE_ORDER_MARK = "\ufeff"


def _check_text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("must not hold control characters")
    return text


def _check_effect(effect: float) -> float:
    if effect == 0:
        raise ValueError("must not be 0, which is no effect")
    return effect


Text = Annotated[str, AfterValidator(_check_text)]
EffectSize = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_check_effect)]


class Waiver(Strict):
    """`cue` by its name (a word, "-vex", "form:UPPER"), for one kind of tag; good until the end of the day `until`.

    `effect`, where it is given, is what was accepted, in nats or as a part of the tags: one of the other sign, or much
    larger, is another finding.
    """

    cue: Text
    tag: Text
    reason: Text
    until: date
    added: date
    effect: EffectSize | None = None

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
    if is_missing(path):
        return ()
    _, content = parse_toml(path, str(path))
    return _validate(content, str(path))


def _validate(content: Mapping[str, Any], shown: str) -> tuple[Waiver, ...]:
    try:
        return tuple(_WaiverFile.model_validate(content).waiver)
    except ValidationError as error:
        problems = [f"{shown}, key {key}: {sentence}" for key, sentence in validation_problems(error, _WaiverFile)]
        raise InputError(*problems) from error


def make_waiver(*, cue: str, tag: str, reason: str, until: date, added: date, effect: float | None) -> Waiver:
    """A waiver of what was typed. Raises InputError, which names what does not fit."""
    try:
        return Waiver(cue=cue, tag=tag, reason=reason, until=until, added=added, effect=effect)
    except ValidationError as error:
        (key, sentence), *_ = validation_problems(error, Waiver)
        raise InputError(f"The waiver's {key}: {sentence}") from error


def waiver_for(waivers: Sequence[Waiver], cue: str, tag: str, effect: float) -> Waiver | None:
    """The one that ends last."""
    covering = [waiver for waiver in waivers if waiver.covers(cue, tag, effect)]
    return max(covering, key=lambda waiver: waiver.until, default=None)


def add_waiver(path: Path, waiver: Waiver, today: date) -> None:
    """Add a waiver to a file, whose other lines stay as they are, their ends too. Raises InputError or OutputError."""
    if not waiver.holds(today):
        raise InputError(f"--until {waiver.until} is past: name a day to come.")
    known = load_waivers(path)  # a file that is damaged is not added to
    before = _HEAD if is_missing(path) else path.read_bytes().decode()
    line_end = "\r\n" if "\r\n" in before else "\n"
    entry = ["[[waiver]]", *(f"{name} = {toml_value(value)}" for name, value in waiver if value is not None)]
    gap = ["", ""] if before and not before.endswith("\n") else [""]
    content = before + line_end.join([*gap, *entry, ""])
    # Nothing is written that could not be read again.
    if _validate(tomllib.loads(content.removeprefix(_BYTE_ORDER_MARK)), str(path)) != (*known, waiver):
        raise InputError(f"{path} cannot hold this waiver: use plain text for the cue, the tag and the reason.")
    write(path, content)


_HEAD = "# What `interp gate` found and a person accepted. Written by `interp gate accept`; reviewed like code.\n"
