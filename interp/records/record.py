"""One model's record of one sentence, and what a whole set of them is about: frozen data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from interp.errors import InputError, bare, counted, quoted
from interp.explanation import ModelInfo, Values
from interp.project.defaults import RECORDING_TOLERANCE
from interp.question import ConstantReference

__all__ = [
    "SCHEMA",
    "SENTENCES_PER_PART",
    "TAGS_ALONE",
    "Record",
    "RecordSettings",
    "RecordedExplanation",
    "RecordsHeader",
    "part_count",
    "part_range",
    "same_work",
    "why_incomparable",
]

SCHEMA = "interp.records/2"
SENTENCES_PER_PART = 64
"""What a kill may lose, and what is held in memory."""


@dataclass(frozen=True)
class RecordSettings:
    """What is computed for every sentence: explanations of its targets under `references`, of the centred logit; with
    no reference nothing is explained, and no gradient taken.

    `tolerance` of the integration; that of `explain` would be wasted, as trainings differ by a quarter of the mass.
    `layers`: every layer's conductance too.
    """

    references: tuple[ConstantReference, ...] = ("pad", "mask")
    tolerance: float = RECORDING_TOLERANCE
    layers: bool = True

    def __post_init__(self) -> None:
        if self.layers and not self.references:
            raise InputError("Name at least one reference.")
        if len(set(self.references)) < len(self.references):
            raise InputError("Name every reference once.")
        if not 0 < self.tolerance < 1:
            raise InputError(f"The tolerance must be between 0 and 1, such as 1e-2, not {self.tolerance:g}.")


TAGS_ALONE = RecordSettings(references=(), layers=False)
"""Of a tagger that gives no gradients."""


@dataclass(frozen=True, kw_only=True)
class RecordsHeader:
    """What a set of records is of."""

    model: ModelInfo
    data: str
    """Fingerprint of the sentences."""
    sentences: Annotated[int, Field(gt=0)]
    """How many there are."""
    sources: tuple[str, ...]
    """Where the sentences came from."""
    wanted: RecordSettings
    part_size: Annotated[int, Field(gt=0)] = SENTENCES_PER_PART
    """Sentences of every part but the last."""
    versions: dict[str, str] = field(default_factory=dict)
    """Of the libraries that computed them."""


@dataclass(frozen=True, kw_only=True)
class RecordedExplanation:
    """Why some words of a sentence have their tags: a value per word, special tokens left out."""

    target: tuple[int, ...]
    """The words that are explained; 0 is the first of the sentence."""
    tags: tuple[str, ...]
    """The tags that are explained, one per word of the target."""
    reference: str
    at_input: float
    """F of the sentence."""
    at_reference: float
    """F of the reference."""
    attributions: Values
    layers: tuple[Values, ...]
    """Conductance of every word, per layer; empty where it was not asked for."""
    estimate: float
    """Estimated error of the integration, as a part of Σ|attribution|."""
    evaluations: int
    """Rows that the integration took through the model."""
    status: str
    """How the integration ended, as in `IntegrationStatus`."""

    def __repr__(self) -> str:
        tags = bare(" ".join(self.tags))
        place = " ".join(map(str, self.target))
        sizes = f"{counted(len(self.attributions), 'word')}, {counted(len(self.layers), 'layer')}"
        ending = f"error {self.estimate:.0e}, {self.status}"
        return f"<RecordedExplanation of word {place} as {tags}: {sizes}, reference {self.reference}, {ending}>"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a model says of every word of a sentence, and why."""

    id: str
    document: str
    words: tuple[str, ...]
    gold: tuple[str | None, ...] | None
    """The right tags, as in `Sentence`."""
    tags: tuple[str | None, ...]
    """The model's; None for words that the tokeniser drops."""
    probabilities: tuple[float | None, ...]
    """Of `tags`."""
    pieces: tuple[int, ...]
    """In how many sub-tokens the model read each word; 0 where that is not known."""
    explained: tuple[RecordedExplanation, ...]
    error: str | None = None
    """Why there is nothing, and then there is nothing."""

    def __repr__(self) -> str:
        ending = counted(len(self.explained), "explanation") if self.error is None else quoted(self.error, 80)
        return f"<Record {quoted(self.id)} of {quoted(' '.join(self.words))}: {ending}>"


def part_count(header: RecordsHeader) -> int:
    return -(-header.sentences // header.part_size)


def part_range(header: RecordsHeader, number: int) -> range:
    """Numbers of the sentences of a part."""
    start = number * header.part_size
    return range(start, min(start + header.part_size, header.sentences))


def same_work(first: RecordsHeader, second: RecordsHeader) -> bool:
    """Whether two sets of records are of the same work, however model and sources were named."""

    def without_names(header: RecordsHeader) -> RecordsHeader:
        return replace(header, sources=(), model=replace(header.model, name=""))

    return without_names(first) == without_names(second)


def why_incomparable(first: RecordsHeader, second: RecordsHeader) -> str | None:
    """Why two sets of records cannot be held against each other, None if they can."""
    if first.data != second.data:
        return (
            f"they are of other data ({first.sentences} sentences, {first.data[:12]}, and {second.sentences}, "
            f"{second.data[:12]}): record both on the same cases"
        )
    if not (first.wanted.references and second.wanted.references):
        return None  # tags are tags, however the other side is explained
    differing: list[str] = []
    for name in RecordSettings.__dataclass_fields__:
        setting, counterpart = getattr(first.wanted, name), getattr(second.wanted, name)
        if setting != counterpart:
            differing.append(f"{name} {_setting_text(setting)} and {_setting_text(counterpart)}")
    if differing:
        return f"they were recorded with other settings ({'; '.join(differing)}): record both alike"
    return None


def _setting_text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
