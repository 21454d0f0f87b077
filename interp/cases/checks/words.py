"""Checks of the tag and of which words speak for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from interp.cases.checks.base import Answer, Bound, NamedWord, Verdict, describe_target, share, word_names
from interp.explanation import Explanation
from interp.project.toml_text import toml_string, toml_table, toml_value

__all__ = ["Share", "Sign", "Tag", "Top"]


@dataclass(frozen=True)
class Tag:
    """The model must say these tags, one per target word."""

    tags: tuple[str, ...]
    name: ClassVar[str] = "tag"

    def judge(self, answer: Answer) -> Verdict:
        target = answer.explanation.target
        passed = target.predicted == self.tags
        expected, actual = " ".join(self.tags), " ".join(target.predicted)
        probabilities = dict(zip(target.indices, target.probabilities, strict=True))
        notes = {
            index: f"{tag} {probabilities[index]:.3f}" for index, tag in zip(target.indices, self.tags, strict=True)
        }
        sentence = f'"{target.text}" is tagged {actual}' + ("" if passed else f", expected {expected}")
        return Verdict(passed=passed, sentence=f"{sentence}.", expected=expected, actual=actual, notes=notes)

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        predicted = {answer.explanation.target.predicted for answer in answers}
        return f"tag = {toml_string(' '.join(predicted.pop()))}" if len(predicted) == 1 else None


@dataclass(frozen=True)
class Top:
    """These words must lead, in this order; with `context` the target's own words are left out of the ranking."""

    words: tuple[NamedWord, ...]
    context: bool = False

    @property
    def name(self) -> str:
        return "top_context" if self.context else "top"

    @property
    def expected(self) -> list[int]:
        return [word.index for word in self.words]

    def leading(self, explanation: Explanation) -> list[int]:
        """As many leading words as are expected."""
        excluded = explanation.target.indices if self.context else ()
        return [word.index for word in explanation.ranked if word.index not in excluded][: len(self.words)]

    def judge(self, answer: Answer) -> Verdict:
        names, leading = word_names(answer.explanation), self.leading(answer.explanation)
        passed = leading == self.expected
        expected = ", ".join(f'"{names[index]}"' for index in self.expected)
        actual = ", ".join(f'"{names[index]}"' for index in leading)
        verb = "leads" if len(leading) == 1 else "lead"
        beside = " beside the target" if self.context else ""
        sentence = f"{actual} {verb}{beside} for {describe_target(answer.explanation)}"
        return Verdict(
            passed=passed,
            sentence=f"{sentence}." if passed else f"{sentence}, expected {expected}.",
            expected=expected,
            actual=actual,
            notes={index: f"expected {ordinal(rank)}" for rank, index in enumerate(self.expected, start=1)},
        )

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        leaders = self._common_leaders(answers)
        if leaders:
            names = word_names(answers[0].explanation)
            return f"{self.name} = {toml_value([names[index] for index in leaders])}"
        # No word leads everywhere; what the first one always has may still be demanded.
        word = self.words[0]
        attributions = [answer.explanation.attributions for answer in answers]
        bound = Bound(">=", 1.0).around([min(share(values, word.index) for values in attributions)])
        positive = all(values[word.index] > 0 for values in attributions)
        return f"share = {toml_table({word.name: str(bound)})}" if positive and bound else None

    def _common_leaders(self, answers: Sequence[Answer]) -> list[int]:
        """The words that lead in all answers, in one order."""
        common: list[int] = []
        for indices in zip(*(self.leading(answer.explanation) for answer in answers), strict=True):
            if len(set(indices)) > 1:
                break
            common.append(indices[0])
        return common


@dataclass(frozen=True)
class Sign:
    """These words must speak for the tag ("+") or against it ("-")."""

    signs: tuple[tuple[NamedWord, Literal["+", "-"]], ...]
    name: ClassVar[str] = "sign"

    def judge(self, answer: Answer) -> Verdict:
        values = answer.explanation.attributions
        target = describe_target(answer.explanation)
        wrong = [
            f'"{word.name}" speaks {"against" if sign == "+" else "for"} {target} ({values[word.index]:+.3g}), '
            f"expected {sign}"
            for word, sign in self.signs
            if not _has_sign(values[word.index], sign)
        ]
        return Verdict(
            passed=not wrong,
            sentence=f"{'; '.join(wrong)}." if wrong else f"Every sign for {target} is as expected.",
            expected=", ".join(f"{word.name} {sign}" for word, sign in self.signs),
            actual=", ".join(f"{word.name} {values[word.index]:+.3g}" for word, _ in self.signs),
            notes={word.index: f"expected {sign}" for word, sign in self.signs},
        )

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        kept = {}
        for word, _ in self.signs:
            values = [answer.explanation.attributions[word.index] for answer in answers]
            if all(value > 0 for value in values) or all(value < 0 for value in values):
                kept[word.name] = "+" if values[0] > 0 else "-"
        return f"sign = {toml_table(kept)}" if kept else None


@dataclass(frozen=True)
class Share:
    """|attribution| of a word as a part of Σ|attribution| over all words, special tokens included."""

    bounds: tuple[tuple[NamedWord, Bound], ...]
    name: ClassVar[str] = "share"

    def judge(self, answer: Answer) -> Verdict:
        values = answer.explanation.attributions
        shares = [(word, bound, share(values, word.index)) for word, bound in self.bounds]
        target = describe_target(answer.explanation)
        wrong = [
            f'"{word.name}" has a share of {part:.3f} in {target}, expected {bound}'
            for word, bound, part in shares
            if not bound.holds(part)
        ]
        return Verdict(
            passed=not wrong,
            sentence=f"{'; '.join(wrong)}." if wrong else "Every share is within its bound.",
            expected=", ".join(f"{word.name} {bound}" for word, bound, _ in shares),
            actual=", ".join(f"{word.name} {part:.3f}" for word, _, part in shares),
            notes={word.index: f"share {part:.3f}, expected {bound}" for word, bound, part in shares},
        )

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        bounds = {}
        for word, bound in self.bounds:
            looser = bound.around([share(answer.explanation.attributions, word.index) for answer in answers])
            if looser is not None:
                bounds[word.name] = str(looser)
        return f"share = {toml_table(bounds)}" if bounds else None


def _has_sign(value: float, sign: str) -> bool:
    return value > 0 if sign == "+" else value < 0


def ordinal(number: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(number, f"{number}th")
