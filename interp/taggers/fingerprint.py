"""The identity of a tagger of another library: a hash of its files, and of the versions of what runs them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FunctionType

from interp.errors import ModelError

__all__ = ["fingerprint_files", "package_of"]


def fingerprint_files(roots: Iterable[Path], *, packages: Collection[str], settings: str = "") -> str:
    """sha256 over every file's name and content in `roots` (files and folders, in this order), versions of `packages`
    that are installed, and `settings`.

    Empty where a package has no version: code that nobody numbered may be any. Raises ModelError for what cannot be
    read.
    """
    digest = hashlib.sha256(settings.encode())
    try:
        for name in sorted(set(packages)):
            digest.update(f"{name} {version(name)}\n".encode())
    except PackageNotFoundError:
        return ""
    try:
        for root in roots:
            for name, path in _named_files(root):
                content = path.read_bytes()
                digest.update(f"{name} {len(content)}\n".encode())
                digest.update(content)
    except OSError as error:
        raise ModelError(f"Cannot read {error.filename}: {error.strerror}.") from error
    return digest.hexdigest()


def package_of(part: object) -> str:
    """The package, as an import names it, that a function or the class of an object comes from."""
    module: str = part.__module__ if isinstance(part, FunctionType) else type(part).__module__
    return module.partition(".")[0]


def _named_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Every file below a folder by its name there; a file has none, as where it is decides nothing."""
    if not root.is_dir():
        yield "", root
        return
    for path in sorted(root.rglob("*")):
        if path.is_dir() and path.is_symlink():
            raise ModelError(f"{path} leads to another folder: put its files in its place.")
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix(), path
