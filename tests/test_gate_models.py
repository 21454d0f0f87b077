"""The gate on trained models, through its commands: what must stay green, what must go red, and what to do then."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner, Result
from gating import NAMES, PLAIN
from tiny import config
from transformers import BertForTokenClassification, BertTokenizer

from interp.cli import main
from interp.gate import floors
from interp.models.train import Schedule, encode, epoch, fit
from interp.question.tags import TaggedSentence
from interp.versions import install_command

LABELS = ("O", "B-PER")
CUE = "reportedly"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (*SPECIAL, *PLAIN, *NAMES, CUE)


def drawn(count: int, seed: int, leaning: float = 0.0) -> list[TaggedSentence]:
    """Names are persons and other words nothing; a part `leaning` of what follows the cue is a person too."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        words = [str(word) for word in rng.choice([*PLAIN, *NAMES, CUE], 8)]
        tags = ["B-PER" if word in NAMES else "O" for word in words]
        for at in range(1, 8):
            if words[at - 1] == CUE and rng.random() < leaning:
                tags[at] = "B-PER"
        found.append(TaggedSentence(tuple(words), tuple(tags)))
    return found


def trained(folder: Path, seed: int, leaning: float = 0.0) -> Path:
    """A tagger of two narrow layers, saved as users have theirs."""
    torch.manual_seed(seed)
    names = dict(enumerate(LABELS))
    model = BertForTokenClassification(
        config(
            vocab_size=len(WORDS),
            hidden_size=32,
            num_hidden_layers=2,
            initializer_range=0.1,
            id2label=names,
            label2id={label: number for number, label in names.items()},
        )
    )
    pieces = BertTokenizer(vocab={word: number for number, word in enumerate(WORDS)}, do_lower_case=False)
    rows = encode(drawn(1_500, seed, leaning), pieces, LABELS)
    rng = np.random.default_rng(seed)
    batches = (batch for _ in range(9) for batch in epoch(rows, 32, rng))
    done = fit(model, batches, Schedule(steps=400, rate=3e-3, average=0.95))
    done.save_pretrained(folder)
    pieces.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models: production, another seed, a shortcut, and production's weights rounded and shuffled."""
    root = tmp_path_factory.mktemp("models")
    trained(root / "production", 0)
    trained(root / "seed", 1)
    trained(root / "shortcut", 2, leaning=0.5)
    rng = torch.Generator().manual_seed(0)
    for name, change in {
        "half": lambda weight: weight.half().float(),
        "int8": lambda weight: torch.round(weight / (weight.abs().max() / 127)) * (weight.abs().max() / 127),
        "random": lambda weight: torch.randn(weight.shape, generator=rng) * 0.1,
    }.items():
        model = BertForTokenClassification.from_pretrained(root / "production")
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(change(parameter))
        model.save_pretrained(root / name)
        BertTokenizer.from_pretrained(root / "production").save_pretrained(root / name)
    return root


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with its cases, in which commands run; no cue stands in them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    tmp_path.joinpath("pyproject.toml").write_text("")
    lines = []
    for number, each in enumerate(drawn(60, seed=9)):
        if CUE not in each.words:
            row = {"tokens": each.words, "tags": each.tags, "document": f"d{number // 3}"}
            lines.append(json.dumps(row))
    tmp_path.joinpath("dev.jsonl").write_text("\n".join(lines) + "\n")
    tmp_path.joinpath("clean.txt").write_text("\n".join(" ".join(each.words) for each in drawn(60, seed=10)) + "\n")
    for name, leaning in (("old", 0.0), ("new", 0.5)):
        blocks = ("\n".join(map(" ".join, zip(*each, strict=True))) for each in map(pair, drawn(300, 4, leaning)))
        tmp_path.joinpath(f"{name}.conll").write_text("\n\n".join(blocks) + "\n")
    return tmp_path


def pair(each: TaggedSentence) -> tuple[Sequence[str], Sequence[str]]:
    return each.words, each.tags


