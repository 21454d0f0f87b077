"""Rows of a table (JSON, a data set) as sentences: words, or a text that is split, with their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from interp.errors import InputError
from interp.question.words import place_words, split_words
from interp.texts.labels import WORDS, Labels, find_labels
from interp.texts.offsets import put_on_words
from interp.texts.sentences import RawSentence
from interp.texts.spec import Source

__all__ = ["Names", "read_row"]

TEXTS = ("text",)
"""Names of fields that hold a text, tried in this order."""

Names = Callable[[str, Any], Any]
"""A field and a number in it, to the name that a data set gives it."""


def read_row(row: Any, where: str, number: int, *, source: Source, name_of: Names) -> RawSentence:
    """A row with words or a text, and labels or none. `number` is its line. Raises InputError."""
    row = _as_object(row, where)
    document = row.get("document", where)
    document = str(document) if isinstance(document, str | int) else where
    labels = find_labels(row, where, source)
    text = _find_text(row, where, source)
    field = _word_field(row, source)
    if field is None and text is None:
        raise InputError(f"{where}: holds neither {' nor '.join(WORDS)} nor text (name them with ?words= or ?text=).")
    words, places = _split(row, field, text, where)
    sentence = RawSentence(id=where, document=document, words=words, lines=(number,) * len(words), split=field is None)
    if labels is None:
        return sentence
    if labels.tags is not None:
        return replace(sentence, tags=_tags(labels, name_of))
    if labels.spans is None:
        return replace(sentence, entities=(), unknown=frozenset(range(len(words))))
    if text is None or places is None:
        raise InputError(
            f"{where}: {labels.field} holds spans, and no text says what they count: name it with ?text=, or give one "
            f"tag per word."
        )
    pass_cuts = source.options.get("cut") == "unknown"
    entities, unknown = put_on_words(labels.spans, text, places, where, pass_cuts=pass_cuts)
    return replace(sentence, entities=entities, unknown=unknown)


def _as_object(row: Any, where: str) -> dict[str, Any]:
    """spaCy's training rows are a text with an object beside."""
    if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], dict):
        return {"text": row[0], **row[1]}
    if not isinstance(row, Mapping):
        raise InputError(f'{where}: is no JSON object: write {{"words": ["Rob", "wins"], "tags": ["B-PER", "O"]}}.')
    return dict(row)


# --- words and text


def _find_text(row: Mapping[str, Any], where: str, source: Source) -> str | None:
    """The text; Label Studio's stands in `data`."""
    inner = row.get("data")
    fields = {**row, **inner} if isinstance(inner, Mapping) else row
    if "text" in source.options:
        name = source.options["text"]
        if not isinstance(fields.get(name), str):
            raise InputError(f'{where}: has no text in a field "{name}" (?text=).')
        return str(fields[name])
    text = next((fields[name] for name in TEXTS if isinstance(fields.get(name), str)), None)
    if text is None and isinstance(inner, Mapping):
        strings = [value for value in inner.values() if isinstance(value, str)]
        text = strings[0] if len(strings) == 1 else None
    return text


def _word_field(row: Mapping[str, Any], source: Source) -> str | None:
    if "words" in source.options:
        if source.options["words"] not in row:
            raise InputError(f'{source.shown}: has no field "{source.options["words"]}" (?words=).')
        return source.options["words"]
    return next((name for name in WORDS if row.get(name) is not None), None)


def _split(
    row: Mapping[str, Any], field: str | None, text: str | None, where: str
) -> tuple[tuple[str, ...], Sequence[tuple[int, int]] | None]:
    """Words, and where they stand in the text; those that are given, else by the rule of `interp.question.words`."""
    if field is None:
        assert text is not None
        words = tuple(split_words(text))
        return words, place_words(text, words)
    given = row[field]
    if isinstance(given, list) and given and all(isinstance(token, Mapping) for token in given):
        given = [_word_of(token, text) for token in given]
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise InputError(f"{where}: {field} is no list of words.")
    return tuple(given), None if text is None else place_words(text, given)


def _word_of(token: Mapping[str, Any], text: str | None) -> Any:
    """Prodigy's tokens say their word, spaCy's where it stands."""
    start, end = token.get("start"), token.get("end")
    if text is not None and "text" not in token and isinstance(start, int) and isinstance(end, int):
        return text[start:end]
    return next((token[name] for name in ("text", "word", "token", "form") if name in token), None)


def _tags(labels: Labels, name_of: Names) -> tuple[str | None, ...]:
    """Tags by name; numbers by the names that a data set gives them."""
    tags = [name_of(labels.field, tag) for tag in labels.tags or ()]
    return tuple(None if tag is None else str(tag) for tag in tags)
