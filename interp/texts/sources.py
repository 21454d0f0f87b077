"""Where sentences come from: `tests/cases/`, `conll:dev.txt`, `jsonl:dev.jsonl`, `hf:dataset/`, `text:clean.txt`.

Options stand behind a question mark: `conll:dev.iob2?word=1&tag=2`, `jsonl:x.jsonl?words=tokens&tags=labels`,
`hf:dataset?split=validation`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from interp.cases.case import CASE_SUFFIX
from interp.cases.load import load_cases
from interp.errors import InputError
from interp.project.settings import Settings
from interp.question.tags import to_iob2
from interp.question.words import find_target, split_words
from interp.texts.columns import read_columns, read_text
from interp.texts.sentences import Sentence

__all__ = ["KINDS", "read_sentences"]

WORDS = ("words", "tokens")
TAGS = ("tags", "ner_tags", "labels")
"""Field names that are tried in this order where none is given."""


@dataclass(frozen=True)
class _Source:
    """A spec taken apart; `shown` is what ids begin with."""

    kind: str
    path: Path
    options: Mapping[str, str]

    @property
    def shown(self) -> str:
        return self.path.as_posix()


def read_sentences(specs: Iterable[str], settings: Settings, usual: str | None = None) -> list[Sentence]:
    """All sentences of all specs, in their order. `usual` is what a file is taken for whose name does not tell.

    Raises InputError, also where two sentences have one id, or there is none.
    """
    found: dict[str, Sentence] = {}
    for spec in specs:
        source = _parsed(spec, usual)
        count = 0
        for sentence in _READERS[source.kind](source, settings):
            if sentence.id in found:
                raise InputError(f"{sentence.id} comes twice: name every file once.")
            found[sentence.id] = sentence
            count += 1
        if not count:
            raise InputError(f"{spec} holds no sentence.")
    return list(found.values())


def _parsed(spec: str, usual: str | None) -> _Source:
    head, mark, rest = spec.partition(":")
    kind, where = (head, rest) if mark and head in _OPTIONS else ("", spec)
    name, _, query = where.partition("?")
    path = Path(name).expanduser()
    if not kind:
        kind = _guessed(path, spec, usual)
    if not path.exists():
        raise InputError(f"There is no {path} ({spec}).")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for key in options:
        if key not in _OPTIONS[kind]:
            close = get_close_matches(key, _OPTIONS[kind], n=1)
            hint = f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(_OPTIONS[kind]) or 'none'}."
            raise InputError(f'{spec}: unknown option "{key}"{hint}')
    return _Source(kind, path, options)


def _guessed(path: Path, spec: str, usual: str | None) -> str:
    """Case files and JSON Lines go by their names; what else a file may be has to be said."""
    if path.name.endswith(CASE_SUFFIX) or (path.is_dir() and next(path.rglob(f"*{CASE_SUFFIX}"), None)):
        return "cases"
    if path.suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    if path.is_dir() and any((path / name).exists() for name in ("dataset_info.json", "dataset_dict.json")):
        return "hf"
    if not path.exists():
        raise InputError(f"There is no {path} ({spec}).")
    if usual is not None:
        return usual
    raise InputError(
        f"What is {spec}? Write conll:{spec} for columns, jsonl:{spec} for JSON Lines, hf:{spec} for data "
        f"sets, text:{spec} for plain text; case files end in {CASE_SUFFIX}."
    )


def _cases(source: _Source, settings: Settings) -> Iterator[Sentence]:
    files = sorted(source.path.rglob(f"*{CASE_SUFFIX}")) if source.path.is_dir() else [source.path]
    for path in files:
        for case in load_cases(path, path.as_posix(), settings):
            words = case.question.words
            target = tuple(index - 1 for index in find_target(words, case.question.target))
            where = f"{path.as_posix()}::{case.id}"
            yield Sentence(where, where, words=tuple(words), gold=None, targets=(target,))


def _conll(source: _Source, _settings: Settings) -> Iterator[Sentence]:
    word, tag = (_column(source, name, default) for name, default in (("word", 0), ("tag", -1)))
    for block in read_columns(source.path, comments=source.options.get("comments") == "yes"):
        width = max(map(len, block.rows))
        places = [place + width if place < 0 else place for place in (word, tag)]
        for offset, row in enumerate(block.rows):
            if len(row) != width or not all(0 <= place < width for place in places):
                raise InputError(
                    f"{source.shown}:{block.line + offset}: has {len(row)} columns where its sentence has {width}, and "
                    f"word={word}, tag={tag} are asked for."
                )
        words = tuple(row[places[0]] for row in block.rows)
        gold = to_iob2([row[places[1]] for row in block.rows]) if places[0] != places[1] else None
        yield Sentence(f"{source.shown}:{block.line}", f"{source.shown}#{block.document}", words, gold)


def _column(source: _Source, name: str, default: int) -> int:
    text = source.options.get(name, str(default))
    if not text.removeprefix("-").isdecimal():
        raise InputError(f'{source.shown}: "{name}={text}" is no number of a column; the first is 0, the last -1.')
    return int(text)


def _jsonl(source: _Source, _settings: Settings) -> Iterator[Sentence]:
    for number, line in enumerate(read_text(source.path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{source.shown}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: is no JSON ({error}).") from error
        if not isinstance(row, dict):
            raise InputError(f"{where}: is no JSON object.")
        yield _from_row(row, where, source, lambda tag: tag)


def _hf(source: _Source, _settings: Settings) -> Iterator[Sentence]:
    try:
        from datasets import Dataset, DatasetDict, load_from_disk
    except ImportError as error:
        raise InputError('Data sets need the library datasets: pip install "interp[datasets]".') from error
    try:
        loaded = load_from_disk(str(source.path))
    except (OSError, ValueError) as error:
        raise InputError(f"{source.shown} is no data set that save_to_disk wrote: {error}") from error
    if isinstance(loaded, DatasetDict):
        split = source.options.get("split")
        if split not in loaded:
            lack = f"no split {split}" if split else "several splits"
            raise InputError(f"{source.shown} has {lack}: write hf:{source.shown}?split=, one of {', '.join(loaded)}.")
        loaded = loaded[split]
    assert isinstance(loaded, Dataset)
    field = _field(source, "tags", TAGS, loaded.column_names)
    feature = getattr(loaded.features[field], "feature", None) if field else None
    names = getattr(feature, "names", None)

    def by_name(tag: Any) -> Any:
        return names[tag] if names is not None and isinstance(tag, int) else tag

    for number, row in enumerate(loaded):
        yield _from_row(dict(row), f"{source.shown}:{number}", source, by_name)


def _from_row(row: Mapping[str, Any], where: str, source: _Source, named: Callable[[Any], Any]) -> Sentence:
    """A table's row with words or a text, and tags or none; `named` turns a number into its tag."""
    document = str(row.get("document", where))
    field = _field(source, "words", WORDS, row)
    if field is None:
        if not isinstance(row.get("text"), str):
            raise InputError(f"{where}: holds neither {' nor '.join(WORDS)} nor text (name them with ?words=).")
        return Sentence(where, document, tuple(split_words(row["text"])))
    words = row[field]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{where}: {field} is no list of words.")
    given = _field(source, "tags", TAGS, row)
    if given is None:
        return Sentence(where, document, tuple(words))
    if not isinstance(row[given], list) or not all(isinstance(tag, str) for tag in map(named, row[given])):
        raise InputError(f"{where}: {given} is no list of tags by name, such as B-PER.")
    return Sentence(where, document, tuple(words), to_iob2([named(tag) for tag in row[given]]))


def _text(source: _Source, _settings: Settings) -> Iterator[Sentence]:
    """A sentence a line, split into words by the rule of `interp.question.words`."""
    for number, line in enumerate(read_text(source.path).split("\n"), 1):
        if line.strip():
            where = f"{source.shown}:{number}"
            yield Sentence(where, where, tuple(split_words(line)))


def _field(source: _Source, option: str, usual: Iterable[str], row: Iterable[str]) -> str | None:
    if option in source.options:
        if source.options[option] not in row:
            raise InputError(f'{source.shown}: has no field "{source.options[option]}" (?{option}=).')
        return source.options[option]
    return next((name for name in usual if name in row), None)


_OPTIONS: dict[str, tuple[str, ...]] = {
    "cases": (),
    "conll": ("word", "tag", "comments"),
    "jsonl": ("words", "tags"),
    "hf": ("words", "tags", "split"),
    "text": (),
}
KINDS = tuple(_OPTIONS)
_READERS: dict[str, Callable[[_Source, Settings], Iterator[Sentence]]] = {
    "cases": _cases,
    "conll": _conll,
    "jsonl": _jsonl,
    "hf": _hf,
    "text": _text,
}
