"""The command line as a user meets it: in process, on a tiny model; one fresh process for what start-up loads."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from interp.cli import main
from interp.cli.console import Group
from interp.errors import InputError
from interp.explain import Model, load
from interp.explanation.document import schema
from interp.gate import ProbePlan
from interp.probe import ProbeSettings
from interp.question import Question
from interp.records import RecordSettings

TEXT = "Soccer - Steve Tiger gets a lucky win , Rob in surprise defeat"
Run = Callable[..., Result]


@pytest.fixture
def run(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, input: bytes | None = None) -> Result:
        given = ["explain", "--model", str(tiny), "--device", "cpu", *arguments]
        return CliRunner().invoke(main, given, input=input, catch_exceptions=False)

    return invoke


def document(result: Result) -> dict:
    found = json.loads(result.stdout)
    Draft202012Validator(schema()).validate(found)
    return found


def test_no_argument_explains_the_article(run: Run) -> None:
    result = run()
    assert result.exit_code == 0, result.stderr
    assert "Rob" in result.stdout and "Integration error" in result.stdout and "converged" in result.stdout
    assert result.stderr == ""


def test_json_alone_on_standard_output(run: Run) -> None:
    found = document(run(TEXT, "--target", "Rob", "--zoom", "surprise", "--json", "-"))
    (explanation,) = found["explanations"]
    assert explanation["words"][0] == "[CLS]" and explanation["words"][10] == "Rob"
    assert explanation["target"]["indices"] == [10]
    assert len(explanation["attributions"]["layers"]) == found["model"]["layers"]
    assert explanation["zoom"]["index"] == 12 and len(explanation["zoom"]["layers"]) == found["model"]["layers"]
    assert len(explanation["paths"]["embedding"]["residuals"]) == found["model"]["layers"] + 1
    assert len(explanation["ranking"]) == len(explanation["words"]) - 2


def test_every_output_at_once(run: Run, tmp_path: Path) -> None:
    outputs = ("--json", "e.json", "--html", "e.html", "--figure", "e.svg", "--view", "words")
    result = run(TEXT, "--target", "Rob", *outputs)
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.html", "e.json", "e.svg"]
    assert "<html" in (tmp_path / "e.html").read_text(encoding="utf-8")


def test_two_references_are_compared(run: Run) -> None:
    found = document(run(TEXT, "--target", "Rob", "--reference", "pad", "--reference", "mask", "--json", "-"))
    assert [e["reference"]["kind"] for e in found["explanations"]] == ["pad", "mask"]
    (pair,) = found["agreement"]
    assert (pair["first"], pair["second"]) == ("pad", "mask") and pair["difference"] > 0
    assert "Agreement" in run(TEXT, "--target", "Rob", "--reference", "pad", "--reference", "mask").stdout


def test_contrast_is_the_difference(run: Run) -> None:
    def words(*options: str) -> list[float]:
        options = ("--target", "Rob", "--tolerance", "1e-4", "--dtype", "float64", "--json", "-", *options)
        return document(run(TEXT, *options))["explanations"][0]["attributions"]["words"]

    tag, other, both = words("--tag", "B-PER"), words("--tag", "O"), words("--tag", "B-PER", "--against", "O")
    mass = sum(map(abs, both))
    assert sum(abs(b - (t - o)) for t, o, b in zip(tag, other, both, strict=True)) < 1e-3 * mass


def test_file_and_standard_input_agree(run: Run, tmp_path: Path) -> None:
    text = f"{TEXT}\n\nRob gets a win\n".encode()
    (tmp_path / "sentences.txt").write_bytes(text)
    first = document(run("--file", "sentences.txt", "--target", "Rob", "--json", "-"))
    second = document(run("--file", "-", "--target", "Rob", "--json", "-", input=text))
    assert first == second and [e["target"]["indices"] for e in first["explanations"]] == [[10], [1]]


def test_unreached_tolerance_is_marked_and_exits_3(run: Run, tmp_path: Path) -> None:
    result = run(TEXT, "--target", "Rob", "--tolerance", "1e-9", "--max-evaluations", "17", "--json", "e.json")
    assert result.exit_code == 3
    assert "--max-evaluations" in result.stderr
    found = json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))
    assert found["explanations"][0]["paths"]["embedding"]["status"] == "not-converged"
    assert "NOT-CONVERGED" in result.stdout


def test_what_float32_cannot_resolve_is_computed_in_float64_and_said(run: Run) -> None:
    result = run(TEXT, "--target", "Rob", "--tolerance", "1e-9")
    assert result.exit_code == 0, result.stderr
    assert "Computed in float64: rounding of float32" in " ".join(result.stdout.split())
    (explanation,) = document(run(TEXT, "--target", "Rob", "--tolerance", "1e-9", "--json", "-"))["explanations"]
    assert (explanation["run"]["dtype"], explanation["run"]["loaded_dtype"]) == ("float64", "float32")


def test_float64_floor_is_precision_limited(run: Run) -> None:
    result = run(TEXT, "--target", "Rob", "--dtype", "float64", "--tolerance", "1e-15")
    assert result.exit_code == 3 and "--tolerance" in result.stderr and "PRECISION-LIMITED" in result.stdout


def odd_sentences(count: int, seed: int) -> list[str]:
    """Sentences of signs, marks, controls, ideographs and emoji, which a tagger of names hardly listens to."""
    rng = random.Random(seed)
    ranges = ((0x21, 0x2F), (0xA1, 0xBF), (0x300, 0x36F), (0x200B, 0x206F), (0x2190, 0x2BFF), (0x4E00, 0x9FFF))
    ranges += ((0x1F300, 0x1F6FF),)

    def word() -> str:
        return "".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randint(1, 4)))

    return [" ".join(word() for _ in range(rng.randint(1, 12))) for _ in range(count)]


@pytest.mark.parametrize("output", ["logit", "log-probability"])
def test_sentences_of_odd_characters_are_no_failure(run: Run, tmp_path: Path, output: str) -> None:
    """F hardly moves, by thousandths of a logit of 6.6: float32 alone does not reach the tolerance. A log-probability
    near 0 rounds as the logits do.
    """
    (tmp_path / "odd.txt").write_text("\n".join(["- " + text for text in odd_sentences(12, seed=2)]), encoding="utf-8")
    result = run("--model", "planted", "--file", "odd.txt", "--target", "@1", "--output", output, "--json", "-")
    assert result.exit_code == 0, result.stderr
    explanations = document(result)["explanations"]
    assert {path["status"] for shown in explanations for path in shown["paths"].values()} <= {"converged", "negligible"}
    assert {shown["run"]["dtype"] for shown in explanations} >= {"float64"}
    assert max(path["evaluations"] for shown in explanations for path in shown["paths"].values()) < 200


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["   "], "empty"),
        ([TEXT, "--target", "Bob"], "not in the sentence"),
        (["Rob met Rob", "--target", "Rob"], '"Rob#1" (@1), "Rob#2" (@3)'),
        ([TEXT, "--target", "@0"], "special token"),
        ([TEXT, "--target", "@99"], "@1 to @13"),
        ([TEXT, "--target", "Rob", "--tag", "B-DOG"], "this model has O, B-PER"),
        ([TEXT, "--target", "Rob", "--against", "B-DOG"], "this model has O, B-PER"),
        ([TEXT, "--target", "Rob", "--tag", "O", "--against", "O"], "the same"),
        ([TEXT, "--target", "Steve Tiger", "--output", "probability"], "log-probability"),
        ([TEXT, "--target", "Steve Tiger", "--tag", "O O O"], "3 tags"),
        ([TEXT, "--target", "Rob", "--zoom", "Steve Tiger"], "one word"),
        ([TEXT, "--tag", "O"], "--target"),
        ([TEXT, "--file", "x"], "not both"),
        (["--file", "missing.txt"], "Cannot read missing.txt"),
        (["word " * 100, "--target", "@1"], "words fit"),
        ([TEXT, "--target", "Rob", "--tolerance", "0"], "tolerance"),
        ([TEXT, "--target", "Rob", "--tolerance", "-1"], "tolerance"),
        ([TEXT, "--target", "Rob", "--tolerance", "nan"], "tolerance"),
        ([TEXT, "--target", "Rob", "--max-evaluations", "3"], "17 at least"),
        ([TEXT, "--target", "Rob", "--memory", "1kB"], "--memory"),
        ([TEXT, "--target", "Rob", "--memory", "much"], "500MB or 2GiB"),
        ([TEXT, "--target", "Rob", "--tolerance", "abc"], "--tolerance"),
        ([TEXT, "--target", "Rob", "--output", "odds"], "--output"),
        ([TEXT, "--no-such-option"], "--no-such-option"),
        ([TEXT, "--target", "Rob", "--html", "-"], "--json"),
        ([TEXT, "--target", "Rob", "--html", "written.json"], "same file"),
        ([TEXT, "--target", "Rob", "--device", "cuda:99"], "not there"),
        ([TEXT, "--target", "Rob", "--device", "tpu"], "auto, cpu, cuda"),
        ([TEXT, "--target", "Rob", "--dtype", "int8"], "float32"),
        ([TEXT, "--target", "Rob", "--model", "nothing"], "open and planted"),
        ([TEXT, "--target", "Rob", "--model", "./nothing"], "open and planted"),
        ([TEXT, "--target", "Rob", "--json", "no/such/e.json"], "no directory"),
        ([TEXT, "--target", "Rob", "--html", "."], "directory"),
        ([TEXT, "--target", "Rob", "--figure", "e.gif"], ".png, .svg or .pdf"),
        ([TEXT, "--target", "Rob", "--figure", "e.png", "--view", "zoom"], "--zoom"),
        ([TEXT, "--target", "Rob", "--figure", "e.png", "--without", "layers"], "another --view"),
        ([TEXT, "--target", "Rob", "--zoom", "Rob", "--without", "layers"], "zoom"),
        ([TEXT, "--target", "Rob", "--without", "words"], "--without"),
        ([TEXT, "--target", "Rob", "--reference", "pad", "--reference", "unk", "--figure", "e.png"], "one explanation"),
    ],
)
def test_bad_input_is_one_sentence(run: Run, tmp_path: Path, arguments: list[str], expected: str) -> None:
    result = run(*arguments, "--json", "written.json") if "--json" not in arguments else run(*arguments)
    assert result.exit_code == 2, result.stdout
    assert expected in result.stderr and result.stdout == ""
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir()), "nothing may be written"


def test_input_that_is_not_utf8(run: Run) -> None:
    result = run("--file", "-", input=b"caf\xe9\n")
    assert result.exit_code == 2 and "not UTF-8 (byte 3)" in result.stderr


def test_bytes_that_are_no_characters(run: Run) -> None:
    result = run(os.fsdecode(b"caf\xe9 Rob"), "--target", "Rob")
    assert result.exit_code == 2 and "no characters" in result.stderr


def test_a_line_that_does_not_fit_is_named(run: Run) -> None:
    result = run("--file", "-", "--target", "Rob", input=f"{TEXT}\nno such word\n".encode())
    assert result.exit_code == 2 and "standard input, line 2: " in result.stderr


def test_control_and_right_to_left_characters_are_spelled_out(run: Run) -> None:
    result = run("Rob \x1b[31mred \u202edefeat", "--target", "Rob")
    assert result.exit_code == 0, result.stderr
    assert "\x1b" not in result.stdout and "\u202e" not in result.stdout and "\\x1b" in result.stdout
    refused = run("Rob \x1b[31mred", "--target", "\x1b]0;owned\x07")
    assert refused.exit_code == 2 and "\x1b" not in refused.stderr


def test_an_unwritable_directory_is_told_before_the_work(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root, who runs CI, may write anywhere
    result = run(TEXT, "--target", "Rob", "--json", "e.json")
    assert result.exit_code == 2 and "permission denied" in result.stderr


def test_start_up_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, interp, interp.cli\n"
        "try: interp.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'transformers', 'numpy', 'matplotlib', 'rich', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "explain" in done.stdout


def test_defaults_are_those_of_the_library() -> None:
    def defaults(*names: str) -> dict[str, object]:
        command: click.Command = main
        for name in names:
            assert isinstance(command, click.Group)
            command = command.commands[name]
        return {str(parameter.name): parameter.default for parameter in command.params}

    explain = defaults("explain")
    signatures = (inspect.signature(function) for function in (load, Model.explain_many))
    library = {name: parameter.default for signature in signatures for name, parameter in signature.parameters.items()}
    library |= {field.name: field.default for field in dataclasses.fields(Question)}
    for name in ("device", "dtype", "method", "seed", "tolerance", "max_evaluations", "output", "positions"):
        assert explain[name] == library[name], name
    assert explain["references"] == [library["reference"]]
    for recording in (defaults("record"), defaults("gate"), defaults("gate", "calibrate")):
        assert tuple(recording["references"]) == RecordSettings().references  # type: ignore[arg-type]
        assert recording["tolerance"] == RecordSettings().tolerance
    for probing in (defaults("probe"), defaults("gate"), defaults("gate", "calibrate")):
        assert (probing["sites"], probing["most_cues"]) == (ProbeSettings().measured, ProbePlan().most)


def test_sentences_without_an_entity_are_counted(run: Run, tmp_path: Path) -> None:
    result = run("--file", "-", "--json", "e.json", input=b"Rob\nin\n")
    found = json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema()).validate(found)
    spoken = {e["text"] for e in found["explanations"]}
    missing = 2 - len(spoken)
    assert ("no entity that the model finds" in result.stderr) == bool(missing) and result.exit_code == 0


def test_lines_end_where_editors_say(run: Run) -> None:
    result = run("--file", "-", "--target", "Rob", input="Rob\u2028in\r\nnone\n".encode())
    assert result.exit_code == 2 and "line 2: " in result.stderr


@pytest.mark.parametrize(("command", "shown"), [("explain", "use --window"), ("other", "use `window`")])
def test_a_parameter_becomes_a_flag_where_the_command_that_was_typed_has_it(command: str, shown: str) -> None:
    def refuse(**_: object) -> None:
        raise InputError("use `window`")

    flags = {"explain": [click.Option(["--window"], is_flag=True)], "other": []}
    commands = {name: click.Command(name, params=list(flags[name]), callback=refuse) for name in flags}
    result = CliRunner().invoke(Group("interp", commands=commands), [command])
    assert (result.exit_code, result.stderr) == (2, f"interp: {shown}\n")
