"""Records on disk: a folder of Parquet parts, each written whole or not at all, each saying what it is of.

A part's name tells its number and how many there are, so that what is missing is seen. _manifest.json says for
other readers what the folder holds. Only the columns of `rows` are read: no pickle, no code.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from interp.records.record import SCHEMA, Record, RecordsHeader, part_count, part_range, same_work
from interp.records.rows import COLUMNS, TABLE, group_rows, to_rows

__all__ = [
    "MANIFEST",
    "DamagedPartError",
    "Records",
    "count_kept",
    "load_records",
    "part_name",
    "read_part",
    "write_manifest",
    "write_part",
]

MANIFEST = "_manifest.json"
"""Other readers pass over names that begin so."""
ROWS_PER_GROUP = 1024
"""Of a part: what a reader may skip that looks for one kind."""

MOST_VALUES_PER_SENTENCE = 3_000_000
"""A sentence of 512 words, with 64 targets, under two references, in 24 layers, holds half of that."""
_RECORD, _HEADER = TypeAdapter(Record), TypeAdapter(RecordsHeader)
_KEY = b"interp"


class DamagedPartError(FormatError):
    """A part that can be made anew."""


@dataclass(frozen=True)
class Records:
    """A folder of records that is complete; iterating reads one part after the other."""

    folder: Path
    about: RecordsHeader

    def __repr__(self) -> str:
        model = bare(self.about.model.name)
        return f"<Records of {counted(len(self), 'sentence')} by {model} in {bare(str(self.folder))}>"

    def __iter__(self) -> Iterator[Record]:
        for path in self._parts():
            about, records = read_part(path)
            self._check_same(about)
            yield from records

    def __len__(self) -> int:
        return self.about.sentences

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The same columns of every part, which are not checked as records are: for counts over millions of rows."""
        for path in self._parts():
            with _open_part(path) as (about, file):
                self._check_same(about)
                yield file.read(list(columns))

    def _parts(self) -> Iterator[Path]:
        return (self.folder / part_name(number, self.about) for number in range(part_count(self.about)))

    def _check_same(self, about: RecordsHeader) -> None:
        if not same_work(about, self.about):
            raise FormatError(f"{self.folder}: its parts are of different records: record anew.")


def count_kept(folder: Path) -> int:
    """Sentences that an unfinished run leaves behind, about: the last part may hold fewer."""
    parts = list(folder.glob("part-*.parquet"))
    return len(parts) * read_part(parts[0], rows=False)[0].part_size if parts else 0


def part_name(number: int, header: RecordsHeader) -> str:
    return f"part-{number:05}-of-{part_count(header):05}.parquet"


def load_records(folder: Path) -> Records:
    """Records that `make` wrote, all parts of them. Raises InputError or FormatError, which name the file."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of records: make one with interp record.")
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise InputError(f"{folder} holds no records: make some with interp record.")
    about, _ = read_part(parts[0], rows=False)
    numbers = [_number_of(part, about) for part in parts]
    count = part_count(about)
    if len(numbers) < count:
        missing = next(number for number in range(count) if number not in numbers)
        raise FormatError(
            f"{folder}: {count - len(numbers)} of {count} parts are missing, "
            f"{part_name(missing, about)} first: go on with interp record --resume."
        )
    return Records(folder, about)


def _number_of(path: Path, header: RecordsHeader) -> int:
    """Which part a file is. Raises FormatError where it is none of these records."""
    match = re.fullmatch(r"part-(\d+)-of-\d+\.parquet", path.name)
    number = int(match[1]) if match else -1
    if 0 <= number < part_count(header) and path.name == part_name(number, header):
        return number
    raise FormatError(f"{path.parent}: {path.name} does not belong to the other parts: record anew.")


def write_manifest(folder: Path, about: RecordsHeader) -> None:
    """What the folder is to hold, for readers that are not this package. Raises OutputError."""
    content = {"schema": SCHEMA, **asdict(about), "parts": part_count(about), "columns": COLUMNS}
    write(folder / MANIFEST, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def write_part(path: Path, about: RecordsHeader, records: Sequence[Record]) -> None:
    """Raises OutputError."""
    table = pa.Table.from_pylist(to_rows(records), schema=TABLE)
    description = json.dumps({"schema": SCHEMA, **asdict(about)}, ensure_ascii=False)
    memory = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata({_KEY: description.encode()}),
        memory,
        compression="zstd",
        row_group_size=ROWS_PER_GROUP,
        write_page_checksum=True,
    )
    write(path, memory.getvalue())


def read_part(path: Path, rows: bool = True) -> tuple[RecordsHeader, list[Record]]:
    """What a part is of, and its records, each of them sound. Raises FormatError, which names file and row."""
    with _open_part(path) as (header, file):
        if not rows:
            return header, []
        _check_size(path, header, file.metadata)
        return header, _parse_records(path, file.read().to_pylist(), header)


@contextmanager
def _open_part(path: Path) -> Iterator[tuple[RecordsHeader, pq.ParquetFile]]:
    """What a part is of, and its file. What is no Parquet, or not the one that it says, is told as a damaged part, also
    where that is seen while it is read.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            header = _parse_header(path, file.schema_arrow)
            if not file.schema_arrow.equals(TABLE):
                raise FormatError(f"{path}: its columns are not those of {SCHEMA}: record anew with this release.")
            yield header, file
    except FormatError:
        raise
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedPartError(
            f"{path} is damaged ({first_line(error)}): go on with interp record --resume."
        ) from error


def _parse_header(path: Path, schema: pa.Schema) -> RecordsHeader:
    content = parse_document((schema.metadata or {}).get(_KEY, b"{}").decode())
    version = content.pop("schema", None)
    if version != SCHEMA:
        fault = "holds no records of interp" if version is None else f"has the schema {json.dumps(version)}"
        raise FormatError(f"{path} {fault}, and this release reads {SCHEMA}: record anew.")
    try:
        return _HEADER.validate_python(content)
    except ValidationError as error:
        raise FormatError(f"{path}: its description is damaged at {_faulty_field(error)}: record anew.") from error


def _check_size(path: Path, header: RecordsHeader, metadata: pq.FileMetaData) -> None:
    """Before a row is read: a file of a few bytes may say that it holds billions."""
    expected = len(part_range(header, _number_of(path, header)))
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    values = sum(group.column(number).num_values for group in groups for number in range(group.num_columns))
    if values > MOST_VALUES_PER_SENTENCE * expected:
        raise FormatError(f"{path} says that {expected} sentences hold {values:,} values: record anew.")


def _parse_records(path: Path, rows: Sequence[dict[str, Any]], header: RecordsHeader) -> list[Record]:
    """Rows as records that fit together, all of them."""
    expected = len(part_range(header, _number_of(path, header)))
    if {row["number"] for row in rows} != set(range(expected)):
        raise DamagedPartError(
            f"{path} does not hold {expected} sentences, as it should: go on with interp record --resume."
        )
    return [_parse_record(path, record, header) for record in group_rows(rows)]


def _parse_record(path: Path, content: dict[str, Any], header: RecordsHeader) -> Record:
    """A sentence's rows as a record that fits together."""
    try:
        record = _RECORD.validate_python(content)
        problem = next(problems_of(record, header), None)
    except ValidationError as error:
        problem = f"{_faulty_field(error)} is missing or of another kind"
    if problem is not None:
        raise FormatError(f"{path}, sentence {content['id']}: {problem}; record anew.")
    return record


def _faulty_field(error: ValidationError) -> str:
    return ".".join(map(str, error.errors()[0]["loc"]))
