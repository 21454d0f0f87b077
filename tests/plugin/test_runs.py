"""Ways to run: several processes, other folders, no rights to write, Ctrl-C, two runs at once, an item twice."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from project import ROB, Project, messages, outcomes, says

SLEEPY = 'id = "slow"\ntext = "a sleepy surprise"\ntarget = "a"\ngolden = true'
PATIENCE = 30
"""Seconds after which what was waited for is not going to happen."""


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """A run of its own that listens to Ctrl-C, which a shell's background jobs are told to ignore."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.Popen(
        ["env", "--default-signal=INT", *command] if sys.platform == "linux" else command,
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def many(project: Project, count: int = 20) -> None:
    project.cases(
        *(
            f'id = "case{n}"\ntext = "surprise w{n}"\ntarget = "w{n}"\ntag = "B-PER"\ngolden = true'
            for n in range(count)
        )
    )


def whole(project: Project) -> dict[str, str]:
    """The weights of every golden; each can be read, and nothing else lies beside them."""
    assert all(name.endswith(".golden.json") for name in project.goldens)
    return {name: json.loads(text)["header"]["model"]["name"] for name, text in project.goldens.items()}


# --- several processes


# Three processes; what differs from loadgroup is pytest-xdist's own.
@pytest.mark.parametrize("dist", ["loadgroup", pytest.param("loadfile", marks=pytest.mark.slow)])
def test_every_case_is_computed_once_in_all(project: Project, dist: str) -> None:
    many(project)
    project.cases(name="other.cases.toml")
    assert project.run_apart("-n2", "--dist", dist, "--snapshot-update").ret == 0
    computed = Counter(re.findall(r"surprise w\d+", " ".join(project.batches)))
    assert computed == {f"surprise w{n}": 1 for n in range(20)}
    assert len({*project.processes}) == 2, "both processes had a part"
    assert len(whole(project)) == 22


@pytest.mark.slow  # the same
def test_load_computes_a_case_at_most_once_per_process(project: Project) -> None:
    many(project, 4)
    assert project.run_apart("-n2", "--dist", "load", "--snapshot-update").ret == 0
    assert len(project.processes) == len({*project.processes}) <= 2
    apart = project.goldens
    for path in (project.root / "golden").rglob("*.json"):
        path.unlink()
    project.accept()
    assert project.goldens == apart, "the same files as from one process"


@pytest.mark.slow  # five processes; that they compute every case once is held above
def test_node_ids_stay_those_of_one_process(project: Project) -> None:
    """Under loadgroup xdist writes the group behind them: not into names, commands, reports."""
    project.cases()
    result = project.run_apart("-n2", "--dist", "loadgroup", "--interp-report", "out")
    assert says(result, "    pytest sport.cases.toml::rob::golden --snapshot-update")
    assert [path.name for path in (project.root / "out").iterdir() if "rob" in path.name] == [
        "sport.cases.toml--rob.html"
    ]
    project.accept()
    assert project.run_apart("-n2", "--dist", "loadgroup", "sport.cases.toml::rob::golden").ret == 0


def test_a_mistake_in_a_case_file_is_told_once_with_xdist(project: Project) -> None:
    project.write("wrong.cases.toml", "[[case]]\n")
    result = project.run_apart("-n2")
    assert result.ret not in (0, pytest.ExitCode.INTERNAL_ERROR)
    assert says(result, 'wrong.cases.toml, case "number 1", key id: field required.')
    assert "Traceback" not in result.stdout.str()


# --- caches and folders


def test_last_failed_computes_the_failed_alone(project: Project) -> None:
    project.cases('id = "two"\ntext = "a lucky surprise"\ntarget = "a"\ntop = ["lucky"]')
    project.accept("-k", "golden")
    project.log.unlink()
    assert project.pytester.runpytest_inprocess().ret == 1
    result = project.pytester.runpytest_inprocess("--lf", "-v")
    assert outcomes(result) == {"sport.cases.toml::two::top": "failed"}
    assert project.batches[1:] == ["batch of 1: a lucky surprise"]


