"""Names lost against names won: an exact bound that needs neither documents nor many sentences.

A name is a right entity by its words and kind, so that one which is lost in every sentence counts once: a harmless
training may turn on a name, not on many. Of names that one model alone finds, each would be as likely lost as won if
nothing had got worse (sign test); from the Clopper-Pearson bound on the part that is lost follows a bound on the loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy import stats

from interp.question.tags import Entity

__all__ = ["NameCounter", "NameLosses"]

CONFIDENCE = 0.99


@dataclass(frozen=True)
class NameLosses:
    """Different names that the baseline, or the candidate, finds more often."""

    count: int
    """All different names."""
    lost: int
    won: int

    @property
    def at_least(self) -> float:
        """The part of all names that is lost, less those won, with 99 %; 0 where that may be chance."""
        if not self.lost:
            return 0.0
        test = stats.binomtest(self.lost, self.lost + self.won, alternative="greater")
        lost_part = test.proportion_ci(CONFIDENCE, method="exact").low
        return max(0.0, float(2 * lost_part - 1) * (self.lost + self.won) / self.count)


class NameCounter:
    """Takes the right entities of one sentence after the other."""

    def __init__(self) -> None:
        self._balance: Counter[tuple[str, str]] = Counter()

    def add(self, words: Sequence[str], right: Iterable[Entity], lost: Iterable[Entity], won: Iterable[Entity]) -> None:
        """`words` of the sentence, which the entities point into."""
        for entities, change in ((right, 0), (lost, -1), (won, +1)):
            for entity in entities:
                self._balance[" ".join(words[entity.start : entity.stop]), entity.kind] += change

    def result(self) -> NameLosses:
        changes = self._balance.values()
        return NameLosses(
            count=len(self._balance),
            lost=sum(change < 0 for change in changes),
            won=sum(change > 0 for change in changes),
        )
