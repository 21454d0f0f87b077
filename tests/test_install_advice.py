"""What a message says to install works from where the reader is."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from interp import versions
from interp.versions import install_command

ROOT = Path(__file__).parent.parent
ORIGINS: dict[str, tuple[dict[str, object] | None, str]] = {
    "index": (None, 'python -m pip install "interp[gate]"'),
    "checkout": (
        {"dir_info": {"editable": True}, "url": "file:///home/a%20b/interp"},
        'python -m pip install -e "/home/a b/interp[gate]"',
    ),
    "folder": (
        {"dir_info": {}, "url": "file:///home/ab/interp"},
        'python -m pip install "interp[gate] @ file:///home/ab/interp"',
    ),
    "repository": (
        {"url": "https://host/our/interp", "vcs_info": {"vcs": "git", "commit_id": "0123abc"}},
        'python -m pip install "interp[gate] @ git+https://host/our/interp@0123abc"',
    ),
    "wheel": (
        {"url": "file:///tmp/interp-0.1.0-py3-none-any.whl", "archive_info": {}},
        'python -m pip install "interp[gate] @ file:///tmp/interp-0.1.0-py3-none-any.whl"',
    ),
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_extra_comes_from_where_interp_came_from(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded, expected = ORIGINS[origin]
    text = None if recorded is None else json.dumps(recorded)
    monkeypatch.setattr(versions, "distribution", lambda _name: SimpleNamespace(read_text=lambda _file: text))
    assert install_command("gate") == expected
    *_, argument = shlex.split(expected)
    if origin == "checkout":
        assert re.fullmatch(r"/.*\[gate\]", argument), "pip takes a path with extras, from any directory"
    else:
        assert Requirement(argument).extras == {"gate"}


def test_no_message_names_a_package_index_that_has_no_interp() -> None:
    files = [*(ROOT / "interp").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    assert [str(file) for file in files if 'pip install "interp[' in file.read_text(encoding="utf-8")] == []
