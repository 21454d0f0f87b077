"""Versions of what computes, for the record that goes with every result."""

from __future__ import annotations

from importlib.metadata import version

__all__ = ["versions"]


def versions(*more: str) -> dict[str, str]:
    """Installed versions of this package, torch and transformers, and of `more`."""
    return {name: version(name) for name in ("interp", "torch", "transformers", *more)}
