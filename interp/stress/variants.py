"""The same sentence as others would have written it. Right tags stay with their words.

Every function takes a sentence and a generator, and gives a sentence: the same one where there is nothing to change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from numpy.random import Generator

from interp.question.tags import find_entities
from interp.stress.names import NameList
from interp.texts import Sentence

__all__ = ["PERSON_KINDS", "VARIANTS", "Variant", "holds_persons", "name_variants", "switch_names"]

Variant = Callable[[Sentence, Generator], Sentence]

PART = 0.25
"""Of the words that noise could touch, so many are touched, and one at least."""
LETTERS = 4
"""Of a word that is mistyped, at least."""
PERSON_KINDS = frozenset({"PER", "PERS", "PERSON", "PEOPLE"})
"""What kinds of people are called, in capitals."""

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
STAGGER = (0.0, 0.25, 0.75)
"""How far each row stands to the right, in keys."""
CONFUSIONS = (
    ("l", "1"),
    ("O", "0"),
    ("rn", "m"),
    ("e", "c"),
    ("I", "l"),
    ("S", "5"),
    ("B", "8"),
    ("cl", "d"),
    ("h", "b"),
    ("u", "n"),
)
"""Either way round."""
_CLOSED = re.compile(r"(\w)\.$")
"""A word with its full stop, as in text that was split at blanks."""
_INITIALS = re.compile(r"(\w\.)+")
_QUOTES = {"``": "“", "''": "”", "`": "‘"}
"""Tokens of the Penn Treebank."""


def drop_full_stop(sentence: Sentence, _rng: Generator) -> Sentence:
    """Punctuation that is left out (CheckList, Ribeiro et al., arXiv 2005.04118)."""
    last = sentence.words[-1]
    if last == "." and len(sentence.words) > 1:
        gold = None if sentence.gold is None else sentence.gold[:-1]
        return replace(sentence, words=sentence.words[:-1], gold=gold, targets=None)
    return _with_words(sentence, [*sentence.words[:-1], _CLOSED.sub(r"\1", last)])


def lower_case(sentence: Sentence, _rng: Generator) -> Sentence:
    """As in chats and searches (Mayhew et al., arXiv 1903.11222)."""
    return _with_words(sentence, [word.lower() for word in sentence.words])


def upper_case(sentence: Sentence, _rng: Generator) -> Sentence:
    """As in forms and tickers (Bodapati et al., arXiv 1911.05241)."""
    return _with_words(sentence, [word.upper() for word in sentence.words])


def title_case(sentence: Sentence, _rng: Generator) -> Sentence:
    """As in headlines (the same)."""
    return _with_words(sentence, [word[:1].upper() + word[1:].lower() for word in sentence.words])


def mistype(sentence: Sentence, rng: Generator) -> Sentence:
    """A letter of a word, not the first, is that of a key beside it ("Key" of Belinkov and Bisk, arXiv 1711.02173)."""

    def mistyped(word: str) -> str:
        places = _typed_places(word)
        at = places[int(rng.integers(len(places)))]
        beside = NEIGHBOURS[word[at].lower()]
        key = beside[int(rng.integers(len(beside)))]
        return word[:at] + (key.upper() if word[at].isupper() else key) + word[at + 1 :]

    return _touch(sentence, rng, lambda word: bool(_typed_places(word)), mistyped)


def misread(sentence: Sentence, rng: Generator) -> Sentence:
    """One confusion of a scanner in a word (as Hamdi et al. degrade text, "Assessing and Minimizing the Impact of OCR
    Quality on Named Entity Recognition", 2020).
    """

    def misreading(word: str) -> str:
        places = _confused_places(word)
        at, old, new = places[int(rng.integers(len(places)))]
        return word[:at] + new + word[at + len(old) :]

    return _touch(sentence, rng, lambda word: bool(_confused_places(word)), misreading)


def curl_quotes(sentence: Sentence, _rng: Generator) -> Sentence:
    """Typographic quotation marks and apostrophes, as word processors put them."""
    words: list[str] = []
    opened = False
    for word in sentence.words:
        curled = _QUOTES.get(word, word.replace("'", "’"))
        while '"' in curled:
            curled = curled.replace('"', "”" if opened else "“", 1)
            opened = not opened
        words.append(curled)
    return _with_words(sentence, words)


VARIANTS: Mapping[str, Variant] = {
    "without the final full stop": drop_full_stop,
    "in lower case": lower_case,
    "in upper case": upper_case,
    "in title case": title_case,
    "with keyboard typos": mistype,
    "with OCR confusions": misread,
    "with curly quotes": curl_quotes,
}
"""By what sentences are then, in the order in which they are tried."""


def name_variants(names: Sequence[NameList]) -> dict[str, Variant]:
    """A row for every origin."""
    return {f"with names of {origin.name}": partial(switch_names, names=origin) for origin in names}


def switch_names(sentence: Sentence, rng: Generator, *, names: NameList) -> Sentence:
    """People by names of another origin (entity-switched data of Agarwal et al., arXiv 2004.04123).

    As many words as before: given names, and a family name at the end, or alone. The same word becomes the same name
    in all of the sentence; initials stay.
    """
    words, known = list(sentence.words), dict[str, str]()
    for entity in find_entities(sentence.gold or ()):
        if entity.kind.upper() not in PERSON_KINDS:
            continue
        for index in range(entity.start, entity.stop):
            word = sentence.words[index]
            if _INITIALS.fullmatch(word):
                continue
            if word.lower() not in known:
                fitting = names.family if index == entity.stop - 1 else names.given
                known[word.lower()] = fitting[int(rng.integers(len(fitting)))]
            name = known[word.lower()]
            words[index] = name.upper() if word.isupper() and len(word) > 1 else name
    return _with_words(sentence, words)


def holds_persons(sentence: Sentence) -> bool:
    """Whether a right entity is a person."""
    return any(entity.kind.upper() in PERSON_KINDS for entity in find_entities(sentence.gold or ()))


def _with_words(sentence: Sentence, words: Sequence[str]) -> Sentence:
    return replace(sentence, words=tuple(words))


def _touch(
    sentence: Sentence, rng: Generator, is_fitting: Callable[[str], bool], change: Callable[[str], str]
) -> Sentence:
    """Change a part of the words that fit."""
    places = [index for index, word in enumerate(sentence.words) if is_fitting(word)]
    if not places:
        return sentence
    count = max(1, round(PART * len(places)))
    words = list(sentence.words)
    for index in sorted(rng.choice(places, count, replace=False)):
        words[index] = change(words[index])
    return _with_words(sentence, words)


def _typed_places(word: str) -> list[int]:
    """Of letters that have a key, but for the first; none in a short word."""
    if sum(map(str.isalpha, word)) < LETTERS:
        return []
    return [at for at, letter in enumerate(word) if at and letter.lower() in NEIGHBOURS]


def _confused_places(word: str) -> list[tuple[int, str, str]]:
    """Where something can be read as something else; never all of a word of one sign, which may be no word at all."""
    if len(word) < 2:
        return []
    return [
        (at, old, new)
        for pair in CONFUSIONS
        for old, new in (pair, pair[::-1])
        for at in range(len(word))
        if word.startswith(old, at)
    ]


def _neighbours() -> dict[str, str]:
    """Keys that touch each other: beside, and above or below within one key's width."""
    places = {key: (row, column + STAGGER[row]) for row, keys in enumerate(KEYBOARD) for column, key in enumerate(keys)}
    return {
        key: "".join(
            other
            for other, (other_row, other_place) in places.items()
            if other != key
            and abs(row - other_row) <= 1
            and abs(place - other_place) <= (1.0 if row == other_row else 0.75)
        )
        for key, (row, place) in places.items()
    }


NEIGHBOURS = _neighbours()
