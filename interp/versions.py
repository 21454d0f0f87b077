"""Versions of what computes, for the record that goes with every result."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

__all__ = ["versions"]

_installed_version = cache(version)  # read from a file that does not change while a process runs


def versions(*more: str) -> dict[str, str]:
    """Installed versions of this package, torch and transformers, and of `more`."""
    return {name: _installed_version(name) for name in ("interp", "torch", "transformers", *more)}
