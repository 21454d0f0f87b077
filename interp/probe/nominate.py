"""Which cues are worth asking about, and why each came up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from interp.probe.cues import Cue, CueKind

__all__ = ["REQUESTED", "Nomination", "frequent_cues", "merge_nominations"]

REQUESTED = "asked"
BIGRAMS = 1 / 3
"""Of the frequent candidates: pairs of words."""
ENDINGS = 12
LONGEST_ENDING, SHORTEST_ENDING = 4, 2


@dataclass(frozen=True)
class Nomination:
    """A cue and where it came from: "evidence", "training", "frequent", "always", or ASKED, which is never left out."""

    cue: Cue
    source: str


def frequent_cues(sentences: Iterable[Sequence[str]], count: int) -> list[Nomination]:
    """Common endings of capitalised words, and the words and pairs of words that most sentences hold."""
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    for sentence in sentences:
        words.update(set(sentence))
        pairs.update({f"{one} {other}" for one, other in pairwise(sentence) if one != other})
        for word in {word for word in sentence if word.isalpha() and word[0].isupper()}:
            sizes = range(SHORTEST_ENDING, min(LONGEST_ENDING, len(word) - 2) + 1)
            endings.update(word[-size:].lower() for size in sizes)
    two = round(count * BIGRAMS)
    ranked: list[tuple[Counter[str], int, CueKind]] = [
        (endings, ENDINGS, "ending"),
        (words, count - two, "words"),
        (pairs, two, "words"),
    ]
    return [
        Nomination(Cue(kind, text), "frequent")
        for counts, most, kind in ranked
        for text, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:most]
    ]


def merge_nominations(*sources: Sequence[Nomination], most: int) -> list[Nomination]:
    """Each cue once, the first of every source before the second of any, `most` in all."""
    found: dict[Cue, Nomination] = {}
    for row in zip_longest(*sources):
        for candidate in row:
            if candidate is not None:
                found.setdefault(candidate.cue, candidate)
    return list(found.values())[:most]
