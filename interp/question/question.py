"""A question about a sentence, as a user asks it: no model, no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

from interp.errors import InputError
from interp.project.characters import holds_half_characters
from interp.question.words import TargetSpec, find_target, split_words

__all__ = [
    "INTEGRATED_GRADIENTS",
    "ConstantReference",
    "MethodName",
    "Output",
    "Part",
    "Positions",
    "Question",
    "ReferenceKind",
    "Tags",
]

Output = Literal["logit", "centred-logit", "log-probability", "probability"]
ConstantReference = Literal["pad", "mask", "unk", "zero"]
"""The same in every place."""
ReferenceKind = Literal[ConstantReference, "text"]
Positions = Literal["mean", "zero", "same"]
Part = Literal["components", "layers"]
MethodName = Literal[
    "integrated-gradients",
    "saliency",
    "input-x-gradient",
    "deep-lift",
    "gradient-shap",
    "occlusion",
    "shapley",
    "lime",
]
INTEGRATED_GRADIENTS: MethodName = "integrated-gradients"
"""interp's own; the others are Captum's (`interp.explain.methods`)."""
Tags = str | Sequence[str]


@dataclass(frozen=True)
class Question:
    """One question: why does the model give `target` in `text` its tag?

    `text`, `target`, `tag`, `against`, `true_tag`, `output`, `zoom`, `reference`, `reference_texts`, `positions`,
    `pretokenized`, `without`, `window`: as in `Model.explain`.

    Raises InputError for choices that do not exist or do not go together; whether the words are there is seen later.
    """

    text: str | Sequence[str]
    """A sentence, split by the rule in `interp.question.words`, or a list of words, taken as it is."""
    target: TargetSpec
    """A word, "Rob#2", "@10", consecutive words, an index (1 is the first word), or consecutive indices."""
    _: KW_ONLY
    tag: Tags | None = None
    """The tag to explain: one label, or one per target word; None for what the model predicts."""
    against: Tags | None = None
    """Explain `tag` rather than this one."""
    true_tag: Tags | None = None
    """The right tag, to be shown beside."""
    output: Output = "logit"
    """What is attributed."""
    zoom: TargetSpec | None = None
    """A word whose hidden dimensions are wanted."""
    reference: ReferenceKind = "pad"
    """What attributions are measured from."""
    reference_texts: Sequence[str | Sequence[str]] = ()
    """With the reference "text": the sentences, two at least, over which explanations are averaged."""
    positions: Positions = "mean"
    """Positions of the reference, when embeddings are split: the mean of all, the first, or the input's."""
    pretokenized: bool = False
    """Whether a text is split at white space only."""
    without: Collection[Part] = ()
    """Parts that are not wanted; without components it is several times faster."""
    window: bool = False
    """Of a text longer than the model reads, explain the largest window around the target; else it is an error."""

    def __post_init__(self) -> None:
        for name, kind in (("output", Output), ("reference", ReferenceKind), ("positions", Positions)):
            value, choices = getattr(self, name), get_args(kind)
            if value not in choices:
                raise InputError(f'Unknown {name} "{value}": choose one of {", ".join(choices)}.')
        if unknown := set(self.without) - set(get_args(Part)):
            raise InputError(
                f'Unknown part "{min(unknown)}": an explanation can be without {", ".join(get_args(Part))}.'
            )
        if self.reference == "text" and len(self.reference_texts) < 2:
            raise InputError('The reference "text" is a mean over sentences: give two of them at least.')
        if self.reference != "text" and self.reference_texts:
            raise InputError(f'The reference "{self.reference}" takes no sentences: choose "text", or give none.')
        if self.zoom is not None and "layers" in self.without:
            raise InputError("A zoom shows a word in every layer: ask for the layers too, or for no zoom.")

    def find_words(self) -> None:
        """Raise InputError where the target, or the word to zoom into, is not in the text."""
        find_target(self.words, self.target)
        if self.zoom is not None:
            find_target(self.words, self.zoom, "zoom")

    @property
    def words(self) -> list[str]:
        """The words of the text. Raises InputError where there are none, or something else."""
        return _words(self.text, self.pretokenized, "text")

    @property
    def reference_words(self) -> tuple[tuple[str, ...], ...]:
        """The words of every reference text. Raises InputError as `words` does."""
        return tuple(tuple(_words(text, self.pretokenized, "reference text")) for text in self.reference_texts)


def _words(text: str | Sequence[str], pretokenized: bool, name: str) -> list[str]:
    if isinstance(text, str):
        words = split_words(text, pretokenized)
    elif isinstance(text, Collection) and all(isinstance(word, str) for word in text):
        words = list(text)
    else:
        raise InputError(f"The {name} must be a sentence or a list of words.")
    if not words or not any(word.strip() for word in words):
        raise InputError(f"The {name} is empty: give a sentence with at least one word.")
    if holds_half_characters("".join(words)):
        raise InputError(f"The {name} holds bytes that are no characters: give it as UTF-8.")
    return words
