"""A candidate is somebody else's directory: nothing in it is run or obeyed, however the options are typed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import Project

from interp.golden.folder import find_problems
from interp.project.settings import Settings

INI = "[pytest]\naddopts = --collect-only\n"
CONFTEST = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


@pytest.fixture
def candidate(project: Project) -> Path:
    """A model's directory that brings its own pytest along; in a project without a table for pytest."""
    project.cases()
    folder = project.root / "candidate"
    folder.mkdir()
    folder.joinpath("pytest.ini").write_text(INI)
    folder.joinpath("conftest.py").write_text(CONFTEST)
    return folder


def run(project: Project, *options: str) -> subprocess.CompletedProcess[str]:
    """As it is typed: no --rootdir, no -c."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("option", ["--interp-model", "--interp-report", "--interp-device"])
def test_a_value_that_pytest_would_take_for_a_path_is_refused(option: str, project: Project, candidate: Path) -> None:
    done = run(project, option, "candidate")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"write {option}=candidate" in done.stderr
    assert not (candidate / "ran").exists() and "collected" not in done.stdout


def test_so_it_is_beside_other_arguments_and_in_the_environment(
    project: Project, candidate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(project, "sport.cases.toml", "--interp-model", "candidate/").returncode == pytest.ExitCode.USAGE_ERROR
    monkeypatch.setenv("PYTEST_ADDOPTS", "--interp-model candidate")
    assert run(project).returncode == pytest.ExitCode.USAGE_ERROR
    assert not (candidate / "ran").exists()


def test_an_ini_that_takes_the_plugin_away_does_not_pass(project: Project, candidate: Path) -> None:
    candidate.joinpath("pytest.ini").write_text("[pytest]\naddopts = -p no:interp --collect-only\n")
    done = run(project, "--interp-model", "candidate")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR and "--interp-model" in done.stderr


def test_a_node_id_in_the_candidate_is_a_path_too(project: Project, candidate: Path) -> None:
    assert run(project, "--interp-model", "candidate::x").returncode == pytest.ExitCode.USAGE_ERROR
    assert not (candidate / "ran").exists()


@pytest.mark.parametrize("typed", ["nowhere/../candidate", "link", "candidate/"])
def test_a_candidate_inside_the_project_is_not_collected_however_it_is_named(
    typed: str, project: Project, candidate: Path
) -> None:
    (project.root / "link").symlink_to(candidate)
    done = run(project, f"--interp-model={typed}", "--co")
    assert done.returncode == 0 and "5 tests collected" in done.stdout, done.stdout
    assert not (candidate / "ran").exists()


def test_a_candidate_that_pytest_would_take_for_tests_is_refused(project: Project, candidate: Path) -> None:
    """pytest runs the conftest.py of every directory test* before it looks at options."""
    candidate.rename(project.root / "test-candidate")
    done = run(project, "--interp-model=test-candidate")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR and "test-candidate/conftest.py" in done.stderr
    assert not (project.root / "test-candidate" / "ran").exists()


def test_with_a_sign_between_them_the_project_stays_the_root(project: Project, candidate: Path) -> None:
    done = run(project, "--interp-model=candidate", "-v")
    assert f"rootdir: {project.root}" in done.stdout and "configfile: pytest.ini" not in done.stdout
    assert "sport.cases.toml::rob::top" in done.stdout and done.returncode == 1, done.stdout  # no weights are there
    assert not (candidate / "ran").exists()


def test_a_name_that_is_no_path_may_stand_by_itself(project: Project, candidate: Path) -> None:
    shutil.rmtree(candidate)
    assert run(project, "--interp-model", "stub", "-k", "top").returncode == 0


def test_a_golden_that_is_a_link_out_of_the_project_is_neither_read_nor_written(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.cases()
    project.accept()
    golden = project.golden()
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "rob.golden.json"
    shutil.move(golden, elsewhere)
    golden.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    for options in ([], ["--snapshot-update", "--interp-model=stub-v2"]):
        result = project.run(*options)
        assert result.ret == 1 and "leads out of the project, by a link" in result.stdout.str()
    assert elsewhere.read_bytes() == before
    (problem,) = find_problems(project.root, Settings())
    assert "leads out of the project" in problem.sentence and not problem.orphan
