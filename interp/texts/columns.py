"""Column files of tagged words (CoNLL and its relatives): one word a line, an empty line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from interp.errors import InputError

__all__ = ["SentenceRows", "read_columns", "read_text"]

MARKER = "-DOCSTART-"
_BLANKS = re.compile(" +")


@dataclass(frozen=True)
class SentenceRows:
    """One sentence as it stands in its file: its first line, the number of its document, its rows of columns.

    In a file without marks of documents every sentence is one.
    """

    line: int
    document: int
    rows: tuple[tuple[str, ...], ...]


def read_columns(path: Path, separator: str | None = None, comments: bool = False) -> Iterator[SentenceRows]:
    """Every sentence of a file. `separator` of columns, None for any run of blanks, or in a file that holds tabs for
    the tab; `comments`: lines that begin with "# " are none of a sentence. Raises InputError.
    """
    rows: list[tuple[str, ...]] = []
    first, document = 1, 0
    text = read_text(path)
    marked = text.startswith(MARKER) or f"\n{MARKER}" in text
    # Not splitlines(): tweets hold characters that it takes for line ends.
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if comments and line.startswith("# "):
            continue
        if line.strip():
            if separator is None and not rows and "\t" in line:
                separator = "\t"
            first = first if rows else number
            columns = line.split(separator) if separator else _BLANKS.split(line.strip(" "))
            rows.append(tuple(column.strip(" ") for column in columns))
        elif rows:
            if rows[0][0].startswith(MARKER):
                document += 1
                rows = rows[1:]
            if rows:
                yield SentenceRows(first, document if marked else first, tuple(rows))
            rows = []


def read_text(path: Path) -> str:
    """A file's text. Raises InputError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}): convert it first.") from error
