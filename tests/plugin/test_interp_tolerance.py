"""--interp-tolerance: what a golden's numbers may move, but never less than the integration's own error."""

from __future__ import annotations

import pytest
from project import Project, messages, outcomes

CUDA = ("--interp-device", "cuda")
"""Moves one number by 0.004 of the sum."""


@pytest.fixture
def accepted(project: Project) -> Project:
    project.cases()
    project.accept("--interp-device", "cpu", "--interp-tolerance", "0.0001")
    return project


@pytest.mark.parametrize(("given", "code"), [("0.0045", 0), ("0.0039", 1), ("0.5", 0)])
def test_it_bounds_what_may_move(accepted: Project, given: str, code: int) -> None:
    assert accepted.run(*CUDA, "--interp-tolerance", given).ret == code


def test_at_least_twice_the_integrations(project: Project) -> None:
    """Two integrations may each be off by theirs: 2e-3 for the default, whatever is asked for."""
    project.cases()
    project.accept("--interp-tolerance", "0.0001")
    golden = project.read()
    for moved, code in ((0.0018, 0), (0.0023, 1)):
        mass = sum(abs(row["attribution"]) for row in golden["words"])
        rows = [
            row | {"attribution": row["attribution"] + moved * mass * (row["word"] == "gets")}
            for row in golden["words"]
        ]
        project.change(words=rows)
        assert project.run("--interp-tolerance", "0.0001").ret == code


def test_a_finer_integration_allows_a_finer_tolerance(accepted: Project) -> None:
    path = accepted.root / "sport.cases.toml"
    path.write_text(path.read_text().replace("golden = true", "golden = true\nintegration_tolerance = 1e-5"))
    assert accepted.run("--interp-model", "stub-hair", "--interp-tolerance", "0.00001").ret == 0, (
        "the golden's own is 1e-3"
    )
    accepted.golden().unlink()
    accepted.accept("--interp-tolerance", "0.00002")
    assert accepted.run("--interp-model", "stub-hair", "--interp-tolerance", "0.00002").ret == 1
    assert accepted.run("--interp-model", "stub-hair", "--interp-tolerance", "0.0002").ret == 0


def test_the_option_goes_before_the_case_that_before_settings(accepted: Project) -> None:
    path = accepted.root / "sport.cases.toml"
    accepted.settings("tolerance = 0.01")
    assert accepted.run(*CUDA).ret == 0
    path.write_text(path.read_text().replace("golden = true", "golden = true\ntolerance = 0.003"))
    assert accepted.run(*CUDA).ret == 1
    assert accepted.run(*CUDA, "--interp-tolerance", "0.01").ret == 0


def test_a_tenth_of_the_tolerance_that_the_golden_was_rounded_for(project: Project) -> None:
    """Numbers were rounded to one digit more than that needs, so that less cannot be asked of them."""
    project.cases()
    project.accept("--interp-device", "cpu", "--interp-tolerance", "0.1")
    assert project.run(*CUDA, "--interp-tolerance", "0.001").ret == 0
    project.golden().unlink()
    project.accept("--interp-device", "cpu", "--interp-tolerance", "0.01")
    assert project.run(*CUDA, "--interp-tolerance", "0.001").ret == 1


@pytest.mark.parametrize("given", ["0", "1", "-0.1", "nan"])
def test_what_is_no_tolerance_is_refused(project: Project, given: str) -> None:
    project.cases()
    result = project.run("--interp-tolerance", given)
    assert result.ret not in (0, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERNAL_ERROR)
    assert "is no tolerance: give a number between 0 and 1." in result.stdout.str() + result.stderr.str()
    assert not outcomes(result) and "Traceback" not in result.stdout.str()


def test_what_is_no_number_is_a_usage_error(project: Project) -> None:
    assert project.run("--interp-tolerance", "small").ret == pytest.ExitCode.USAGE_ERROR


def test_it_does_not_touch_other_checks(project: Project) -> None:
    project.case('text = "a leaky win"\ntarget = "win"')
    assert len(messages(project.run("--interp-tolerance", "0.9"))) == 1
