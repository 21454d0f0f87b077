"""Case files: questions with what must hold of their answers, in TOML.

A file is checked whole before anything is computed: unknown keys, wrong types, words that are not in the sentence or
stand in it twice are told with file, case and key. No model is needed for that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from interp.cases.checks import (
    Bound,
    Check,
    Complete,
    Converged,
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
from interp.engine.options import MIN_EVALUATIONS
from interp.errors import InputError
from interp.project.settings import Positive, Settings
from interp.project.strict import Strict, parse_toml, validation_problems
from interp.question import Output, Positions, Question, ReferenceKind
from interp.question.words import find_target

__all__ = ["CASE_SUFFIX", "Case", "GoldenRule", "load_cases"]

CASE_SUFFIX = ".cases.toml"
T = TypeVar("T")


@dataclass(frozen=True)
class GoldenRule:
    """What a case's golden promises for other weights; `tolerance` None is the project's."""

    top: int
    strict: bool
    tolerance: float | None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case: a question, how to compute it, and what must hold.

    `checks` are judged on one answer, `golden` says how a golden is held. `line` is where the case stands in its file.
    `xfail` gives reasons by check; `marks` are pytest markers.
    """

    id: str
    question: Question
    model: str | None
    integration_tolerance: float
    max_evaluations: int
    checks: tuple[Check, ...]
    golden: GoldenRule | None
    line: int
    marks: tuple[str, ...] = ()
    xfail: Mapping[str, str] = field(default_factory=dict)

    @property
    def swapped(self) -> dict[tuple[int, str], Question]:
        """The sentences in which a word is swapped, by its index and replacement."""
        wanted = [each for check in self.checks if isinstance(check, Swap) for each in check.wanted]
        return {each: _swapped(self.question, *each) for each in wanted}


class _LayerShare(Strict):
    word: str
    layers: int | str
    bound: str = Field(alias="is")


class _Swap(Strict):
    word: str
    others: Annotated[list[str], Field(alias="with", min_length=1)]
    keep: Literal["top", "tag"] | list[Literal["top", "tag"]] = "top"


class _Defaults(Strict):
    """Keys of [defaults], which every case may also give."""

    model: str | None = None
    reference: ReferenceKind = "pad"
    positions: Positions = "zero"
    output: Output = "logit"
    pretokenized: bool = False
    integration_tolerance: Positive | None = None
    max_evaluations: Annotated[int, Field(ge=MIN_EVALUATIONS)] | None = None
    golden: bool | Literal["strict"] = False
    golden_top: Annotated[int, Field(ge=1)] | None = None
    tolerance: Positive | None = None
    marks: list[str] = Field(default_factory=list)


class _Case(_Defaults):
    id: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    text: str | list[str]
    target: str | int
    tag: str | None = None
    against: str | None = None
    zoom: str | int | None = None
    top: Annotated[list[str], Field(min_length=1)] | None = None
    top_context: Annotated[list[str], Field(min_length=1)] | None = None
    sign: dict[str, Literal["+", "-"]] | None = None
    share: dict[str, str] | None = None
    layer_share: list[_LayerShare] | None = None
    swap: list[_Swap] | None = None
    xfail: dict[str, str] = Field(default_factory=dict)


class _File(Strict):
    defaults: _Defaults = _Defaults()
    case: Annotated[list[_Case], Field(min_length=1)]


