"""--interp-device: where models are loaded; given twice, everything runs on both, and one golden holds for both."""

from __future__ import annotations

import pytest
from project import Project, messages, outcomes

BOTH = ("--interp-device", "cpu", "--interp-device", "cuda")
PYTHON = """\
import pytest


@pytest.mark.parametrize("word", ["lucky", "win"])
def test_word(explain, golden, word):
    assert explain("a lucky surprise win", word) == golden


def test_plain(interp_model, interp_device):
    assert interp_device in (interp_model.device, "auto")


def test_of_nothing():
    pass
"""


@pytest.mark.parametrize("where", ["option", "settings"])
def test_one_device_is_not_part_of_names(project: Project, where: str) -> None:
    project.settings('device = "cuda"')
    project.cases()
    given = ["--interp-device", "cpu"] if where == "option" else []
    result = project.run("-v", "--snapshot-update", *given)
    assert "sport.cases.toml::rob::golden" in outcomes(result)
    assert project.logged[0] == f"load stub on {'cpu' if given else 'cuda'}"
    assert project.read()["header"]["device"] == ("cpu" if given else "cuda")


@pytest.mark.parametrize("where", ["option", "settings"])
def test_several_run_everything_on_each(project: Project, where: str) -> None:
    project.settings('model = "stub"' + ('\ndevice = ["cpu", "cuda"]' if where == "settings" else ""))
    project.cases()
    project.write("test_own.py", PYTHON)
    result = project.run("-v", "--snapshot-update", *(BOTH if where == "option" else ()))
    found = outcomes(result)
    checks = ("tag", "top", "complete", "converged", "golden")
    assert {name for name in found if name.startswith("sport")} == {
        f"sport.cases.toml::rob::{check}[device={device}]" for check in checks for device in ("cpu", "cuda")
    }
    tests = {name.partition("::")[2] for name in found if name.startswith("test")}
    assert len(tests) == 7 and {"test_plain[device=cpu]", "test_plain[device=cuda]", "test_of_nothing"} <= tests
    assert {*found.values()} == {"passed"}
    assert sorted(line for line in project.logged if "load" in line) == ["load stub on cpu", "load stub on cuda"]


def test_one_golden_holds_for_all(project: Project) -> None:
    project.settings('model = "stub"')
    project.cases()
    project.write("test_own.py", PYTHON)
    project.accept(*BOTH)
    assert [*project.goldens] == [
        "sport.cases.toml/rob.golden.json",
        "test_own.py/test_word[lucky].golden.json",
        "test_own.py/test_word[win].golden.json",
    ]
    assert project.read()["header"]["device"] == "cpu"
    for devices in (BOTH, ("--interp-device", "cuda"), ("--interp-device", "cpu"), ()):
        before = project.goldens
        assert project.run(*devices).ret == 0
        project.accept(*devices)
        assert project.goldens == before, "within tolerance on each"


@pytest.mark.parametrize(
    ("tolerance", "red"),
    [
        ("0.003", {"cpu": False, "cuda": True}),
        ("{ cuda = 0.003 }", {"cpu": False, "cuda": True}),
        ("{ cuda = 0.003 }", {"cpu": False, "cuda:1": True}),
        ("{ cpu = 0.003 }", {"cpu": False, "cuda": False}),
        ("{ cpu = 0.003, cuda = 0.01 }", {"cpu": False, "cuda": False}),
        ('{ cpu = 0.01, "cuda:0" = 0.003 }', {"cpu": False, "cuda:0": True, "cuda:1": False}),
    ],
)
def test_tolerance_by_device(project: Project, tolerance: str, red: dict[str, bool]) -> None:
    project.cases()
    project.accept("--interp-device", "cpu", "--interp-tolerance", "0.003")
    project.settings(f"tolerance = {tolerance}")
    devices = [word for device in red for word in ("--interp-device", device)]
    found = outcomes(project.run("-v", "-k", "golden", *devices))
    assert found == {
        f"sport.cases.toml::rob::golden[device={device}]": "failed" if fails else "passed"
        for device, fails in red.items()
    }


def test_a_device_twice_is_one(project: Project) -> None:
    project.cases()
    result = project.run("-v", "--interp-device", "cpu", "--interp-device", "cpu", "-k", "top")
    assert outcomes(result) == {"sport.cases.toml::rob::top": "passed"}


def test_xfail_holds_on_every_device(project: Project) -> None:
    project.case('top = ["lucky"]\nxfail = { top = "known" }')
    assert [*outcomes(project.run("-v", *BOTH, "-k", "top")).values()] == ["xfail", "xfail"]


def test_what_moved_names_the_devices(project: Project) -> None:
    project.cases()
    project.accept("--interp-device", "cpu")
    result = project.run("--interp-device", "cuda", "--interp-tolerance", "0.003")
    (message,) = messages(result)
    assert "moved by more than the tolerance" in message
    assert "golden accepted with: device cpu" in result.stdout.str() and "now: device cuda" in result.stdout.str()
