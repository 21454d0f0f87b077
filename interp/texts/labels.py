"""Which field of a row holds labels: tags by word, or spans. What looks like labels and is not read is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interp.errors import InputError
from interp.texts.offsets import Span, looks_like_spans, read_spans
from interp.texts.spec import NO_TAGS, Source
from interp.texts.spelling import are_tags

__all__ = ["WORDS", "Labels", "find_labels"]

WORDS = ("words", "tokens")
"""Names of fields that hold words, tried in this order."""

_LABEL_PART = re.compile(
    r"labels?|tags?|ner|entity|entities|ents|spans?|annotations?|completions|bio|iob|bilou|bioes|gold"
)
"""One part of a field's name that holds labels."""
_OTHER_PART = re.compile(
    r"[ux]?pos|chunks?|deps?|lemmas?|approver|count|relations|preds?|predicted|predictions?|offsets?|mapping"
)
"""One part of a name of another layer of annotation, or of what a model said."""
_MAY_BE_EMPTY = ("annotations", "completions", "entities", "ents", "spans", "label", "labels")
"""Fields in which no entry says that there is no entity."""
_REJECTED = ("reject", "ignore")
"""Prodigy's answers, for which what stands in the row is not right."""


@dataclass(frozen=True)
class Labels:
    """What a row says of its words: tags, or spans, or by neither that nothing is known."""

    field: str
    tags: tuple[Any, ...] | None = None
    spans: tuple[Span, ...] | None = None


def find_labels(row: Mapping[str, Any], where: str, source: Source) -> Labels | None:
    """None where no field holds labels. Raises InputError."""
    if source.options.get("tags") == NO_TAGS:
        return None
    if row.get("answer") in _REJECTED:
        return Labels("answer")
    # In a task of Label Studio that nobody did, an empty list is no answer.
    may_be_empty = not isinstance(row.get("data"), Mapping)
    if "tags" in source.options:
        field = source.options["tags"]
        if field not in row:
            raise InputError(f'{source.shown}: has no field "{field}" (?tags=).')
        return _labels_of(field, row[field], where, may_be_empty)
    readings = [_labels_of(field, row[field], where, may_be_empty) for field in _likely_fields(row, where, source)]
    inside = _tags_of_tokens(row, where)
    labels = [reading for reading in (*readings, inside) if reading is not None]
    if len(labels) > 1:
        raise InputError(
            f"{where}: {' and '.join(reading.field for reading in labels)} all look like labels: say which with "
            f"?tags=, or ?tags=none."
        )
    return labels[0] if labels else None


def _likely_fields(row: Mapping[str, Any], where: str, source: Source) -> list[str]:
    """Fields that are called like labels; where there are none, those that hold what cannot be anything else."""
    named = [field for field in row if _is_label_name(field)]
    likely = [field for field in named if isinstance(row[field], list | tuple | Mapping)]
    likely = likely or [field for field in row if _holds_labels(field, row[field])]
    texts = [
        field
        for field in named
        if isinstance(row[field], str) and field != source.options.get("text") and "id" not in _parts(field)
    ]
    if texts and not likely:
        raise InputError(
            f"{where}: {texts[0]} is text, and no list of tags or spans: give one, or write ?tags=none to leave it."
        )
    return likely


def _is_label_name(field: str) -> bool:
    parts = _parts(field)
    return any(map(_LABEL_PART.fullmatch, parts)) and not any(map(_OTHER_PART.fullmatch, parts))


def _parts(field: str) -> list[str]:
    """`ner`, `tags` of nerTags and ner-tags."""
    return re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field).lower())


def _holds_labels(field: str, value: Any) -> bool:
    """Whether a field with any name holds tags such as B-PER, or spans with labels."""
    if field in WORDS or any(map(_OTHER_PART.fullmatch, _parts(field))):
        return False
    if not isinstance(value, list | tuple) or not value:
        return False
    if all(isinstance(tag, str) for tag in value):
        return are_tags(value)
    return looks_like_spans(value, labelled=True)


def _labels_of(field: str, value: Any, where: str, may_be_empty: bool) -> Labels | None:
    """One field's labels, None where it is null or was left to be labelled."""
    if value is None:
        return None
    if isinstance(value, Mapping) and isinstance(value.get("entities"), list):  # spaCy's annotations
        return _labels_of(field, value["entities"], where, may_be_empty)
    if _are_tasks(value):
        return _label_studio(field, value, where)
    if value == [] and field in _MAY_BE_EMPTY:
        return Labels(field, spans=()) if may_be_empty else None
    if looks_like_spans(value):
        return Labels(field, spans=read_spans(value, where))
    if isinstance(value, list | tuple) and all(_is_tag(tag) for tag in value):
        return Labels(field, tags=tuple(value))
    raise InputError(
        f'{where}: {field} is neither a list of tags by name, such as B-PER, nor of spans, such as [0, 3, "PER"]: '
        f"write ?tags=none to leave it, or name another with ?tags=."
    )


def _is_tag(tag: Any) -> bool:
    return isinstance(tag, str | int | None) and not isinstance(tag, bool)


def _are_tasks(value: Any) -> bool:
    """Label Studio's annotations, one an annotator."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(entry, Mapping) and isinstance(entry.get("result"), list) for entry in value)
    )


def _label_studio(field: str, annotations: Sequence[Mapping[str, Any]], where: str) -> Labels | None:
    """The spans of a task; annotators must agree, and what was cancelled does not count."""
    readings = []
    for annotation in annotations:
        if annotation.get("was_cancelled"):
            continue
        results = [result for result in annotation["result"] if not _is_of_the_whole(result)]
        readings.append(read_spans(results, where))
    if any(spans != readings[0] for spans in readings):
        raise InputError(f"{where}: {len(readings)} {field} differ: leave the right one.")
    return Labels(field, spans=readings[0]) if readings else None


def _is_of_the_whole(result: Any) -> bool:
    """Whether a result of Label Studio is no span: a choice, a rating, a relation."""
    value = result.get("value") if isinstance(result, Mapping) else result
    return isinstance(result, Mapping) and (
        value is None or (isinstance(value, Mapping) and not {"start", "labels"} & value.keys())
    )


def _tags_of_tokens(row: Mapping[str, Any], where: str) -> Labels | None:
    """Tags that stand with their words, as in [{"text": "Rob", "tag": "B-PER"}]."""
    tokens = next((row[field] for field in WORDS if row.get(field) is not None), None)
    if not isinstance(tokens, list) or not all(isinstance(token, Mapping) for token in tokens):
        return None
    fields = list(dict.fromkeys(field for token in tokens for field in token if _is_label_name(field)))
    if not fields:
        return None
    tags = [token.get(fields[0]) for token in tokens]
    if len(fields) > 1 or not all(map(_is_tag, tags)):
        raise InputError(f"{where}: the words' {' and '.join(fields)} are not one tag each: give a list of tags.")
    return Labels(fields[0], tags=tuple(tags))
