"""Names of people by where they are usual: those that come along, a user's own, or drawn from Faker's locales."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, ValidationError

from interp.errors import InputError
from interp.project.characters import holds_half_characters
from interp.project.strict import Strict, parse_toml, validation_problems
from interp.project.toml_text import toml_string, toml_value
from interp.versions import install_command

__all__ = ["FAKER", "NameList", "dump_names", "read_names", "shipped_names"]

FAKER = "faker:"
"""What a draw from Faker's locales begins with."""
DRAWN = 48
"""Given and family names of a locale."""
ATTEMPTS = 20
"""Draws for each of them: locales have few names, and some are two words."""


def _check_name(name: str) -> str:
    if len(name.split()) != 1 or name != name.strip() or holds_half_characters(name):
        raise ValueError("a name must be one word")
    return name


Name = Annotated[str, AfterValidator(_check_name)]


class NameList(Strict):
    """Given and family names of one origin, each one word."""

    name: Annotated[str, Field(min_length=1)]
    """As it stands behind "names of"."""
    given: Annotated[list[Name], Field(min_length=1)]
    family: Annotated[list[Name], Field(min_length=1)]


class _NameFile(Strict):
    origin: Annotated[list[NameList], Field(min_length=1)]


def shipped_names() -> tuple[NameList, ...]:
    """Those that come along: of eight countries, in Latin letters."""
    with as_file(files("interp.stress") / "names.toml") as path:
        return _load(path)


def read_names(spec: str, seed: int) -> tuple[NameList, ...]:
    """Of a TOML file, or drawn by `faker:hi_IN,zh_CN`. Raises InputError."""
    if spec.startswith(FAKER):
        return _draw([locale.strip() for locale in spec.removeprefix(FAKER).split(",") if locale.strip()], seed)
    return _load(Path(spec))


def dump_names(names: Sequence[NameList]) -> str:
    """As TOML that `read_names` reads."""
    return "\n".join(
        f"[[origin]]\nname = {toml_string(origin.name)}\n"
        f"given = {toml_value(origin.given)}\nfamily = {toml_value(origin.family)}\n"
        for origin in names
    )


def _load(path: Path) -> tuple[NameList, ...]:
    _, content = parse_toml(path, str(path))
    try:
        return tuple(_NameFile.model_validate(content).origin)
    except ValidationError as error:
        problems = [f"{path}, key {key}: {sentence}" for key, sentence in validation_problems(error, _NameFile)]
        raise InputError(*problems) from error


def _draw(locales: Sequence[str], seed: int) -> tuple[NameList, ...]:
    try:
        from faker import Faker
    except ImportError as error:
        raise InputError(f"{FAKER} needs faker, which is not installed: {install_command('names')}") from error
    if not locales:
        raise InputError(f"{FAKER} names no locale: write it as {FAKER}hi_IN,zh_CN.")
    drawn = []
    for number, locale in enumerate(locales):
        try:
            faker: Any = Faker(locale)
        except AttributeError as error:
            raise InputError(f"Faker has no locale {locale}: write it as hi_IN or zh_CN.") from error
        faker.seed_instance(int(np.random.default_rng([seed, number]).integers(2**32)))
        given, family = _words(faker.first_name), _words(faker.last_name)
        if not (given and family):
            raise InputError(f"Faker's locale {locale} has no names of one word: name another.")
        drawn.append(NameList(name=locale, given=given, family=family))
    return tuple(drawn)


def _words(draw: Callable[[], str]) -> list[str]:
    """Different names of one word."""
    names: dict[str, None] = {}
    for _ in range(DRAWN * ATTEMPTS):
        name = draw()
        if len(name.split()) == 1:
            names.setdefault(name)
        if len(names) == DRAWN:
            break
    return list(names)
