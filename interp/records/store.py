"""Records on disk: a folder of Parquet parts, each written whole or not at all, each saying what it is of.

A part holds `PART` sentences; its name tells its number and how many there are, so that what is missing is seen. Only
the schema below is read: no pickle, no code.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from interp.errors import FormatError, InputError, bare, counted, first_line
from interp.project.files import write
from interp.project.strict_json import parse_document
from interp.records.check import problems_of
from interp.records.record import SCHEMA, Record, RecordsHeader, same_work

__all__ = [
    "SENTENCES_PER_PART",
    "Records",
    "count_kept",
    "load_records",
    "part_count",
    "part_name",
    "read_part",
    "write_part",
]

SENTENCES_PER_PART = 64
"""Sentences: what a kill may lose, and what is held in memory."""

MOST_VALUES = 200_000_000
"""Of a part: 64 sentences of 512 words, with 64 targets each, under two references, in 24 layers, hold 100 million."""
_RECORD = TypeAdapter(Record)
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

    def __repr__(self) -> str:
        model = bare(self.about.model.name)
        return f"<Records of {counted(len(self), 'sentence')} by {model} in {bare(str(self.folder))}>"

    def __iter__(self) -> Iterator[Record]:
        for number in range(part_count(self.about.sentences)):
            about, records = read_part(self.folder / part_name(number, self.about.sentences))
            if not same_work(about, self.about):
                raise FormatError(f"{self.folder}: its parts are of different records: record anew.")
            yield from records

    def __len__(self) -> int:
        return self.about.sentences


def count_kept(folder: Path) -> int:
    """Sentences that an unfinished run leaves behind, about: the last part may hold fewer."""
    return SENTENCES_PER_PART * len(list(folder.glob("part-*.parquet")))


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
    numbers = [_number_of(part, about) for part in parts]
    count = part_count(about.sentences)
    if len(numbers) < count:
        missing = next(number for number in range(count) if number not in numbers)
        raise FormatError(
            f"{folder}: {count - len(numbers)} of {count} parts are missing, "
            f"{part_name(missing, about.sentences)} first: go on with interp record --resume."
        )
    return Records(folder, about)


def _number_of(path: Path, header: RecordsHeader) -> int:
    """Which part a file is. Raises FormatError where it is none of these records."""
    match = re.fullmatch(r"part-(\d+)-of-\d+\.parquet", path.name)
    number = int(match[1]) if match else -1
    if 0 <= number < part_count(header.sentences) and path.name == part_name(number, header.sentences):
        return number
    raise FormatError(f"{path.parent}: {path.name} does not belong to the other parts: record anew.")


def write_part(path: Path, about: RecordsHeader, records: Sequence[Record]) -> None:
    """Raises OutputError."""
    table = pa.Table.from_pylist([asdict(record) for record in records], schema=_TABLE)
    description = json.dumps({"schema": SCHEMA, **asdict(about)}, ensure_ascii=False)
    memory = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({_KEY: description.encode()}), memory, compression="zstd")
    write(path, memory.getvalue())


def read_part(path: Path, rows: bool = True) -> tuple[RecordsHeader, list[Record]]:
    """What a part is of, and its records, each of them sound. Raises FormatError, which names file and row."""
    try:
        with pq.ParquetFile(path) as file:
            header = _parse_header(path, file.schema_arrow)
            if not file.schema_arrow.equals(_TABLE):
                raise FormatError(f"{path}: its columns are not those of {SCHEMA}: record anew with this release.")
            if not rows:
                return header, []
            _check_size(path, header, file.metadata)
            rows_read = enumerate(file.read().to_pylist(), start=1)
            return header, [_parse_record(path, number, row, header) for number, row in rows_read]
    except FormatError:
        raise
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(
            f"{path} is damaged ({first_line(error)}): delete it, and go on with interp record --resume."
        ) from error


def _parse_header(path: Path, schema: pa.Schema) -> RecordsHeader:
    content = parse_document((schema.metadata or {}).get(_KEY, b"{}").decode())
    version = content.pop("schema", None)
    if version != SCHEMA:
        fault = "holds no records of interp" if version is None else f"has the schema {json.dumps(version)}"
        raise FormatError(f"{path} {fault}, and this release reads {SCHEMA}: record anew.")
    try:
        return TypeAdapter(RecordsHeader).validate_python(content)
    except ValidationError as error:
        raise FormatError(f"{path}: its description is damaged at {_faulty_field(error)}: record anew.") from error


def _check_size(path: Path, header: RecordsHeader, metadata: pq.FileMetaData) -> None:
    """Before a row is read: a file of a few bytes may say that it holds billions."""
    start = _number_of(path, header) * SENTENCES_PER_PART
    expected = min(SENTENCES_PER_PART, header.sentences - start)
    if metadata.num_rows != expected:
        raise FormatError(
            f"{path} holds {metadata.num_rows} rows for {expected} sentences: delete it, and go on with interp record "
            "--resume."
        )
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    values = sum(group.column(number).num_values for group in groups for number in range(group.num_columns))
    if values > MOST_VALUES:
        raise FormatError(f"{path} says that {expected} sentences hold {values:,} values: record anew.")


def _parse_record(path: Path, number: int, row: dict[str, Any], header: RecordsHeader) -> Record:
    """A row, the first of which is 1, as a record that fits together."""
    try:
        record = _RECORD.validate_python(row)
        problem = next(problems_of(record, header), None)
    except ValidationError as error:
        problem = f"{_faulty_field(error)} is missing or of another kind"
    if problem is not None:
        raise FormatError(f"{path}, row {number} ({row['id']}): {problem}; record anew.")
    return record


def _faulty_field(error: ValidationError) -> str:
    return ".".join(map(str, error.errors()[0]["loc"]))
