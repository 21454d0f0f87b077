"""Column files of tagged words (CoNLL and its relatives): one word a line, an empty line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interp.errors import InputError, counted
from interp.project.files import read_text
from interp.question.tags import OUTSIDE
from interp.texts.sentences import RawSentence
from interp.texts.separators import BLANKS, TAB
from interp.texts.spec import NO_TAGS, Source
from interp.texts.spelling import OUTSIDE_TAGS, are_tags, clean_tag, is_marked
from interp.texts.table import Line, Row, SentenceBlock, Table, numbered_lines, read_table

__all__ = ["column_number", "read_columns", "rows_as_sentence", "skipped_note", "tag_column"]

SNIFFED = 200
"""Lines by which a format is recognised."""
_CONLLU_ID = re.compile(r"\d+(?:[-.]\d+)?")
_BRACKET = re.compile(r"(?:\([^()*\s]+)?\*?\)?")
MOST_DIGITS = 9
"""Of the number of a column or a word."""
LONG = 500
"""Words of a file that is taken for one sentence: it lacks its empty lines."""


@dataclass(frozen=True)
class _Columns:
    """Which columns hold what; `tag` is None for words alone."""

    word: int
    tag: int | None
    sentence: int | None


def read_columns(source: Source) -> tuple[list[RawSentence], list[str]]:
    """Every sentence of a file of columns, and notes for the user. Raises InputError, with file and line."""
    no_tags = source.options.get("tag") == NO_TAGS
    tag = -1 if no_tags else column_number(source, "tag", -1)
    lines = numbered_lines(read_text(source.path, source.shown))
    _suggest_format(source, lines)
    table = read_table(lines, source.shown, tag=tag, words_alone=no_tags, comments=source.options.get("comments"))
    rows = table.rows
    if not rows:
        return [], []
    columns = _choose_columns(source, table, rows)
    _check_words(source, table, columns.word, rows)
    if columns.tag is not None and "tag" not in source.options:
        _check_tags(source, table, columns.tag, rows)
    notes = skipped_note(source, table.skipped)
    kept, empty = _without_empty_words(source, table, columns)
    if empty:
        notes.append(f"{source.shown}: {counted(len(empty), 'line')} without a word left out, line {empty[0]} first.")
    blocks = list(kept if columns.sentence is None else _parted(kept, columns.sentence))
    if len(blocks) == 1 and len(rows) > LONG:
        notes.append(f"{source.shown}: has no empty line, so that all {len(rows)} words are one sentence.")
    return [rows_as_sentence(source, block, columns.word, columns.tag) for block in blocks], notes


def rows_as_sentence(source: Source, block: SentenceBlock, word: int, tag: int | None) -> RawSentence:
    """Without marks of documents every sentence is one."""
    first = block.rows[0].line
    document = first if block.document is None else block.document
    return RawSentence(
        id=f"{source.shown}:{first}",
        document=f"{source.shown}#{document}",
        words=tuple(row.cells[word] for row in block.rows),
        lines=tuple(row.line for row in block.rows),
        tags=None if tag is None else tuple(row.cells[tag] for row in block.rows),
    )


def skipped_note(source: Source, lines: Sequence[int]) -> list[str]:
    if not lines:
        return []
    return [
        f"{source.shown}: {counted(len(lines), 'line')} of comments, headers or marks of documents skipped, line "
        f"{lines[0]} first."
    ]


def tag_column(source: Source, default: int) -> int | None:
    """The column of tags; None where the user says that there is none. Raises InputError."""
    return None if source.options.get("tag") == NO_TAGS else column_number(source, "tag", default)


def column_number(source: Source, name: str, default: int) -> int:
    """An option that is the number of a column. Raises InputError."""
    text = source.options.get(name, str(default))
    digits = text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > MOST_DIGITS:
        raise InputError(f'{source.shown}: "{name}={text}" is no number of a column; the first is 0, the last -1.')
    return int(text)


def _choose_columns(source: Source, table: Table, rows: Sequence[Row]) -> _Columns:
    """Those that the user names, else the header, else the first for words and the last for tags."""
    no_tags = source.options.get("tag") == NO_TAGS
    where = f"{source.shown}:{rows[0].line}"
    if table.width == 1 and not no_tags:
        raise InputError(
            f"{where}: has one column, where a word and its tag are asked for: write ?tag=none for words alone, or "
            f"text:{source.shown} for a sentence a line."
        )
    word = column_number(source, "word", _or(table.named("word"), 0))
    tag = tag_column(source, _or(table.named("tag"), -1))
    sentence = table.named("sentence")
    if "sentence" in source.options:
        sentence = column_number(source, "sentence", 0)
    places = [None if column is None else column + table.width * (column < 0) for column in (word, tag, sentence)]
    if not all(place is None or 0 <= place < table.width for place in places):
        options = ", ".join(f"{name}={column}" for name, column in (("word", word), ("tag", tag)) if column is not None)
        raise InputError(f"{where}: has {table.width} columns, and {options} are asked for.")
    if places[0] == places[1]:
        raise InputError(
            f"{where}: word={word} and tag={tag} are one column: name another, or write ?tag=none for words alone."
        )
    assert places[0] is not None
    return _Columns(places[0], places[1], places[2])


def _suggest_format(source: Source, lines: Sequence[Line]) -> None:
    """Files that are read by their name alone."""
    if "tag" in source.options:
        return
    content = [line for line in lines if line.text.strip() and not line.text.startswith("#")]
    by_tabs = [TAB.cells(line.text) for line in content[:SNIFFED]]
    by_blanks = [BLANKS.cells(line.text) for line in content[:SNIFFED]]
    suggested = ""
    if by_tabs and all(len(cells) == 10 and _CONLLU_ID.fullmatch(cells[0]) for cells in by_tabs):
        suggested = "CoNLL-U: write ?format=conllu"
    elif by_tabs and all(_is_germeval(cells) for cells in by_tabs):
        suggested = "GermEval: write ?format=germeval for number, word, outer and inner tag"
    elif by_blanks and all(len(cells) > 11 and _BRACKET.fullmatch(cells[10]) for cells in by_blanks):
        suggested = "OntoNotes, with brackets for entities: write ?format=ontonotes"
    if suggested:
        raise InputError(f"{source.shown}:{content[0].number}: looks like {suggested}, or say which column with ?tag=.")


def _is_germeval(cells: Sequence[str]) -> bool:
    return len(cells) == 4 and cells[0].isdecimal() and all(is_marked(cell) or cell == OUTSIDE for cell in cells[2:])


def _or(column: int | None, default: int) -> int:
    return default if column is None else column


def _check_words(source: Source, table: Table, word: int, rows: Sequence[Row]) -> None:
    """Running numbers are no words."""
    cells = [row.cells[word] for row in rows]
    if len(cells) < 3 or not all(cell.isdecimal() for cell in cells):
        return
    by_sentence = all(_runs([row.cells[word] for row in block.rows]) for block in table.blocks)
    if not by_sentence and not _runs(cells):
        return
    raise InputError(
        f"{source.shown}:{rows[0].line}: column {word} holds running numbers, and no words: name the column of words, "
        f"as in ?word={word + 1}."
    )


def _runs(cells: Sequence[str]) -> bool:
    if any(len(cell) > MOST_DIGITS for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _check_tags(source: Source, table: Table, tag: int, rows: Sequence[Row]) -> None:
    """Where nobody says which column holds the tags, it must not be one that holds none beside one that does."""
    candidates = [
        column for column in range(table.width) if column != tag and are_tags({row.cells[column] for row in rows})
    ]
    spelled = {clean_tag(row.cells[tag]) for row in rows}
    if not candidates or (not spelled.isdisjoint(OUTSIDE_TAGS) and not spelled <= OUTSIDE_TAGS):
        return
    if any(is_marked(cell) for cell in spelled):
        return
    example = next(cell for cell in (row.cells[candidates[0]] for row in rows) if is_marked(cell))
    raise InputError(
        f"{source.shown}:{rows[0].line}: column {tag} holds {', '.join(sorted(spelled)[:3])}, while column "
        f"{candidates[0]} holds tags such as {example}: write ?tag={candidates[0]}, or ?tag={tag} if that is right."
    )


def _without_empty_words(source: Source, table: Table, columns: _Columns) -> tuple[list[SentenceBlock], list[int]]:
    """Lines with a tag and no word carry nothing, if the tag is none of an entity."""
    empty = [row for row in table.rows if not row.cells[columns.word]]
    for row in empty:
        if columns.tag is not None and clean_tag(row.cells[columns.tag]) not in {*OUTSIDE_TAGS, ""}:
            raise InputError(f"{source.shown}:{row.line}: has the tag {row.cells[columns.tag]} and no word.")
    blocks = [
        SentenceBlock(block.document, tuple(row for row in block.rows if row.cells[columns.word]))
        for block in table.blocks
    ]
    return [block for block in blocks if block.rows], [row.line for row in empty]


def _parted(blocks: Sequence[SentenceBlock], column: int) -> Iterator[SentenceBlock]:
    """Sentences by a column with their numbers, which may stand at their first word alone."""
    for block in blocks:
        rows: list[Row] = []
        current = ""
        for row in block.rows:
            name = row.cells[column]
            if rows and name and name != current:
                yield SentenceBlock(block.document, tuple(rows))
                rows = []
            current = name or current
            rows.append(row)
        yield SentenceBlock(block.document, tuple(rows))
