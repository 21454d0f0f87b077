"""What one model says of many sentences, and why: computed once, kept as Parquet, held against another model's."""

from interp.records.record import (
    SCHEMA,
    TAGS_ALONE,
    Record,
    RecordedExplanation,
    RecordSettings,
    RecordsHeader,
    why_incomparable,
)
from interp.records.store import Records, load_records

__all__ = [
    "SCHEMA",
    "TAGS_ALONE",
    "Record",
    "RecordSettings",
    "RecordedExplanation",
    "Records",
    "RecordsHeader",
    "load_records",
    "why_incomparable",
]
