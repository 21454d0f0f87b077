"""Names of files and folders as users write them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from interp.errors import InputError

__all__ = ["LONGEST_PART", "checked_path"]

LONGEST_PART, LONGEST = 255, 3500
"""Bytes, as Linux has it; other systems have less and say so themselves."""


def checked_path(name: str | os.PathLike[str]) -> Path:
    """The path of a name, in which `~` is a home folder. Raises InputError for what no file system can hold."""
    path = Path(name)
    with suppress(RuntimeError):  # ~nobody, who has no home: a name like others
        path = path.expanduser()
    try:
        sizes = [len(os.fsencode(part)) for part in path.parts]
    except UnicodeEncodeError:
        raise InputError(f'"{path}" is no name of a file: it holds bytes that are no characters.') from None
    if "\0" in str(path):
        raise InputError(f'"{path}" is no name of a file: it holds a zero byte.')
    if sum(sizes) > LONGEST or max(sizes, default=0) > LONGEST_PART:
        raise InputError(f'"{path}" is no name of a file: it is too long, at {sum(sizes)} bytes.')
    return path
