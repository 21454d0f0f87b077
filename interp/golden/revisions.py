"""Goldens as they were: in a git revision, or in another folder."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from interp.errors import InputError
from interp.golden.document import GOLDEN_SUFFIX
from interp.golden.folder import list_goldens

__all__ = ["in_folder", "in_revision"]


def in_folder(folder: Path) -> dict[str, str]:
    """The text of every golden by its path in the folder. Raises InputError where there is no folder."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.")
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in list_goldens(folder)}


def in_revision(folder: Path, revision: str) -> Mapping[str, str]:
    """The same of a git revision. Raises InputError where git or the revision is not there."""
    if revision.startswith("-") or "\0" in revision:
        raise InputError(f"{revision} is no git revision.")
    listed = _git(folder, ["ls-tree", "-r", "-z", "--name-only", revision, "--", "."])
    names = [name for name in listed.split("\0") if name.endswith(GOLDEN_SUFFIX)]
    return {name: _git(folder, ["show", f"{revision}:./{name}"]) for name in names}


def _git(folder: Path, arguments: Sequence[str]) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except OSError as error:
        raise InputError(f"git cannot be run in {folder} ({error.strerror}): name a folder with --old.") from error
    if done.returncode:
        complaint = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(
            f"git says: {complaint[-1] if complaint else 'nothing'}. Name a revision with --since, or a folder with "
            "--old."
        )
    return done.stdout.decode("utf-8")
