"""What came of a recording: how much was explained, and which sentences could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.compute as pc

from interp.records.store import Records

__all__ = ["UnreadRow", "count_targets", "unread_rows"]


@dataclass(frozen=True)
class UnreadRow:
    """A sentence of which there is nothing, and why."""

    id: str
    reason: str


def count_targets(records: Records) -> int:
    """Targets that were explained, each once, under however many references."""
    references = max(1, len(records.about.wanted.references))
    rows: int = sum(len(table) - table["target"].null_count for table in records.tables(["target"]))
    return rows // references


def unread_rows(records: Records) -> Iterator[UnreadRow]:
    """In no order but that of the parts."""
    for table in records.tables(["sentence", "error"]):
        for row in table.filter(pc.is_valid(table["error"])).to_pylist():
            yield UnreadRow(row["sentence"], row["error"])
