"""Every case on every checkpoint under every reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from interp.cases.answer import Explainer, answer_cases
from interp.cases.case import CASE_SUFFIX, Case
from interp.cases.checks import Answer
from interp.errors import InputError, InterpError, first_line
from interp.progress import Progress
from interp.question import ReferenceKind
from interp.stability.judge import ProjectGoldens, StoredGolden, TrialAnswers, check_rates, speaks_of, stored_golden
from interp.stability.result import PassRate, StabilityResult, Trial

__all__ = ["find_case_files", "measure_stability"]

BATCH = 16
"""Cases that are computed together; what goes wrong with one of them is found by computing each alone."""


def find_case_files(paths: Sequence[Path]) -> list[Path]:
    """Case files: those given, and those in the folders given. Raises InputError where there are none."""
    files: dict[Path, None] = {}
    for path in paths:
        inside = sorted(path.rglob(f"*{CASE_SUFFIX}")) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path} holds no case file: their names end in {CASE_SUFFIX}.")
        files |= dict.fromkeys(file.resolve() for file in inside)
    return list(files)


def measure_stability(
    files: Sequence[tuple[str, Sequence[Case]]],
    models: Sequence[str],
    references: Sequence[ReferenceKind],
    load: Callable[[str], Explainer],
    *,
    memory: int | str | None = None,
    goldens: ProjectGoldens | None = None,
    progress: Progress | None = None,
) -> StabilityResult:
    """Run every case on every model under every reference, and judge each check.

    `references`: empty for each case's own and "mask" ("pad" where its own is "mask"). The models that cases name do
    not matter. One model is held at a time; one that cannot be loaded, and a case that does not fit one, are errors of
    those trials alone. `progress` is told what part is done.
    """
    cases = [
        _TriedCase(file, case, tuple(dict.fromkeys(references)) or _default_references(case))
        for file, cases_of_file in files
        for case in cases_of_file
    ]
    stored = [stored_golden(goldens, tried.file, tried.case) for tried in cases]
    units = [
        _Unit(number, reference, _under_reference(tried.case, reference, stored[number]))
        for number, tried in enumerate(cases)
        for reference in tried.references
    ]
    answers: list[dict[Trial, Answer | str]] = [{} for _ in cases]
    models = tuple(dict.fromkeys(models))
    for number, name in enumerate(models):

        def report_progress(share: float, number: int = number) -> None:
            if progress is not None:
                progress((number + share) / len(models))

        of_model = _answer_units(units, name, load=load, memory=memory, progress=report_progress)
        for unit, answer in zip(units, of_model, strict=True):
            answers[unit.number][Trial(name, unit.reference)] = answer
    rates: list[PassRate] = []
    for tried, of_case, golden in zip(cases, answers, stored, strict=True):
        rates += check_rates(tried.file, tried.case, answers=of_case, stored=golden, goldens=goldens)
    every_reference = dict.fromkeys(reference for tried in cases for reference in tried.references)
    trials = tuple(Trial(name, reference) for name in models for reference in every_reference)
    return StabilityResult(models, trials, tuple(rates), _twins(answers))


@dataclass(frozen=True)
class _TriedCase:
    """A case of a file, and the references that it is tried under."""

    file: str
    case: Case
    references: tuple[ReferenceKind, ...]


@dataclass(frozen=True)
class _Unit:
    """A case, by its number, under one reference."""

    number: int
    reference: ReferenceKind
    case: Case


def _default_references(case: Case) -> tuple[ReferenceKind, ...]:
    own = case.question.reference
    return own, "pad" if own == "mask" else "mask"


def _under_reference(case: Case, reference: ReferenceKind, stored: StoredGolden | None) -> Case:
    """The case under another reference; only a golden needs the hidden dimensions of the zoomed word."""
    zoom = case.question.zoom if stored is not None and speaks_of(stored.golden, reference) else None
    return replace(case, question=replace(case.question, reference=reference, zoom=zoom))


def _answer_units(
    units: Sequence[_Unit],
    name: str,
    *,
    load: Callable[[str], Explainer],
    memory: int | str | None,
    progress: Progress,
) -> list[Answer | str]:
    """The answer of one model to every unit, or why there is none."""
    try:
        model = load(name)
    except Exception as error:  # one checkpoint of many that is broken must not cost what the others said
        return [_error_sentence(error)] * len(units)
    answers: list[Answer | str] = []
    for start in range(0, len(units), BATCH):
        cases = [unit.case for unit in units[start : start + BATCH]]
        try:
            batch = answer_cases(model, cases, memory)
        except Exception:
            answers += [_answer_alone(model, case, memory) for case in cases]
        else:
            answers += map(_answer_or_sentence, batch)
        progress(len(answers) / len(units))
    return answers


def _answer_alone(model: Explainer, case: Case, memory: int | str | None) -> Answer | str:
    try:
        answer = answer_cases(model, [case], memory)[0]
    except Exception as error:
        return _error_sentence(error)
    return _answer_or_sentence(answer)


def _answer_or_sentence(answer: Answer | Exception) -> Answer | str:
    return answer if isinstance(answer, Answer) else str(answer)


def _error_sentence(error: Exception) -> str:
    if isinstance(error, InterpError):
        return str(error)
    return f"{type(error).__name__}: {first_line(error)}"


def _twins(answers: Sequence[TrialAnswers]) -> tuple[tuple[str, str], ...]:
    """Every model that has the weights of one before it, with that one."""
    fingerprints: dict[str, str] = {}
    for of_case in answers:
        for trial, answer in of_case.items():
            if isinstance(answer, Answer):
                fingerprints.setdefault(trial.model, answer.explanation.model.sha256)
    first_of: dict[str, str] = {}
    twins = []
    for name, sha256 in fingerprints.items():
        first = first_of.setdefault(sha256, name)
        if first != name:
            twins.append((first, name))
    return tuple(twins)
