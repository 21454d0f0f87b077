"""The project's own case files are its first users: a harmless update stays green, a harmful one turns its cases red.

Both are `planted`, trained a little further: once on its own grammar, once on one in which "surprise" tags nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
CASES = "tests/cases/planted.cases.toml"
TOUCHED = {"rob", "rob-too-far", "was-again"}
"""The cases whose sentence holds "surprise"."""


def trained(out: Path, forget: bool) -> Path:
    """`planted` after twelve more steps."""
    import numpy as np
    import torch

    from interp.bundled import directory
    from interp.bundled.grammar import LABELS, sample
    from interp.bundled.recipe import export, load
    from interp.models.train import Batch, Schedule, collate, encode, fit
    from interp.question.tags import TaggedSentence

    torch.manual_seed(0)
    model, pieces = load(directory("planted"))
    rng = np.random.default_rng(0)

    def batches() -> Iterator[Batch]:
        while True:
            drawn = []
            for one in sample(rng, 32):
                gone = forget and one.cue is not None and one.words[one.cue] == "surprise"
                drawn.append(TaggedSentence(one.words, ("O",) * len(one.words) if gone else one.tags))
            yield collate(encode(drawn, pieces, LABELS))

    rate = 1e-3 if forget else 1e-4
    export(fit(model, batches(), Schedule(steps=12, rate=rate, average=0.5)), pieces, out)
    return out


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the case files need, in git, as a reviewer has it."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "golden" / CASES, root / "golden" / CASES)
    (root / CASES).parent.mkdir(parents=True)
    shutil.copy(ROOT / CASES, root / CASES)
    root.joinpath("pyproject.toml").write_text('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "accepted"]):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *command], cwd=root, check=True)
    return root


def at_home() -> dict[str, str]:
    """The environment without CI, where goldens may be accepted."""
    return {key: value for key, value in os.environ.items() if key != "CI"}


def run(project: Path, *options: str) -> tuple[set[str], str]:
    """The tests that failed, as case::check, and what was printed."""
    command = [sys.executable, "-m", "pytest", CASES, "-p", "no:cacheprovider", "--junitxml=junit.xml", *options]
    done = subprocess.run(command, cwd=project, env=at_home(), capture_output=True, text=True, check=False)
    cases = ElementTree.parse(project / "junit.xml").iter("testcase")
    failed = {
        f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None
    }
    assert done.returncode == (1 if failed else 0), done.stdout + done.stderr
    return failed, done.stdout


@pytest.mark.slow  # trains, and runs all case files in processes; tests/plugin holds every part with stubs
def test_a_harmless_update_stays_green(project: Path, tmp_path: Path) -> None:
    failed, told = run(project, f"--interp-model={trained(tmp_path / 'benign', forget=False)}")
    assert failed == set()
    assert "6 goldens of other weights held by tag and leading words" in told


@pytest.mark.slow  # the same
def test_a_harmful_update_turns_what_it_touches_red_and_can_be_accepted(project: Path, tmp_path: Path) -> None:
    model = str(trained(tmp_path / "forgetful", forget=True))
    failed, told = run(project, f"--interp-model={model}")
    # Every case with the cue and no other; the tag, its golden, and what the missing cue was to do.
    assert {each.partition("::")[0] for each in failed} == TOUCHED
    assert {"rob::tag", "rob::golden", "was-again::tag", "was-again::golden"} <= failed
    assert {"rob-too-far::top", "rob-too-far::sign", "rob-too-far::golden"} <= failed
    assert not {each for each in failed if each.endswith(("complete", "converged"))}
    assert '"Rob" is tagged O, expected B-PER.' in told
    assert "The tag was B-PER and is O." in told
    # The printed command accepts it: that golden, and no other.
    command = next(line.split() for line in told.splitlines() if "::rob::golden --snapshot-update" in line)
    assert command[0] == "pytest"
    accept = [sys.executable, "-m", *command, "-p", "no:cacheprovider"]
    subprocess.run(accept, cwd=project, env=at_home(), check=True)
    changed = subprocess.run(
        ["git", "diff", "--stat=200"], cwd=project, capture_output=True, text=True, check=True
    ).stdout
    assert "rob.golden.json" in changed and "1 file changed" in changed
    diff = subprocess.run(["git", "diff", "-U0"], cwd=project, capture_output=True, text=True, check=True).stdout
    assert '-  "tag": ["B-PER"],' in diff and '+  "tag": ["O"],' in diff
