"""What is installed: versions for the record that goes with every result, and how to add what is missing."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

__all__ = ["install_command", "versions"]

_installed_version = cache(version)  # read from a file that does not change while a process runs


def versions(*more: str) -> dict[str, str]:
    """Installed versions of this package, torch and transformers, and of `more`."""
    return {name: _installed_version(name) for name in ("interp", "torch", "transformers", *more)}


def install_command(extra: str) -> str:
    """What to type, in any directory, for one of interp's extras, from where interp itself was installed."""
    return f"python -m pip install {_requirement(extra, _origin())}"


def _requirement(extra: str, origin: dict[str, Any]) -> str:
    """`origin`: as PEP 610 has it, empty for a package index."""
    url = str(origin.get("url", ""))
    if origin.get("dir_info", {}).get("editable"):
        return f'-e "{url2pathname(urlsplit(url).path)}[{extra}]"'
    if repository := origin.get("vcs_info"):
        url = f"{repository['vcs']}+{url}@{repository['commit_id']}"
    return f'"interp[{extra}] @ {url}"' if url else f'"interp[{extra}]"'


def _origin() -> dict[str, Any]:
    try:
        recorded = distribution("interp").read_text("direct_url.json")
    except PackageNotFoundError:
        recorded = None
    return dict(json.loads(recorded)) if recorded else {}
