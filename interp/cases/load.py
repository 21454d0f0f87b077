"""Case files: questions with what must hold of their answers, in TOML.

A file is checked whole before anything is computed: unknown keys, wrong types, words that are not in the sentence or
stand in it twice are told with file, case and key. No model is needed for that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from interp.cases.build import CaseBuilder
from interp.cases.case import Case
from interp.cases.schema import CaseKeys, DefaultKeys, FileKeys
from interp.errors import InputError
from interp.project.settings import Settings
from interp.project.strict import parse_toml, validation_problems

__all__ = ["load_cases"]


def load_cases(path: Path, shown: str, settings: Settings) -> list[Case]:
    """Every case of a file; `shown` is its name in messages.

    Raises InputError with a line for each mistake, which names file, case and key.
    """
    text, content = parse_toml(path, shown)
    content = _with_defaults(content)
    try:
        file = FileKeys.model_validate(content)
    except ValidationError as error:
        raise InputError(*_describe_invalid(error, content, shown)) from error
    cases: list[Case] = []
    mistakes: list[str] = []
    for keys in file.case:
        builder = CaseBuilder(keys, settings, _line_of(text, keys.id))
        cases.append(builder.build())
        mistakes += [
            f'{shown}, case "{keys.id}", key {mistake.key}: {mistake.sentence}' for mistake in builder.mistakes
        ]
    mistakes += _repeated_ids(file.case, shown)
    if mistakes:
        raise InputError(*mistakes)
    return cases


def _with_defaults(content: dict[str, Any]) -> dict[str, Any]:
    """Every case with what [defaults] gives and it does not; whatever is no table is left to the schema."""
    defaults, cases = content.get("defaults", {}), content.get("case")
    if not isinstance(defaults, dict) or not isinstance(cases, list):
        return content
    known = {key: value for key, value in defaults.items() if key in DefaultKeys.model_fields}
    return content | {"case": [{**known, **case} if isinstance(case, dict) else case for case in cases]}


def _describe_invalid(error: ValidationError, content: Mapping[str, Any], shown: str) -> Iterator[str]:
    """A sentence for each mistake that the schema tells; one of the defaults is told once, not again in every case."""
    for key, sentence in validation_problems(error, FileKeys):
        match = re.match(r"case\.(\d+)(?:\.|$)(.*)", key)
        if match:
            number, inner = int(match[1]), match[2]
            case = content["case"][number]
            if not _comes_from_defaults(inner, case, content.get("defaults")):
                yield f'{shown}, case "{_case_name(case, number)}", key {inner or "case"}: {sentence}'
        elif key == "case":
            yield f"{shown}: holds no case: write a table [[case]] with id, text and target."
        else:
            yield f"{shown}, key {key}: {sentence}"


def _comes_from_defaults(key: str, case: Any, defaults: Any) -> bool:
    return isinstance(defaults, dict) and key in defaults and bool(case[key] == defaults[key])


def _case_name(case: Any, number: int) -> str:
    by_number = f"number {number + 1}"
    return str(case.get("id", by_number)) if isinstance(case, dict) else by_number


def _repeated_ids(cases: Sequence[CaseKeys], shown: str) -> Iterator[str]:
    """A sentence for each id that stands more than once, but for upper and lower case."""
    counts = Counter(case.id.casefold() for case in cases)
    last_spelling = {case.id.casefold(): case.id for case in cases}
    for folded, spelling in last_spelling.items():
        if counts[folded] > 1:
            yield f'{shown}, case "{spelling}", key id: {counts[folded]} cases have this id (case does not count).'


def _line_of(text: str, name: str) -> int:
    """The line of a case's id, 1 where it is written in a way that is not found."""
    match = re.search(rf"""^[ \t]*id[ \t]*=[ \t]*["']{re.escape(name)}["']""", text, flags=re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1
