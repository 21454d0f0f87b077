"""Checks of the tag and of which words speak for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from interp.cases.checks.base import Answer, Bound, NamedWord, Verdict, aim, names, quoted, share, table
from interp.explanation import Explanation

__all__ = ["Share", "Sign", "Tag", "Top"]


@dataclass(frozen=True)
class Tag:
    """The model must say these tags, one per target word."""

    tags: tuple[str, ...]
    name: ClassVar[str] = "tag"

    def judge(self, answer: Answer) -> Verdict:
        target = answer.explanation.target
        expected, got = " ".join(self.tags), " ".join(target.predicted)
        odds = dict(zip(target.indices, target.probabilities, strict=True))
        says = f'"{target.text}" is tagged {got}'
        notes = {i: f"{tag} {odds[i]:.3f}" for i, tag in zip(target.indices, self.tags, strict=True)}
        if target.predicted == self.tags:
            return Verdict(True, f"{says}.", expected=expected, got=got, notes=notes)
        return Verdict(False, f"{says}, expected {expected}.", expected=expected, got=got, notes=notes)

    def line(self, answers: Sequence[Answer]) -> str | None:
        said = {answer.explanation.target.predicted for answer in answers}
        return f"tag = {quoted(' '.join(said.pop()))}" if len(said) == 1 else None


@dataclass(frozen=True)
class Top:
    """These words must lead, in this order; with `context` the target's own words are left out of the ranking."""

    words: tuple[NamedWord, ...]
    context: bool = False

    @property
    def name(self) -> str:
        return "top_context" if self.context else "top"

    def leading(self, explanation: Explanation) -> list[int]:
        """As many leading words as are expected."""
        out = explanation.target.indices if self.context else ()
        return [word.index for word in explanation.ranked if word.index not in out][: len(self.words)]

    def judge(self, answer: Answer) -> Verdict:
        called, leading = names(answer.explanation), self.leading(answer.explanation)
        expected, got = (", ".join(f'"{called[i]}"' for i in places) for places in (self._indices, leading))
        notes = {i: f"expected {ordinal(n)}" for n, i in enumerate(self._indices, start=1)}
        whom = aim(answer.explanation)
        beside = " beside the target" if self.context else ""
        if leading == self._indices:
            return Verdict(
                True,
                f"{got} {_verb(leading, 'leads', 'lead')}{beside} for {whom}.",
                expected=expected,
                got=got,
                notes=notes,
            )
        says = f"{got} {_verb(leading, 'leads', 'lead')}{beside} for {whom}, expected {expected}."
        return Verdict(False, says, expected=expected, got=got, notes=notes)

    def line(self, answers: Sequence[Answer]) -> str | None:
        leaders = [self.leading(answer.explanation) for answer in answers]
        common: list[int] = []
        for places in zip(*leaders, strict=True):
            if len(set(places)) > 1:
                break
            common.append(places[0])
        if common:
            called = names(answers[0].explanation)
            return f"{self.name} = [{', '.join(quoted(called[i]) for i in common)}]"
        # No word leads everywhere; what the first one always has may still be demanded.
        word = self.words[0]
        least = min(share(answer.explanation.attributions, word.index) for answer in answers)
        bound = Bound(">=", 1.0).around([least])
        positive = all(answer.explanation.attributions[word.index] > 0 for answer in answers)
        return f"share = {table({word.name: str(bound)})}" if positive and bound else None

    @property
    def _indices(self) -> list[int]:
        return [word.index for word in self.words]


@dataclass(frozen=True)
class Sign:
    """These words must speak for the tag ("+") or against it ("-")."""

    signs: tuple[tuple[NamedWord, Literal["+", "-"]], ...]
    name: ClassVar[str] = "sign"

    def judge(self, answer: Answer) -> Verdict:
        values = answer.explanation.attributions
        wrong = [(word, sign) for word, sign in self.signs if not _speaks(values[word.index], sign)]
        expected = ", ".join(f"{word.name} {sign}" for word, sign in self.signs)
        got = ", ".join(f"{word.name} {values[word.index]:+.3g}" for word, _ in self.signs)
        notes = {word.index: f"expected {sign}" for word, sign in self.signs}
        whom = aim(answer.explanation)
        if not wrong:
            return Verdict(True, f"Every sign for {whom} is as expected.", expected=expected, got=got, notes=notes)
        told = "; ".join(
            f'"{word.name}" speaks {other} {whom} ({values[word.index]:+.3g}), expected {sign}'
            for word, sign in wrong
            for other in ["against" if sign == "+" else "for"]
        )
        return Verdict(False, f"{told}.", expected=expected, got=got, notes=notes)

    def line(self, answers: Sequence[Answer]) -> str | None:
        kept = {}
        for word, _ in self.signs:
            values = [answer.explanation.attributions[word.index] for answer in answers]
            if all(value > 0 for value in values) or all(value < 0 for value in values):
                kept[word.name] = "+" if values[0] > 0 else "-"
        return f"sign = {table(kept)}" if kept else None


@dataclass(frozen=True)
class Share:
    """|attribution| of a word as a part of Σ|attribution| over all words, special tokens included."""

    bounds: tuple[tuple[NamedWord, Bound], ...]
    name: ClassVar[str] = "share"

    def judge(self, answer: Answer) -> Verdict:
        values = answer.explanation.attributions
        found = [(word, bound, share(values, word.index)) for word, bound in self.bounds]
        wrong = [each for each in found if not each[1].holds(each[2])]
        expected = ", ".join(f"{word.name} {bound}" for word, bound, _ in found)
        got = ", ".join(f"{word.name} {part:.3f}" for word, _, part in found)
        notes = {word.index: f"share {part:.3f}, expected {bound}" for word, bound, part in found}
        if not wrong:
            return Verdict(True, "Every share is within its bound.", expected=expected, got=got, notes=notes)
        told = "; ".join(
            f'"{word.name}" has a share of {part:.3f} in {aim(answer.explanation)}, expected {bound}'
            for word, bound, part in wrong
        )
        return Verdict(False, f"{told}.", expected=expected, got=got, notes=notes)

    def line(self, answers: Sequence[Answer]) -> str | None:
        bounds = {}
        for word, bound in self.bounds:
            held = bound.around([share(answer.explanation.attributions, word.index) for answer in answers])
            if held is not None:
                bounds[word.name] = str(held)
        return f"share = {table(bounds)}" if bounds else None


def _speaks(value: float, sign: str) -> bool:
    return value > 0 if sign == "+" else value < 0


def _verb(items: Sequence[object], one: str, many: str) -> str:
    return one if len(items) == 1 else many


def ordinal(number: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(number, f"{number}th")
