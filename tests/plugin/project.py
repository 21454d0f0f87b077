"""A small project to run pytest in: a conftest that loads the stub, case files and tests as written by the test."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROB = "Soccer - Steve Tiger gets a lucky win , Rob in surprise defeat"
CASES = f"""\
[defaults]
model = "stub"

[[case]]
id = "rob"
text = "{ROB}"
target = "Rob"
tag = "B-PER"
top = ["surprise"]
golden = true
"""
CONFTEST = """\
import stub


def pytest_interp_load(name, device, config):
    return stub.load(name, device)
"""


class Project:
    """A folder with a conftest.py and, unless a test writes others, one case file `sport.cases.toml`."""

    def __init__(self, pytester: pytest.Pytester, log: Path) -> None:
        self.pytester, self.log = pytester, log
        self.root = pytester.path
        self.write("conftest.py", CONFTEST)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def cases(self, *more: str, name: str = "sport.cases.toml", model: str = "stub") -> Path:
        """The case `rob`, and cases of which `more` gives the tables' inside."""
        tables = "".join(f"\n[[case]]\n{each}\n" for each in more)
        return self.write(name, CASES.replace('"stub"', f'"{model}"') + tables)

    def case(self, inside: str, name: str = "sport.cases.toml") -> Path:
        """A file with one case `rob`: `inside` beside text and target, or from the text on."""
        start = "" if inside.startswith("text =") else f'text = "{ROB}"\ntarget = "Rob"\n'
        return self.write(name, f'[defaults]\nmodel = "stub"\n\n[[case]]\nid = "rob"\n{start}{inside}\n')

    def settings(self, text: str) -> Path:
        return self.write("pyproject.toml", f"[tool.interp]\n{text}\n")

    def run(self, *arguments: str | Path) -> pytest.RunResult:
        """In this process: a run without processes of its own that is not interrupted."""
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)

    def run_apart(self, *arguments: str | Path) -> pytest.RunResult:
        """In a process of its own."""
        return self.pytester.runpytest_subprocess(*arguments)

    def accept(self, *arguments: str | Path) -> None:
        """Accept every golden."""
        assert self.run("--snapshot-update", "-q", *arguments).ret == 0

    @property
    def goldens(self) -> dict[str, str]:
        """Every file under golden/ by its path from there, with its text."""
        folder = self.root / "golden"
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}

    def golden(self, name: str = "sport.cases.toml/rob.golden.json") -> Path:
        return self.root / "golden" / name

    def read(self, name: str = "sport.cases.toml/rob.golden.json") -> dict[str, Any]:
        return json.loads(self.golden(name).read_text(encoding="utf-8"))

    def change(self, name: str = "sport.cases.toml/rob.golden.json", **keys: Any) -> None:
        """Write other values into a golden, by key of its outermost object."""
        self.golden(name).write_text(json.dumps(self.read(name) | keys), encoding="utf-8")

    @property
    def logged(self) -> list[str]:
        """What the stub did, without process ids."""
        return [line.partition(" ")[2] for line in self._lines()]

    @property
    def batches(self) -> list[str]:
        return [line for line in self.logged if line.startswith("batch")]

    @property
    def processes(self) -> list[str]:
        """The process of every batch."""
        return [line.partition(" ")[0] for line in self._lines() if line.split(" ", 1)[1].startswith("batch")]

    def _lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


def messages(result: pytest.RunResult) -> list[str]:
    """The first lines of failures, as the short summary gives them, without the test's name."""
    lines = [line for line in result.outlines if line.startswith(("FAILED ", "ERROR ")) and " - " in line]
    return [line.split(" - ", 1)[1] for line in lines]


def says(result: pytest.RunResult, told: str) -> bool:
    """Whether a line of the output, or its start, is `told`; a star stands for anything."""
    pattern = ".*".join(map(re.escape, told.split("*")))
    return any(re.match(pattern, line) for line in [*result.outlines, *result.errlines])


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """By node id, from the output of -v."""
    found = {}
    for line in result.outlines:
        name, _, rest = line.partition(" ")
        if "::" in name and rest.split(" ")[0] in ("PASSED", "FAILED", "SKIPPED", "XFAIL", "XPASS", "ERROR"):
            found[name] = rest.split(" ")[0].lower()
    return found
