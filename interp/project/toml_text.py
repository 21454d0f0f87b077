"""Values as they are written in TOML: text and tables in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

__all__ = ["toml_string", "toml_table"]


def toml_string(text: str) -> str:
    """A basic string: JSON's strings are TOML's too."""
    return json.dumps(text, ensure_ascii=False)


def toml_table(values: Mapping[str, str]) -> str:
    """An inline table of strings; keys are quoted where they need it."""
    entries = ", ".join(f"{_key(key)} = {toml_string(value)}" for key, value in values.items())
    return f"{{ {entries} }}"


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else toml_string(key)
