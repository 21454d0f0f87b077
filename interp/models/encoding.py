"""A sentence as sub-tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from interp.errors import InputError
from interp.models.tokenizer import align

__all__ = ["Encoding", "encode_words"]

NOTHING = "(none)"
"""Name of an end of the sentence where the tokeniser puts nothing."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """A sentence as sub-tokens. Units are what attributions are for: what the tokeniser puts before the words ([CLS])
    is 0, the words 1 to n, what it puts behind them ([SEP]) n + 1.
    """

    words: tuple[str, ...]
    ids: tuple[int, ...]
    """Of each sub-token."""
    units: tuple[int, ...]
    """Of each sub-token."""
    first: tuple[int | None, ...]
    """Of each unit: its first sub-token, None if the tokeniser leaves nothing of it."""
    special: tuple[bool, ...]
    """Of each sub-token: whether it belongs to no word."""
    ends: tuple[str, str]
    """Units 0 and n + 1 as the tokeniser calls them."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Every unit by name."""
        return (self.ends[0], *self.words, self.ends[1])

    @property
    def is_end(self) -> tuple[bool, ...]:
        """Of each unit: whether it is an end of the sentence, and no word."""
        return (True, *[False] * len(self.words), True)


def encode_words(tokenizer: PreTrainedTokenizerBase, words: Sequence[str]) -> Encoding:
    """Sub-tokens of a sentence of any length, each word on its own. Raises InputError where nothing is left of it."""
    ids, word_of_token = align(tokenizer, words)
    inside = [position for position, word in enumerate(word_of_token) if word is not None]
    if not inside:
        raise InputError("The text has no word that the model can read.")
    behind = len(words) + 1
    units = [
        word + 1 if word is not None else 0 if position < inside[0] else behind
        for position, word in enumerate(word_of_token)
    ]
    first = {unit: position for position, unit in reversed(list(enumerate(units)))}
    names = tokenizer.convert_ids_to_tokens(ids)
    return Encoding(
        words=tuple(words),
        ids=tuple(ids),
        units=tuple(units),
        first=tuple(first.get(unit) for unit in range(behind + 1)),
        special=tuple(word is None for word in word_of_token),
        ends=(_name_of(0, names, units), _name_of(behind, names, units)),
    )


def _name_of(end: int, names: Sequence[str], units: Sequence[int]) -> str:
    return " ".join(name for name, unit in zip(names, units, strict=True) if unit == end) or NOTHING
