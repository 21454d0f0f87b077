"""Answers to cases: models are loaded once, cases that are computed alike go in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

from interp.cases.case import Case
from interp.cases.checks import Answer
from interp.cases.terms import error_in_case_terms
from interp.errors import InterpError
from interp.explanation import Explanation
from interp.project.paths import checked_path
from interp.question import Question

__all__ = ["Explainer", "LoadModel", "ModelCache", "answer_cases", "resolve_model_path"]


class Explainer(Protocol):
    """What is needed of a model; `interp.Model` is one."""

    def prepare(self, questions: Sequence[Question], /) -> Sequence[Any]:
        """Whatever its own `explain_many` takes, one for each question. Raises InputError where one does not fit."""

    def explain_many(
        self,
        questions: Sequence[Any],
        /,
        *,
        tolerance: float,
        max_evaluations: int,
        faithful: bool,
        memory: int | str | None,
    ) -> Iterator[Explanation]: ...


LoadModel = Callable[[str, str], Explainer]
"""A model by name and device."""


class ModelCache:
    """Models by name and device, loaded when first asked for; a failure is remembered and raised again."""

    def __init__(self, load: LoadModel) -> None:
        self._load = load
        self._loaded: dict[tuple[str, str], Explainer | InterpError] = {}

    def get(self, name: str, device: str) -> Explainer:
        """Raises ModelError or DeviceError."""
        key = name, device
        if key not in self._loaded:
            try:
                self._loaded[key] = self._load(name, device)
            except InterpError as error:
                self._loaded[key] = error
        model = self._loaded[key]
        if isinstance(model, InterpError):
            raise model
        return model


def resolve_model_path(name: str, root: Path) -> str:
    """A model that is a folder below `root` by its path; bundled names and hub ids as they are.

    Raises InputError for what is neither, and no name of a folder.
    """
    path = root / checked_path(name)
    return str(path) if path.is_dir() else name


def answer_cases(model: Explainer, cases: Sequence[Case], memory: int | str | None) -> list[Answer | InterpError]:
    """One answer per case, or why there is none: a case that does not fit the model leaves the others alone."""
    answers: dict[int, Answer | InterpError] = {}
    for numbers in _by_effort(cases):
        alike = [cases[number] for number in numbers]
        answers |= zip(numbers, _answer_alike(model, alike, memory), strict=True)
    return [answers[number] for number in range(len(cases))]


def _by_effort(cases: Sequence[Case]) -> list[list[int]]:
    """Numbers of the cases that are integrated with the same effort."""
    groups: dict[tuple[float, int, bool], list[int]] = {}
    for number, case in enumerate(cases):
        effort = case.integration_tolerance, case.max_evaluations, case.replaces_words
        groups.setdefault(effort, []).append(number)
    return list(groups.values())


def _answer_alike(model: Explainer, cases: Sequence[Case], memory: int | str | None) -> list[Answer | InterpError]:
    """Cases of one effort, computed together."""
    prepared_cases = _prepare_cases(model, cases)
    fitting = [prepared for prepared in prepared_cases if not isinstance(prepared, InterpError)]
    explanations = model.explain_many(
        list(chain.from_iterable(fitting)),
        tolerance=cases[0].integration_tolerance,
        max_evaluations=cases[0].max_evaluations,
        faithful=cases[0].replaces_words,
        memory=memory,
    )
    answers: list[Answer | InterpError] = []
    for case, prepared in zip(cases, prepared_cases, strict=True):
        if isinstance(prepared, InterpError):
            answers.append(prepared)
            continue
        explanation, *swapped = islice(explanations, len(prepared))
        answers.append(Answer(explanation, dict(zip(case.swapped, swapped, strict=True))))
    return answers


def _prepare_cases(model: Explainer, cases: Sequence[Case]) -> list[Sequence[Any] | InterpError]:
    """The questions of every case, resolved together; where one does not fit, case by case, to tell which."""
    try:
        questions = [_questions(case) for case in cases]
        prepared = iter(model.prepare(list(chain.from_iterable(questions))))
        return [list(islice(prepared, len(case_questions))) for case_questions in questions]
    except InterpError:
        return [_prepare_alone(model, case) for case in cases]


def _prepare_alone(model: Explainer, case: Case) -> Sequence[Any] | InterpError:
    try:
        return model.prepare(_questions(case))
    except InterpError as error:
        return error_in_case_terms(error)


def _questions(case: Case) -> list[Question]:
    """The case's own, then those in which a word is swapped."""
    return [case.question, *case.swapped.values()]
