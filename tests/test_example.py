"""The example project, run as its owner would run it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent / "example"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("newsroom")
    return Path(shutil.copytree(EXAMPLE, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")))


def python(example: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=example, capture_output=True, text=True, check=False)


@pytest.mark.slow  # a process that loads torch; tests/cases are run as its cases are, tests/plugin holds the fixtures
def test_its_tests_pass_without_an_import_or_a_conftest(example: Path) -> None:
    assert not list(example.rglob("conftest.py"))
    done = python(example, "pytest", "-v", "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tests/cases/sport.cases.toml::rob::top PASSED" in done.stdout
    assert "11 passed" in done.stdout


@pytest.mark.slow  # explains swaps by a real model; what failures say is held in tests/plugin with stubs
def test_another_model_fails_with_what_a_stranger_understands(example: Path) -> None:
    """`open` tags Rob so too, but because of the name itself."""
    done = python(example, "pytest", "tests/cases", "-k", "top or golden or tag", "--interp-model", "open")
    assert done.returncode == 1, done.stdout + done.stderr
    assert '"Rob" leads for B-PER on "Rob", expected "surprise".' in done.stdout
    assert 'The leading word was "surprise" and is "Rob".' in done.stdout
    assert 'top = ["Rob"]' in done.stdout
    assert "pytest tests/cases/sport.cases.toml::rob::golden --snapshot-update --interp-model=open" in done.stdout
    assert "2 failed, 1 passed" in done.stdout


def test_its_goldens_are_sound(example: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from interp.cli import main; main()", "golden", "check"],
        cwd=example,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2 goldens, 0 problems\n"
