"""Spans of time as people write and read them."""

from __future__ import annotations

import re

from interp.errors import InputError, counted

__all__ = ["describe_duration", "parse_duration"]

HOUR, MINUTE = 3600, 60
_UNITS = {"": 1, "s": 1, "m": MINUTE, "min": MINUTE, "h": HOUR}


def parse_duration(text: str) -> float:
    """Seconds: 180, 90s, 3m, 1.5h. Raises InputError for anything else."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*(s|m|min|h)?", text.strip().lower())
    seconds = float(match[1]) * _UNITS[match[2] or ""] if match else 0.0
    if seconds <= 0:
        raise InputError(f'"{text}" is no span of time: write 90s, 3m or 1h.')
    return seconds


def describe_duration(seconds: float) -> str:
    """As a person says it."""
    if seconds < MINUTE:
        return counted(round(seconds), "second")
    if seconds < HOUR:
        return counted(round(seconds / MINUTE), "minute")
    return f"{seconds / HOUR:.1f} hours"
