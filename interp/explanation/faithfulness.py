"""Whether the model does what an explanation says: words were replaced, and this is what that did to the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["OUTWEIGHED", "VERDICTS", "Estimate", "Faithfulness", "Verdict"]

Verdict = Literal["confirmed", "unclear", "contradicted"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

OUTWEIGHED = 2.0
"""Other words that move the output so many times as far contradict an explanation that does not name them."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Faithfulness:
    """What becomes of F, in units of the output, when words are replaced by random ones that are written alike.

    Means are over draws of the replacements, intervals Student's; comprehensiveness and sufficiency are those of
    DeYoung et al. (ERASER, arXiv 1911.03429) in F, against as many random words.
    """

    named: tuple[int, ...]
    """Words that the explanation says speak most for the tag."""
    rivals: tuple[int, ...]
    """Of the other words, at most as many: those that moved F farthest in draws that the numbers below do not count."""
    effect: Estimate
    """How much F falls when the named words are replaced."""
    rivals_effect: Estimate
    """How much F falls when the rivals are."""
    comprehensiveness: Estimate
    """`effect`, less how much F falls when as many random words are replaced instead."""
    sufficiency: Estimate
    """F when all words but the named ones are replaced, less F when all but as many random ones are."""
    support: Estimate
    """Of comprehensiveness and sufficiency together, draw by draw."""
    outweighed: Estimate
    """How much farther the rivals move F than twice what the named words do."""
    rank_agreement: Estimate | None
    """Spearman's correlation of attributions with what F loses when words are left out one by one, or in groups as
    large as the named one; interval by Fisher's z. None for fewer than four of them."""
    evaluations: int
    """Rows that went through the model, forward alone."""
    seed: int
    """Of all that was drawn."""

    @property
    def verdict(self) -> Verdict:
        """Contradicted: other words surely move F twice as far, or the named ones surely less than random ones do.
        Confirmed: the named ones surely do more than random ones. Unclear: neither.
        """
        if self.outweighed.low > 0 or self.support.high < 0:
            return "contradicted"
        return "confirmed" if self.support.low > 0 else "unclear"

    @property
    def score(self) -> float:
        """How far the named words move F, as a part of the farthest that as many words were seen to: 0 to 1."""
        farthest = max(self.effect.mean, self.rivals_effect.mean)
        return max(0.0, self.effect.mean / farthest) if farthest > 0 else 0.0
