"""The files around the code say the same as the code: one test command, one set of tools, one version."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def parsed(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_the_workflow_runs_the_test_command_of_the_readme() -> None:
    _, test_command = re.findall(r"^```sh\n(.*?)\n```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    steps = parsed(".github/workflows/test.yml")["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "tox" in step.get("run", "")] == [
        test_command,
        "tox -e tests -- -m slow",
        "tox -e taggers",
        "tox -e ray",
    ]


def test_hooks_before_a_commit_are_the_commands_of_tox() -> None:
    """With the options that mend; and from the contributor's environment, so that versions stand in one file."""
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    commands = [*tox["testenv:lint"]["commands"].split("\n"), *tox["testenv:types"]["commands"].split("\n")]
    (repository,) = parsed(".pre-commit-config.yaml")["repos"]
    hooks = [hook["entry"].removesuffix(" --fix") for hook in repository["hooks"]]
    assert hooks == [command.removesuffix(" .").removesuffix(" --check") for command in commands if command]
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}


def test_the_citation_is_of_this_version() -> None:
    citation = parsed("CITATION.cff")
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda form: form.name)
def test_forms_can_be_shown(form: Path) -> None:
    content = parsed(str(form.relative_to(ROOT)))
    fields = content.get("body", [])
    assert content and len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
