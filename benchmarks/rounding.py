"""Numbers as committed results have them."""

from __future__ import annotations

from typing import Any

__all__ = ["rounded"]


def rounded(value: Any) -> Any:
    """The same content, its floats to four significant digits."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value
