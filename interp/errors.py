"""What can go wrong, as one tree; the command line turns each into one sentence and exit status 2.

InterpError
├── InputError         the text, a word, a tag or an option does not fit; the message lists what does
│   └── TooLongError   the text is longer than the model reads
├── ModelError         a model is unknown, incomplete, of another kind, or holds NaN
├── DeviceError        the device or the memory asked for is not there
├── IncomparableError  two sides that were to be held against each other are not of the same
├── OutputError        a result cannot be written
└── FormatError        a saved explanation cannot be read

An integration that does not reach its tolerance is no exception: it is a `Status` of the result.
"""

from __future__ import annotations

import re

__all__ = [
    "DeviceError",
    "FormatError",
    "IncomparableError",
    "InputError",
    "InterpError",
    "ModelError",
    "OutputError",
    "TooLongError",
    "bare",
    "counted",
    "first_line",
    "quoted",
    "shortened",
]


class InterpError(Exception):
    """Base of every error that interp raises on purpose: a sentence for each problem, with its remedy. `str(error)` has
    them line by line.
    """

    def __init__(self, *sentences: str) -> None:
        self.sentences = tuple(map(shortened, sentences))
        super().__init__(*self.sentences)

    def __str__(self) -> str:
        return "\n".join(self.sentences)


class InputError(InterpError):
    """The text, target, tag or option given does not fit the model or the sentence."""


class TooLongError(InputError):
    """The text is longer than the model reads. `without_window` says so where no window of it can be asked for."""

    def __init__(self, sentence: str, way_out: str) -> None:
        """`sentence`: without its full stop; `way_out`: how it goes on."""
        super().__init__(f"{sentence}{way_out}")
        self.args = (sentence, way_out)  # by which it crosses processes
        self.without_window = f"{sentence}."


class ModelError(InterpError):
    """The model cannot be found, read, or explained."""


class DeviceError(InterpError):
    """The device is not there, or the memory budget is too small for one row."""


class IncomparableError(InterpError):
    """Two sides that were to be held against each other are not of the same."""


class OutputError(InterpError):
    """A result cannot be written where it was asked for."""


class FormatError(InterpError):
    """A file is not an explanation document of a version that this release reads."""


def shortened(sentence: str) -> str:
    """A sentence in which what somebody gave, a name or a number without end, does not hide the rest."""
    return re.sub(r"\S{300,}", lambda given: f"{given[0][:60]}…{given[0][-20:]}", sentence)


def counted(count: int, noun: str) -> str:
    """Inside a sentence: `1 word`, `2 words`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def first_line(error: BaseException) -> str:
    """What an exception says first, without a full stop, to stand inside a sentence: up to the end of a line that does
    not announce another with a colon. What tells of a program, and not of what it was given, is said otherwise.
    """
    if isinstance(error, AttributeError):
        return "a value in it is of another kind than it must be"
    if isinstance(error, KeyError):
        return f"{error} is missing, or is not known there"
    sentence = ""
    for line in filter(None, map(str.strip, str(error).splitlines())):
        sentence = f"{sentence} {line}".strip()
        if not line.endswith(":"):
            break
    return sentence.rstrip(".:") or type(error).__name__


def quoted(text: str, most: int = 48) -> str:
    """Inside a representation: text from anywhere in quotes, control characters spelled out, cut where it is long."""
    return repr(text if len(text) <= most else f"{text[: most - 1].rstrip()}…")


def bare(name: str, most: int = 48) -> str:
    """The same of a name, without quotes; of a long one, such as a path, the end is kept."""
    return repr(name if len(name) <= most else f"…{name[1 - most :]}")[1:-1]
