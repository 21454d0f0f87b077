"""Writing files: whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from interp.errors import OutputError

__all__ = ["check_writable", "write"]


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Replace a file in one step (temporary file beside it, fsync, rename). Raises OutputError, and leaves the old
    one.
    """
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with scratch.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(target)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise OutputError(f"Cannot write {target}: {error.strerror}.") from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise OutputError now, before work is done whose result could not be written."""
    target = Path(path)
    if target.is_dir():
        raise OutputError(f"Cannot write {target}: it is a directory.")
    if not target.parent.is_dir():
        raise OutputError(f"Cannot write {target}: there is no directory {target.parent}.")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise OutputError(f"Cannot write {target}: permission denied.")
