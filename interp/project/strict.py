"""What users write in TOML, held to its schema: every mistake named by file and key, with what was probably meant."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from interp.errors import InputError

__all__ = ["Strict", "parse_toml", "validation_problems"]


class Strict(BaseModel):
    """Unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def parse_toml(path: Path, shown: str) -> tuple[str, dict[str, Any]]:
    """A file's text and content; `shown` is its name in messages. Raises InputError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{shown}: is not UTF-8 (byte {error.start}): convert it first.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{shown}: is no TOML: {error}.") from error


def validation_problems(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """Each mistake as the key's path and a sentence."""
    found: dict[str, str] = {}
    for one in error.errors(include_url=False, include_context=False):
        path = [str(part) for part in one["loc"] if not _internal(part)]
        if one["type"] == "extra_forbidden":
            sentence = f"unknown key{_meant(path[-1], _known(model, path[:-1]))}"
        elif one["type"] == "string_pattern_mismatch":
            sentence = "may hold letters, digits, and _ . - alone"
        else:
            sentence = f"{one['msg'][0].lower()}{one['msg'][1:]}"
        key = ".".join(path)
        # Of a choice between types every branch complains: one sentence a key.
        found[key] = f"{found[key]}, or {sentence}" if key in found and sentence not in found[key] else sentence
    return [(key, sentence if sentence.endswith("?") else f"{sentence}.") for key, sentence in found.items()]


def _internal(part: int | str) -> bool:
    """Names that pydantic gives to the branches of a choice of types are not the user's keys."""
    return isinstance(part, str) and (
        part in ("str", "int", "float", "bool") or part.endswith("]") or part.startswith("constrained-")
    )


def _known(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys that the table at `path` may have, by what is written in the schema."""
    for part in path:
        field = model.model_fields.get(part)
        inner = (
            [a for a in _arguments(field.annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
            if field
            else []
        )
        if inner:
            model = inner[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _arguments(annotation: Any) -> list[Any]:
    """A type and everything inside it."""
    return [annotation, *(a for each in getattr(annotation, "__args__", ()) for a in _arguments(each))]


def _meant(key: str, known: Sequence[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(known)}"
