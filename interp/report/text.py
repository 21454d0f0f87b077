"""Words made safe to show: they come from anywhere, and may not steer a terminal, a page or the eye."""

from __future__ import annotations

import unicodedata

__all__ = ["isolated", "visible"]

# Beside ESC and its kin (Cc), these move or hide text: bidirectional and zero-width controls (Cf), separators
# of lines and paragraphs (Zl, Zp), lone surrogates (Cs: no file can hold them), unassigned code points (Cn).
_UNSEEN = {"Cf", "Zl", "Zp", "Cs", "Cn"}
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def visible(text: str, encoding: str = "utf-8") -> str:
    r"""Text with control characters spelled out: `\x1b` for ESC, `‹U+202E›` for a right-to-left override.

    What `encoding` cannot hold becomes `\u6771`, and the angle marks become `<>` where they cannot be held.
    """
    utf = encoding.lower().startswith("utf")
    left, right = ("‹", "›") if utf else ("<", ">")
    shown = "".join(_spell_unseen(char, left, right) for char in text)
    return shown if utf else shown.encode(encoding, "backslashreplace").decode(encoding)


def isolated(text: str) -> str:
    """Text between Unicode isolates when it runs right to left, so that its row stays in order.

    A terminal that reorders would else carry the numbers behind an Arabic word along with it. Only such words
    get the two characters, which have no width; all others stay byte for byte as they are.
    """
    if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
    return text


def _spell_unseen(char: str, left: str, right: str) -> str:
    category = unicodedata.category(char)
    if category == "Cc":
        return f"\\x{ord(char):02x}"
    return f"{left}U+{ord(char):04X}{right}" if category in _UNSEEN else char
