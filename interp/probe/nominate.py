"""Which cues are worth asking about, and why each came up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from interp.probe.cues import Cue, CueKind

__all__ = ["REQUESTED", "Nomination", "endings_of", "frequent_cues", "merge_nominations"]

REQUESTED = "asked"
BIGRAMS = 1 / 3
"""Of the frequent candidates: pairs of words."""
ENDINGS = 12
LONGEST_ENDING, SHORTEST_ENDING = 4, 2


@dataclass(frozen=True)
class Nomination:
    """A cue and where it came from: "gradient", "evidence", "training", "frequent" or "always"; REQUESTED is never left
    out.
    """

    cue: Cue
    source: str


def frequent_cues(sentences: Iterable[Sequence[str]], count: int) -> list[Nomination]:
    """Common endings of capitalised words, and the words and pairs of words that most sentences hold."""
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    for sentence in sentences:
        words.update(set(sentence))
        pairs.update({f"{left} {right}" for left, right in pairwise(sentence) if left != right})
        for word in {word for word in sentence if word[0].isupper()}:
            endings.update(endings_of(word))
    pair_count = round(count * BIGRAMS)
    ranked: list[tuple[Counter[str], int, CueKind]] = [
        (endings, ENDINGS, "ending"),
        (words, count - pair_count, "words"),
        (pairs, pair_count, "words"),
    ]
    return [
        Nomination(Cue(kind, text), "frequent") for counts, most, kind in ranked for text in _most_common(counts, most)
    ]


def endings_of(word: str) -> list[str]:
    """Of a word of letters alone, in lower case; of another none."""
    sizes = range(SHORTEST_ENDING, min(LONGEST_ENDING, len(word) - 2) + 1) if word.isalpha() else ()
    return [word[-size:].lower() for size in sizes]


def merge_nominations(*sources: Sequence[Nomination], most: int) -> list[Nomination]:
    """Each cue once, the first of every source before the second of any, `most` in all."""
    nominations: dict[Cue, Nomination] = {}
    for row in zip_longest(*sources):
        for candidate in row:
            if candidate is not None:
                nominations.setdefault(candidate.cue, candidate)
    return list(nominations.values())[:most]


def _most_common(counts: Counter[str], most: int) -> list[str]:
    """Of those that are equally common the first by alphabet."""
    return sorted(counts, key=lambda text: (-counts[text], text))[:most]