def load_cases(path: Path, shown: str, settings: Settings) -> list[Case]:
    """Every case of a file; `shown` is its name in messages.

    Raises InputError with a line for each mistake, which names file, case and key.
    """
    text, content = parse_toml(path, shown)
    content = _with_defaults(content)
    try:
        parsed = _File.model_validate(content)
    except ValidationError as error:
        raise InputError("\n".join(_told(error, content, shown))) from error
    wrong: list[str] = []
    found = []
    for case in parsed.case:
        builder = _Builder(case, settings, _line(text, case.id))
        found.append(builder.build())
        wrong += [f'{shown}, case "{case.id}", key {key}: {sentence}' for key, sentence in builder.wrong]
    counts = Counter(case.id.casefold() for case in parsed.case)
    wrong += [
        f'{shown}, case "{case.id}", key id: {counts[case.id.casefold()]} cases have this id (case does not count).'
        for case in {case.id.casefold(): case for case in parsed.case}.values()
        if counts[case.id.casefold()] > 1
    ]
    if wrong:
        raise InputError("\n".join(wrong))
    return found


def _with_defaults(content: dict[str, Any]) -> dict[str, Any]:
    """Every case with what [defaults] gives and it does not; whatever is no table is left to the schema."""
    defaults, cases = content.get("defaults", {}), content.get("case")
    if not isinstance(defaults, dict) or not isinstance(cases, list):
        return content
    known = {key: value for key, value in defaults.items() if key in _Defaults.model_fields}
    return content | {"case": [{**known, **case} if isinstance(case, dict) else case for case in cases]}


def _told(error: ValidationError, content: Mapping[str, Any], shown: str) -> Iterator[str]:
    for key, sentence in validation_problems(error, _File):
        first, _, rest = key.partition(".")
        number, _, inner = rest.partition(".")
        if first == "case" and number.isdecimal():
            case = content["case"][int(number)]
            name = (
                case.get("id", f"number {int(number) + 1}") if isinstance(case, dict) else f"number {int(number) + 1}"
            )
            defaults = content.get("defaults")
            if isinstance(defaults, dict) and inner in defaults and case[inner] == defaults[inner]:
                continue  # told of the defaults already
            yield f'{shown}, case "{name}", key {inner or "case"}: {sentence}'
        elif key == "case":
            yield f"{shown}: holds no case: write a table [[case]] with id, text and target."
        else:
            yield f"{shown}, key {key}: {sentence}"


