"""The fixture `project`: a folder to run pytest in.

Needs pytest's own plugin `pytester`; it is switched on in pyproject.toml, for a conftest below the root may not.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# A run in this process forgets what it imported; what is imported here is kept, once for all tests.
import stub
from project import Project

import interp.report.html.pages
import interp.testing.summary  # noqa: F401

OTHERS = "-p no:hypothesispytest -p no:benchmark -p no:anyio"
"""Plugins that have no part in this, and take longer to load than most of these runs."""


@pytest.fixture
def project(
    pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Project:
    for name in [
        name for name in os.environ if name.startswith(("PYTEST_XDIST", "GITHUB")) or name in ("CI", "NO_COLOR")
    ]:
        monkeypatch.delenv(name)
    log = tmp_path_factory.mktemp("log") / "log.txt"
    monkeypatch.setenv(stub.LOG, str(log))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("PYTEST_ADDOPTS", OTHERS)
    monkeypatch.setenv("PYTHONPATH", str(Path(stub.__file__).parent), prepend=os.pathsep)
    return Project(pytester, log)
