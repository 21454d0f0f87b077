"""Check that the model does what the explanation says, with words replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from interp.cases.checks.base import Answer, Bound, Verdict, describe_target, word_names

__all__ = ["Faithful"]


@dataclass(frozen=True)
class Faithful:
    """How far the words that the explanation names move the output, as a part of the farthest that as many others do;
    never of an explanation that is contradicted, or that could not be checked.
    """

    bound: Bound
    name: ClassVar[str] = "faithful"

    def judge(self, answer: Answer) -> Verdict:
        explanation = answer.explanation
        checked, expected = explanation.faithfulness, f"{self.bound}, not contradicted"
        if checked is None:
            why = explanation.absent.get("faithfulness", "no words were replaced")
            return Verdict(
                passed=False, sentence=f"Faithfulness could not be checked: {why}.", expected=expected, actual="nothing"
            )
        names = word_names(explanation)
        named, rivals = (" and ".join(names[index] for index in unit) for unit in (checked.named, checked.rivals))
        actual = f"{checked.score:.3f}, {checked.verdict}"
        sentence = (
            f"Replaced, what is named ({named}) moves {describe_target(explanation)} {checked.score:.3f} times as far "
            f"as what moves it most, beside {rivals}: {checked.verdict}"
        )
        passed = checked.verdict != "contradicted" and self.bound.holds(checked.score)
        return Verdict(
            passed=passed,
            sentence=f"{sentence}." if passed else f"{sentence}, expected {self.bound}.",
            expected=expected,
            actual=actual,
            notes=dict.fromkeys(checked.named, "named") | dict.fromkeys(checked.rivals, "replaced beside it"),
        )

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        all_checked = [answer.explanation.faithfulness for answer in answers]
        scores = [checked.score for checked in all_checked if checked and checked.verdict != "contradicted"]
        bound = self.bound.around(scores) if len(scores) == len(all_checked) else None
        return f'faithful = "{bound}"' if bound else None