def test_without_the_cache_nothing_but_goldens_is_written(project: Project) -> None:
    project.cases()
    before = {path.name for path in project.root.iterdir()}
    project.run_apart("-p", "no:cacheprovider", "--snapshot-update", "-q")
    left = {path.name for path in project.root.iterdir()} - before - {"__pycache__"}
    assert {name for name in left if not name.startswith("runpytest")} == {"golden", "stdout", "stderr"}, (
        "and pytester's"
    )


@pytest.mark.parametrize("how", ["rootdir", "config", "found"])
def test_from_another_folder(project: Project, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Goldens lie below the root, wherever pytest was typed; the command that is printed can be typed there too."""
    project.write("pytest.ini", "[pytest]\n" if how != "rootdir" else "")
    project.cases(name="tests/sport.cases.toml")
    elsewhere = project.root.parent / f"{project.root.name}-elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    given = {
        "rootdir": ["--rootdir", str(project.root)],
        "config": ["-c", str(project.root / "pytest.ini")],
        "found": [],
    }
    arguments = [*given[how], str(project.root / "tests")]
    result = project.run(*arguments)
    (command,) = (line.strip() for line in result.outlines if line.strip().startswith("pytest "))
    assert project.run("-q", *shlex.split(command)[1:]).ret == 0, command
    assert [*project.goldens] == ["tests/sport.cases.toml/rob.golden.json"]
    assert project.run(*arguments).ret == 0
    assert not [*elsewhere.iterdir()]


def test_from_a_folder_below(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("pytest.ini", "[pytest]\n")
    project.cases(name="tests/sport.cases.toml")
    monkeypatch.chdir(project.root / "tests")
    result = project.run("sport.cases.toml::rob::golden")
    (command,) = (line.strip() for line in result.outlines if line.strip().startswith("pytest "))
    assert project.run("-q", *shlex.split(command)[1:]).ret == 0, command
    assert [*project.goldens] == ["tests/sport.cases.toml/rob.golden.json"]


def test_a_test_outside_of_the_root_is_told(project: Project) -> None:
    outside = project.root.parent / f"{project.root.name}-outside"
    outside.mkdir()
    project.cases(name="inside.cases.toml")
    (project.root / "inside.cases.toml").rename(outside / "sport.cases.toml")
    (outside / "conftest.py").write_text((project.root / "conftest.py").read_text())
    result = project.run("--rootdir", project.root, "-c", os.devnull, outside)
    assert says(result, "*sport.cases.toml lies outside of *, so its golden has no place: set pytest's --rootdir.")


# --- no rights


def bind_to_modes() -> None:
    """Let a process of root respect the modes of files: drop CAP_DAC_OVERRIDE before it starts."""
    if os.geteuid() == 0:
        ctypes.CDLL(None, use_errno=True).prctl(24, 1, 0, 0, 0)


@pytest.mark.slow  # processes, for a case that is rare
@pytest.mark.skipif(sys.platform != "linux", reason="file modes bind root only after prctl")
def test_a_checkout_that_cannot_be_written(project: Project) -> None:
    """Green is green; an update says what it cannot write; a report elsewhere is written."""
    project.cases()
    project.accept()
    before = project.goldens
    outside = project.root.parent / f"{project.root.name}-report"
    folders = [project.root, *(path for path in project.root.rglob("*") if path.is_dir())]

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-B", "-m", "pytest", *arguments]
        done = subprocess.run(
            command, cwd=project.root, capture_output=True, text=True, check=False, preexec_fn=bind_to_modes
        )
        return done.returncode, done.stdout

    for folder in folders:
        folder.chmod(0o555)
    try:
        code, text = run("-q", "-W", "ignore::pytest.PytestCacheWarning")
        assert code == 0, text
        code, text = run("--snapshot-update", "--interp-model", "stub-v2", f"--interp-report={outside}")
        assert code == 1
        assert "Cannot " in text and "rob.golden.json: Permission denied." in text.replace("\n", "")
        assert "Traceback" not in text and "items.py" not in text
        code, text = run("--interp-model", "stub-lucky", f"--interp-report={outside}")
        assert code == 1 and 'The leading word was "surprise" and is "lucky".' in text
        assert (outside / "index.html").is_file()
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert project.goldens == before


# --- interrupted, and at once


def test_ctrl_c_in_the_middle_of_an_update(project: Project) -> None:
    """What was accepted so far is whole and new, the rest is whole and old."""
    project.cases(name="a.cases.toml")
    project.case(SLEEPY.partition("\n")[2], name="b.cases.toml")
    waits = project.root / "b.cases.toml"
    waits.write_text(waits.read_text().replace("sleepy", "lively"))
    project.accept()
    waits.write_text(waits.read_text().replace("lively", "sleepy"))
    process = start(project, "--snapshot-update", "--interp-model", "stub-v2")
    since = time.monotonic()
    while not any("sleepy" in batch for batch in project.batches):
        assert process.poll() is None and time.monotonic() - since < PATIENCE
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == pytest.ExitCode.INTERRUPTED, text
    assert "INTERNALERROR" not in text
    assert whole(project) == {"a.cases.toml/rob.golden.json": "stub-v2", "b.cases.toml/rob.golden.json": "stub"}


def test_ctrl_c_in_the_middle_of_a_write(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.cases()
    project.accept()
    before = project.goldens

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    options = "-p", "no:cacheprovider", "--snapshot-update", "--interp-model", "stub-v2"
    result = project.pytester.runpytest_inprocess(*options, no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.goldens == before, "neither half a golden nor half a temporary file"


def test_two_runs_at_once_accept_the_same_goldens(project: Project) -> None:
    many(project)
    runs = [start(project, "--snapshot-update", "--interp-model", model) for model in ("stub", "stub-v2")]
    texts = [run.communicate(timeout=PATIENCE)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], texts
    found = whole(project)
    assert len(found) == 21 and {*found.values()} <= {"stub", "stub-v2"}


# --- an item twice


TWICE = """


from _pytest.runner import runtestprotocol


def pytest_runtest_protocol(item, nextitem):
    '''As plugins do that run a failed test again: the reports of the last run count.'''
    runtestprotocol(item, nextitem=nextitem, log=False)
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


def test_an_item_that_is_run_twice(project: Project) -> None:
    project.settings('model = "stub"')
    project.write("conftest.py", (project.root / "conftest.py").read_text() + TWICE)
    project.cases()
    project.write("test_rob.py", f"def test_rob(explain, golden):\n    assert explain({ROB!r}, 'Rob') == golden\n")
    project.accept()
    assert len(project.goldens) == 2
    batches = len(project.batches)
    result = project.run("--interp-model", "stub-v2")
    result.assert_outcomes(passed=6)
    assert len(project.batches) == batches + 3, "the case once, explain(…) each time"
    assert says(result, "* goldens of other weights held by tag and leading words")
    result = project.run("--interp-model", "stub-lucky", "--interp-report", "out")
    assert len(messages(result)) == 3
    assert says(result, "report of 2 failing cases")


def test_the_order_of_tests_does_not_matter(project: Project) -> None:
    order = "\n\ndef pytest_collection_modifyitems(items):\n    items.reverse()\n"
    many(project, 3)
    project.accept()
    project.write("conftest.py", (project.root / "conftest.py").read_text() + order)
    result = project.run("-v")
    assert result.ret == 0 and next(iter(outcomes(result))) == "sport.cases.toml::case2::golden"
    assert project.run("--snapshot-update").ret == 0
    assert Path(project.golden("sport.cases.toml/case2.golden.json")).is_file()
