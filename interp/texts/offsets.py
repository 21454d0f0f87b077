"""Labels as character offsets, put onto the words of a text: doccano, Prodigy, Label Studio, spaCy."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interp.errors import InputError
from interp.question.tags import OUTSIDE, Entity

__all__ = ["Span", "looks_like_spans", "put_on_words", "read_spans"]

_STARTS = ("start", "start_offset", "startOffset", "start_char", "begin", "from")
_ENDS = ("end", "end_offset", "endOffset", "end_char", "stop", "to")
_LABELS = ("label", "labels", "type", "tag", "entity", "entity_group", "entity_type", "kind", "category", "ner")
_TEXTS = ("text", "word", "surface")


@dataclass(frozen=True, order=True)
class Span:
    """Characters `start` to `stop` (excluded) of a text are of one kind; `text` is what the file says stands there."""

    start: int
    stop: int
    kind: str
    text: str | None = None


def looks_like_spans(value: Any, labelled: bool = False) -> bool:
    """Whether a field holds spans, by its first entry: [start, end, label], or an object with a start. `labelled`: and
    with a label too.
    """
    first = value[0] if isinstance(value, list | tuple) and value else value
    if isinstance(first, Mapping):
        inner = first.get("value")
        first = inner if isinstance(inner, Mapping) else first
        return any(name in first for name in _STARTS) and (not labelled or any(name in first for name in _LABELS))
    if not isinstance(first, list | tuple) or first is value:
        return False
    return any(map(_is_number, first)) and (not labelled or any(isinstance(item, str | list) for item in first))


def read_spans(value: Any, where: str) -> tuple[Span, ...]:
    """The spans of a row, in their order in the text. Raises InputError for what is none."""
    if isinstance(value, Mapping):
        columns = list(value.values())
        if all(isinstance(column, list) for column in columns) and len({len(column) for column in columns}) == 1:
            value = [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]  # a data set's columns
        else:
            value = [value]
    spans = {_span(entry, where) for entry in value}
    return tuple(sorted(spans, key=lambda span: (span.start, span.stop, span.kind)))


def _span(entry: Any, where: str) -> Span:
    if isinstance(entry, Mapping):
        inner = entry.get("value")
        entry = inner if isinstance(inner, Mapping) else entry
        start, stop = _first_of(entry, _STARTS), _first_of(entry, _ENDS)
        kind, text = _first_of(entry, _LABELS), _first_of(entry, _TEXTS)
    elif isinstance(entry, list | tuple) and len(entry) == 3:
        numbers = [item for item in entry if _is_number(item)]
        kind, text = next((item for item in entry if not _is_number(item)), None), None
        start, stop = (*numbers, None, None)[:2]
    else:
        start = stop = kind = text = None
    if isinstance(kind, list | tuple) and len(kind) == 1:
        kind = kind[0]
    kind = str(kind) if _is_number(kind) else kind
    if not (_is_number(start) and _is_number(stop) and isinstance(kind, str) and kind.strip()):
        raise InputError(f"{where}: {_shortened(entry)} is no span: give start, end and one label.")
    kind = kind.strip()
    if kind == OUTSIDE or kind.startswith("["):
        raise InputError(f"{where}: {_shortened(entry)}: {kind} names no kind of entity.")
    return Span(start, stop, kind, text if isinstance(text, str) else None)


def _first_of(entry: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _is_number(item: Any) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


def _shortened(entry: Any, most: int = 80) -> str:
    text = str(entry)
    return text if len(text) <= most else f"{text[:most]} …"


def put_on_words(
    spans: Sequence[Span], text: str, places: Sequence[tuple[int, int]], where: str, *, pass_cuts: bool = False
) -> tuple[tuple[Entity, ...], frozenset[int]]:
    """Entities of words that stand at `places` of the text, and the words that are unknown: those that spans cut, which
    are refused unless `pass_cuts`. Raises InputError, also for spans that overlap or do not fit the text.
    """
    starts, ends = [start for start, _ in places], [end for _, end in places]
    entities: list[Entity] = []
    unknown: set[int] = set()
    before: Span | None = None
    for given in spans:
        span = _trimmed(given, text, where)
        if before is not None and span.start < before.stop:
            raise InputError(
                f"{where}: the spans {_shown(before, text)} and {_shown(span, text)} overlap: a word has one tag."
            )
        before = span
        first, stop = bisect_right(ends, span.start), bisect_left(starts, span.stop)
        cut = [index for index in range(first, stop) if places[index][0] < span.start or places[index][1] > span.stop]
        if cut and not pass_cuts:
            word = text[slice(*places[cut[0]])]
            raise InputError(
                f'{where}: the span {_shown(span, text)} cuts the word "{word}": move its end, give words and tags '
                f"instead, or write ?cut=unknown to leave such words out of scoring."
            )
        unknown.update(range(first, stop) if cut else ())
        if not cut:
            entities.append(Entity(first, stop, span.kind))
    return tuple(entities), frozenset(unknown)


def _trimmed(span: Span, text: str, where: str) -> Span:
    """Without blanks at its ends. Raises InputError where it is none of this text."""
    piece = text[max(span.start, 0) : max(span.stop, 0)]
    if not 0 <= span.start < span.stop <= len(text) or not piece.strip():
        raise InputError(
            f"{where}: the span {span.start} to {span.stop} ({span.kind}) holds nothing of a text of {len(text)} "
            f"characters."
        )
    if span.text is not None and span.text.strip() != piece.strip():
        raise InputError(
            f'{where}: the span {span.start} to {span.stop} ({span.kind}) says "{span.text}", but the text has '
            f'"{piece}" there: count in characters, the first being 0, and the end is not in it.'
        )
    start = span.start + len(piece) - len(piece.lstrip())
    return Span(start, start + len(piece.strip()), span.kind)


def _shown(span: Span, text: str) -> str:
    return f'"{text[span.start : span.stop]}" ({span.start} to {span.stop}, {span.kind})'
