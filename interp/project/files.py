"""Files of a project: written whole or not at all, and never taken for missing when they cannot be read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from interp.errors import InputError, OutputError
from interp.project.paths import LONGEST_PART, checked_path

__all__ = ["check_writable", "decode_text", "is_missing", "make_folder", "read_text", "write"]


def read_text(path: Path, shown: str) -> str:
    """A file's text; `shown` is its name in messages. Raises InputError where it cannot be read, or has no end."""
    try:
        if path.is_char_device() or path.is_block_device():
            raise InputError(f"Cannot read {shown}: it is a device, and no file.")
        return decode_text(path.read_bytes(), shown)
    except OSError as error:
        raise InputError(f"Cannot read {shown}: {error.strerror}.") from error


def decode_text(content: bytes, shown: str) -> str:
    """The text of a file's bytes, with or without the mark of UTF-8. Raises InputError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown} is not UTF-8 (byte {error.start}): convert it first.") from error


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Replace a file in one step: temporary file beside it, fsync, rename. What is no file (a pipe) is written
    through.

    Raises OutputError, and leaves the old file as it was.
    """
    target = _target_of(path)
    data = content.encode() if isinstance(content, str) else content
    scratch = _scratch_beside(target)
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(target)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}.") from error
    finally:  # whatever ended it, Ctrl-C too
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def _target_of(path: str | os.PathLike[str]) -> Path:
    """Where links lead: they stay, and lead to the new content. Raises OutputError where that is in a circle."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OutputError(f"Cannot write {path}: its links lead in a circle.")
    return target


def _scratch_beside(target: Path) -> Path:
    """A name by which whoever finds the file knows what it was to be, where that is not too long."""
    name = f".{target.name}.{os.getpid()}.part"
    return target.with_name(name if len(os.fsencode(name)) <= LONGEST_PART else f".{os.getpid()}.part")


def is_missing(path: Path) -> bool:
    """Whether nothing stands there. A folder, a link that leads nowhere, or what may not be looked at is something:
    reading it tells what is wrong.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise OutputError now, before work is done whose result could not be written."""
    target = _target_of(checked_path(path))
    if target.is_dir():
        raise OutputError(f"Cannot write {path}: it is a directory.")
    if not target.parent.is_dir():
        raise OutputError(f"Cannot write {path}: there is no directory {target.parent}.")
    special = target.exists() and not target.is_file()
    if not os.access(target if special else target.parent, os.W_OK):
        raise OutputError(f"Cannot write {path}: permission denied.")


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless it is there. Raises OutputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot write into {path}: {error.strerror}.") from error
