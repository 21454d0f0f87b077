"""What every check is made of: words by name, answers, verdicts, bounds."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from interp.errors import InputError
from interp.explanation import Explanation, Values, distinct_names
from interp.question.tags import tags_text

__all__ = [
    "MARGIN",
    "Answer",
    "Bound",
    "Check",
    "NamedWord",
    "Verdict",
    "describe_range",
    "describe_target",
    "share",
    "word_names",
]

MARGIN = 0.9
"""A bound that is proposed leaves a tenth of what was measured."""


@dataclass(frozen=True)
class NamedWord:
    """A word as the case file names it, and its index."""

    name: str
    index: int


@dataclass(frozen=True)
class Answer:
    """What a case got: its explanation, and those of the sentences in which a word was swapped (index, word)."""

    explanation: Explanation
    swapped: Mapping[tuple[int, str], Explanation] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`sentence` says what is wrong (or what holds); `notes` stand beside the words that they speak of."""

    passed: bool
    sentence: str
    expected: str
    actual: str
    notes: Mapping[int, str] = field(default_factory=dict)


class Check(Protocol):
    """`name` is the key in the case file."""

    @property
    def name(self) -> str: ...

    def judge(self, answer: Answer) -> Verdict: ...

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        """The case-file line that holds for all of `answers`; None where only leaving the check out would."""


SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Bound:
    """A threshold such as ">= 0.4". NaN is never within."""

    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> Bound:
        """Raises InputError for text that is no bound on a share."""
        match = re.fullmatch(r"\s*(>=|<=|>|<)\s*(\d*\.?\d+)\s*", text)
        if match is None or not 0 <= float(match[2]) <= 1:
            raise InputError(f'"{text}" is no bound: write one such as ">= 0.4", with a number from 0 to 1.')
        return cls(match[1], float(match[2]))

    def holds(self, value: float) -> bool:
        return SIGNS[self.sign](value, self.limit)

    def around(self, values: Sequence[float]) -> Bound | None:
        """The bound of the same kind that holds for all values, with a margin; this one where it does.

        None where such a bound would say nothing.
        """
        if all(map(self.holds, values)):
            return self
        if self.sign.startswith(">"):
            least = math.floor(min(values) * MARGIN * 100) / 100
            return Bound(">=", least) if least > 0 else None
        most = math.ceil(max(values) / MARGIN * 100) / 100
        return Bound("<=", most) if most < 1 else None

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}"


def share(values: Values, index: int) -> float:
    """|value| of one word as a part of Σ|value|."""
    mass = math.fsum(map(abs, values))
    return abs(values[index]) / mass if mass else 0.0


def word_names(explanation: Explanation) -> list[str]:
    """The words of its sentence, told apart, special tokens included."""
    return distinct_names([word.text for word in explanation.words])


def describe_target(explanation: Explanation) -> str:
    """As in `B-PER rather than O on "Rob"`."""
    target = explanation.target
    return f'{tags_text(target.tags, target.against)} on "{target.text}"'


def describe_range(values: Sequence[float]) -> str:
    """From the least to the largest; one number where they are the same."""
    least, most = f"{min(values):.3f}", f"{max(values):.3f}"
    return least if least == most else f"{least} to {most}"
