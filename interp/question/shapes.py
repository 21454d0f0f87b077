"""How a word is written."""

from __future__ import annotations

__all__ = ["shape"]


def shape(word: str) -> str:
    """Punctuation, digits, or how its letters are written."""
    if not any(map(str.isalnum, word)):
        return "punctuation"
    if any(map(str.isdigit, word)):
        return "digits"
    if word.isupper():
        return "CAPITALS" if len(word) > 1 else "One capital"
    if word.islower():
        return "lower case"
    return "Capitalised" if word[0].isupper() and word[1:].islower() else "mIxed"
