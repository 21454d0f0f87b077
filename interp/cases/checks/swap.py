"""The check that an explanation does not depend on a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from interp.cases.checks.base import Answer, NamedWord, Verdict, names, quoted
from interp.explanation import Explanation

__all__ = ["Swap", "WordSwap"]


@dataclass(frozen=True)
class WordSwap:
    """One word, what it is replaced with, and what must stay."""

    word: NamedWord
    others: tuple[str, ...]
    keep: tuple[Literal["top", "tag"], ...]


@dataclass(frozen=True)
class Swap:
    """The explanation must not depend on a word, usually the name: swapped, the leading words or the tag stay.

    `top`: how many leading words are compared, by their places in the sentence.
    """

    swaps: tuple[WordSwap, ...]
    top: int = 1
    name: ClassVar[str] = "swap"

    @property
    def replacements(self) -> list[tuple[int, str]]:
        """Every sentence that is needed: the index of the word, and its replacement."""
        return [(one.word.index, other) for one in self.swaps for other in one.others]

    def judge(self, answer: Answer) -> Verdict:
        whole = answer.explanation
        wrong, got = [], []
        for one in self.swaps:
            for other in one.others:
                said = self._said(one, whole, answer.swapped[one.word.index, other])
                if said:
                    wrong.append(f'With "{other}" for "{one.word.name}", {" and ".join(said)}')
                got.append(f"{other}: {'; '.join(said) or 'the same'}")
        expected = ", ".join(
            f"the same {' and '.join(one.keep)} with {', '.join(one.others)} for {one.word.name}" for one in self.swaps
        )
        sentence = "; ".join(wrong) or "Swapping the word changes nothing that matters"
        notes = {one.word.index: "swapped" for one in self.swaps}
        return Verdict(not wrong, f"{sentence}.", expected=expected, got=", ".join(got), notes=notes)

    def _said(self, one: WordSwap, whole: Explanation, swapped: Explanation) -> list[str]:
        said = []
        if "tag" in one.keep and swapped.target.predicted != whole.target.predicted:
            was, is_now = (" ".join(each.target.predicted) for each in (whole, swapped))
            said.append(f"the tag is {is_now}, not {was}")
        leaders, now = ([word.index for word in each.ranked[: self.top]] for each in (whole, swapped))
        if "top" in one.keep and leaders != now:
            after, before = names(swapped), names(whole)
            then, first = (", ".join(f'"{of[i]}"' for i in at) for of, at in ((after, now), (before, leaders)))
            said.append(f"{then} {'leads' if self.top == 1 else 'lead'}, not {first}")
        return said

    def line(self, answers: Sequence[Answer]) -> str | None:
        written = []
        for one in self.swaps:
            kept = [
                other
                for other in one.others
                if not any(self._said(one, a.explanation, a.swapped[one.word.index, other]) for a in answers)
            ]
            if kept:
                keep = quoted(one.keep[0]) if len(one.keep) == 1 else f"[{', '.join(map(quoted, one.keep))}]"
                others = ", ".join(map(quoted, kept))
                written.append(f"{{ word = {quoted(one.word.name)}, with = [{others}], keep = {keep} }}")
        return f"swap = [{', '.join(written)}]" if written else None
