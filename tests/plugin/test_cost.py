"""What the plugin costs those who do not use it: nothing is imported, nothing is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from project import CONFTEST, Project, messages, says

from interp.versions import install_command

HEAVY = {"torch", "transformers", "pydantic", "rich", "jinja2", "numpy", "scipy", "matplotlib", "safetensors", "click"}
DEVICES = ("--interp-device=cpu", "--interp-device=cuda")
OPTIONS = ("--interp-model=planted", *DEVICES, "--interp-tolerance=0.01", "--interp-report=out")
RUNS = {"plain": (), "options": OPTIONS, "xdist": (*OPTIONS, "-n2"), "without syrupy": ("-p", "no:syrupy")}
TELL = """\
import sys
from pathlib import Path


def pytest_unconfigure(config):
    with Path(__file__).with_name("modules.txt").open("a") as file:
        file.write(" ".join(sys.modules) + "\\n")
"""
TESTS = "def test_green():\n    assert [1] == [1]\n\n\ndef test_red():\n    assert [1] == [2]\n"
HIDE = """\
import sys


class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "syrupy":
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Hidden())
"""
ONE_SENTENCE = f"Case files and goldens need syrupy: {install_command('pytest')}"


def modules(project: Project) -> list[set[str]]:
    """What each process had imported at its end."""
    return [set(line.split()) for line in (project.root / "modules.txt").read_text().splitlines()]


@pytest.mark.parametrize("arguments", RUNS.values(), ids=RUNS)
def test_a_run_that_uses_none_of_it_imports_none_of_it(project: Project, arguments: tuple[str, ...]) -> None:
    project.write("conftest.py", TELL)
    project.write("test_own.py", TESTS)
    project.settings("this = 'is not even read'")
    project.run_apart(*arguments).assert_outcomes(passed=1, failed=1)
    found = modules(project)
    assert len(found) == (3 if "-n2" in arguments else 1)
    for names in found:
        assert not names & HEAVY
        own = {name for name in names if name.partition(".")[0] == "interp"}
        assert "interp.pytest_plugin" in own, "the plugin is there"
        assert own <= {"interp", "interp.pytest_plugin", "interp.testing", "interp.testing.hooks"}


def test_reading_and_judging_cases_needs_no_torch(project: Project) -> None:
    project.write("conftest.py", CONFTEST + "\n\n" + TELL)
    project.cases()
    project.run_apart("--snapshot-update", "--interp-report=out").assert_outcomes(passed=5)
    (names,) = modules(project)
    assert not names & {"torch", "transformers", "jinja2", "matplotlib", "scipy"}
    assert "pydantic" in names, "or this test looks at the wrong process"


def test_help_and_fixtures_import_none_of_it(project: Project) -> None:
    project.write("conftest.py", TELL)
    result = project.run_apart("--help")
    for option in ("--interp-model=MODEL", "--interp-device=DEVICE", "--interp-tolerance=PART", "--interp-report=DIR"):
        assert option in result.stdout.str()
    assert "Write --interp-model=MODEL, with the equals sign" in " ".join(result.stdout.str().split())
    result = project.run_apart("--fixtures")
    for fixture in ("interp_model", "interp_device", "explain", "golden"):
        assert says(result, f"{fixture}*")
    assert not any(names & HEAVY for names in modules(project))


# --- without syrupy


def test_without_syrupy_a_project_without_case_files_runs(project: Project) -> None:
    project.write("test_own.py", TESTS)
    project.run("-p", "no:syrupy").assert_outcomes(passed=1, failed=1)


def test_without_syrupy_case_files_say_what_to_install(project: Project) -> None:
    project.cases()
    result = project.run("-p", "no:syrupy")
    assert result.ret not in (0, pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.INTERNAL_ERROR)
    assert says(result, f"*{ONE_SENTENCE}")
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text and "pytest_plugin.py" not in text


def test_without_syrupy_the_fixture_says_what_to_install(project: Project) -> None:
    project.settings('model = "stub"')
    project.write(
        "test_own.py",
        "def test_golden(golden):\n    pass\n\n\n"
        "def test_explain(explain):\n    assert explain('a surprise', 'a').top(1) == ['surprise']\n",
    )
    result = project.run("-p", "no:syrupy")
    result.assert_outcomes(errors=1, passed=1)
    assert ONE_SENTENCE[:50] in messages(result)[0]  # which pytest cuts to the width of its line
    assert "pytest_plugin.py" not in result.stdout.str()


def test_where_syrupy_is_not_installed(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It cannot be imported at all, also not at the end of a run."""
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    project.settings('model = "stub"')
    explains = "\n\ndef test_explain(explain):\n    assert explain('a win', 'a').top(1) == ['a']\n"
    project.write("test_own.py", TESTS + explains)
    project.run_apart("-p", "no:syrupy").assert_outcomes(passed=1, failed=2)
    result = project.run_apart("-p", "no:syrupy", *DEVICES)
    result.assert_outcomes(passed=1, failed=3)
    assert "ModuleNotFoundError" not in result.stdout.str()


def test_without_the_plugin_case_files_are_no_tests(project: Project) -> None:
    project.write("conftest.py", "")
    project.cases()
    assert project.run("-p", "no:interp").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_this_process_is_not_the_one_that_is_measured() -> None:
    assert "interp.testing.summary" in sys.modules
