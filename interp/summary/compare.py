"""What moved between two summaries: means of words, with the interval of their difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from interp.errors import IncomparableError
from interp.summary.result import KindSummary, MovedWord, Summary, WordSummary
from interp.summary.summarise import FEWEST_DOCUMENTS

__all__ = ["compare_summaries", "shorten"]


def compare_summaries(old: Summary, new: Summary, top: int) -> tuple[MovedWord, ...]:
    """Words that moved most: first those that one of both leans on and the other does not, then by how far the mean
    moved for sure. Words that one of both has in next to no documents are left out.

    Intervals take the two to be independent, which those of one text are not: they are too wide rather than too
    narrow where both models see the same. Raises IncomparableError where references differ.
    """
    if old.reference != new.reference:
        raise IncomparableError(
            f"One was explained under {old.reference} and the other under {new.reference}: choose one `reference`."
        )
    old_kinds = {kind.kind: kind for kind in old.kinds}
    moved = [word for kind in new.kinds if kind.kind in old_kinds for word in _moved_words(old_kinds[kind.kind], kind)]
    return tuple(sorted(moved, key=lambda word: (word.old.leaned_on == word.new.leaned_on, -word.surely))[:top])


def _moved_words(old: KindSummary, new: KindSummary) -> Sequence[MovedWord]:
    old_words, new_words = ({word.word: word for word in _words(kind)} for kind in (old, new))
    return [
        _moved(new.kind, old_words[word], new_words[word])
        for word in new_words
        if word in old_words and min(old_words[word].documents, new_words[word].documents) >= FEWEST_DOCUMENTS
    ]


def _words(kind: KindSummary) -> Sequence[WordSummary]:
    return (*kind.words_for, *kind.words_against)


def _moved(kind: str, old: WordSummary, new: WordSummary) -> MovedWord:
    change = new.mean - old.mean
    half = math.hypot(*(word.high - word.mean for word in (old, new) if word.high is not None))
    return MovedWord(kind=kind, old=old, new=new, change=change, low=change - half, high=change + half)


def shorten(summary: Summary, top: int) -> Summary:
    """With so many words of each kind."""
    kinds = tuple(
        replace(kind, words_for=kind.words_for[:top], words_against=kind.words_against[:top]) for kind in summary.kinds
    )
    return replace(summary, kinds=kinds)
