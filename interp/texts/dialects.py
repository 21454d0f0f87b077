"""Column files with rules of their own, read when they are named: `?format=conllu`, `ontonotes`, `germeval`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from interp.errors import InputError, counted
from interp.project.files import read_text
from interp.question.tags import OUTSIDE
from interp.texts.columns import column_number, rows_as_sentence, skipped_note, tag_column
from interp.texts.sentences import RawSentence
from interp.texts.separators import BLANKS, TAB, Separator
from interp.texts.spec import NO_TAGS, Source
from interp.texts.spelling import clean_tag, is_marked
from interp.texts.table import Line, Row, SentenceBlock, collect_blocks, numbered_lines

__all__ = ["DIALECTS"]

Reading = tuple[list[RawSentence], list[str]]

_CONLLU_WIDTH = 10
_ONTONOTES_WORD, _ONTONOTES_TAG = 3, 10
"""Columns of CoNLL-2012: document, part, number, word, part of speech, parse, lemma, frame, sense, speaker, entity."""
_RANGE = re.compile(r"\d+-\d+|\d+\.\d+")
"""Number of a written word that is read as two, or of a word that was left out."""
_ENTITY_FIELDS = ("NER", "NE", "Entity", "Name", "BIO", "IOB", "Tag")


def read_conllu(source: Source) -> Reading:
    """CoNLL-U: words are the syntactic ones; tags stand in MISC as `NER=B-PER`, or in the field that ?field= names.

    A word without the field is outside, if no other says `O`; else its tag is unknown.
    """
    _leave_out(source, "word", "tag", "sentence")
    blocks, skipped = _blocks(source, TAB, lambda text: text.startswith("#"))
    for block in blocks:
        for row in block.rows:
            if len(row.cells) != _CONLLU_WIDTH:
                columns = f"has {len(row.cells)} columns, and CoNLL-U {_CONLLU_WIDTH}, parted by tabs"
                raise InputError(f"{source.shown}:{row.line}: {columns}.")
    ranges = {row.line for block in blocks for row in block.rows if _RANGE.fullmatch(row.cells[0])}
    blocks = [replace(block, rows=tuple(row for row in block.rows if row.line not in ranges)) for block in blocks]
    blocks = [block for block in blocks if block.rows]
    field = source.options.get("field") or _entity_field(source, blocks)
    if source.options.get("tag") == NO_TAGS:
        return [rows_as_sentence(source, block, 1, None) for block in blocks], skipped_note(source, skipped)
    tags = {row.line: _miscellaneous(row).get(field) for block in blocks for row in block.rows}
    spelled = [tag for tag in tags.values() if tag is not None]
    if not spelled:
        raise InputError(f"{source.shown}: no word has the field {field} in MISC: name another with ?field=.")
    rest = None if OUTSIDE in map(clean_tag, spelled) else OUTSIDE
    sentences = []
    for block in blocks:
        sentence = rows_as_sentence(source, block, 1, None)
        given = (tags[row.line] for row in block.rows)
        sentences.append(replace(sentence, tags=tuple(rest if tag is None else tag for tag in given)))
    notes = skipped_note(source, skipped)
    if ranges:
        notes.append(f"{source.shown}: {counted(len(ranges), 'line')} of word ranges and empty nodes left out.")
    return sentences, notes


def _miscellaneous(row: Row) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in row.cells[_CONLLU_WIDTH - 1].split("|"))
    return {name: value for name, mark, value in pairs if mark}


def _entity_field(source: Source, blocks: Sequence[SentenceBlock]) -> str:
    """The field of MISC that holds tags such as B-PER."""
    marked: Counter[str] = Counter()
    fields: set[str] = set()
    for block in blocks:
        for row in block.rows:
            given = _miscellaneous(row)
            fields |= given.keys()
            marked.update(name for name, value in given.items() if is_marked(value))
    known = [name for name in fields if name.lower() in {usual.lower() for usual in _ENTITY_FIELDS}]
    candidates = [*marked] or known
    if len(candidates) != 1:
        which = "several fields of MISC hold tags" if candidates else "no field of MISC holds tags"
        listed = ", ".join(sorted(candidates or fields)) or "none"
        raise InputError(f"{source.shown}: {which} ({listed}): name the field with ?field=, or write ?tag=none.")
    return candidates[0]


def read_ontonotes(source: Source) -> Reading:
    """CoNLL-2012: entities as brackets in the eleventh column, `(PERSON*`, `*)`, `(GPE)`, words in the fourth; other
    columns with ?word= and ?tag=.
    """
    _leave_out(source, "field", "sentence")
    word, tag = column_number(source, "word", _ONTONOTES_WORD), tag_column(source, _ONTONOTES_TAG)
    place = _ONTONOTES_TAG if tag is None else tag
    blocks, skipped = _blocks(source, BLANKS, lambda text: text.startswith("#") and not _is_row(text, word, place))
    sentences = []
    for block in blocks:
        for row in block.rows:
            if not (max(word, place) < len(row.cells) and min(word, place) >= -len(row.cells)):
                columns = f"has {len(row.cells)} columns, and word={word}, tag={place} are asked for"
                raise InputError(f"{source.shown}:{row.line}: {columns}: name them with ?word= and ?tag=.")
        tags = None if tag is None else tuple(_from_brackets(source, block.rows, tag))
        sentences.append(replace(rows_as_sentence(source, block, word, None), tags=tags))
    return sentences, skipped_note(source, skipped)


def _is_row(text: str, word: int, tag: int) -> bool:
    cells = BLANKS.cells(text)
    return max(word, tag) < len(cells) and bool(re.fullmatch(r"[(*].*|.*\*\)*", cells[tag]))


def _from_brackets(source: Source, rows: Sequence[Row], column: int) -> Iterator[str]:
    """IOB2 tags. Raises InputError for brackets that do not fit."""
    kind = ""
    for row in rows:
        cell = row.cells[column]
        match = re.fullmatch(r"(?:\(([^()*\s]+))?\*?(\))?", cell)
        if not match or not cell or (match[1] and kind) or (match[2] and not (match[1] or kind)):
            raise InputError(f"{source.shown}:{row.line}: the bracket `{cell}` does not fit: one entity at a time.")
        if match[1]:
            kind = match[1]
            yield f"B-{kind}"
        else:
            yield f"I-{kind}" if kind else OUTSIDE
        if match[2]:
            kind = ""
    if kind:
        raise InputError(f"{source.shown}:{rows[-1].line}: the entity of kind {kind} does not end in its sentence.")


def read_germeval(source: Source) -> Reading:
    """GermEval 2014: number, word, outer tag, inner tag; the outer is read, the inner with ?tag=3."""
    _leave_out(source, "field", "sentence")
    word, tag = column_number(source, "word", 1), tag_column(source, 2)
    blocks, skipped = _blocks(source, TAB, lambda text: text.startswith("#"))
    for block in blocks:
        for row in block.rows:
            if len(row.cells) != 4 or not row.cells[0].isdecimal() or not (0 <= word < 4 and 0 <= (tag or 0) < 4):
                raise InputError(
                    f"{source.shown}:{row.line}: is no line of GermEval: number, word, outer tag and inner tag, parted "
                    f"by tabs."
                )
    return [rows_as_sentence(source, block, word, tag) for block in blocks], skipped_note(source, skipped)


def _leave_out(source: Source, *names: str) -> None:
    for name in names:
        if name in source.options and source.options[name] != NO_TAGS:
            raise InputError(f"{source.shown}: ?format={source.options['format']} knows no {name}=: leave it out.")


def _blocks(
    source: Source, separator: Separator, is_comment: Callable[[str], bool]
) -> tuple[list[SentenceBlock], list[int]]:
    """Sentences of rows, however many columns each has, and the lines that are structure."""

    def row(line: Line) -> Row:
        cells = separator.cells(line.text)
        while len(cells) > 1 and not cells[-1]:
            cells.pop()
        return Row(line.number, tuple(cells))

    lines = numbered_lines(read_text(source.path, source.shown))
    return collect_blocks(lines, is_blank=lambda text: not text.strip(), is_comment=is_comment, row=row)


DIALECTS: dict[str, Callable[[Source], Reading]] = {
    "conllu": read_conllu,
    "ontonotes": read_ontonotes,
    "germeval": read_germeval,
}
