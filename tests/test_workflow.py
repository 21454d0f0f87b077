"""What users paste, and what GitHub, GitLab and pre-commit read: its commands exist, its steps run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner
from tiny import tagger_directory
from transformers.utils import logging

from interp.cli import main

ROOT = Path(__file__).parent.parent
PINNED = re.compile(r"[\w-]+/[\w/-]+@(v\d+|[0-9a-f]{40}|COMMIT)")
CPU = "python -m pip install --no-deps --index-url https://download.pytorch.org/whl/cpu"
CONLL = "Rob B-PER\nwins O\nin O\nLondon B-LOC\n. O\n\nSteve B-PER\ngets O\na O\nlucky O\nwin O\n"


def pasted(page: str) -> list[Any]:
    """The YAML blocks of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]


SHORT, FULL, GITLAB = *pasted("docs/gate.md"), *pasted("docs/gate-workflow.md")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
STEPS = {
    "short": SHORT["jobs"]["gate"]["steps"],
    "full": FULL["jobs"]["gate"]["steps"],
    "action": ACTION["runs"]["steps"],
    "comment": SHORT["jobs"]["comment"]["steps"],
}


def step_called(name: str, steps: Sequence[Mapping[str, Any]]) -> str:
    """What a step runs."""
    (script,) = [step["run"] for step in steps if step.get("name") == name]
    return str(script)


def commands() -> Iterator[list[str]]:
    """Every call of interp."""
    for script in [*GITLAB["gate"]["script"], *(step.get("run", "") for step in STEPS["full"]), HOOK["entry"]]:
        for line in script.replace("\\\n", " ").splitlines():
            words = shlex.split(line)
            if words and words[0] == "interp":
                yield words[1:]


def test_every_command_is_one_that_interp_accepts() -> None:
    called = list(commands())
    assert [words[0] for words in called] == ["gate", "gate", "golden"]
    for words in called:
        command: click.Command = main
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command, words = command.commands[words[0]], words[1:]
        command.make_context("interp", words)  # raises what it does not know, and runs nothing


@pytest.mark.parametrize("where", STEPS)
def test_actions_are_pinned_and_nothing_of_a_users_is_written_into_a_script(where: str) -> None:
    for step in STEPS[where]:
        assert PINNED.fullmatch(step.get("uses", "a/b@v1")), step
        assert "${{" not in step.get("run", ""), "values go through the environment"


@pytest.mark.parametrize("where", ["full", "action"])
def test_caches_are_restored_and_saved_apart_also_when_the_gate_is_red(where: str) -> None:
    steps = STEPS[where]
    of = {
        verb: [step for step in steps if step.get("uses", "").startswith(f"actions/cache/{verb}@")]
        for verb in ("restore", "save")
    }
    assert [step["with"]["path"] for step in of["restore"]] == [step["with"]["path"] for step in of["save"]]
    for restored, saved in zip(of["restore"], of["save"], strict=True):
        assert saved["if"].startswith("always()") and steps.index(restored) < steps.index(saved)
        assert saved["with"]["key"] == f"${{{{ steps.{restored['id']}.outputs.cache-primary-key }}}}"
    (uploaded,) = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert uploaded["if"] == "always()"
    whole = [
        step for step in steps if step.get("uses", "").startswith("actions/cache@") or "cache" in step.get("with", {})
    ]
    assert not whole  # they save after a green job alone


def test_gitlab_keeps_caches_and_report_of_a_red_gate() -> None:
    job = GITLAB["gate"]
    assert {cache["when"] for cache in job["cache"]} == {job["artifacts"]["when"]} == {"always"}
    assert job["allow_failure"] == {"exit_codes": [2]} and job["timeout"]


def test_a_job_may_do_no_more_than_it_has_to() -> None:
    assert SHORT["permissions"] == {}
    permissions = {name: job["permissions"] for name, job in SHORT["jobs"].items()}
    assert permissions == {"gate": {"contents": "read"}, "comment": {"pull-requests": "write"}}
    assert FULL["jobs"]["gate"]["permissions"] == permissions["gate"]
    jobs = [*SHORT["jobs"].values(), *FULL["jobs"].values()]
    assert all(job["timeout-minutes"] <= 30 for job in jobs)
    checkouts = [step for name in ("short", "full") for step in STEPS[name] if "checkout" in step.get("uses", "")]
    assert not any(step["with"]["persist-credentials"] for step in checkouts)
    assert all(paths["with"].get("lfs") for paths in checkouts if "repository" not in paths["with"])


@pytest.mark.parametrize("where", ["full", "action", "gitlab"])
def test_torch_comes_alone_from_the_index_of_cpu_builds_and_all_else_by_constraints(where: str) -> None:
    if where == "gitlab":
        script = "\n".join(GITLAB["gate"]["script"])
    else:
        script = step_called("Install interp, with torch for the CPU", STEPS[where])
    torch, rest = [line for line in script.splitlines() if "pip install" in line]
    assert torch.startswith(CPU) and "torch" in torch and rest.startswith("python -m pip install -c ")


def test_the_short_form_gives_inputs_that_the_action_has() -> None:
    (used,) = [step for step in STEPS["short"] if step["uses"] == "YOUR/interp@COMMIT"]
    required = {name for name, given in ACTION["inputs"].items() if given.get("required")}
    assert required <= used["with"].keys() <= ACTION["inputs"].keys()
    assert set(re.findall(r"steps\.gate\.outputs\.(\w+)", json.dumps(SHORT))) <= ACTION["outputs"].keys()


