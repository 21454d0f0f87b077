"""Every case on every checkpoint under every reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from interp.cases.answer import Explainer, answer_cases
from interp.cases.case import CASE_SUFFIX, Case
from interp.cases.checks import Answer
from interp.errors import InputError, InterpError, first_line
from interp.question import ReferenceKind
from interp.stability.judge import ProjectGoldens, StoredGolden, TrialAnswers, check_rates, speaks_of, stored_golden
from interp.stability.result import PassRate, StabilityResult, Trial

__all__ = ["find_case_files", "measure_stability"]

BATCH = 16
"""Cases that are computed together; what goes wrong with one of them is found by computing each alone."""

Progress = Callable[[float], None]


def find_case_files(paths: Sequence[Path]) -> list[Path]:
    """Case files: those given, and those in the folders given. Raises InputError where there are none."""
    found: dict[Path, None] = {}
    for path in paths:
        some = sorted(path.rglob(f"*{CASE_SUFFIX}")) if path.is_dir() else [path]
        if not some:
            raise InputError(f"{path} holds no case file: their names end in {CASE_SUFFIX}.")
        found |= dict.fromkeys(each.resolve() for each in some)
    return list(found)


def measure_stability(
    files: Sequence[tuple[str, Sequence[Case]]],
    models: Sequence[str],
    references: Sequence[ReferenceKind],
    load: Callable[[str], Explainer],
    memory: int | str | None = None,
    goldens: ProjectGoldens | None = None,
    progress: Progress | None = None,
) -> StabilityResult:
    """Run every case on every model under every reference, and judge each check.

    `references`: empty for each case's own and "mask" ("pad" where its own is "mask"). The models that cases name do
    not matter. One model is held at a time; one that cannot be loaded, and a case that does not fit one, are errors of
    those trials alone. `progress` is told what part is done.
    """
    cases = [(file, case) for file, some in files for case in some]
    tried = [tuple(dict.fromkeys(references)) or _default(case) for _, case in cases]
    held = [stored_golden(goldens, file, case) for file, case in cases]
    units = [
        _Unit(number, kind, _asked(case, kind, held[number]))
        for number, (_, case) in enumerate(cases)
        for kind in tried[number]
    ]
    given: list[dict[Trial, Answer | str]] = [{} for _ in cases]
    models = tuple(dict.fromkeys(models))
    for number, name in enumerate(models):

        def told(part: float, number: int = number) -> None:
            if progress is not None:
                progress((number + part) / len(models))

        whole = _on_model(units, name, load=load, memory=memory, progress=told)
        for unit, answer in zip(units, whole, strict=True):
            given[unit.number][Trial(name, unit.reference)] = answer
    rates: list[PassRate] = []
    for (file, case), some, golden in zip(cases, given, held, strict=True):
        rates += check_rates(file, case, given=some, held=golden, goldens=goldens)
    kinds = dict.fromkeys(kind for some in tried for kind in some)
    every = tuple(Trial(name, kind) for name in models for kind in kinds)
    return StabilityResult(models, every, tuple(rates), _twins(given))


@dataclass(frozen=True)
class _Unit:
    """A case, by its number, under one reference."""

    number: int
    reference: ReferenceKind
    case: Case


def _default(case: Case) -> tuple[ReferenceKind, ...]:
    own = case.question.reference
    return own, "pad" if own == "mask" else "mask"


def _asked(case: Case, kind: ReferenceKind, held: StoredGolden | None) -> Case:
    """The case under another reference; only a golden needs the hidden dimensions of the zoomed word."""
    zoom = case.question.zoom if held is not None and speaks_of(held.golden, kind) else None
    return replace(case, question=replace(case.question, reference=kind, zoom=zoom))


def _on_model(
    units: Sequence[_Unit],
    name: str,
    load: Callable[[str], Explainer],
    memory: int | str | None,
    progress: Progress,
) -> list[Answer | str]:
    """The answer of one model to every unit, or why there is none."""
    try:
        model = load(name)
    except Exception as error:  # one checkpoint of many that is broken must not cost what the others said
        return [_sentence(error)] * len(units)
    found: list[Answer | str] = []
    for start in range(0, len(units), BATCH):
        some = [unit.case for unit in units[start : start + BATCH]]
        try:
            found += [a if isinstance(a, Answer) else str(a) for a in answer_cases(model, some, memory)]
        except Exception:
            found += [_alone(model, case, memory) for case in some]
        progress(len(found) / len(units))
    return found


def _alone(model: Explainer, case: Case, memory: int | str | None) -> Answer | str:
    try:
        found = answer_cases(model, [case], memory)[0]
    except Exception as error:
        return _sentence(error)
    return found if isinstance(found, Answer) else str(found)


def _sentence(error: Exception) -> str:
    if isinstance(error, InterpError):
        return str(error)
    return f"{type(error).__name__}: {first_line(error)}"


def _twins(given: Sequence[TrialAnswers]) -> tuple[tuple[str, str], ...]:
    """Every model that has the weights of one before it, with that one."""
    weights: dict[str, str] = {}
    for some in given:
        for trial, answer in some.items():
            if isinstance(answer, Answer):
                weights.setdefault(trial.model, answer.explanation.model.sha256)
    first: dict[str, str] = {}
    return tuple((first[sha], name) for name, sha in weights.items() if first.setdefault(sha, name) != name)
