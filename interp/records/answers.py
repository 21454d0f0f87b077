"""What a model says of sentences, kept on disk: it is asked about each once, in however many gates.

A Parquet file for each model and set of versions, written whole or not at all; only the schema below is read. Sentences
stand there by a hash of their words, and probabilities as float32, also when they are new: the same model says the same
with its file and without.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from interp.errors import FormatError, first_line
from interp.project.files import is_missing, make_folder, write
from interp.project.strict_json import parse_document
from interp.taggers import Predictor, word_gradients_of
from interp.taggers.predictor import Array, Words
from interp.versions import versions

__all__ = ["AnswersHeader", "StoredPredictor", "read_answers", "write_answers"]

SCHEMA = "interp.answers/1"
MOST_SENTENCES = 200_000
"""That are kept; a gate asks about 20,000."""
MOST_VALUES = 25_000_000
"""Probabilities that are kept: 100 MB."""
ROUNDING = 1e-6
"""That a probability may lie beyond 0 and 1."""
_KEY = b"interp"
_KEY_BYTES = 16
_TABLE = pa.schema([("words", pa.binary(_KEY_BYTES)), ("probabilities", pa.list_(pa.float32()))])

Answer = npt.NDArray[np.float32]
"""Probabilities of one sentence, word by word, all tags of a word together; NaN where nothing can be said of it."""
Answers = dict[bytes, Answer]
"""By the hash of their words, the longest unused first."""


@dataclass(frozen=True)
class AnswersHeader:
    """Whose answers they are: under another fingerprint, other tags or versions there are none."""

    sha256: str
    labels: tuple[str, ...]
    versions: Mapping[str, str]

    def file_in(self, folder: Path) -> Path:
        return folder / f"answers-{hashlib.sha256(self._text().encode()).hexdigest()[:16]}.parquet"

    def _text(self) -> str:
        return json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True)

    def describes(self, schema: pa.Schema) -> bool:
        """Whether a file with this schema says that it is of the same."""
        content = (schema.metadata or {}).get(_KEY, b"{}").decode()
        return bool(parse_document(content) == json.loads(self._text()))

    def into(self, table: pa.Table) -> pa.Table:
        return table.replace_schema_metadata({_KEY: self._text().encode()})


class StoredPredictor:
    """A predictor with a fingerprint, which is asked about the sentences alone that no file has an answer to.

    `problem`: why what was kept cannot be used, as a sentence; it is written anew then.
    """

    def __init__(self, predictor: Predictor, folder: Path) -> None:
        self._predictor, self.name, self.labels = predictor, predictor.name, predictor.labels
        self.sha256, self.gives_probabilities = predictor.sha256, predictor.gives_probabilities
        self.word_gradients = word_gradients_of(predictor)
        self._about = AnswersHeader(predictor.sha256, predictor.labels, versions())
        self._file = self._about.file_in(folder)
        self._known: Answers = {}
        self._used: dict[bytes, None] = {}
        self._has_new, self.problem = False, ""
        try:
            self._known = read_answers(self._file, self._about)
        except FormatError as error:
            self.problem = str(error)

    @property
    def notices(self) -> tuple[str, ...]:
        return self._predictor.notices

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]:
        keys = [_hash_words(words) for words in sentences]
        new = {key: words for key, words in zip(keys, sentences, strict=True) if not self._knows(key, words)}
        if new:
            answers = self._predictor(list(new.values()))
            self._known |= {key: answer.astype(np.float32).ravel() for key, answer in zip(new, answers, strict=True)}
            self._has_new = True
        self._used |= dict.fromkeys(keys)
        return [self._known[key].astype(np.float64).reshape(-1, len(self.labels)) for key in keys]

    def _knows(self, key: bytes, words: Words) -> bool:
        answer = self._known.get(key)
        return answer is not None and len(answer) == len(words) * len(self.labels)

    def write(self) -> None:
        """Keep the answers, those that were used now before others, if there is a new one. Raises OutputError."""
        if self._has_new:
            unused = (key for key in self._known if key not in self._used)
            make_folder(self._file.parent)
            write_answers(self._file, self._about, {key: self._known[key] for key in [*unused, *self._used]})
            self._has_new = False


def read_answers(path: Path, about: AnswersHeader) -> Answers:
    """None where there is no file. Raises FormatError where it is damaged or of another model, or too large."""
    if is_missing(path):
        return {}
    try:
        with pq.ParquetFile(path) as file:
            metadata = file.metadata
            groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
            values = sum(group.column(1).num_values for group in groups if group.num_columns == len(_TABLE))
            if not file.schema_arrow.equals(_TABLE) or not about.describes(file.schema_arrow):
                raise FormatError(f"{path} is of another model or release: its answers are not used.")
            if metadata.num_rows > MOST_SENTENCES or values > MOST_VALUES + MOST_SENTENCES:  # an empty one counts, too
                raise FormatError(f"{path} says that it holds {values:,} values: its answers are not used.")
            return _parse_table(file.read(), path, len(about.labels))
    except FormatError:
        raise
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"{path} is damaged ({first_line(error)}): its answers are not used.") from error


def _parse_table(table: pa.Table, path: Path, labels: int) -> Answers:
    keys, rows = (column.combine_chunks() for column in table.columns)
    values, offsets = rows.values.to_numpy(zero_copy_only=False), rows.offsets.to_numpy()
    beyond = (values < -ROUNDING) | (values > 1 + ROUNDING)
    if (
        keys.null_count
        or rows.null_count
        or rows.values.null_count
        or beyond.any()
        or (np.diff(offsets) % labels).any()
    ):
        raise FormatError(f"{path} is damaged (it has what is no probability): its answers are not used.")
    return dict(zip(keys.to_pylist(), (values[start:stop] for start, stop in pairwise(offsets)), strict=True))


def write_answers(path: Path, about: AnswersHeader, answers: Mapping[bytes, Answer]) -> None:
    """Those of the end, as many as are kept. Raises OutputError."""
    kept = dict(reversed(list(_fitting(answers))))
    offsets = np.cumsum([0, *map(len, kept.values())])
    values = np.concatenate([np.zeros(0, np.float32), *kept.values()])
    rows = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values, pa.float32(), from_pandas=False))
    table = pa.Table.from_arrays([pa.array(list(kept), pa.binary(_KEY_BYTES)), rows], schema=_TABLE)
    memory = io.BytesIO()
    pq.write_table(about.into(table), memory, compression="zstd", use_dictionary=False)
    write(path, memory.getvalue())


def _fitting(answers: Mapping[bytes, Answer]) -> Iterator[tuple[bytes, Answer]]:
    """As many as are kept, the last first."""
    values = 0
    for count, key in enumerate(reversed(list(answers)), 1):
        values += len(answers[key])
        if count > MOST_SENTENCES or values > MOST_VALUES:
            return
        yield key, answers[key]


def _hash_words(words: Words) -> bytes:
    """Words may hold any character, so that none can part them."""
    return hashlib.blake2b(json.dumps(list(words)).encode(), digest_size=_KEY_BYTES).digest()
