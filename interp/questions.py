"""A question about a sentence, as a user asks it: no model, no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import get_args

from interp.errors import InputError
from interp.explanation import Output, Part, Positions, ReferenceKind
from interp.words import TargetSpec, split_words

__all__ = ["Case", "Tags"]

Tags = str | Sequence[str]


@dataclass(frozen=True)
class Case:
    """One question: why does the model give `target` in `text` its tag?

    `text`: a sentence, split by the rule in `interp.words`, or a list of words, taken as it is. `target`: a word,
    "Rob#2", "@10", consecutive words, an index (1 is the first word), or consecutive indices. `tag`, `against`,
    `true_tag`: one label, or one per target word; `tag` defaults to what the model predicts. `zoom`: a word whose
    hidden dimensions are wanted. `without`: parts that are not wanted; without components it is several times faster.
    `window`: of a text longer than the model reads, explain the largest window around the target; else it is an error.
    """

    text: str | Sequence[str]
    target: TargetSpec
    tag: Tags | None = None
    against: Tags | None = None
    true_tag: Tags | None = None
    output: Output = "logit"
    zoom: TargetSpec | None = None
    reference: ReferenceKind = "pad"
    positions: Positions = "zero"
    pretokenized: bool = False
    without: Collection[Part] = ()
    window: bool = False

    def __post_init__(self) -> None:
        for name, kind in (("output", Output), ("reference", ReferenceKind), ("positions", Positions)):
            value, choices = getattr(self, name), get_args(kind)
            if value not in choices:
                raise InputError(f'Unknown {name} "{value}": choose one of {", ".join(choices)}.')
        if unknown := set(self.without) - set(get_args(Part)):
            raise InputError(
                f'Unknown part "{min(unknown)}": an explanation can be without {", ".join(get_args(Part))}.'
            )
        if self.zoom is not None and "layers" in self.without:
            raise InputError("A zoom shows a word in every layer: ask for the layers too, or for no zoom.")

    @property
    def words(self) -> list[str]:
        words = split_words(self.text, self.pretokenized) if isinstance(self.text, str) else list(self.text)
        if not all(isinstance(word, str) for word in words):
            raise InputError("The text must be a sentence or a list of words.")
        if not words or not any(word.strip() for word in words):
            raise InputError("The text is empty: give a sentence with at least one word.")
        if any("\ud800" <= char <= "\udfff" for word in words for char in word):
            raise InputError("The text holds bytes that are no characters: give it as UTF-8.")
        return words
