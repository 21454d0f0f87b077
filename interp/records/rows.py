"""Records as rows of a table, one for each target under each reference, and rows as records.

A sentence without a target has one row, whose `target` is null. What is of the sentence (words, tags, …) stands in
each of its rows alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from interp.question.tags import kind_of
from interp.records.record import Record, RecordedExplanation

__all__ = ["COLUMNS", "TABLE", "group_rows", "to_rows"]

Row = dict[str, Any]

_NUMBERS = pa.list_(pa.float32())
_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "id": (pa.string(), "hash of what was asked: sentence, words, target and reference; the same for every model"),
    "number": (pa.int32(), "place of the sentence in its part, 0 being the first"),
    "sentence": (pa.string(), "where the sentence stands"),
    "document": (pa.string(), "what sentences share that are not independent"),
    "words": (pa.list_(pa.string()), "of the sentence"),
    "gold": (pa.list_(pa.string()), "the right tags, one per word; null where none were given"),
    "tags": (pa.list_(pa.string()), "the model's, one per word; null for words that its tokeniser drops"),
    "probabilities": (_NUMBERS, "of `tags`"),
    "pieces": (pa.list_(pa.int16()), "sub-tokens of each word; 0 where that is not known"),
    "target": (pa.list_(pa.int16()), "indices of the words that are explained, 0 being the first; null for none"),
    "kind": (pa.string(), "of entity that the target is explained as, such as PER; rows of a part are sorted by it"),
    "target_tags": (pa.list_(pa.string()), "that are explained, one per word of the target"),
    "reference": (pa.string(), "what attributions are measured from"),
    "at_input": (pa.float32(), "F of the sentence, in centred logits"),
    "at_reference": (pa.float32(), "F of the reference"),
    "attributions": (_NUMBERS, "one per word, in centred logits; positive speaks for the tags"),
    "layers": (pa.list_(_NUMBERS), "conductance of each word, per layer; empty where it was not asked for"),
    "estimate": (pa.float32(), "estimated integration error, as a part of the sum of |attribution|"),
    "evaluations": (pa.int32(), "rows that the integration took through the model"),
    "status": (pa.string(), "how the integration ended"),
    "error": (pa.string(), "why the sentence could not be read, and then there is nothing else"),
}
COLUMNS = {name: meaning for name, (_, meaning) in _COLUMNS.items()}
"""What every column means."""
TABLE = pa.schema([(name, kind) for name, (kind, _) in _COLUMNS.items()])

_OF_SENTENCE = ("document", "words", "gold", "tags", "probabilities", "pieces", "error")
_OF_TARGET = ("target", "reference", "at_input", "at_reference", "attributions", "layers")
_OF_INTEGRATION = ("estimate", "evaluations", "status")


def to_rows(records: Sequence[Record]) -> list[Row]:
    """Rows sorted by kind, so that a reader may skip those of others."""
    rows = [row for number, record in enumerate(records) for row in _rows_of(record, number)]
    return sorted(rows, key=lambda row: row.get("kind") or "")


def _rows_of(record: Record, number: int) -> Iterator[Row]:
    of_sentence = {"number": number, "sentence": record.id, **{name: getattr(record, name) for name in _OF_SENTENCE}}
    for explanation in record.explained or (None,):
        row = {"id": _hash(record, explanation), **of_sentence}
        if explanation is not None:
            row |= {name: getattr(explanation, name) for name in (*_OF_TARGET, *_OF_INTEGRATION)}
            row |= {"target_tags": explanation.tags, "kind": kind_of(explanation.tags[0])}
        yield row


def _hash(record: Record, explanation: RecordedExplanation | None) -> str:
    question = None if explanation is None else (explanation.target, explanation.reference)
    return hashlib.sha256(json.dumps([record.id, record.words, question]).encode()).hexdigest()[:32]


def group_rows(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Records as plain data, in the order of their sentences."""
    records: dict[int, Row] = {}
    for row in rows:
        record = records.setdefault(
            row["number"], {"id": row["sentence"], **{name: row[name] for name in _OF_SENTENCE}, "explained": []}
        )
        if row["target"] is not None:
            explanation = {name: row[name] for name in (*_OF_TARGET, *_OF_INTEGRATION)}
            record["explained"].append({**explanation, "tags": row["target_tags"]})
    return [records[number] for number in sorted(records)]
