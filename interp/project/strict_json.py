"""JSON that can be written again: its numbers are finite, its text is text, and its lists may stand in frozen data."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from interp.project.characters import holds_half_characters

__all__ = ["freeze", "parse_document", "parse_json"]

MOST_DIGITS = 308
"""Of a whole number: with more it may be infinite as a float."""
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str) -> Any:
    """Raises ValueError for what is no JSON, is nested too deeply, or holds a number that has no end."""
    return _parse(text, float)


def parse_document(text: str) -> dict[str, Any]:
    """One object. Raises ValueError also for NaN, infinity and halves of characters, which Python reads and nobody can
    write.
    """
    document = _parse(text, _finite)
    if not isinstance(document, dict):
        raise ValueError("it holds no object")
    if _ESCAPED_HALF.search(text) and holds_half_characters(json.dumps(document, ensure_ascii=False)):
        raise ValueError(r"it holds half a character, such as \ud800")
    return document


def _parse(text: str, read_float: Callable[[str], float]) -> Any:
    try:
        return json.loads(text, parse_constant=read_float, parse_float=read_float, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no finite number")
    return value


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"it holds a number of {len(text)} digits")
    return int(text)


def freeze(value: Any) -> Any:
    """Lists, and lists in lists, as tuples."""
    return tuple(freeze(item) for item in value) if isinstance(value, list) else value
