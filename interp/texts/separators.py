"""What parts the columns of a file: decided over all its lines, as a single line may read in several ways."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["BLANKS", "TAB", "Separator", "Splitting", "choose_separator"]

_EDGES = " \t\r\ufeff"
_QUOTED = re.compile(r'(?:^|[,;|])"(?:[^"]|"")*"(?=[,;|]|$)')
_QUOTED_CELL = re.compile(r'"(?:[^"]|"")+"')
_DOUBLED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')
_TABS = re.compile(r"\t+")
_BLANKS = re.compile(r"[ \t]+")
_WIDE = re.compile(r" {2,}|\t+")

Split = Callable[[str], list[str]]


@dataclass(frozen=True)
class Separator:
    """Takes a line apart; `name` is for messages."""

    name: str
    split: Split

    def cells(self, line: str) -> list[str]:
        """Without blanks around them: those at a line's end may be empty."""
        return [cell.strip(_EDGES) for cell in self.split(line)]


@dataclass(frozen=True)
class Splitting:
    """A separator with the number of columns that it gives, and the first line that has another number."""

    separator: Separator
    width: int
    odd: tuple[int, int] | None
    """The place of the line among all, and its number of columns."""


TAB = Separator("tabs", lambda line: line.split("\t"))
BLANKS = Separator("blanks", lambda line: _BLANKS.split(line.strip(_EDGES)))
_QUOTING_TAB = Separator("tabs", lambda line: next(csv.reader([line], delimiter="\t"), [""]))
_SEVERAL_TABS = Separator("tabs", lambda line: _TABS.split(line))
_SEVERAL_BLANKS = Separator("several blanks", lambda line: _WIDE.split(line.strip(_EDGES)))


def choose_separator(lines: Sequence[str]) -> Splitting:
    """The first separator that gives every line the same number of columns, two at least; where none does, the one that
    does it for most lines; else the whole line is one column.
    """
    characters = [_character(name, lines) for name in ",;|"]
    candidates = [BLANKS, _SEVERAL_BLANKS, *characters]
    if any(all(line.find(name) > 0 and not line[line.find(name) - 1].isspace() for line in lines) for name in ",;|"):
        candidates = [*characters, BLANKS]
    if any("\t" in line.strip(_EDGES) for line in lines):
        candidates = [_QUOTING_TAB if _are_quoted(lines) else TAB, _SEVERAL_TABS, BLANKS, _SEVERAL_BLANKS]
    best, most = Splitting(TAB, 1, None), 0
    for candidate in candidates:
        splitting, fitting = _splitting(candidate, lines)
        if splitting.width > 1 and splitting.odd is None:
            return splitting
        if splitting.width > 1 and fitting > most:
            best, most = splitting, fitting
    return best


def _are_quoted(lines: Sequence[str]) -> bool:
    """Whether a program quoted cells between tabs: all of them, or those that hold a quote, which it doubled."""
    cells = [cell for line in lines for cell in line.strip(_EDGES).split("\t")]
    return all(map(_QUOTED_CELL.fullmatch, cells)) or any(map(_DOUBLED.fullmatch, cells))


def _splitting(separator: Separator, lines: Sequence[str]) -> tuple[Splitting, int]:
    """With the number of lines that fit. Empty cells at a line's end may be columns or not: the file decides."""
    widths = [_widths(separator.cells(line)) for line in lines]
    full = Counter(full for full, _ in widths)
    width = max(full, default=1)
    if any(not full <= width <= whole for full, whole in widths):
        width = full.most_common(1)[0][0]
    odd = [(place, whole) for place, (full, whole) in enumerate(widths) if not full <= width <= whole]
    return Splitting(separator, width, odd[0] if odd else None), len(lines) - len(odd)


def _widths(cells: Sequence[str]) -> tuple[int, int]:
    """Columns up to the last that is not empty, and all."""
    full = len(cells)
    while full > 1 and not cells[full - 1].strip():
        full -= 1
    return full, len(cells)


def _character(character: str, lines: Sequence[str]) -> Separator:
    """Comma, semicolon or bar: with quotes where cells are quoted. In two columns without, a word may hold it."""
    if any(_QUOTED.search(line) for line in lines):
        return Separator(
            f"`{character}`", lambda line: next(csv.reader([line], delimiter=character, skipinitialspace=True), [""])
        )
    if all(character in line for line in lines) and any(line.count(character) == 1 for line in lines):
        return Separator(f"`{character}`", lambda line: line.rstrip(_EDGES).rsplit(character, 1))
    return Separator(f"`{character}`", lambda line: line.split(character))
