"""JSON whose numbers are finite, and whose lists may stand in frozen data."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["freeze", "parse_finite_json"]


def parse_finite_json(text: str) -> Any:
    """Raises ValueError for what is no JSON, is nested too deeply, or holds NaN or infinity (Python reads those)."""
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


def freeze(value: Any) -> Any:
    """Lists, and lists in lists, as tuples."""
    return tuple(freeze(item) for item in value) if isinstance(value, list) else value
