"""The check that an explanation does not depend on a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from interp.cases.checks.base import Answer, NamedWord, Verdict, word_names
from interp.explanation import Explanation
from interp.project.toml_text import toml_table

__all__ = ["Swap", "WordSwap"]


@dataclass(frozen=True)
class WordSwap:
    """One word, what it is replaced with, and what must stay."""

    word: NamedWord
    replacements: tuple[str, ...]
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
        return [(swap.word.index, replacement) for swap in self.swaps for replacement in swap.replacements]

    def judge(self, answer: Answer) -> Verdict:
        wrong, actual = [], []
        for swap in self.swaps:
            for replacement in swap.replacements:
                changes = self._unwanted_changes(swap, replacement, answer)
                if changes:
                    wrong.append(f'With "{replacement}" for "{swap.word.name}", {" and ".join(changes)}')
                actual.append(f"{replacement}: {'; '.join(changes) or 'the same'}")
        sentence = "; ".join(wrong) or "Swapping the word changes nothing that matters"
        return Verdict(
            passed=not wrong,
            sentence=f"{sentence}.",
            expected=", ".join(map(_describe_expected, self.swaps)),
            actual=", ".join(actual),
            notes={swap.word.index: "swapped" for swap in self.swaps},
        )

    def _unwanted_changes(self, swap: WordSwap, replacement: str, answer: Answer) -> list[str]:
        """What must stay, and does not."""
        original, swapped = answer.explanation, answer.swapped[swap.word.index, replacement]
        changes = []
        if "tag" in swap.keep and swapped.target.predicted != original.target.predicted:
            tag, original_tag = " ".join(swapped.target.predicted), " ".join(original.target.predicted)
            changes.append(f"the tag is {tag}, not {original_tag}")
        leaders, original_leaders = self._leaders(swapped), self._leaders(original)
        if "top" in swap.keep and leaders != original_leaders:
            verb = "leads" if self.top == 1 else "lead"
            changes.append(f"{_quote(swapped, leaders)} {verb}, not {_quote(original, original_leaders)}")
        return changes

    def _leaders(self, explanation: Explanation) -> list[int]:
        return [word.index for word in explanation.ranked[: self.top]]

    def toml_line(self, answers: Sequence[Answer]) -> str | None:
        tables = []
        for swap in self.swaps:
            kept = [
                replacement
                for replacement in swap.replacements
                if not any(self._unwanted_changes(swap, replacement, answer) for answer in answers)
            ]
            if kept:
                tables.append(_table_of(swap, kept))
        return f"swap = [{', '.join(tables)}]" if tables else None


def _describe_expected(swap: WordSwap) -> str:
    return f"the same {' and '.join(swap.keep)} with {', '.join(swap.replacements)} for {swap.word.name}"


def _quote(explanation: Explanation, indices: Sequence[int]) -> str:
    names = word_names(explanation)
    return ", ".join(f'"{names[index]}"' for index in indices)


def _table_of(swap: WordSwap, replacements: Sequence[str]) -> str:
    keep = swap.keep[0] if len(swap.keep) == 1 else swap.keep
    return toml_table({"word": swap.word.name, "with": replacements, "keep": keep})
