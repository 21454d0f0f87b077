"""Numbers as every sentence and report writes them, by their unit."""

from __future__ import annotations

__all__ = ["NOTHING", "amount", "with_unit"]

NOTHING = "–"
_PARTS = ("of words", "of entities", "beyond chance", "unconverged")


def amount(value: float | None, unit: str) -> str:
    """A number in a unit, which is not named."""
    if value is None:
        return NOTHING
    if unit in _PARTS:
        return f"{value:.1%}"
    if unit == "more words":
        return f"{value:+.2%}"
    if unit == "of tags":
        return f"{value:+.0%}"
    return f"{value:+.3f}" if unit == "F1" else f"{value:+.1f}"


def with_unit(value: float, unit: str) -> str:
    """The same of an effect, with its unit."""
    return f"{amount(value, unit)} {unit}"
