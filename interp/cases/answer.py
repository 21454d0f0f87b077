"""Answers to pinned cases: models are loaded once, cases that are computed alike go in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Protocol

from interp.cases.checks import Answer
from interp.cases.load import Case
from interp.errors import InterpError
from interp.explanation import Explanation
from interp.question import Question

__all__ = ["Explainer", "LoadModel", "ModelCache", "answer_cases", "resolve_model_path"]


class Explainer(Protocol):
    """What is asked of a model; `interp.Model` is one."""

    def check(self, cases: Sequence[Question], /) -> None: ...

    def explain_many(
        self,
        cases: Sequence[Question],
        /,
        *,
        tolerance: float,
        max_evaluations: int,
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
    """A model that is a folder below `root` by its path; bundled names and hub ids as they are."""
    return str(root / name) if (root / name).is_dir() else name


def answer_cases(model: Explainer, cases: Sequence[Case], memory: int | str | None) -> list[Answer | InterpError]:
    """One answer per case, or why there is none: a case that does not fit the model leaves the others alone."""
    found: dict[int, Answer | InterpError] = {}
    for alike in _alike(cases):
        asked: list[tuple[int, tuple[int, str] | None, Question]] = []
        for number in alike:
            try:
                swapped = cases[number].swapped
                questions = [cases[number].question, *swapped.values()]
                model.check(questions)
                asked += zip(repeat(number), (None, *swapped), questions)
            except InterpError as error:
                found[number] = error
        first = cases[alike[0]]
        explained = model.explain_many(
            [question for *_, question in asked],
            tolerance=first.integration_tolerance,
            max_evaluations=first.max_evaluations,
            memory=memory,
        )
        got: dict[int, dict[tuple[int, str] | None, Explanation]] = {}
        for (number, key, _), explanation in zip(asked, explained, strict=True):
            got.setdefault(number, {})[key] = explanation
        for number, each in got.items():
            found[number] = Answer(each[None], {key: one for key, one in each.items() if key is not None})
    return [found[number] for number in range(len(cases))]


def _alike(cases: Sequence[Case]) -> list[list[int]]:
    """Numbers of the cases that are integrated with the same effort."""
    groups: dict[tuple[float, int], list[int]] = {}
    for number, case in enumerate(cases):
        groups.setdefault((case.integration_tolerance, case.max_evaluations), []).append(number)
    return list(groups.values())