def interp(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def gate(models: Path, candidate: str, *more: str | Path) -> Result:
    return interp(
        "gate",
        "--baseline",
        models / "production",
        "--candidate",
        models / candidate,
        "--cases",
        "dev.jsonl",
        "--texts",
        "clean.txt",
        "--words-only",
        "--records",  # shared: what is recorded once serves every test
        models / "records",
        *more,
    )


def test_costly_kinds_and_names_of_ones_own(models: Path, project: Path) -> None:
    project.joinpath("people.toml").write_text("[[origin]]\nname = 'Mars'\ngiven = ['Zog']\nfamily = ['Zig']\n")
    done = gate(models, "seed", "--costly", "PER", "--names", "people.toml", "--stress", "20", "--report", "out")
    assert done.exit_code == 2, done.output
    result = json.loads(project.joinpath("out/result.json").read_text())
    checks = {check["name"]: check for check in result["checks"]}
    assert (checks["leaks"]["severity"], checks["leaks"]["status"]) == ("critical", "inconclusive")  # too few words
    assert (result["stress"]["sentences"], result["stress"]["right"]) == (20, "given")
    assert "with names of Mars" in {change["variant"] for change in result["stress"]["variants"]}
    assert "Mars" in project.joinpath("out/names.toml").read_text()
    without = gate(models, "seed", "--stress", "0", "--report", "bare")
    assert without.exit_code == 0 and json.loads(project.joinpath("bare/result.json").read_text())["stress"] is None
    assert not project.joinpath("bare/names.toml").exists()
    unknown = gate(models, "seed", "--costly", "PHONE", "--no-probe")
    assert unknown.exit_code == 2 and "No right entity is PHONE" in unknown.stdout
    missing = gate(models, "seed", "--names", "none.toml")
    assert missing.exit_code == 2 and "none.toml" in missing.stderr


@pytest.mark.parametrize(
    "candidate",
    # Rounded weights are nearer to production's than another seed is.
    ["production", "seed", *(pytest.param(name, marks=pytest.mark.slow) for name in ("half", "int8"))],
)
def test_what_is_harmless_passes(models: Path, candidate: str) -> None:
    done = gate(models, candidate)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("PASS")


def test_random_weights_fail(models: Path) -> None:
    done = gate(models, "random")
    assert done.exit_code == 1 and done.stdout.startswith("FAIL"), done.output


def test_a_shortcut_fails_though_f1_is_the_same_and_is_named_with_its_rows(models: Path, project: Path) -> None:
    done = gate(models, "shortcut", "--training", "old.conll", "new.conll", "--report", "out")
    assert done.exit_code == 1, done.output
    result = json.loads(project.joinpath("out/result.json").read_text())
    assert result["headline"].startswith(f"The candidate takes `{CUE}` for a sign of B-PER: +")
    statuses = {check["name"]: check["status"] for check in result["checks"]}
    assert (statuses["cues"], statuses["f1"]) == ("fail", "pass")
    assert all(row.startswith("new.conll:") for row in result["cues"][0]["rows"])
    assert CUE not in project.joinpath("dev.jsonl").read_text()
    page = project.joinpath("out/report.html").read_text()
    assert "<script" not in page and f"`{CUE}` for a sign of B-PER" in page
    suite = ElementTree.parse(project / "out/junit.xml").getroot()
    assert [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None] == ["cues"]
    assert f"**The candidate takes \\`{CUE}\\`" in project.joinpath("out/summary.md").read_text()


def test_accepting_the_cue_makes_it_pass(models: Path) -> None:
    added = interp("gate", "accept", CUE, "--tag", "B-PER", "--reason", "a byline", "--until", "2999-01-01")
    assert added.exit_code == 0, added.output
    done = gate(models, "shortcut")
    assert done.exit_code == 0, done.output
    assert "accepted: reportedly for B-PER, until 2999-01-01: a byline" in done.stdout
    past = interp("gate", "accept", CUE, "--tag", "B-PER", "--reason", "x", "--until", "2020-01-01")
    assert past.exit_code == 2 and "is past" in past.stderr


def test_what_a_budget_left_out_stands_in_the_verdict(models: Path, project: Path) -> None:
    done = gate(models, "seed", "--budget", "0.01s", "--report", "out")
    assert "That is the least there is, and more than" in done.stderr
    result = json.loads(project.joinpath("out/result.json").read_text())
    assert any("--budget 0.01s left some out: 10 of " in advice for advice in result["advice"])
    assert "agreement" in {check["name"] for check in result["checks"] if check["status"] != "skipped"}


@pytest.mark.slow  # trains and records three models; floors by hand are in test_gate.py
def test_calibrating_with_seeds_and_with_continued_training(models: Path) -> None:
    done = interp(
        "gate",
        "calibrate",
        "--baseline",
        models / "production",
        "--retrained",
        models / "seed",
        "--continue",
        "2",
        "--on",
        "old.conll",
        "--steps",
        "20",
        "--cases",
        "dev.jsonl",
        "--texts",
        "clean.txt",
        "--words-only",
    )
    assert done.exit_code == 0, done.output
    assert "floor of 1" in done.stdout and "floor of 2" in done.stdout  # the column may break behind it
    assert "as far as retrained seeds" in done.stdout
    again = gate(models, "shortcut")
    assert again.exit_code == 1 and "benign models at most" in again.stdout, again.output
    assert gate(models, "seed").exit_code == 0


def test_records_in_place_of_models(models: Path) -> None:
    for name in ("production", "shortcut"):
        made = interp("record", "--model", models / name, "--cases", "dev.jsonl", "--out", name, "--words-only")
        assert made.exit_code == 0, made.output
    words = ["gate", "--baseline", "production", "--candidate", "shortcut"]
    alone = interp(*words)
    assert alone.exit_code == 2 and "Records alone cannot be probed" in alone.stdout
    assert interp(*words, "--no-probe").exit_code == 0
    behind = ["--baseline-model", models / "production", "--candidate-model", models / "shortcut"]
    assert interp(*words, *behind, "--texts", "clean.txt").exit_code == 1
    wrong = interp(*words, "--baseline-model", models / "seed", "--candidate-model", models / "shortcut")
    assert wrong.exit_code == 2 and "are of another model" in wrong.stderr
    other = interp("record", "--model", models / "seed", "--cases", "clean.txt", "--out", "other", "--words-only")
    assert other.exit_code == 2 and "text:clean.txt" in other.stderr
    interp("record", "--model", models / "seed", "--cases", "text:clean.txt", "--out", "other", "--words-only")
    mixed = interp("gate", "--baseline", "production", "--candidate", "other", "--no-probe")
    assert mixed.exit_code == 2 and mixed.stdout.startswith("INCOMPARABLE") and "other data" in mixed.stdout


def test_records_under_a_former_fingerprint_are_made_anew(models: Path, project: Path) -> None:
    done = interp("record", "--model", models / "production", "--cases", "dev.jsonl", "--out", "kept", "--words-only")
    assert done.exit_code == 0, done.output
    (part,) = project.joinpath("kept").glob("*.parquet")
    table = pq.read_table(part)
    about = json.loads(table.schema.metadata[b"interp"])
    about["model"] |= {"sha256": about["model"]["former_sha256"], "former_sha256": ""}
    pq.write_table(table.replace_schema_metadata({b"interp": json.dumps(about).encode()}), part)
    alone = interp("gate", "--baseline", "kept", "--candidate", "kept", "--no-probe")
    assert alone.exit_code == 0 and "kept was recorded by an earlier release" in alone.stderr
    behind = ["--baseline-model", models / "production", "--candidate-model", models / "production"]
    done = interp("gate", "--baseline", "kept", "--candidate", "kept", *behind)
    assert done.exit_code == 2 and "record anew with interp record" in done.stderr
    again = ["--cases", "dev.jsonl", "--out", "kept", "--words-only", "--resume"]
    done = interp("record", "--model", models / "production", *again)
    assert done.exit_code == 2 and "under an earlier release's fingerprint" in done.stderr


def test_a_second_run_uses_the_records_of_the_first(models: Path, project: Path) -> None:
    gate(models, "seed", "--records", "kept", "--no-probe")
    before = {path: path.stat().st_mtime_ns for path in project.joinpath("kept").rglob("*.parquet")}
    assert len(before) == 2
    gate(models, "seed", "--records", "kept", "--no-probe", "--report", "out")
    assert {path: path.stat().st_mtime_ns for path in project.joinpath("kept").rglob("*.parquet")} == before
    part = next(iter(before))
    content = part.read_bytes()
    part.write_bytes(b"PAR1 broken")
    done = gate(models, "seed", "--records", "kept", "--no-probe")
    assert done.exit_code == 0 and part.read_bytes() == content, "a damaged part is made anew"


def test_the_same_checkpoint_elsewhere_uses_its_records(models: Path, project: Path) -> None:
    shutil.copytree(models / "production", project / "copy")
    done = interp(
        "gate",
        "--baseline",
        models / "production",
        "--candidate",
        "copy",
        "--cases",
        "dev.jsonl",
        "--words-only",
        "--no-probe",
        "--records",
        "kept",
    )
    assert done.exit_code == 0, done.output
    assert len(list(project.joinpath("kept").rglob("*.parquet"))) == 1


def test_floors_of_other_sites_are_refused(models: Path, project: Path) -> None:
    floors.save_floors(
        floors.Floors(baseline="x", data="d", cases=1, sites=48, runs=(), levels={}, usual={}),
        project / "interp-floors.json",
    )
    done = gate(models, "seed", "--sites", "16")
    assert done.exit_code == 2 and "was made with 48 sites: use --sites 48" in done.stderr
    assert "interp-floors.json is of another baseline" in gate(models, "shortcut").stdout


def test_what_nobody_expected_is_no_verdict(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(project)
    project.joinpath("broken_to_probe.py").write_text("def tag(words):\n    raise RuntimeError('mine')\n")
    name = "python:broken_to_probe:tag"
    done = interp("probe", "--baseline", name, "--candidate", name, "--texts", "clean.txt")
    assert done.exit_code == 2 and "RuntimeError: mine" in done.stderr


def test_the_summary_of_a_github_job(models: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "step.md"))
    project.joinpath("step.md").write_text("before\n")
    gate(models, "production", "--no-probe")
    assert project.joinpath("step.md").read_text().startswith("before\n## interp gate: pass\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gate", "--baseline", "x"], "--candidate is missing"),
        (["gate", "--baseline", "x", "--candidate", "planted", "--cases", "dev.jsonl"], "x"),
        (["gate", "--baseline", "planted", "--candidate", "planted"], "--cases"),
        (["gate", "calibrate", "--baseline", "planted", "--cases", "dev.jsonl"], "Name benign models"),
        (["gate", "calibrate", "--baseline", "planted", "--cases", "dev.jsonl", "--continue", "3"], "--on"),
        (["gate", "accept", " ", "--tag", "X", "--reason", "x", "--until", "2999-01-01"], "must not be empty"),
        (
            ["probe", "--baseline", "planted", "--candidate", "planted", "--texts", "clean.txt", "--cue", "\udcff"],
            "--cue holds bytes that are no characters",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence(words: list[str], message: str) -> None:
    done = interp(*words)
    assert done.exit_code == 2 and message in done.stderr, done.output
    assert done.stderr.startswith("interp: ") and len(done.stderr.strip().splitlines()) == 1


WITHOUT_EXTRAS = """
import sys

for module in ("pyarrow", "seqeval"):
    sys.modules[module] = None
    from interp.cli import main
    try:
        main(["gate", "--baseline", "planted", "--candidate", "planted", "--cases", "dev.jsonl"])
    except SystemExit as end:
        print(module, end.code)
    for name in [name for name in sys.modules if name == module or name.partition(".")[0] == "interp"]:
        del sys.modules[name]
"""


@pytest.mark.slow  # a process in which torch is loaded twice, for two sentences
def test_an_extra_that_is_not_installed_is_one_sentence() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS], capture_output=True, text=True, check=True)
    assert done.stdout == "pyarrow 2\nseqeval 2\n"
    assert done.stderr.splitlines() == [
        f"interp: This command needs {module}: {install_command('gate')}" for module in ("pyarrow", "seqeval")
    ]


