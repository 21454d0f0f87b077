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
from interp.gate.result import SCHEMA, CheckResult, CueFinding, GateResult

__all__ = ["dumps", "dumps_cues", "loads", "schema"]

_ADAPTER = TypeAdapter(GateResult)
NUMBERS = ("value", "low", "high", "limit", "floor", "smallest")


def dumps(result: GateResult) -> str:
    """The document; a check's numbers that are none are null."""
    checks = tuple(map(_finite, result.checks))
    content = {"schema": SCHEMA, **_ADAPTER.dump_python(replace(result, checks=checks), mode="json")}
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _finite(check: CheckResult) -> CheckResult:
    """The same without numbers that are none."""
    numbers = {name: getattr(check, name) for name in NUMBERS}
    none: dict[str, Any] = {name: None for name, value in numbers.items() if value is None or not math.isfinite(value)}
    return replace(check, **none)


def dumps_cues(check: CheckResult, cues: Sequence[CueFinding]) -> str:
    """What a probe alone found: those two parts of the same document."""
    one, many = TypeAdapter(CheckResult), TypeAdapter(list[CueFinding])
    content = {
        "schema": SCHEMA,
        "checks": [one.dump_python(check, mode="json")],
        "cues": many.dump_python(list(cues), mode="json"),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def loads(text: str, path: Path | str) -> GateResult:
    """Raises FormatError, which names `path`."""
    try:
        content = json.loads(text)
        version = content.pop("schema", None)
    except (ValueError, AttributeError, TypeError) as error:
        raise FormatError(f"{path} holds no result of interp gate.") from error
    if version != SCHEMA:
        raise FormatError(f"{path} has the schema {version!r}, and this release reads {SCHEMA}.")
    try:
        return _ADAPTER.validate_python(content)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise FormatError(f"{path} is damaged at {key}.") from error


def schema() -> dict[str, Any]:
    """JSON Schema of the document."""
    found = _ADAPTER.json_schema()
    found["properties"] = {"schema": {"const": SCHEMA}, **found["properties"]}
    found["required"] = ["schema", *found["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **found}