def _line(text: str, name: str) -> int:
    """The line of a case's id, 1 where it is written in a way that is not found."""
    match = re.search(rf"""^[ \t]*id[ \t]*=[ \t]*["']{re.escape(name)}["']""", text, flags=re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _swapped(question: Question, index: int, other: str) -> Question:
    from dataclasses import replace

    words = question.words
    return replace(question, text=[*words[: index - 1], other, *words[index:]], target=_indices(question), zoom=None)


def _indices(question: Question) -> tuple[int, ...]:
    return find_target(question.words, question.target)


class _Builder:
    """One case of the schema made into checks; what does not fit its sentence is kept in `wrong`, by key."""

    def __init__(self, case: _Case, settings: Settings, line: int) -> None:
        self.case, self.settings, self.line = case, settings, line
        self.wrong: list[tuple[str, str]] = []
        self.words: list[str] = []

    def build(self) -> Case:
        case, settings = self.case, self.settings
        question = Question(
            case.text,
            case.target,
            tag=case.tag,
            against=case.against,
            true_tag=None,
            output=case.output,
            zoom=case.zoom,
            reference=case.reference,
            positions=case.positions,
            pretokenized=case.pretokenized,
        )
        words = self._try("text", lambda: question.words)
        checks: tuple[Check, ...] = ()
        if words is not None:
            self.words = words
            target = self._try("target", lambda: find_target(words, case.target))
            if case.zoom is not None:
                self._named("zoom", case.zoom)
            checks = tuple(self._checks(target or ()))
        own = {*(check.name for check in checks), *(["golden"] if case.golden else [])}
        if words is not None and (unknown := {*case.xfail} - own):
            self.wrong.append(("xfail", f"{', '.join(sorted(unknown))} is no check of this case."))
        return Case(
            id=case.id,
            question=question,
            model=case.model or settings.model,
            integration_tolerance=case.integration_tolerance or settings.integration_tolerance,
            max_evaluations=case.max_evaluations or settings.max_evaluations,
            checks=checks,
            golden=GoldenRule(case.golden_top or settings.golden_top, case.golden == "strict", case.tolerance)
            if case.golden
            else None,
            line=self.line,
            marks=tuple(case.marks),
            xfail=case.xfail,
        )

    def _checks(self, target: tuple[int, ...]) -> Iterator[Check]:
        case = self.case
        if case.tag is not None and (tags := self._tags(case.tag, len(target))):
            yield Tag(tags)
        for key, listed in (("top", case.top), ("top_context", case.top_context)):
            named = [self._named(key, word) for word in listed or ()]
            if listed:
                yield Top(tuple(word for word in named if word), context=key == "top_context")
        if case.top_context and target:
            inside = [w for w in case.top_context if (n := self._quiet(w)) and n.index in target]
            self.wrong += [
                ("top_context", f'"{word}" is in the target, which is left out: use top.') for word in inside
            ]
        if case.sign:
            signs = [(self._named(f"sign.{word}", word), sign) for word, sign in case.sign.items()]
            yield Sign(tuple((word, sign) for word, sign in signs if word))
        if case.share:
            bounds = [(self._named(f"share.{w}", w), self._bound(f"share.{w}", b)) for w, b in case.share.items()]
            yield Share(tuple((word, bound) for word, bound in bounds if word and bound))
        if case.layer_share:
            parts = [self._layer_share(f"layer_share.{n}", each) for n, each in enumerate(case.layer_share)]
            yield LayerShare(tuple(part for part in parts if part))
        if case.swap:
            if case.tag is None:
                self.wrong.append(("swap", "needs the case's tag, so that both sentences are asked the same."))
            swaps = [self._swap(f"swap.{number}", each) for number, each in enumerate(case.swap)]
            yield Swap(tuple(swap for swap in swaps if swap), len(case.top or ()) or 1)
        yield from (Complete(), Converged())

    def _tags(self, tag: str, count: int) -> tuple[str, ...]:
        tags = tuple(tag.replace(",", " ").split())
        if len(tags) not in (1, count) and count:
            self.wrong.append(
                ("tag", f"gives {len(tags)} tags for a target of {count}: give one, or one for each word.")
            )
            return ()
        return tags * count if len(tags) == 1 else tags

    def _layer_share(self, key: str, each: _LayerShare) -> LayerBound | None:
        word, bound = self._named(f"{key}.word", each.word), self._bound(f"{key}.is", each.bound)
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", str(each.layers))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last:
            self.wrong.append(
                (f"{key}.layers", f'"{each.layers}" is no range of layers: write "6-12" or 6; 1 is the first.')
            )
            return None
        return LayerBound(word, first, last, bound) if word and bound else None

    def _swap(self, key: str, each: _Swap) -> WordSwap | None:
        word = self._named(f"{key}.word", each.word)
        for other in each.others:
            if not other.strip() or len(other.split()) != 1:
                self.wrong.append((f"{key}.with", f'"{other}" is not one word, so that places would shift.'))
        keep = (each.keep,) if isinstance(each.keep, str) else tuple(each.keep)
        return WordSwap(word, tuple(each.others), keep) if word else None

    def _bound(self, key: str, text: str) -> Bound | None:
        return self._try(key, lambda: Bound.parse(text))

    def _named(self, key: str, word: str | int) -> NamedWord | None:
        places = self._try(key, lambda: find_target(self.words, word, "word"))
        if places is not None and len(places) > 1:
            self.wrong.append((key, f'"{word}" is {len(places)} words: name one.'))
            return None
        return NamedWord(str(word), places[0]) if places else None

    def _quiet(self, word: str) -> NamedWord | None:
        try:
            return NamedWord(word, find_target(self.words, word)[0])
        except InputError:
            return None

    def _try(self, key: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except InputError as error:
            self.wrong.append((key, str(error)))
            return None