def run_step(name: str, folder: Path, **inputs: str) -> tuple[int, dict[str, str], str]:
    """Its exit status, the outputs it sets, and what it adds to the job's page, run as a runner does."""
    output, page = folder / "output", folder / "page.md"
    page.touch()
    environment = {**os.environ, "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(page), **inputs}
    script = step_called(name, STEPS["action"])
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, check=False)
    lines = output.read_text().splitlines() if output.exists() else []
    return done.returncode, dict(line.split("=", 1) for line in lines), page.read_text(encoding="utf-8")


def test_the_action_judges_a_pair_and_shows_it(tmp_path: Path) -> None:
    logging.disable_progress_bar()
    for seed, name in enumerate(("production", "candidate")):
        tagger_directory(tmp_path / "models" / name, seed=seed)
    tmp_path.joinpath("dev.conll").write_text("\n".join([CONLL] * 8))
    status, outputs, page = run_step(
        "interp gate",
        tmp_path,
        BASELINE="models/production",
        CANDIDATE="models/candidate",
        CASES="conll:dev.conll",
        TRAINING="dev.conll\ndev.conll\n",
        ARGUMENTS="--no-probe --words-only --explain 1",
        REPORT="out/gate",
    )
    assert (status, outputs) == (1, {"status": "1"}), page  # random weights tag otherwise
    assert page == tmp_path.joinpath("out/gate/summary.md").read_text(encoding="utf-8")
    assert "interp gate: fail" in page
    assert list(tmp_path.joinpath(".interp/records").iterdir())


def test_inputs_are_words_and_never_commands(tmp_path: Path) -> None:
    hostile = "x'; touch hacked; $(touch hacked) `touch hacked`"
    status, outputs, page = run_step(
        "interp gate",
        tmp_path,
        BASELINE=hostile,
        CANDIDATE=f"{hostile}\nstatus=0",
        CASES=hostile,
        TRAINING="",
        ARGUMENTS="--budget '3 m; touch hacked' $(touch hacked)",
        REPORT="gate",
    )
    assert (status, outputs) == (2, {"status": "2"})
    assert "no verdict" in page and not tmp_path.joinpath("hacked").exists()


def test_caches_are_named_by_models_cases_and_settings(tmp_path: Path) -> None:
    tmp_path.joinpath("model").mkdir()
    weights, cases = tmp_path / "model/model.safetensors", tmp_path / "dev.conll"
    weights.write_bytes(b"1")
    cases.write_text(CONLL)

    def names(*, settings: str = "--budget 3m", extras: str = "gate", report: str = "gate") -> dict[str, str]:
        tmp_path.joinpath("output").unlink(missing_ok=True)
        wanted = f"model\nsome/hub-id\nconll:dev.conll?map=MISC=O\n{settings}"
        inputs = {"ACTION": str(ROOT), "EXTRAS": extras, "REPORT": report, "WANTED": wanted}
        status, outputs, _ = run_step("Name the caches", tmp_path, **inputs)
        assert status == 0
        return outputs

    first = names()
    assert names() == first and first.keys() == {"records", "packages", "artifact"}
    assert names(settings="--words-only")["records"] != first["records"]
    assert names(extras="gate,spacy")["packages"] != first["packages"]
    assert names(report="./out/gate")["artifact"] == "out-gate"
    weights.write_bytes(b"2")
    second = names()
    cases.write_text(CONLL + "\n" + CONLL)
    assert len({first["records"], second["records"], names()["records"]}) == 3


GH = """#!/bin/bash
# Lists the comment $OURS, and notes what it is asked for.
if [[ $2 == --paginate ]]; then
  echo "$2 $3" >> asked
  echo "$OURS"
else
  echo "$4 $5" >> asked
fi
exit 0
"""


@pytest.mark.parametrize(
    ("ours", "sent"), [("", "POST repos/a/b/issues/7/comments"), ("5", "PATCH repos/a/b/issues/comments/5")]
)
def test_a_pull_request_gets_one_comment_that_is_updated(tmp_path: Path, ours: str, sent: str) -> None:
    tmp_path.joinpath("gate").mkdir()
    tmp_path.joinpath("gate/summary.md").write_text("## interp gate: fail\n")
    tmp_path.joinpath("gh").write_text(GH)
    tmp_path.joinpath("gh").chmod(0o755)
    script = step_called("Write the pull request's comment, or write it anew", STEPS["comment"])
    path = f"{tmp_path}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COMMENTS": "repos/a/b/issues", "NUMBER": "7", "OURS": ours}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=True)
    assert tmp_path.joinpath("asked").read_text().splitlines() == ["--paginate repos/a/b/issues/7/comments", sent]
    assert tmp_path.joinpath("comment.md").read_text() == "<!-- interp gate -->\n## interp gate: fail\n"


def test_the_hook_finds_a_damaged_golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (HOOK["language"], HOOK["pass_filenames"]) == ("system", False)
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("pyproject.toml").touch()
    words = shlex.split(HOOK["entry"])[1:]
    assert CliRunner().invoke(main, words).exit_code == 0
    folder = tmp_path / "golden/tests/test_sport.py"
    folder.mkdir(parents=True)
    folder.joinpath("test_rob.golden.json").write_text("{")
    assert CliRunner().invoke(main, words).exit_code == 1
