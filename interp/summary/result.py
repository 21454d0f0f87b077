"""What a model leans on, as frozen data. Numbers are in units of the output; positive speaks for the tag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Example", "Integrations", "KindSummary", "MovedWord", "PlaceSummary", "Summary", "WordSummary"]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A sentence in which a word carries much."""

    sentence: str
    """Where it stands."""
    words: tuple[str, ...]
    target: tuple[int, ...]
    """Indices of the words that are explained, 0 being the first."""
    place: int
    """Of the word that it is an example of."""
    attribution: float


@dataclass(frozen=True, kw_only=True)
class WordSummary:
    """A context word, or a shape of words, over all targets of a kind."""

    word: str
    count: int
    """How often it stands beside a target."""
    documents: int
    """In how many documents it does."""
    mean: float
    """Of its attributions."""
    spread: float
    """Standard deviation of them."""
    low: float | None
    """Of the 95 % interval of the mean, documents being independent; None where there is one document."""
    high: float | None
    share: float
    """Of Σ|attribution| of all words, the target's own too."""
    leads: int
    """Targets of which it alone carries more than half of Σ|attribution|."""
    leaned_on: bool
    """Whether the model leans on it: surely, and by more than next to nothing."""
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlaceSummary:
    """Context words at one distance from the target."""

    distance: int
    """−1 right before it, 1 right behind it; the farthest stand for all beyond."""
    count: int
    mean: float
    low: float | None
    high: float | None
    share: float


@dataclass(frozen=True, kw_only=True)
class KindSummary:
    """All targets of one kind."""

    kind: str
    targets: int
    documents: int
    change: float
    """Mean of F(input) − F(reference), as the sum of attributions of words has it."""
    own_share: float
    """Part of Σ|attribution| that is on the target's own words."""
    own_share_by_layer: tuple[float, ...]
    """The same of conductance, layer by layer; empty where it was not recorded."""
    led: int
    """Targets of which a single context word carries more than half."""
    tested: int
    """Context words in documents enough to be tested."""
    words_for: tuple[WordSummary, ...]
    """Those that speak most for it, of those that the model leans on and those next to them."""
    words_against: tuple[WordSummary, ...]
    shapes: tuple[WordSummary, ...]
    places: tuple[PlaceSummary, ...]

    @property
    def leaned_on(self) -> tuple[WordSummary, ...]:
        return tuple(word for word in (*self.words_for, *self.words_against) if word.leaned_on)


@dataclass(frozen=True, kw_only=True)
class Integrations:
    """How the integrations went."""

    statuses: Mapping[str, int]
    evaluations: float
    """In the mean."""
    most_evaluations: int
    estimate: float
    """Of the error, in the mean."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What one set of records says."""

    model: str
    sha256: str
    sources: tuple[str, ...]
    reference: str
    sentences: int
    unread: int
    """Sentences that could not be read."""
    unread_reasons: Mapping[str, int]
    """The commonest, with numbers put aside."""
    integrations: Integrations
    kinds: tuple[KindSummary, ...]
    dropped: float
    """Σ|attribution| below which a word may be missing, as there were too many to keep; 0 where all were kept."""

    @property
    def targets(self) -> int:
        return sum(kind.targets for kind in self.kinds)


@dataclass(frozen=True, kw_only=True)
class MovedWord:
    """A context word beside targets of one kind, in two sets of records."""

    kind: str
    old: WordSummary
    new: WordSummary
    change: float
    """Of the mean."""
    low: float
    """Of its 95 % interval."""
    high: float

    @property
    def surely(self) -> float:
        """How far the mean moved at least; 0 where it may not have moved."""
        return 0.0 if self.low <= 0 <= self.high else min(abs(self.low), abs(self.high))
