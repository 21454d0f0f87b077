"""The gate's result as JSON: one schema, written beside it in the package."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from interp.errors import FormatError
from interp.gate.behaviour import Flip
from interp.gate.evidence import Shift
from interp.gate.leaks import LeakChange, LeakedWord
from interp.gate.result import SCHEMA, CaseComparison, CheckResult, CueFinding, DataSummary, GateResult
from interp.gate.slices import LostEntity, SliceChange
from interp.project.json_schema import described_schema
from interp.project.strict_json import parse_document
from interp.stress import StressExample, StressResult, VariantChange

__all__ = ["dumps", "dumps_cues", "loads", "schema"]

_ADAPTER = TypeAdapter(GateResult)
_DATA = (
    GateResult,
    DataSummary,
    CheckResult,
    CueFinding,
    CaseComparison,
    Shift,
    Flip,
    SliceChange,
    LostEntity,
    LeakChange,
    LeakedWord,
    StressResult,
    VariantChange,
    StressExample,
)
NUMBERS = ("value", "low", "high", "limit", "floor", "smallest")


def dumps(result: GateResult) -> str:
    """The document; a check's numbers that are none are null."""
    checks = tuple(map(_without_odd_numbers, result.checks))
    content = {"schema": SCHEMA, **_ADAPTER.dump_python(replace(result, checks=checks), mode="json")}
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _without_odd_numbers(check: CheckResult) -> CheckResult:
    """The same without infinities and NaN, which JSON has no numbers for."""
    numbers = {name: getattr(check, name) for name in NUMBERS}
    odd: dict[str, Any] = {
        name: None for name, value in numbers.items() if value is not None and not math.isfinite(value)
    }
    return replace(check, **odd)


def dumps_cues(check: CheckResult, cues: Sequence[CueFinding]) -> str:
    """What a probe alone found: those two parts of the same document."""
    content = {
        "schema": SCHEMA,
        "checks": [TypeAdapter(CheckResult).dump_python(check, mode="json")],
        "cues": TypeAdapter(list[CueFinding]).dump_python(list(cues), mode="json"),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def loads(text: str, path: Path | str) -> GateResult:
    """Raises FormatError, which names `path`."""
    try:
        content = parse_document(text)
        version = content.pop("schema", None)
    except ValueError as error:
        raise FormatError(f"{path} holds no result of interp gate ({error}).") from error
    if version != SCHEMA:
        raise FormatError(f"{path} has the schema {version!r}, and this release reads {SCHEMA}.")
    try:
        return _ADAPTER.validate_python(content)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise FormatError(f"{path} is damaged at {key}.") from error


def schema() -> dict[str, Any]:
    """JSON Schema of the document, described as the classes are, field by field."""
    return described_schema(GateResult, _DATA, SCHEMA)
