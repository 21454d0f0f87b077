"""A summary as JSON and as a table; the JSON Schema stands beside it in the package."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from interp.project.json_schema import described_schema
from interp.summary.result import (
    Example,
    Integrations,
    KindSummary,
    MovedWord,
    PlaceSummary,
    Summary,
    WordSummary,
)

__all__ = ["SCHEMA", "SummaryDocument", "dumps", "schema", "word_table"]

SCHEMA = "interp.summary/1"
_COLUMNS = ("word", "count", "documents", "mean", "spread", "low", "high", "share", "leads", "leaned_on")


@dataclass(frozen=True, kw_only=True)
class SummaryDocument:
    """What is written."""

    summary: Summary
    against: Summary | None = None
    """The older records, where there are any."""
    moved: tuple[MovedWord, ...] = ()
    """From them to these."""


_ADAPTER = TypeAdapter(SummaryDocument)


_DATA = (
    SummaryDocument,
    Summary,
    KindSummary,
    WordSummary,
    Example,
    PlaceSummary,
    Integrations,
    MovedWord,
)


def schema() -> dict[str, Any]:
    """JSON Schema of the document."""
    return described_schema(SummaryDocument, _DATA, SCHEMA)


def dumps(summary: Summary, against: Summary | None = None, moved: Sequence[MovedWord] = ()) -> str:
    """The document as text. Raises ValueError for NaN and infinity, which are no JSON."""
    document = SummaryDocument(summary=summary, against=against, moved=tuple(moved))
    content = {"schema": SCHEMA, **_ADAPTER.dump_python(document, mode="json")}
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def word_table(summary: Summary) -> str:
    """All words that are told, as CSV: a line for each kind and word."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", *_COLUMNS])
    for kind in summary.kinds:
        for word in (*kind.words_for, *kind.words_against):
            writer.writerow([kind.kind, *_cells(word)])
    return text.getvalue()


def _cells(word: WordSummary) -> list[object]:
    """A word that a spreadsheet would compute is written as the text that it is."""
    first, *numbers = (getattr(word, name) for name in _COLUMNS)
    return [f"'{first}" if str(first)[:1] in "=+-@" else first, *numbers]
