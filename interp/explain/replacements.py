"""Random words in place of a text's own, each written as the one that it replaces is."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence

from numpy.random import Generator

from interp.question.shapes import shape

__all__ = ["Replacements"]

FEWEST = 20
"""Words of a shape from which one is drawn; where there are fewer, others are written that way."""
MARKS = ",.;:-()"
NO_WORDS = "the tokeniser has no whole words to put in place of others"


class Replacements:
    """Draws from a vocabulary of words, by their shape. Raises LookupError where it has next to none."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._by_shape: dict[str, list[str]] = {}
        for word in vocabulary:
            self._by_shape.setdefault(shape(word), []).append(word)
        self._all = [word for words in self._by_shape.values() for word in words]
        if len(self._all) < FEWEST:
            raise LookupError(NO_WORDS)

    def draw(self, words: Sequence[str], rng: Generator) -> list[str]:
        """Another word in place of each."""
        return [self._draw(word, rng) for word in words]

    def _draw(self, word: str, rng: Generator) -> str:
        kind = shape(word)
        if kind == "punctuation":
            return str(rng.choice([mark for mark in MARKS if mark != word]))
        if kind == "digits":
            return "".join(str(rng.integers(10)) if sign.isdigit() else sign for sign in word)
        if kind == "One capital":
            return str(rng.choice([letter for letter in string.ascii_uppercase if letter != word]))
        pool = self._by_shape.get(kind, [])
        pool = self._all if len(pool) < FEWEST else pool
        drawn = word
        while drawn == word:
            drawn = _written(pool[rng.integers(len(pool))], kind)
        return drawn


def _written(word: str, kind: str) -> str:
    """The word in that shape."""
    writings = {"CAPITALS": str.upper, "Capitalised": str.capitalize, "lower case": str.lower}
    return writings[kind](word) if kind in writings else word
