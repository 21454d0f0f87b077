"""A file of columns as a table: sentences of rows, without what is structure: comments, headers, marks of documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from interp.errors import InputError, counted
from interp.question.tags import OUTSIDE
from interp.texts.separators import TAB, Separator, choose_separator
from interp.texts.spelling import clean_tag, is_marked

__all__ = [
    "Line",
    "Row",
    "SentenceBlock",
    "Table",
    "collect_blocks",
    "is_document_mark",
    "numbered_lines",
    "read_table",
]

_DOCUMENT = re.compile(
    r"""(?:^|[\s,;|])["']?-{1,3}DOC(?:START|END)-{1,3}|^#\s*(?:begin|end) document\b|^#\s*newdoc\b""", re.IGNORECASE
)
_WORD_NAMES = frozenset({"word", "words", "token", "tokens", "form", "text"})
_TAG_NAMES = ("ner_tag", "ner_tags", "ner", "tag", "tags", "label", "labels", "entity", "iob", "bio")
_SENTENCE_NAMES = ("sentence", "sentence_#", "sentence_id", "sentence_idx", "sent_id", "sent", "sentence_number")
_HASHTAG = re.compile(r"#+[^\s:=#]+")
"""Alone in its line it is a word whose tag is missing."""


@dataclass(frozen=True)
class Line:
    """With its number in the file, the first being 1."""

    number: int
    text: str


@dataclass(frozen=True)
class Row:
    """The columns of one word, and its line."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class SentenceBlock:
    """The rows of one sentence, and the number of its document, None in a file without marks of documents."""

    document: int | None
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """All sentences of a file."""

    blocks: tuple[SentenceBlock, ...]
    width: int
    header: tuple[str, ...] | None
    skipped: tuple[int, ...]
    """Lines of comments, headers and marks of documents."""

    @property
    def rows(self) -> list[Row]:
        return [row for block in self.blocks for row in block.rows]

    def named(self, kind: str) -> int | None:
        """The column that the header calls a word, a tag or a sentence."""
        names = {"word": tuple(sorted(_WORD_NAMES)), "tag": _TAG_NAMES, "sentence": _SENTENCE_NAMES}[kind]
        header = self.header or ()
        return next((header.index(name) for name in names if name in header), None)


def numbered_lines(text: str) -> list[Line]:
    """Of a whole file. Not splitlines(): tweets hold characters that it takes for line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return [Line(number, line.removeprefix("\ufeff")) for number, line in enumerate(text.split("\n"), 1)]


def is_document_mark(text: str) -> bool:
    """`-DOCSTART-`, `#begin document`, `# newdoc`: behind it another document begins."""
    text = text.strip()
    return (text.startswith("#") or "DOC" in text.upper()) and bool(_DOCUMENT.search(text))


def collect_blocks(
    lines: Sequence[Line],
    *,
    is_blank: Callable[[str], bool],
    is_comment: Callable[[str], bool],
    row: Callable[[Line], Row],
) -> tuple[list[SentenceBlock], list[int]]:
    """Sentences of rows, and the numbers of the lines that are structure: comments and marks of documents."""
    marked = any(is_document_mark(line.text) for line in lines)
    blocks: list[SentenceBlock] = []
    rows: list[Row] = []
    skipped: list[int] = []
    document = 0

    def end_sentence() -> None:
        if rows:
            blocks.append(SentenceBlock(document if marked else None, tuple(rows)))
            rows.clear()

    for line in lines:
        if is_document_mark(line.text):
            end_sentence()
            document += 1
            skipped.append(line.number)
        elif is_blank(line.text):
            end_sentence()
        elif is_comment(line.text):
            skipped.append(line.number)
        else:
            rows.append(row(line))
    end_sentence()
    return blocks, skipped


def read_table(lines: Sequence[Line], shown: str, *, tag: int, words_alone: bool, comments: str | None = None) -> Table:
    """`tag` is the column of tags; by it a hashtag is told from a comment, unless `comments` says that lines that begin
    with "# " are ("yes") or are not ("no"). `words_alone`: a line may be one word. Raises InputError, with file
    and line.
    """
    content = [line for line in lines if line.text.strip() and not is_document_mark(line.text)]
    plain = [line for line in content if not line.text.lstrip().startswith("#")] or content
    splitting = choose_separator([line.text for line in plain])
    separator, width = splitting.separator, splitting.width
    if words_alone and splitting.odd is not None:
        separator, width = TAB, 1
    elif splitting.odd is not None:
        place, columns = splitting.odd
        raise InputError(
            f"{shown}:{plain[place].number}: has {counted(columns, 'column')} where most lines have {width}, parted by "
            f"{separator.name}: mend it, or make tabs part all columns."
        )
    layout = _TableLayout(shown, separator, width, _place(tag, width))
    is_comment = _comment_test(plain, layout, comments)
    header = layout.header(plain[0].text) if plain and width > 1 else None
    blocks, skipped = collect_blocks(
        lines,
        is_blank=lambda text: not text.strip() or (width > 1 and not any(layout.cells(text))),
        is_comment=lambda text: is_comment(text) or (header is not None and layout.header(text) == header),
        row=layout.row,
    )
    return Table(tuple(blocks), width, header, tuple(skipped))


def _place(column: int, width: int) -> int | None:
    """Of a column that may be counted from the end; None where there is no such."""
    place = column + width if column < 0 else column
    return place if 0 <= place < width else None


@dataclass(frozen=True)
class _TableLayout:
    """How the columns of a file are parted, how many there are, and which holds the tags."""

    shown: str
    separator: Separator
    width: int
    tag: int | None

    def cells(self, text: str) -> list[str]:
        """Without those that are empty beyond the file's columns."""
        cells = self.separator.cells(text)
        while len(cells) > self.width and not cells[-1].strip():
            cells.pop()
        return cells

    def row(self, line: Line) -> Row:
        cells = self.cells(line.text)
        if len(cells) != self.width:
            columns = f"has {counted(len(cells), 'column')} where the others have {self.width}"
            raise InputError(
                f"{self.shown}:{line.number}: {columns}: mend it, or write ?comments=yes where it is a comment."
            )
        return Row(line.number, tuple(cells))

    def tag_of(self, text: str) -> str | None:
        """None where the line is no row like the others."""
        cells = self.cells(text)
        return cells[self.tag] if self.tag is not None and len(cells) == self.width else None

    def header(self, text: str) -> tuple[str, ...] | None:
        """Names of columns, where the line is no word with its tag."""
        names = tuple(re.sub(r"[ -]", "_", cell.lower()) for cell in self.cells(text))
        return names if _WORD_NAMES.intersection(names) and not set(_TAG_NAMES).isdisjoint(names) else None


def _comment_test(plain: Sequence[Line], layout: _TableLayout, comments: str | None) -> Callable[[str], bool]:
    """A line that begins with `#` is a comment, unless it is a row like the others: a hashtag with its tag."""
    spelled = [layout.tag_of(line.text) for line in plain if not line.text.startswith("#")]
    known = {OUTSIDE, "o", *(clean_tag(tag) for tag in spelled if tag)}

    def is_comment(text: str) -> bool:
        text = text.lstrip()
        if not text.startswith("#") or comments == "no" or _HASHTAG.fullmatch(text):
            return False
        if comments == "yes" and text.startswith(("# ", "#\t")):
            return True
        if layout.tag is None or layout.width == 1:
            return len(layout.cells(text)) != layout.width
        tag = layout.tag_of(text)
        return tag is None or not (is_marked(tag) or clean_tag(tag) in known)

    return is_comment
