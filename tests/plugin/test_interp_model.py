"""--interp-model: the candidate, in the place of every model that cases and settings name."""

from __future__ import annotations

import pytest
from project import Project, messages, outcomes, says

OTHER = 'id = "two"\ntext = "a lucky surprise"\ntarget = "a"\nmodel = "stub-v2"\ntop = ["surprise"]'


def test_it_overrides_what_cases_and_settings_name(project: Project) -> None:
    project.settings('model = "missing"')
    project.cases(OTHER, model="missing-too")
    project.write(
        "test_own.py", "def test_own(explain):\n    assert explain('a surprise', 'a').model.name == 'stub-lucky'\n"
    )
    result = project.run("-v", "--interp-model", "stub-lucky", "-k", "not golden")
    assert [line for line in project.logged if line.startswith("load")] == ["load stub-lucky on auto"]
    red = {name for name, outcome in outcomes(result).items() if outcome == "failed"}
    assert red == {"sport.cases.toml::rob::top", "sport.cases.toml::two::top"}


def test_without_it_each_case_has_its_own(project: Project) -> None:
    project.cases(OTHER)
    project.accept()
    assert {line for line in project.logged if line.startswith("load")} == {"load stub on auto", "load stub-v2 on auto"}


def test_a_folder_is_meant_from_where_it_was_typed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project.root / "models" / "stub"
    folder.mkdir(parents=True)
    project.cases(model="missing")
    monkeypatch.chdir(folder.parent)
    project.accept("--rootdir", project.root, project.root, "--interp-model=stub")
    assert project.logged[0] == f"load {folder} on auto"


def test_a_folder_in_a_file_is_meant_from_the_root(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project.root / "models" / "stub"
    folder.mkdir(parents=True)
    project.cases(model="models/stub")
    monkeypatch.chdir(project.root / "models")
    project.accept("--rootdir", project.root, project.root)
    assert project.logged[0] == f"load {folder} on auto"


def test_one_that_is_not_there_is_told_once_and_tried_once(project: Project) -> None:
    project.cases(OTHER)
    project.write("test_own.py", "def test_own(explain):\n    pass\n")
    result = project.run("--interp-model", "nowhere")
    assert project.logged == ["load nowhere on auto"]
    assert says(result, 'ERROR test_own.py::test_own - *There is no model "nowhere": give one of stub')
    assert {message[:28] for message in messages(result)} <= {
        'There is no model "nowhere":',
        'Failed: There is no model "n',
    }
    assert "Traceback" not in result.stdout.str() and "conftest.py" not in result.stdout.str()


def test_the_model_is_part_of_the_command_that_accepts(project: Project) -> None:
    project.cases()
    project.accept()
    result = project.run("--interp-model", "stub-lucky")
    assert says(result, "*pytest sport.cases.toml::rob::golden --snapshot-update --interp-model=stub-lucky")


@pytest.mark.parametrize("option", ["--interp-model", "--interp-report"])
def test_a_name_that_no_folder_can_have_is_told(option: str, project: Project) -> None:
    project.cases()
    result = project.run(f"{option}={'a' * 300}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*aaa* is no name of a file: File name too long."])


def test_a_case_whose_model_no_folder_can_have_is_told(project: Project) -> None:
    project.cases(model="a" * 300)
    told = messages(project.run())
    assert told and all("is no name of a file" in message for message in told)
