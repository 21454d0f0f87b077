"""What a word, an ending or a place says of a tag in training data, and how that changed from old data to new.

Where n words with a feature bear a tag with the rate p, and all words with the rate q, z = (p - q) / √(q (1 - q) / n)
tells a mere accident from a competency that the data lacks (Gardner et al. 2021, arXiv 2104.08646). The change is held
against both sides' chance: ((p - q)new - (p - q)old) / √(var new + var old).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from interp.errors import InputError
from interp.probe.cues import Cue, CueKind
from interp.probe.nominate import Nomination, endings_of
from interp.probe.sites import Place
from interp.texts import Sentence

__all__ = ["Association", "TrainingRow", "find_associations"]

FEWEST = 5
"""Sentences in which a word with the feature bears the tag, on one side at least: one sentence has many words."""


@dataclass(frozen=True)
class TrainingRow:
    """A sentence of the new data that brings a cue in, by its id (file:line); `old` where the old data has it too,
    with the same tags.
    """

    id: str
    old: bool


@dataclass(frozen=True, kw_only=True)
class Association:
    """How far a cue goes with a tag, in old and in new training data."""

    cue: Cue
    where: str
    """How the words that are counted stand to the cue, as in "behind it"."""
    tag: str
    z: float
    """Of the change."""
    new: int
    """Words of the new data that stand so and bear the tag,"""
    new_count: int
    """and all that stand so."""
    old: int
    """The same of the old data."""
    old_count: int
    rows: tuple[TrainingRow, ...]
    """The new data's sentences with cue and tag, those that the old data lacks first."""

    @property
    def candidate(self) -> Nomination:
        return Nomination(self.cue, "training")


Feature = tuple[CueKind, str, str]
"""A cue by its sort and text, and where a word stands to it: plain, as millions of them are counted."""


class _Change(NamedTuple):
    """How an association changed."""

    z: float
    where: str
    tag: str

    @property
    def rank(self) -> tuple[float, str, str]:
        """By size, whatever the direction; of equal ones the last by alphabet."""
        return abs(self.z), self.where, self.tag


_NO_CHANGE = _Change(0.0, "", "")


class _TagCounts:
    """How often each feature stands with each tag."""

    def __init__(self, sentences: Iterable[Sentence]) -> None:
        self.tags: Counter[str] = Counter()
        self.features: Counter[Feature] = Counter()
        self.both: Counter[tuple[Feature, str]] = Counter()
        self.sentences: Counter[tuple[Feature, str]] = Counter()
        for sentence in sentences:
            here: set[tuple[Feature, str]] = set()
            for index, tag in enumerate(sentence.gold or ()):
                if tag is None:
                    continue
                features = set(_features_at(sentence.words, index))
                tagged = {(feature, tag) for feature in features}
                self.tags[tag] += 1
                self.features.update(features)
                self.both.update(tagged)
                here |= tagged
            self.sentences.update(here)
        self.total = sum(self.tags.values())

    def excess(self, feature: Feature, tag: str) -> tuple[float, float]:
        """The rate of the tag with the feature less that of all words, and the variance of that by chance."""
        count, rate = self.features[feature], self.tags[tag] / max(self.total, 1)
        if not count:
            return 0.0, 0.0
        return self.both[feature, tag] / count - rate, max(rate, 1 / self.total) * (1 - rate) / count


def find_associations(old: Sequence[Sentence], new: Sequence[Sentence], most: int) -> list[Association]:
    """The cues whose association with a tag changed most; each cue once, with the tag and place that changed most.

    Raises InputError where one side has no right tags.
    """
    for side, sentences in (("old", old), ("new", new)):
        if not any(sentence.gold for sentence in sentences):
            raise InputError(f"The {side} training data has no tags: name their column or field.")
    before, after = _TagCounts(old), _TagCounts(new)
    changes: dict[Cue, _Change] = {}
    for feature, tag in before.both.keys() | after.both.keys():
        if max(before.sentences[feature, tag], after.sentences[feature, tag]) < FEWEST:
            continue
        (was, chance_before), (now, chance_after) = before.excess(feature, tag), after.excess(feature, tag)
        kind, text, where = feature
        cue = Cue(kind, text)
        change = _Change(float((now - was) / np.sqrt(chance_before + chance_after)), where, tag)
        if change.rank > changes.get(cue, _NO_CHANGE).rank:
            changes[cue] = change
    leaders = sorted(changes, key=lambda cue: (-abs(changes[cue].z), cue.text))[:most]
    rows = _training_rows({(cue.kind, cue.text, changes[cue].where): changes[cue].tag for cue in leaders}, old, new)
    associations = []
    for cue in leaders:
        z, where, tag = changes[cue]
        feature = (cue.kind, cue.text, where)
        associations.append(
            Association(
                cue=cue,
                where=where,
                tag=tag,
                z=z,
                new=after.both[feature, tag],
                new_count=after.features[feature],
                old=before.both[feature, tag],
                old_count=before.features[feature],
                rows=tuple(rows[feature]),
            )
        )
    return associations


def _training_rows(
    wanted: dict[Feature, str], old: Sequence[Sentence], new: Sequence[Sentence]
) -> dict[Feature, list[TrainingRow]]:
    known = {(sentence.words, sentence.gold) for sentence in old}
    rows: dict[Feature, list[TrainingRow]] = defaultdict(list)
    for sentence in new:
        here = {
            feature
            for index, tag in enumerate(sentence.gold or ())
            for feature in _features_at(sentence.words, index)
            if wanted.get(feature) == tag
        }
        for feature in here:
            rows[feature].append(TrainingRow(sentence.id, (sentence.words, sentence.gold) in known))
    for rows_of_feature in rows.values():
        rows_of_feature.sort(key=lambda row: row.old)
    return rows


def _features_at(words: Sequence[str], index: int) -> Iterator[Feature]:
    """All that a model could go by at one word: its neighbours, pairs of them, the sentence's ends, itself."""
    word, last = words[index], len(words) - 1
    if index > 0:
        yield "words", words[index - 1], "behind it"
    if index > 1:
        yield "words", words[index - 2], "two behind it"
        if words[index - 2] != words[index - 1]:
            yield "words", f"{words[index - 2]} {words[index - 1]}", "behind it"
    if index < last:
        yield "words", words[index + 1], "in front of it"
    if index < last - 1:
        yield "words", f"{words[index + 1]} {words[index + 2]}", "in front of it"
        yield "words", f"{words[last - 1]} {words[last]}", "in sentences that end with it"
    for end, where in ((0, "begin"), (last - 1, "all but end"), (last, "end")):
        if 0 <= end <= last and abs(end - index) > 1:
            yield "words", words[end], f"in sentences that {where} with it"
    for ending in endings_of(word):
        yield "ending", ending, "with it"
    if word.isalpha():
        yield "form", _form_of(word).name, "with it"
    places = {0: Place.FIRST, 1: Place.SECOND, 2: Place.THIRD, last: Place.LAST}
    if index in places:
        yield "spot", places[index].name, "there"


def _form_of(word: str) -> Place:
    """How a word is written; one capital alone may begin a sentence."""
    if word.isupper() and len(word) > 1:
        return Place.UPPER
    return Place.LOWER if word.islower() else Place.TITLE
