"""Records on disk: a folder of Parquet parts, each written whole or not at all, each saying what it is of.

A part holds `PART` sentences; its name tells its number and how many there are, so that what is missing is seen. Only
the schema below is read: no pickle, no code.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from interp.errors import FormatError, InputError, first_line
from interp.project.files import write
from interp.records.record import SCHEMA, Record, RecordedExplanation, RecordsHeader, same_work

__all__ = ["SENTENCES_PER_PART", "Records", "load_records", "part_count", "part_name", "read_part", "write_part"]

SENTENCES_PER_PART = 64
"""Sentences: what a kill may lose, and what is held in memory."""

_KEY = b"interp"
_NUMBERS = pa.list_(pa.float32())
_EXPLAINED = pa.struct(
    [
        ("target", pa.list_(pa.int16())),
        ("tags", pa.list_(pa.string())),
        ("reference", pa.string()),
        ("attributions", _NUMBERS),
        ("layers", pa.list_(_NUMBERS)),
        ("estimate", pa.float32()),
        ("evaluations", pa.int32()),
        ("status", pa.string()),
    ]
)
_TABLE = pa.schema(
    [
        ("id", pa.string()),
        ("document", pa.string()),
        ("words", pa.list_(pa.string())),
        ("gold", pa.list_(pa.string())),
        ("tags", pa.list_(pa.string())),
        ("probabilities", _NUMBERS),
        ("pieces", pa.list_(pa.int16())),
        ("explained", pa.list_(_EXPLAINED)),
        ("error", pa.string()),
    ]
)


@dataclass(frozen=True)
class Records:
    """A folder of records that is complete; iterating reads one part after the other."""

    folder: Path
    about: RecordsHeader

    def __iter__(self) -> Iterator[Record]:
        for number in range(part_count(self.about.sentences)):
            about, records = read_part(self.folder / part_name(number, self.about.sentences))
            if not same_work(about, self.about):
                raise FormatError(f"{self.folder}: its parts are of different records: record anew.")
            yield from records

    def __len__(self) -> int:
        return self.about.sentences


def part_count(sentences: int) -> int:
    return -(-sentences // SENTENCES_PER_PART)


def part_name(number: int, sentences: int) -> str:
    return f"part-{number:05}-of-{part_count(sentences):05}.parquet"


def load_records(folder: Path) -> Records:
    """Records that `make` wrote, all parts of them. Raises InputError or FormatError, which name the file."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of records: make one with interp record.")
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise InputError(f"{folder} holds no records: make some with interp record.")
    about, _ = read_part(parts[0], rows=False)
    expected = {part_name(number, about.sentences) for number in range(part_count(about.sentences))}
    found = {part.name for part in parts}
    if found != expected:
        missing, strange = sorted(expected - found), sorted(found - expected)
        if strange:
            raise FormatError(f"{folder}: {strange[0]} does not belong to the other parts: record anew.")
        raise FormatError(
            f"{folder}: {len(missing)} of {len(expected)} parts are missing, {missing[0]} first: "
            "go on with interp record --resume."
        )
    return Records(folder, about)


def write_part(path: Path, about: RecordsHeader, records: Sequence[Record]) -> None:
    """Raises OutputError."""
    table = pa.Table.from_pylist([asdict(record) for record in records], schema=_TABLE)
    told = json.dumps({"schema": SCHEMA, **asdict(about)}, ensure_ascii=False)
    memory = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({_KEY: told.encode()}), memory, compression="zstd")
    write(path, memory.getvalue())


def read_part(path: Path, rows: bool = True) -> tuple[RecordsHeader, list[Record]]:
    """What a part is of, and its records. Raises FormatError, which names the file."""
    try:
        with pq.ParquetFile(path) as file:
            about = _about(path, file.schema_arrow)
            if not file.schema_arrow.equals(_TABLE):
                raise FormatError(f"{path}: its columns are not those of {SCHEMA}: record anew with this release.")
            return about, [_record(row) for row in file.read().to_pylist()] if rows else []
    except FormatError:
        raise
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"{path} is damaged ({first_line(error)}): delete it, and go on with interp record --resume."
        ) from error


def _about(path: Path, schema: pa.Schema) -> RecordsHeader:
    told = json.loads((schema.metadata or {}).get(_KEY, b"{}"))
    version = told.pop("schema", None)
    if version != SCHEMA:
        found = "holds no records of interp" if version is None else f"has the schema {json.dumps(version)}"
        raise FormatError(f"{path} {found}, and this release reads {SCHEMA}: record anew.")
    try:
        return TypeAdapter(RecordsHeader).validate_python(told)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise FormatError(f"{path}: its description is damaged at {key}: record anew.") from error


def _record(row: dict[str, Any]) -> Record:
    explained = [
        RecordedExplanation(**{name: _frozen(value) for name, value in each.items()}) for each in row.pop("explained")
    ]
    return Record(**{name: _frozen(value) for name, value in row.items()}, explained=tuple(explained))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
