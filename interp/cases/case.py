"""A case: a question with what must hold of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from interp.cases.checks import Check, Faithful, Swap
from interp.question import Question
from interp.question.words import find_target

__all__ = ["CASE_SUFFIX", "Case", "GoldenRule"]

CASE_SUFFIX = ".cases.toml"


@dataclass(frozen=True)
class GoldenRule:
    """What a case's golden promises for other weights; `tolerance` None is the project's."""

    top: int
    strict: bool
    tolerance: float | None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case: a question, how to compute it, and what must hold."""

    id: str
    question: Question
    model: str | None
    """None leaves it to the project."""
    integration_tolerance: float
    max_evaluations: int
    checks: tuple[Check, ...]
    """Judged on one answer."""
    golden: GoldenRule | None
    """How its golden is held; None without one."""
    line: int
    """Where it stands in its file."""
    marks: tuple[str, ...] = ()
    """Pytest markers."""
    xfail: Mapping[str, str] = field(default_factory=dict)
    """Reasons by check."""

    @property
    def swapped(self) -> dict[tuple[int, str], Question]:
        """The questions in which a word is swapped, by its index and replacement."""
        swaps = [swap for check in self.checks if isinstance(check, Swap) for swap in check.replacements]
        return {(index, replacement): self._with_word(index, replacement) for index, replacement in swaps}

    @property
    def replaces_words(self) -> bool:
        """Whether its answer needs to be checked by words that are replaced."""
        return any(isinstance(check, Faithful) for check in self.checks)

    def _with_word(self, index: int, replacement: str) -> Question:
        words = self.question.words
        target = find_target(words, self.question.target)
        text = [*words[: index - 1], replacement, *words[index:]]
        return replace(self.question, text=text, target=target, zoom=None)
