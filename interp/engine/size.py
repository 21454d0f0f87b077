"""Sizes of memory as people write them."""

from __future__ import annotations

import re

from interp.errors import InputError

__all__ = ["parse_size"]

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def parse_size(text: str) -> int:
    """A number of bytes: 500MB, 2GiB, 1073741824. Raises InputError for anything else."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kmg]i?)?b?", text.strip().lower())
    size = int(float(match[1]) * UNITS[match[2] or ""]) if match else 0
    if size < 1:
        raise InputError(f'"{text}" is no size of memory: write 500MB or 2GiB.')
    return size
