"""Files of unlabelled text of any size: `text:`, `jsonl:`, `csv:` and `parquet:` with globs and remote stores, `hf:`.

The library datasets indexes them on disk (`HF_DATASETS_CACHE`) and maps them into memory, so that a process reads any
part at once and holds no more than that.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from interp.errors import InputError, first_line
from interp.project.strict_json import parse_json
from interp.texts.corpus import UnreadSentence
from interp.texts.rows import read_row
from interp.texts.sentences import Sentence
from interp.texts.spec import Source, parse_corpus_source
from interp.versions import install_command

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["FileCorpus", "open_corpus"]

ROWS_TOGETHER = 10_000
"""That are hashed at a time."""
NO_CHARACTERS = "it holds bytes that are no characters: give it as UTF-8"
_REPLACED = "\ufffd"
_SPLIT = "corpus"


@dataclass(frozen=True)
class FileCorpus:
    """The rows of one source, each a sentence or the reason why it is none."""

    source: Source
    rows: Dataset

    @cached_property
    def fingerprint(self) -> str:
        import pyarrow as pa

        digest = hashlib.sha256(self.source.kind.encode())
        for table in self.rows.with_format("arrow").iter(batch_size=ROWS_TOGETHER):
            stream = pa.BufferOutputStream()
            with pa.ipc.new_stream(stream, table.schema.remove_metadata()) as writer:
                writer.write_table(table.replace_schema_metadata(None).combine_chunks())
            digest.update(stream.getvalue())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, numbers: range) -> Sequence[Sentence | UnreadSentence]:
        columns = self.rows[numbers.start : numbers.stop]
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        return [self._read_row(row, number) for number, row in enumerate(rows, numbers.start + 1)]

    def _read_row(self, row: Mapping[str, Any], number: int) -> Sentence | UnreadSentence:
        where = f"{self.source.shown}:{number}"
        try:
            content = parse_json(row["text"]) if self.source.kind == "jsonl" else row
            raw = read_row(content, where, number, source=self.source, name_of=lambda _field, tag: tag)
            if any(_REPLACED in word for word in raw.words):
                return UnreadSentence(where, NO_CHARACTERS)
            return Sentence(where, raw.document, raw.words)
        except InputError as error:
            return UnreadSentence(where, str(error).removeprefix(f"{where}: "))
        except ValueError as error:
            return UnreadSentence(where, f"it is no JSON ({first_line(error)})")


def open_corpus(spec: str) -> FileCorpus:
    """A source such as `data/*.parquet`, `text:s3://bucket/part-*.txt` or `jsonl:x.jsonl?words=tokens`; labels are not
    read. Raises InputError where there is none, or it cannot be read as a table.
    """
    source = parse_corpus_source(spec).without_labels()
    try:
        from datasets import disable_progress_bars
        from datasets.exceptions import DatasetGenerationError
    except ImportError as error:
        raise InputError(f"A corpus needs the library datasets: {install_command('datasets')}") from error
    disable_progress_bars()
    try:
        rows = _OPENERS[source.kind](source)
    except ImportError as error:
        raise InputError(f"{spec} cannot be reached: {first_line(error)}.") from error
    except FileNotFoundError as error:
        raise InputError(f"There is no {source.where} ({spec}).") from error
    except (OSError, ValueError, DatasetGenerationError) as error:
        raise InputError(f"{spec} cannot be read: {_reason(error)}.") from error
    if not len(rows):
        raise InputError(f"{spec} holds no sentence.")
    return FileCorpus(source, rows)


def _reason(error: Exception) -> str:
    """What the library says of a file stands in the error that made it give up."""
    return first_line(error.__cause__ or error).rstrip(".")


def _open_lines(source: Source) -> Dataset:
    """A line a row; what is no UTF-8 is marked, as one line is not to stop all others."""
    from datasets import Features, Value

    return _load("text", source, encoding_errors="replace", features=Features({"text": Value("string")}))


def _open_csv(source: Source) -> Dataset:
    """All cells as the text that they are, `NA` and `007` too."""
    from datasets import Features, Value

    with _find_files(source, "rt", encoding="utf-8", newline="")[0] as file:
        head = next(csv.reader(file), None)
    if head is None:
        raise InputError(f"{source.shown} holds no sentence.")
    features = Features({name: Value("string") for name in head})
    return _load("csv", source, features=features, keep_default_na=False)


def _open_parquet(source: Source) -> Dataset:
    return _load("parquet", source)


def _open_saved(source: Source) -> Dataset:
    from datasets import DatasetDict, load_from_disk

    loaded = load_from_disk(source.where)
    if isinstance(loaded, DatasetDict):
        split = source.options.get("split")
        if split not in loaded:
            raise InputError(f"{source.shown} has several splits: name one, ?split={next(iter(loaded))}.")
        return loaded[split]
    return loaded


def _find_files(source: Source, *mode: str, **options: Any) -> Any:
    """Those of a glob, unopened. Raises FileNotFoundError where there are none."""
    import fsspec

    files = fsspec.open_files(source.where, *mode, **options)
    if not files:
        raise FileNotFoundError(source.where)
    return files


def _load(builder: str, source: Source, **options: Any) -> Dataset:
    from datasets import load_dataset

    _find_files(source)
    return load_dataset(builder, data_files={_SPLIT: [source.where]}, split=_SPLIT, **options)


_OPENERS: dict[str, Callable[[Source], Dataset]] = {
    "text": _open_lines,
    "jsonl": _open_lines,
    "csv": _open_csv,
    "parquet": _open_parquet,
    "hf": _open_saved,
}
