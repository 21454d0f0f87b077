"""Values as they are written in TOML, each in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date

__all__ = ["toml_string", "toml_table", "toml_value"]


def toml_string(text: str) -> str:
    """A basic string: JSON's strings are TOML's too."""
    return json.dumps(text, ensure_ascii=False)


def toml_value(value: object) -> str:
    """Text, a number, a date, a list or a table. Raises TypeError for anything else."""
    match value:
        case str():
            return toml_string(value)
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case date():
            return value.isoformat()
        case Mapping():
            return toml_table(value)
        case Sequence():
            return f"[{', '.join(map(toml_value, value))}]"
    raise TypeError(f"{type(value).__name__} cannot be written as TOML")


def toml_table(values: Mapping[str, object]) -> str:
    """An inline table; keys are quoted where they need it."""
    entries = ", ".join(f"{_key(key)} = {toml_value(value)}" for key, value in values.items())
    return f"{{ {entries} }}"


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else toml_string(key)
