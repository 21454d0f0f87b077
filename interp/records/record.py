"""One model's record of one sentence, and what a whole set of them is about: frozen data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from interp.errors import InputError
from interp.explanation import ModelInfo, Values
from interp.project.defaults import RECORDING_TOLERANCE
from interp.question import ReferenceKind

__all__ = [
    "SCHEMA",
    "Record",
    "RecordSettings",
    "RecordedExplanation",
    "RecordsHeader",
    "same_work",
    "why_incomparable",
]

SCHEMA = "interp.records/1"


@dataclass(frozen=True)
class RecordSettings:
    """What is computed for every sentence: explanations of its targets under `references`, of the centred logit.

    `tolerance` of the integration; that of `explain` would be wasted, as trainings differ by a quarter of the mass.
    `layers`: every layer's conductance too.
    """

    references: tuple[ReferenceKind, ...] = ("pad", "mask")
    tolerance: float = RECORDING_TOLERANCE
    layers: bool = True

    def __post_init__(self) -> None:
        if not self.references:
            raise InputError("Name at least one reference.")
        if len(set(self.references)) < len(self.references):
            raise InputError("Name every reference once.")
        if not 0 < self.tolerance < 1:
            raise InputError(f"The tolerance must be between 0 and 1, such as 1e-2, not {self.tolerance:g}.")


@dataclass(frozen=True, kw_only=True)
class RecordsHeader:
    """What a set of records is of: `data` is the fingerprint of the sentences, `sources` where they came from."""

    model: ModelInfo
    data: str
    sentences: Annotated[int, Field(gt=0)]
    sources: tuple[str, ...]
    wanted: RecordSettings
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RecordedExplanation:
    """Why the words `target` (0 is the first of the sentence) have these tags: values per word, special tokens left
    out, and per layer.
    """

    target: tuple[int, ...]
    tags: tuple[str, ...]
    reference: str
    attributions: Values
    layers: tuple[Values, ...]
    estimate: float
    evaluations: int
    status: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """A sentence, the model's tag for every word with its probability, in how many sub-tokens it read it, and why.

    `gold` is as in `Sentence`; `tags` has None for words that the tokeniser drops. `error`: why there is nothing, and
    then there is nothing.
    """

    id: str
    document: str
    words: tuple[str, ...]
    gold: tuple[str | None, ...] | None
    tags: tuple[str | None, ...]
    probabilities: tuple[float | None, ...]
    pieces: tuple[int, ...]
    explained: tuple[RecordedExplanation, ...]
    error: str | None = None


def same_work(one: RecordsHeader, other: RecordsHeader) -> bool:
    """Whether two sets of records are of the same work, however model and sources were named."""

    def bare(about: RecordsHeader) -> RecordsHeader:
        return replace(about, sources=(), model=replace(about.model, name=""))

    return bare(one) == bare(other)


def why_incomparable(one: RecordsHeader, other: RecordsHeader) -> str | None:
    """Why two sets of records cannot be held against each other, None if they can."""
    if one.data != other.data:
        return (
            f"they are of other data ({one.sentences} sentences, {one.data[:12]}, and {other.sentences}, "
            f"{other.data[:12]}): record both on the same cases"
        )
    differing: list[str] = []
    for name in RecordSettings.__dataclass_fields__:
        mine, theirs = getattr(one.wanted, name), getattr(other.wanted, name)
        if mine != theirs:
            differing.append(f"{name} {_shown(mine)} and {_shown(theirs)}")
    if differing:
        return f"they were recorded with other settings ({'; '.join(differing)}): record both alike"
    return None


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
