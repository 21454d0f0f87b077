"""A sentence with what is known of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from numpy.random import default_rng

from interp.errors import InputError

__all__ = ["Sentence", "data_fingerprint", "limit_explained", "sample_sentences"]


@dataclass(frozen=True)
class Sentence:
    """`id` names file and line or case; `document` groups sentences that are not independent.

    `gold`: right tags in IOB2, one per word, None where nobody says. `targets`: indices of words to explain, 0 being
    the first; None asks for the entities, none at all for its tags alone.
    """

    id: str
    document: str
    words: tuple[str, ...]
    gold: tuple[str, ...] | None = None
    targets: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        if not any(word.strip() for word in self.words):
            raise InputError(f"{self.id}: holds no word.")
        if self.gold is not None and len(self.gold) != len(self.words):
            raise InputError(f"{self.id}: has {len(self.words)} words and {len(self.gold)} tags: give one per word.")


def sample_sentences(sentences: Sequence[Sentence], count: int | None, seed: int) -> list[Sentence]:
    """`count` of them at random, in their order; all where there are no more."""
    if count is None or count >= len(sentences):
        return list(sentences)
    chosen = default_rng(seed).choice(len(sentences), count, replace=False)
    return [sentences[index] for index in sorted(chosen)]


def limit_explained(sentences: Sequence[Sentence], count: int | None, seed: int) -> list[Sentence]:
    """All of them, but only `count` at random to be explained: the others have no targets."""
    chosen = {sentence.id for sentence in sample_sentences(sentences, count, seed)}
    return [each if each.id in chosen else replace(each, targets=()) for each in sentences]


def data_fingerprint(sentences: Sequence[Sentence]) -> str:
    """sha256 of words, right tags, targets and which sentences share a document: not of what files are called."""
    digest = hashlib.sha256()
    documents: dict[str, int] = {}
    for each in sentences:
        known = (documents.setdefault(each.document, len(documents)), each.words, each.gold, each.targets)
        digest.update(json.dumps(known).encode() + b"\n")
    return digest.hexdigest()
