"""Rows of a table (JSON, a data set): which fields hold words, a text, tags, spans."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interp.errors import InputError
from interp.question.words import place_words
from interp.texts.offsets import Span, looks_like_spans, put_on_words, read_spans
from interp.texts.sentences import RawSentence
from interp.texts.spec import NO_TAGS, Source
from interp.texts.spelling import OUTSIDE_TAGS, clean_tag, is_marked

__all__ = ["Names", "read_row"]

WORDS = ("words", "tokens")
TEXTS = ("text",)
"""Field names that are tried in this order where none is given."""

_LABEL_PARTS = frozenset(
    [
        "label",
        "labels",
        "tag",
        "tags",
        "ner",
        "entity",
        "entities",
        "span",
        "spans",
        "annotation",
        "annotations",
        "completions",
        "bio",
        "iob",
        "bilou",
        "bioes",
        "gold",
        "mentions",
        "offsets",
    ]
)
_PREDICTED = ("pred", "preds", "predicted", "prediction", "predictions")
_OTHER_PARTS = frozenset(
    {
        *[
            "pos",
            "upos",
            "xpos",
            "chunk",
            "chunks",
            "dep",
            "deps",
            "lemma",
            "lemmas",
            "id",
            "approver",
            "count",
            "relations",
        ],
        *_PREDICTED,
    }
)
"""In a field's name: of other layers of annotation, and of what a model said."""

Names = Callable[[str, Any], Any]
"""A field and a number in it, to the name that a data set gives it."""


@dataclass(frozen=True)
class _Labels:
    """What a row says of its words: tags, or spans, or that nothing is known."""

    field: str
    tags: list[Any] | None = None
    spans: list[Span] | None = None
    rejected: bool = False


def read_row(row: Any, where: str, number: int, *, source: Source, name_of: Names) -> RawSentence:
    """A row with words or a text, and labels or none. `number` is its line. Raises InputError."""
    row = _as_object(row, where)
    document = row.get("document", where)
    document = str(document) if isinstance(document, str | int) else where
    labels = None if source.options.get("tags") == NO_TAGS else _find_labels(row, where, source)
    text = _find_text(row, where, source)
    field = _word_field(row, source)
    if field is None and text is None:
        raise InputError(f"{where}: holds neither {' nor '.join(WORDS)} nor text (name them with ?words= or ?text=).")
    words, places = _split(row, field, text, where)
    sentence = RawSentence(id=where, document=document, words=words, lines=(number,) * len(words), split=field is None)
    if labels is None:
        return sentence
    if labels.rejected:
        return replace(sentence, entities=(), unknown=frozenset(range(len(words))))
    if labels.tags is not None:
        return replace(sentence, tags=_tags(labels, where, name_of))
    if text is None or places is None:
        raise InputError(
            f"{where}: {labels.field} holds spans, and no text says what they count: name it with ?text=, or give one "
            f"tag per word."
        )
    pass_cuts = source.options.get("cut") == "unknown"
    entities, unknown = put_on_words(labels.spans or [], text, places, where, pass_cuts=pass_cuts)
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
        places = place_words(text)
        return tuple(text[start:end] for start, end in places), places
    given = row[field]
    if isinstance(given, list) and given and all(isinstance(token, Mapping) for token in given):  # Prodigy's tokens
        given = [token.get("text") for token in given]
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise InputError(f"{where}: {field} is no list of words.")
    return tuple(given), None if text is None else _places_in(text, given)


def _places_in(text: str, words: Sequence[str]) -> list[tuple[int, int]] | None:
    places = []
    end = 0
    for word in words:
        start = text.find(word, end)
        if start < 0 or text[end:start].strip():
            return None
        end = start + len(word)
        places.append((start, end))
    return places


# --- labels


