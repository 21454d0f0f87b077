"""A source as a user writes it, `conll:dev.iob2?word=1&map=PERSON=PER`, taken apart and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl

from interp.cases.case import CASE_SUFFIX
from interp.errors import InputError
from interp.project.paths import checked_path

__all__ = ["CORPUS_OPTIONS", "FORMATS", "NO_TAGS", "OPTIONS", "Source", "parse_corpus_source", "parse_source"]

NO_TAGS = "none"
"""`?tag=none`, `?tags=none`: there are no right tags, whatever else stands there."""
FORMATS = ("conllu", "ontonotes", "germeval")
"""Of `?format=`: column files that have rules of their own."""

_MEANING = ("map", "kind")
_ROWS = ("words", "tags", "text", "unlabelled", "cut", *_MEANING)
OPTIONS: dict[str, tuple[str, ...]] = {
    "cases": (),
    "conll": ("word", "tag", "sentence", "comments", "format", "field", *_MEANING),
    "jsonl": _ROWS,
    "hf": (*_ROWS, "split"),
    "text": (),
}
"""Of each kind of source."""
CORPUS_OPTIONS: dict[str, tuple[str, ...]] = {
    "text": (),
    "jsonl": ("words", "text"),
    "csv": ("text",),
    "parquet": ("words", "text"),
    "hf": ("words", "text", "split"),
}
"""Of each kind of corpus."""
_KINDS_OF_NAMES = {
    ".txt": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "comments": ("yes", "no"),
    "format": FORMATS,
    "unlabelled": ("keep",),
    "cut": ("unknown",),
}


@dataclass(frozen=True)
class Source:
    """A spec taken apart."""

    kind: str
    where: str
    """A path; of a corpus also a glob or the address of a remote store."""
    options: Mapping[str, str]

    @property
    def path(self) -> Path:
        return Path(self.where)

    @property
    def shown(self) -> str:
        """What ids and messages begin with."""
        return self.where if "://" in self.where else self.path.as_posix()

    def without_labels(self) -> Source:
        """The same, for its words alone."""
        if self.kind == "text":
            return self
        option = "tag" if self.kind == "conll" else "tags"
        others = {name: value for name, value in self.options.items() if name not in _MEANING}
        return replace(self, options={**others, option: NO_TAGS})

    @property
    def renamed(self) -> dict[str, str]:
        """`?map=PERSON=PER,GPE=LOC`: kinds or whole tags, and what they are called here. Raises InputError."""
        text = self.options.get("map")
        if text is None:
            return {}
        renamed: dict[str, str] = {}
        for entry in text.split(","):
            old, _, new = entry.rpartition("=")
            old, new = old.strip(), new.strip()
            if not old or not new:
                raise InputError(
                    f'{self.shown}: "?map={text}" is no list of names, as in ?map=PERSON=PER,GPE=LOC (O for outside, '
                    f"? for unknown)."
                )
            if renamed.setdefault(old, new) != new:
                raise InputError(f"{self.shown}: ?map= names {old} twice, as {renamed[old]} and as {new}.")
        return renamed


def parse_source(spec: str, usual: str | None) -> Source:
    """`usual` is what a file is taken for whose name does not tell. Raises InputError."""
    kind, name, options = _take_apart(spec, OPTIONS)
    path = checked_path(name)
    if not kind:
        kind = _guess_kind(path, spec, usual)
    if not path.exists():
        raise InputError(f"There is no {path} ({spec}).")
    if path.is_dir() and kind not in ("cases", "hf"):
        raise InputError(f"{path} is a folder ({spec}): name its files.")
    _check_options(spec, options, OPTIONS[kind])
    return Source(kind, str(path), options)


def parse_corpus_source(spec: str) -> Source:
    """The same of a corpus; whether it is there is seen when it is opened. Raises InputError."""
    kind, where, options = _take_apart(spec, CORPUS_OPTIONS)
    kind = kind or _KINDS_OF_NAMES.get(PurePosixPath(where).suffix, "")
    if not kind and Path(checked_path(where)).is_dir():
        kind = "hf"
    if not kind:
        kinds = ", ".join(f"{name}:" for name in CORPUS_OPTIONS)
        raise InputError(f"What is {spec}? Write one of {kinds} before it.")
    _check_options(spec, options, CORPUS_OPTIONS[kind])
    return Source(kind, where, options)


def _take_apart(spec: str, known: Mapping[str, object]) -> tuple[str, str, dict[str, str]]:
    """Kind, empty where none is named, path and options. Raises InputError."""
    head, mark, rest = spec.partition(":")
    kind, where = (head, rest) if mark and head in known else ("", spec)
    name, _, query = where.partition("?")
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)  # a plus stands for itself
    options = dict(pairs)
    if len(options) < len(pairs):
        raise InputError(f"{spec}: an option comes twice.")
    return kind, name, options


def _check_options(spec: str, options: Mapping[str, str], known: Sequence[str]) -> None:
    for key, value in options.items():
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(known) or 'none'}."
            raise InputError(f'{spec}: unknown option "{key}"{hint}')
        if key in _CHOICES and value not in _CHOICES[key]:
            raise InputError(f'{spec}: "{key}={value}" is unknown: write {key}={" or ".join(_CHOICES[key])}.')


def _guess_kind(path: Path, spec: str, usual: str | None) -> str:
    """Case files and JSON go by their names; what else a file may be has to be said."""
    if path.name.endswith(CASE_SUFFIX) or (path.is_dir() and next(path.rglob(f"*{CASE_SUFFIX}"), None)):
        return "cases"
    if path.suffix in (".jsonl", ".ndjson", ".json"):
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
