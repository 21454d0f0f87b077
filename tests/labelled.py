"""Labelled text for tests: read from a string, and shown as it was understood."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from interp.errors import InputError
from interp.project.settings import Settings
from interp.texts import Sentence, read_sentences


def read(text: str, options: str = "", kind: str = "conll") -> tuple[list[Sentence], list[str]]:
    """Sentences and notes of a file `x` in the current folder."""
    Path("x").write_bytes(text.encode())
    notes: list[str] = []
    return read_sentences([f"{kind}:x{options}"], Settings(), say=notes.append), notes


def read_rows(*rows: object, options: str = "") -> tuple[list[Sentence], list[str]]:
    """The same from rows of JSON Lines."""
    return read("\n".join(map(json.dumps, rows)) + "\n", options, "jsonl")


def lengths_or_refusal(text: str, options: str = "", kind: str = "conll") -> str | list[tuple[int, int]]:
    """The sentence that refuses the file, or of each of its sentences the numbers of words and of tags."""
    try:
        sentences, _ = read(text, options, kind)
    except InputError as error:
        return str(error)
    return [(len(sentence.words), len(sentence.gold or sentence.words)) for sentence in sentences]


def shown(sentences: Sequence[Sentence]) -> str:
    """`Anna/B-PER won/O | Rome/?`: ? for an unknown tag, no stroke where there are no tags."""
    return " | ".join(_shown(sentence) for sentence in sentences)


def _shown(sentence: Sentence) -> str:
    if sentence.gold is None:
        return " ".join(sentence.words)
    return " ".join(f"{word}/{tag or '?'}" for word, tag in zip(sentence.words, sentence.gold, strict=True))