def _find_labels(row: Mapping[str, Any], where: str, source: Source) -> _Labels | None:
    """The field that holds labels; None where none does. What looks like labels and is not read is refused."""
    if row.get("answer") in ("reject", "ignore"):  # Prodigy: what stands there is not right
        return _Labels("answer", rejected=True)
    if "tags" in source.options:
        field = source.options["tags"]
        if field not in row:
            raise InputError(f'{source.shown}: has no field "{field}" (?tags=).')
        return _labels_of(field, row[field], where)
    named = [field for field, value in row.items() if _is_label_like(field, value)]
    likely = named or [field for field, value in row.items() if _holds_labels(field, value)]
    from_tasks = isinstance(row.get("data"), Mapping)
    texts = [field for field in row if _is_label_name(field) and isinstance(row[field], str)]
    if not likely and texts and source.options.get("text") not in texts:
        raise InputError(
            f"{where}: {texts[0]} is text, and no list of tags or spans: give one, or write ?tags=none to leave it."
        )
    readings = [
        labels
        for labels in (_labels_of(field, row[field], where, from_tasks) for field in likely)
        if labels is not None
    ]
    if len(readings) > 1:
        raise InputError(
            f"{where}: {' and '.join(labels.field for labels in readings)} all look like labels: say which with "
            f"?tags=, or ?tags=none."
        )
    return readings[0] if readings else None


def _is_label_like(field: str, value: Any) -> bool:
    return _is_label_name(field) and isinstance(value, list | tuple | Mapping)


def _is_label_name(field: str) -> bool:
    parts = _parts(field)
    return not parts.isdisjoint(_LABEL_PARTS) and parts.isdisjoint(_OTHER_PARTS)


def _parts(field: str) -> set[str]:
    return set(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field).lower().replace("-", "_").split("_"))


def _holds_labels(field: str, value: Any) -> bool:
    """Whether a field with any name holds tags such as B-PER, or spans."""
    if field in WORDS or not _parts(field).isdisjoint(_OTHER_PARTS) or not isinstance(value, list | tuple) or not value:
        return False
    if all(isinstance(tag, str) for tag in value):
        return any(map(is_marked, value)) and all(is_marked(tag) or clean_tag(tag) in OUTSIDE_TAGS for tag in value)
    return looks_like_spans(value)


def _labels_of(field: str, value: Any, where: str, from_tasks: bool = False) -> _Labels | None:
    """One field's labels, None where it is null or was left to be labelled."""
    if value is None:
        return None
    if isinstance(value, Mapping) and isinstance(value.get("entities"), list):  # spaCy's annotations
        return _labels_of(field, value["entities"], where)
    if isinstance(value, list) and any(isinstance(entry, Mapping) and "result" in entry for entry in value):
        return _label_studio(field, value, where)
    if value == [] and from_tasks:  # a task of Label Studio that nobody did
        return None
    if looks_like_spans(value):
        return _Labels(field, spans=read_spans(value, where))
    if value == [] and field in ("annotations", "completions", "entities", "spans", "label", "labels"):
        return _Labels(field, spans=[])
    if isinstance(value, list | tuple) and all(isinstance(tag, str | int | None) for tag in value):
        return _Labels(field, tags=list(value))
    raise InputError(
        f'{where}: {field} is neither a list of tags by name, such as B-PER, nor of spans, such as [0, 3, "PER"]: '
        f"write ?tags=none to leave it, or name another with ?tags=."
    )


def _label_studio(field: str, annotations: Sequence[Any], where: str) -> _Labels | None:
    """The spans of a task; annotators must agree, and what was cancelled does not count."""
    readings = []
    for annotation in annotations:
        if annotation.get("was_cancelled"):
            continue
        results = [result for result in annotation["result"] if "start" in (result.get("value") or {})]
        readings.append(read_spans(results, where))
    if any(spans != readings[0] for spans in readings):
        raise InputError(f"{where}: {len(readings)} {field} differ: leave the right one.")
    return _Labels(field, spans=readings[0]) if readings else None


def _tags(labels: _Labels, where: str, name_of: Names) -> tuple[str | None, ...]:
    """Tags by name; numbers by the names that a data set gives them."""
    tags: list[str | None] = []
    for given in labels.tags or ():
        tag = name_of(labels.field, given)
        if isinstance(tag, bool) or not isinstance(tag, str | int | None):
            raise InputError(f"{where}: {labels.field} is no list of tags by name, such as B-PER.")
        tags.append(None if tag is None else str(tag))
    return tuple(tags)
