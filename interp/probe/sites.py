"""Where words are put to see what they do: sites in clean sentences, and edits of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.random import default_rng

from interp.errors import InputError
from interp.question.tags import OUTSIDE, kind_of
from interp.taggers import Predictor

__all__ = [
    "FORMS",
    "INSERTIONS",
    "LONGEST",
    "SHORTEST",
    "SPOTS",
    "Edit",
    "Edited",
    "Place",
    "Site",
    "Texts",
    "apply_edit",
    "find_sites",
]

SHORTEST, LONGEST = 4, 24
"""Words of a sentence that is probed in: longer ones cost more and tell no more."""


@dataclass(frozen=True)
class Site:
    """A word of a sentence, 0 being the first, whose tag is watched."""

    id: str
    words: tuple[str, ...]
    target: int


class Place(Enum):
    """What an edit does with its words. The value is how it is said, of a target."""

    BEFORE = "in front of it"
    APART = "two words in front of it"
    AFTER = "behind it"
    START = "at the start of the sentence"
    END = "at the end of the sentence"
    FOR_LEFT = "in place of the word in front of it"
    FOR_RIGHT = "in place of the word behind it"
    GONE = "taken out of the sentence"
    AROUND = "on both sides of it"
    ENDS = "at both ends of the sentence"
    SUFFIX = "as its ending"
    UPPER = "in capitals"
    LOWER = "in lower case"
    TITLE = "with a capital"
    FIRST = "as the first word"
    SECOND = "as the second word"
    THIRD = "as the third word"
    LAST = "as the last word"


INSERTIONS = (
    Place.BEFORE,
    Place.APART,
    Place.AFTER,
    Place.START,
    Place.END,
    Place.FOR_LEFT,
    Place.FOR_RIGHT,
    Place.GONE,
)
"""Where words are put, and where they are taken out."""
FORMS = (Place.UPPER, Place.LOWER, Place.TITLE)
SPOTS = (Place.FIRST, Place.SECOND, Place.THIRD, Place.LAST)


@dataclass(frozen=True)
class Edit:
    """A place, and the words that go there (come from there, with GONE); none where the place says it all."""

    place: Place
    words: tuple[str, ...] = ()


Texts = Sequence[tuple[str, tuple[str, ...]]]
"""Names and words of sentences."""
Edited = tuple[tuple[str, ...], int]
"""A sentence after an edit, and where its target is then."""


def apply_edit(site: Site, edit: Edit) -> Edited | None:
    """None where the edit cannot be made, or changes nothing."""
    words, at, put = site.words, site.target, edit.words
    left, target, right = words[:at], words[at], words[at + 1 :]
    match edit.place:
        case Place.BEFORE:
            return (*left, *put, *words[at:]), at + len(put)
        case Place.APART:
            return ((*left[:-1], *put, *words[at - 1 :]), at + len(put)) if left else None
        case Place.AFTER:
            return (*left, target, *put, *right), at
        case Place.START:
            return (*put, *words), at + len(put)
        case Place.END:
            return (*words, *put), at
        case Place.FOR_LEFT:
            return ((*left[:-1], *put, *words[at:]), at - 1 + len(put)) if left else None
        case Place.FOR_RIGHT:
            return ((*left, target, *put, *right[1:]), at) if right else None
        case Place.AROUND:
            return (*left, *put, target, *put, *right), at + len(put)
        case Place.ENDS:
            return (*put, *words, *put), at + len(put)
        case Place.GONE:
            return _without(site, put)
        case Place.SUFFIX:
            return _formed(site, _ended(target, put[0]))
        case Place.UPPER:
            return _formed(site, target.upper())
        case Place.LOWER:
            return _formed(site, target.lower())
        case Place.TITLE:
            return _formed(site, target[:1].upper() + target[1:].lower())
        case Place.LAST:
            return (words[: at + 1], at) if right else None
    keep = (Place.FIRST, Place.SECOND, Place.THIRD).index(edit.place)
    if at <= keep:
        return None
    first, *rest = words[at - keep :]
    if words[0][:1].isupper():  # as sentences begin
        first = first[:1].upper() + first[1:]
    return (first, *rest), keep


def _formed(site: Site, form: str) -> Edited | None:
    words, at = site.words, site.target
    return ((*words[:at], form, *words[at + 1 :]), at) if form != words[at] else None


def _ended(word: str, suffix: str) -> str:
    """The word with its last letters replaced; as it is where too little of it would be left."""
    return word[: -len(suffix)] + suffix if len(word) > len(suffix) + 1 and word.isalpha() else word


def _without(site: Site, gone: tuple[str, ...]) -> Edited | None:
    """All places where these words follow each other, the target left alone."""
    kept: list[str] = []
    target, index = -1, 0
    while index < len(site.words):
        stop = index + len(gone)
        if site.words[index:stop] == gone and not index <= site.target < stop:
            index = stop
            continue
        target = len(kept) if index == site.target else target
        kept.append(site.words[index])
        index += 1
    return (tuple(kept), target) if len(kept) < len(site.words) else None


def find_sites(sentences: Texts, predictor: Predictor, count: int, seed: int) -> list[Site]:
    """`count` sites, one a sentence, spread evenly over what the predictor says of their words: each kind of entity,
    and words outside.

    Both are needed: what a cue adds to a tag shows on words that lack it, what it takes away on words that have it.
    """
    rng = default_rng(seed)
    fitting = [(name, words) for name, words in sentences if SHORTEST <= len(words) <= LONGEST]
    if not fitting:
        raise InputError(f"There is no sentence of {SHORTEST} to {LONGEST} words to probe in.")
    chosen = [fitting[i] for i in rng.permutation(len(fitting))[: 8 * count]]
    groups: dict[str, list[Site]] = {}
    for (name, words), chances in zip(chosen, predictor([words for _, words in chosen]), strict=True):
        options: dict[str, list[int]] = {}  # words by their kind, as the predictor says
        for index in np.flatnonzero(np.isfinite(chances).all(1)):
            if any(map(str.isalpha, words[index])):
                tag = predictor.labels[int(chances[index].argmax())]
                options.setdefault(kind_of(tag), []).append(int(index))
        if options:
            # The kind that is rarest so far: entities are few, words outside are many.
            kind = min(options, key=lambda kind: (len(groups.get(kind, ())), kind == OUTSIDE))
            groups.setdefault(kind, []).append(Site(name, words, int(rng.choice(options[kind]))))
    sites: list[Site] = []
    while len(sites) < count and any(groups.values()):
        sites += [of_kind.pop(0) for _, of_kind in sorted(groups.items()) if of_kind]
    return sites[:count]
