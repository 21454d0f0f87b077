"""From the keys of a case file to a case: words are looked up in its sentence, bounds and tags are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from interp.cases.case import Case, GoldenRule
from interp.cases.checks import (
    Bound,
    Check,
    Complete,
    Converged,
    Faithful,
    LayerBound,
    LayerShare,
    NamedWord,
    Share,
    Sign,
    Swap,
    Tag,
    Top,
    WordSwap,
)
from interp.cases.schema import CaseKeys, LayerShareKeys, SwapKeys
from interp.errors import InputError
from interp.project.settings import Settings
from interp.question import Question
from interp.question.words import find_target

__all__ = ["CaseBuilder", "Mistake"]

T = TypeVar("T")


@dataclass(frozen=True)
class Mistake:
    """What does not fit, by the key of its case."""

    key: str
    sentence: str


class CaseBuilder:
    """Builds one case; what does not fit its sentence is kept in `mistakes`, and then the case is not to be used."""

    def __init__(self, keys: CaseKeys, settings: Settings, line: int) -> None:
        self.mistakes: list[Mistake] = []
        self._keys, self._settings, self._line = keys, settings, line
        self._words: list[str] = []
        self._target: tuple[int, ...] = ()

    def build(self) -> Case:
        keys, settings = self._keys, self._settings
        question = self._question()
        words = self._try("text", lambda: question.words)
        checks: tuple[Check, ...] = ()
        if words is not None:
            self._words = words
            self._target = self._try("target", lambda: find_target(words, keys.target)) or ()
            if keys.zoom is not None:
                self._find_word("zoom", keys.zoom)
            checks = self._checks()
            self._check_xfail(checks)
        return Case(
            id=keys.id,
            question=question,
            model=keys.model or settings.model,
            integration_tolerance=keys.integration_tolerance or settings.integration_tolerance,
            max_evaluations=keys.max_evaluations or settings.max_evaluations,
            checks=checks,
            golden=self._golden_rule(),
            line=self._line,
            marks=tuple(keys.marks),
            xfail=keys.xfail,
        )

    def _question(self) -> Question:
        keys = self._keys
        return Question(
            keys.text,
            keys.target,
            tag=keys.tag,
            against=keys.against,
            output=keys.output,
            zoom=keys.zoom,
            reference=keys.reference,
            positions=keys.positions,
            pretokenized=keys.pretokenized,
        )

    def _golden_rule(self) -> GoldenRule | None:
        keys = self._keys
        if not keys.golden:
            return None
        return GoldenRule(keys.golden_top or self._settings.golden_top, keys.golden == "strict", keys.tolerance)

    def _check_xfail(self, checks: Sequence[Check]) -> None:
        names = {check.name for check in checks} | ({"golden"} if self._keys.golden else set())
        if unknown := self._keys.xfail.keys() - names:
            self._add_mistake("xfail", f"{', '.join(sorted(unknown))} is no check of this case.")

    def _checks(self) -> tuple[Check, ...]:
        keys = self._keys
        checks = [
            self._tag(keys.tag),
            self._top("top", keys.top),
            self._top("top_context", keys.top_context),
            self._sign(keys.sign or {}),
            self._share(keys.share or {}),
            self._layer_share(keys.layer_share or ()),
            self._swap(keys.swap or ()),
            self._faithful(keys.faithful),
            Complete(),
            Converged(),
        ]
        return tuple(check for check in checks if check is not None)

    def _tag(self, tag: str | None) -> Tag | None:
        if tag is None:
            return None
        count = len(self._target)
        tags = tuple(tag.replace(",", " ").split())
        if len(tags) not in (1, count) and count:
            self._add_mistake("tag", f"gives {len(tags)} tags for a target of {count}: give one, or one for each word.")
            return None
        tags = tags * count if len(tags) == 1 else tags
        return Tag(tags) if tags else None

    def _top(self, key: str, names: Sequence[str] | None) -> Top | None:
        if not names:
            return None
        context = key == "top_context"
        words = []
        in_target = []
        for name in names:
            word = self._find_word(key, name)
            if word is not None:
                words.append(word)
                if context and word.index in self._target:
                    in_target.append(name)
        for name in in_target:
            self._add_mistake(key, f'"{name}" is in the target, which is left out: use top.')
        return Top(tuple(words), context=context)

    def _sign(self, signs: Mapping[str, Literal["+", "-"]]) -> Sign | None:
        words = [(self._find_word(f"sign.{name}", name), sign) for name, sign in signs.items()]
        return Sign(tuple((word, sign) for word, sign in words if word)) if signs else None

    def _share(self, bounds: Mapping[str, str]) -> Share | None:
        pairs = []
        for name, text in bounds.items():
            key = f"share.{name}"
            word, bound = self._find_word(key, name), self._bound(key, text)
            if word and bound:
                pairs.append((word, bound))
        return Share(tuple(pairs)) if bounds else None

    def _layer_share(self, entries: Sequence[LayerShareKeys]) -> LayerShare | None:
        bounds = [self._layer_bound(f"layer_share.{number}", entry) for number, entry in enumerate(entries)]
        return LayerShare(tuple(bound for bound in bounds if bound)) if entries else None

    def _layer_bound(self, key: str, entry: LayerShareKeys) -> LayerBound | None:
        word, bound = self._find_word(f"{key}.word", entry.word), self._bound(f"{key}.is", entry.bound)
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", str(entry.layers))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last:
            self._add_mistake(
                f"{key}.layers", f'"{entry.layers}" is no range of layers: write "6-12" or 6; 1 is the first.'
            )
            return None
        return LayerBound(word, first, last, bound) if word and bound else None

    def _swap(self, entries: Sequence[SwapKeys]) -> Swap | None:
        if not entries:
            return None
        if self._keys.tag is None:
            self._add_mistake("swap", "needs the case's tag, so that both sentences are asked the same.")
        swaps = [self._word_swap(f"swap.{number}", entry) for number, entry in enumerate(entries)]
        return Swap(tuple(swap for swap in swaps if swap), len(self._keys.top or ()) or 1)

    def _word_swap(self, key: str, entry: SwapKeys) -> WordSwap | None:
        word = self._find_word(f"{key}.word", entry.word)
        for replacement in entry.others:
            if not replacement.strip() or len(replacement.split()) != 1:
                self._add_mistake(f"{key}.with", f'"{replacement}" is not one word, so that places would shift.')
        keep = (entry.keep,) if isinstance(entry.keep, str) else tuple(entry.keep)
        return WordSwap(word, tuple(entry.others), keep) if word else None

    def _faithful(self, text: str | None) -> Faithful | None:
        bound = self._bound("faithful", text) if text is not None else None
        return Faithful(bound) if bound else None

    def _bound(self, key: str, text: str) -> Bound | None:
        return self._try(key, lambda: Bound.parse(text))

    def _find_word(self, key: str, name: str | int) -> NamedWord | None:
        indices = self._try(key, lambda: find_target(self._words, name, "word"))
        if indices is None:
            return None
        if len(indices) > 1:
            self._add_mistake(key, f'"{name}" is {len(indices)} words: name one.')
            return None
        return NamedWord(str(name), indices[0])

    def _try(self, key: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except InputError as error:
            self._add_mistake(key, str(error))
            return None

    def _add_mistake(self, key: str, sentence: str) -> None:
        self.mistakes.append(Mistake(key, sentence))
