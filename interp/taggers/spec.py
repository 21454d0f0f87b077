"""A tagger as a user writes it, `gliner:DIR?labels=person,location`, taken apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from interp.errors import InputError

__all__ = ["TaggerSpec", "parse_tagger_spec"]


@dataclass(frozen=True)
class TaggerSpec:
    """`adapter:location?option=value`."""

    adapter: str
    location: str
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """As a user writes it: the name that reports call it by."""
        options = "&".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.adapter}:{self.location}" + (f"?{options}" if options else "")

    def check_options(self, known: Collection[str]) -> None:
        """Raise InputError for an option that the adapter does not have."""
        for name in self.options:
            if name not in known:
                has = f"{self.adapter}: has {', '.join(known)}" if known else f"{self.adapter}: has none"
                raise InputError(f'"{self}" has the option "{name}", which is none: {has}.')


def parse_tagger_spec(text: str) -> TaggerSpec:
    """Raises InputError where nothing is named."""
    adapter, _, rest = text.partition(":")
    location, _, query = rest.partition("?")
    if not location:
        raise InputError(f'"{text}" names no tagger: write what it is behind {adapter}: too.')
    return TaggerSpec(adapter, location, dict(parse_qsl(query, keep_blank_values=True)))
