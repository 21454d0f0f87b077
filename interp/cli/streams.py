"""Standard streams that may be closed, full, unread, or of an encoding that lacks what is written."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any, TextIO

import click

from interp.errors import InputError, OutputError

__all__ = ["read_standard_input", "sturdy_streams"]

PLAIN = {
    "−": "-",
    "–": "-",
    "…": "...",
    "·": ".",
    "→": "->",
    "Σ": "sum",
    "α": "alpha",
    "σ": "sigma",
    "τ": "tau",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "±": "+-",
    "×": "x",
    "✓": "ok",
    "✗": "no",
    "█": "#",
    "▒": "#",
    "▐": "#",
    "▌": "#",
    "┃": "|",
    "│": "|",
    "─": "-",
    "‹": "<",
    "›": ">",
}
"""Signs of interp's own, for encodings that lack them; words of a text become escapes, which lose nothing."""
SPELL_OUT = "interp.spell-out"
"""The name of what codecs do with characters that they lack."""


def _spell_out(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    if sign in PLAIN:
        return PLAIN[sign], error.start + 1
    error.end = error.start + 1
    return codecs.backslashreplace_errors(error)


codecs.register_error(SPELL_OUT, _spell_out)


class _Descriptor(FileIO):
    """A descriptor to which writing always succeeds: what cannot be written goes nowhere, and the reason is kept."""

    failure: OSError | None = None
    """None as long as all was written, or its reader had enough."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except BrokenPipeError:  # as `head` goes: neither what is done nor how it ends changes
            pass
        except OSError as error:
            self.failure = error
        return len(memoryview(content).cast("B"))


@contextmanager
def sturdy_streams() -> Iterator[None]:
    """Standard streams of this process, prepared for a command; those that a test has put in their place stay.

    Raises OutputError at the end where results could not be written.
    """
    _open_what_is_closed()
    results = _Descriptor(1, "w", closefd=False)
    stdout, stderr = sys.__stdout__, sys.__stderr__
    if stdout is not None and stdout is sys.stdout:
        sys.stdout = _text_stream(results, stdout.encoding, lines=results.isatty())
    if stderr is not None and stderr is sys.stderr:
        sys.stderr = _text_stream(_Descriptor(2, "w", closefd=False), stderr.encoding, lines=True)
    try:
        yield
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
    if results.failure is not None:
        raise OutputError(f"Cannot write to standard output: {results.failure.strerror}.")


def _text_stream(descriptor: _Descriptor, encoding: str, lines: bool) -> TextIO:
    """Text written to a descriptor, line by line or when enough has gathered."""
    return TextIOWrapper(BufferedWriter(descriptor), encoding=encoding, errors=SPELL_OUT, line_buffering=lines)


def _open_what_is_closed() -> None:
    """A closed standard descriptor would be given to the next file that is opened, and be written into as output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, so this one


def read_standard_input() -> bytes:
    """All of it. Raises InputError where it is closed or cannot be read."""
    if sys.stdin is None:
        raise InputError("Standard input is closed: give the sentences as an argument, or with --file.")
    if sys.stdin.isatty():
        click.echo("interp: reading sentences, one a line, until Ctrl-D", err=True)
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise InputError(f"Cannot read standard input: {error.strerror}.") from error
