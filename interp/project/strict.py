"""What users write in TOML, held to its schema: every mistake named by file and key, with what was probably meant."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from interp.errors import InputError
from interp.project.files import read_text

__all__ = ["Strict", "parse_toml", "validation_problems"]


_ENDLESS_KEY = re.compile(r"(?:^|[\[{,])[ \t]*(?:[^\s.=\[\]{},#]+[ \t]*\.[ \t]*){64}", re.MULTILINE)
"""A key of so many parts, on which Python's reader of TOML takes the square of their number."""


class Strict(BaseModel):
    """Unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def parse_toml(path: Path, shown: str) -> tuple[str, dict[str, Any]]:
    """A file's text and content; `shown` is its name in messages. Raises InputError."""
    try:
        text = read_text(path, shown).replace("\r\n", "\n")
        if _ENDLESS_KEY.search(text):
            raise RecursionError
        return text, tomllib.loads(text)
    except RecursionError as error:
        raise InputError(f"{shown}: is nested too deeply: write it in fewer levels.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{shown}: is no TOML: {error}.") from error
    except ValueError as error:
        raise InputError(f"{shown}: holds a number that has too many digits.") from error


def validation_problems(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """Each mistake as the key's path and a sentence."""
    sentences: dict[str, str] = {}
    for mistake in error.errors(include_url=False, include_context=False):
        path = [str(part) for part in mistake["loc"] if not _is_branch(part)]
        if mistake["type"] == "extra_forbidden":
            sentence = f"unknown key{_suggestion(path[-1], _keys_at(model, path[:-1]))}"
        elif mistake["type"] == "string_pattern_mismatch":
            sentence = "may hold letters, digits, and _ . - alone"
        else:
            message = mistake["msg"].removeprefix("Value error, ")
            sentence = f"{message[0].lower()}{message[1:]}"
        key = ".".join(path)
        # Of a choice between types every branch complains: one sentence a key.
        before = sentences.get(key, sentence)
        sentences[key] = sentence if sentence in before else f"{before}, or {sentence}"
    return [(key, sentence if sentence.endswith("?") else f"{sentence}.") for key, sentence in sentences.items()]


def _is_branch(part: int | str) -> bool:
    """Names that pydantic gives to the branches of a choice of types are not the user's keys."""
    return isinstance(part, str) and (
        part in ("str", "int", "float", "bool") or part.endswith("]") or part.startswith("constrained-")
    )


def _keys_at(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys that the table at `path` may have, by what is written in the schema."""
    for part in path:
        field = model.model_fields.get(part)
        types = _types_within(field.annotation) if field else []
        tables = [kind for kind in types if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if tables:
            model = tables[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _types_within(annotation: Any) -> list[Any]:
    """A type and everything inside it."""
    types = [annotation]
    for argument in getattr(annotation, "__args__", ()):
        types += _types_within(argument)
    return types


def _suggestion(key: str, known: Sequence[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(known)}"