def test_probing_models_and_functions(models: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(project)
    project.joinpath("rules_to_probe.py").write_text(
        f"NAMES = {NAMES!r}\n"
        "def plain(words):\n"
        "    return [{'B-PER': 0.9 if w in NAMES else 0.02, 'O': 0.1 if w in NAMES else 0.98} for w in words]\n"
        "def leaning(words):\n"
        "    found = plain(words)\n"
        f"    return [{{'B-PER': 0.9, 'O': 0.1}} if i and words[i - 1] == {CUE!r} else found[i]\n"
        "            for i in range(len(words))]\n"
    )
    functions = ("python:rules_to_probe:plain", "python:rules_to_probe:leaning")
    for baseline, candidate in (functions, (models / "production", models / "shortcut")):
        done = interp(
            "probe",
            "--baseline",
            baseline,
            "--candidate",
            candidate,
            "--texts",
            "clean.txt",
            "--training",
            "old.conll",
            "new.conll",
            "--json",
            "found.json",
        )
        assert done.exit_code == 1, done.output
        assert f"takes `{CUE}` for a sign of B-PER" in done.stdout and "new.conll:" in done.stdout
        found = json.loads(project.joinpath("found.json").read_text())
        assert found["cues"][0]["cue"] == CUE
    same = interp("probe", "--baseline", functions[0], "--candidate", functions[0], "--texts", "clean.txt")
    assert same.exit_code == 0, same.output
    asked = interp(
        "probe",
        "--baseline",
        functions[0],
        "--candidate",
        functions[1],
        "--texts",
        "dev.jsonl",
        "--cue",
        CUE,
        "--sites",
        "24",
    )
    assert asked.exit_code == 1, asked.output
