"""A sentence with what is known of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from numpy.random import default_rng

from interp.errors import InputError
from interp.project.characters import holds_half_characters
from interp.question.tags import OUTSIDE, Entity, TaggedSentence

__all__ = ["RawSentence", "Sentence", "data_fingerprint", "fully_tagged", "limit_explained", "sample_sentences"]


@dataclass(frozen=True)
class Sentence:
    """`id` names file and line or case; `document` groups sentences that are not independent.

    `gold`: right tags in IOB2, one per word, with None for a word of unknown tag; None as a whole where no labels were
    offered. `targets`: indices of words to explain, 0 being the first; None asks for the entities, none at all for its
    tags alone.
    """

    id: str
    document: str
    words: tuple[str, ...]
    gold: tuple[str | None, ...] | None = None
    targets: tuple[tuple[int, ...], ...] | None = None

    @property
    def has_targets(self) -> bool:
        """Whether there is something to explain, as far as is known."""
        if self.targets is not None:
            return bool(self.targets)
        return self.gold is None or any(tag not in (None, OUTSIDE) for tag in self.gold)

    def __post_init__(self) -> None:
        if not any(word.strip() for word in self.words):
            raise InputError(f"{self.id}: holds no word.")
        if holds_half_characters("".join([self.id, self.document, *self.words, *filter(None, self.gold or ())])):
            raise InputError(rf"{self.id}: holds half a character, such as \ud800 in JSON: mend its text and tags.")
        if self.gold is not None and len(self.gold) != len(self.words):
            raise InputError(f"{self.id}: has {len(self.words)} words and {len(self.gold)} tags: give one per word.")


@dataclass(frozen=True, kw_only=True)
class RawSentence:
    """A sentence as its file spells it; what its tags mean is decided over the whole file."""

    id: str
    document: str
    words: tuple[str, ...]
    lines: tuple[int, ...]
    """Of each word: its line, or the number of its row."""
    tags: tuple[str | None, ...] | None = None
    """Of each word as spelled, None where it is null."""
    entities: tuple[Entity, ...] | None = None
    """In place of tags, where the file says from where to where."""
    unknown: frozenset[int] = frozenset()
    """Words of which nothing is known: with entities alone."""

    split: bool = False
    """The words were split by rule from a text."""

    @property
    def labelled(self) -> bool:
        return self.tags is not None or self.entities is not None


def fully_tagged(sentences: Iterable[Sentence]) -> list[TaggedSentence]:
    """Those to train on: with a right tag for every word."""
    tagged = []
    for sentence in sentences:
        known = [tag for tag in sentence.gold or () if tag is not None]
        if len(known) == len(sentence.words):
            tagged.append(TaggedSentence(sentence.words, tuple(known)))
    return tagged


def sample_sentences(sentences: Sequence[Sentence], count: int | None, seed: int) -> list[Sentence]:
    """`count` of them at random, in their order; all where there are no more."""
    if count is None or count >= len(sentences):
        return list(sentences)
    chosen = default_rng(seed).choice(len(sentences), count, replace=False)
    return [sentences[index] for index in sorted(chosen)]


def limit_explained(sentences: Sequence[Sentence], count: int | None, seed: int) -> list[Sentence]:
    """All of them, but only `count` to be explained, at random of those that have something to explain, as far as is
    known: the others have no targets. None explains all.
    """
    if count is None:
        return list(sentences)
    choices = [sentence for sentence in sentences if sentence.has_targets]
    chosen = {sentence.id for sentence in sample_sentences(choices, count, seed)}
    return [sentence if sentence.id in chosen else replace(sentence, targets=()) for sentence in sentences]


def data_fingerprint(sentences: Sequence[Sentence]) -> str:
    """sha256 of words, right tags, targets and which sentences share a document: not of what files are called."""
    digest = hashlib.sha256()
    documents: dict[str, int] = {}
    for sentence in sentences:
        document = documents.setdefault(sentence.document, len(documents))
        known = (document, sentence.words, sentence.gold, sentence.targets)
        digest.update(json.dumps(known).encode() + b"\n")
    return digest.hexdigest()
