"""Text that can be written: a string of Python's may hold halves of characters, which no encoding has."""

from __future__ import annotations

__all__ = ["holds_half_characters"]


def holds_half_characters(text: str) -> bool:
    r"""Whether there are lone surrogates: `"\ud800"` in JSON, or bytes on a command line that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
