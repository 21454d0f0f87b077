"""How two taggers hold out when sentences are written otherwise, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["RightTags", "StressExample", "StressResult", "VariantChange"]

RightTags = Literal["given", "baseline"]
"""What counts as right: tags that people gave, or what the baseline says of the plain sentence."""


@dataclass(frozen=True, kw_only=True)
class StressExample:
    """A sentence in which the candidate alone loses an entity that both find in the plain one."""

    id: str
    plain: tuple[str, ...]
    """Words of the plain sentence."""
    words: tuple[str, ...]
    """Of the variant, without those that are not scored."""
    start: int
    stop: int
    kind: str
    candidate: tuple[str | None, ...]
    """What the candidate says of the entity's words in the variant."""


@dataclass(frozen=True, kw_only=True)
class VariantChange:
    """Strict span F1 of both models on the sentences that a variant changes, plain and changed."""

    variant: str
    """What the sentences are then: "in lower case"."""
    sentences: int
    """That it changes."""
    entities: int
    """Right ones in them."""
    baseline_plain: float
    baseline: float
    candidate_plain: float
    candidate: float
    change: float
    """What it costs the candidate less what it costs the baseline: below 0 the candidate holds out worse."""
    low: float
    """Lower end of the change's 95 % interval over documents."""
    high: float
    p: float
    """That so much, or more, is lost where both models are alike: sides swapped document by document."""
    q: float
    """The same after Benjamini and Hochberg over all variants."""
    example: StressExample | None


@dataclass(frozen=True, kw_only=True)
class StressResult:
    """All variants, that first on which the candidate loses most beside the baseline."""

    variants: tuple[VariantChange, ...]
    right: RightTags
    sentences: int
    """That were drawn."""
    of: int
    """That there are."""
    untried: tuple[str, ...]
    """What was not tried, and why, as a report says it."""
