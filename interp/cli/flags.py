"""Flags as the fields of an object: declared once, and handed to a command as one argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from interp.project.paths import checked_path

__all__ = ["EXISTING_PATH", "PATH", "SEED", "count_from", "count_or_all", "flag", "with_options"]

Command = Callable[..., Any]


class _WholeNumber(click.IntRange):
    name = "integer"  # in messages: what is no number is no "integer range" either


SEED = _WholeNumber(0, 2**32 - 1)
"""What every generator of random numbers takes."""
MOST = 1_000_000


class _CheckedPath(click.Path):
    """Told in a sentence where no file can have such a name."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        return super().convert(checked_path(value), parameter, context)


PATH = _CheckedPath(path_type=Path)
EXISTING_PATH = _CheckedPath(exists=True, path_type=Path)
FLAG = "flag"
"""Where a field keeps its names on the command line and what click is to know of them."""


def count_from(least: int, most: int = MOST) -> click.IntRange:
    """A number of things that are counted, which no machine has without end."""
    return _WholeNumber(least, most)


def count_or_all(text: str | int) -> int | None:
    """A number of things, or "all", which is None."""
    if text == "all":
        return None
    if not str(text).isdecimal() or int(text) > MOST:
        raise click.BadParameter(f"{text!r} is no number of things up to {MOST}, nor all.")
    return int(text)


def flag(*names: str, **attributes: Any) -> Any:
    """A dataclass field that a flag fills; `attributes` are those of `click.option`."""
    return field(metadata={FLAG: (names, attributes)})


def with_options(**groups: type) -> Callable[[Command], Command]:
    """Add the flags of dataclasses to a command, in their order; each argument is the name under which the command
    is handed one object of its class.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def call_with_groups(*arguments: Any, **values: Any) -> Any:
            filled = {parameter: _take(group, values) for parameter, group in groups.items()}
            return command(*arguments, **values, **filled)

        decorated: Command = call_with_groups
        flags = [option for group in groups.values() for option in _options_of(group)]
        for option in reversed(flags):  # decorators apply from the last to the first
            decorated = option(decorated)
        return decorated

    return decorate


def _take(group: Any, values: dict[str, Any]) -> Any:
    """An object of those values that are its fields; the others are left."""
    return group(**{member.name: values.pop(member.name) for member in fields(group)})


def _options_of(group: Any) -> Iterator[Callable[[Command], Command]]:
    """What adds the flag of each field to a command."""
    for member in fields(group):
        names, attributes = member.metadata[FLAG]
        yield click.option(*names, member.name, **attributes)
