"""Texts longer than a model reads: the part around a target, or consecutive parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from interp.errors import InputError
from interp.explanation import Window
from interp.models.tagger import Tagger
from interp.question import Question
from interp.question.words import find_target

__all__ = ["fit_window", "readable_parts"]


def fit_window(tagger: Tagger, question: Question) -> tuple[Question, Window | None]:
    """The question in the largest window around its target that the model reads, words added on both sides in turn; the
    question itself, and None, where it reads all of the text. Raises InputError where the target alone is too long.
    """
    words = question.words
    room, sizes = _measure(tagger, words)
    if room is None or sum(sizes) <= room:
        return question, None
    target = find_target(words, question.target)
    zoom = () if question.zoom is None else find_target(words, question.zoom, "zoom")
    start, stop = _around(sizes, target[0] - 1, target[-1], room)
    while _too_long(tagger, words[start:stop]):  # some tokenisers read the first word of a sentence in another way
        room -= 1
        start, stop = _around(sizes, target[0] - 1, target[-1], room)
    if zoom and not start < zoom[0] <= zoom[-1] <= stop:
        raise InputError(f"The zoom @{zoom[0]} is outside the window around the target, words {start + 1} to {stop}.")
    in_window = replace(
        question,
        text=words[start:stop],
        target=[index - start for index in target],
        zoom=[index - start for index in zoom] or None,
    )
    return in_window, Window(start + 1, stop, len(words))


def readable_parts(tagger: Tagger, words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Consecutive parts of a text, each as long as the model reads, but for the last."""
    room, sizes = _measure(tagger, words)
    start = 0
    while start < len(words):
        stop = len(words) if room is None else _end(sizes, start, room)
        while stop > start + 1 and _too_long(tagger, words[start:stop]):
            stop -= 1
        yield words[start:stop]
        start = stop


def _measure(tagger: Tagger, words: Sequence[str]) -> tuple[int | None, list[int]]:
    """Room for sub-tokens of words, None without a limit, and how many each word takes."""
    encoding = tagger.encode_all(words)
    counts = Counter(encoding.units)
    longest = tagger.parts.longest
    sizes = [counts[unit] for unit in range(1, len(words) + 1)]
    return None if longest is None else longest - sum(encoding.special), sizes


def _too_long(tagger: Tagger, words: Sequence[str]) -> bool:
    longest = tagger.parts.longest
    return longest is not None and len(tagger.encode_all(words).ids) > longest


def _around(sizes: Sequence[int], start: int, stop: int, room: int) -> tuple[int, int]:
    """Words `start` to `stop` (excluded) and as many on both sides of them, in turn, as there is room for."""
    room -= sum(sizes[start:stop])
    if room < 0:
        raise InputError("The target alone is more than the model reads: name fewer words.")
    left = right = True
    while left or right:
        left = left and start > 0 and sizes[start - 1] <= room
        if left:
            start -= 1
            room -= sizes[start]
        right = right and stop < len(sizes) and sizes[stop] <= room
        if right:
            room -= sizes[stop]
            stop += 1
    return start, stop


def _end(sizes: Sequence[int], start: int, room: int) -> int:
    """Where the words from `start` on no longer fit; one word at least."""
    stop = start + 1
    room -= sizes[start]
    while stop < len(sizes) and sizes[stop] <= room:
        room -= sizes[stop]
        stop += 1
    return stop
