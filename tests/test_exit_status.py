"""Exit status 1 means "worse", and nothing else does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from interp.cli import main
from interp.errors import InputError
from interp.gate.waivers import load_waivers

COMMAND = """
import sys
import click
from interp.cli import main

@main.command()
def talk():
    {body}
    sys.exit({status})

main(["talk"])
"""


def program(body: str, status: int = 0) -> list[str]:
    """A command of `interp` that says or does something."""
    return [sys.executable, "-c", COMMAND.format(body=body, status=status)]


# --- interrupted, unread


def test_ctrl_c_is_130_and_one_line() -> None:
    done = subprocess.run(program("raise KeyboardInterrupt"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interp: Stopped.\n")


@pytest.mark.parametrize("status", [0, 1, 2])
@pytest.mark.parametrize(
    "body",
    [
        'click.echo("line\\n" * 100_000)',
        'print("line\\n" * 100_000, flush=True)',
        'from rich.console import Console; Console().print("line\\n" * 20_000)',
    ],
)
def test_a_reader_that_goes_changes_no_status(body: str, status: int) -> None:
    with subprocess.Popen(program(body, status), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "line\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == status


def test_a_defect_is_no_verdict() -> None:
    done = subprocess.run(program("1 / 0"), capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "ZeroDivisionError" in done.stderr


def test_a_file_that_cannot_be_opened_is_no_verdict() -> None:
    body = 'raise click.FileError("x.txt", "gone")'
    done = subprocess.run(program(body), capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "x.txt" in done.stderr


# --- gate accept


def accept(*options: str, cue: str = "yesterday") -> Result:
    required = ["--tag", "B-PER", "--reason", "a byline", "--until", "2099-01-01"]
    return CliRunner().invoke(main, ["gate", "accept", *required, *options, "--", cue])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("effect", ["inf", "-inf", "nan", "0", "-0.0", "1e400"])
def test_an_effect_that_cannot_be_read_again_is_not_written(effect: str, project: Path) -> None:
    result = accept("--effect", effect)
    assert result.exit_code == 2 and "The waiver's effect" in result.output
    assert not (project / "interp-waivers.toml").exists()


@pytest.mark.parametrize("text", ["a\nb", "a\x7fb", "a\x00b", "a\x1b[31mb", " ", "a\x85b"])
def test_control_characters_are_not_written(text: str, project: Path) -> None:
    assert accept(cue=text).exit_code == accept("--reason", text).exit_code == accept("--tag", text).exit_code == 2
    assert not (project / "interp-waivers.toml").exists()


@pytest.mark.parametrize(
    "before",
    [
        b"# ours\r\n",
        b"# ours\n\n\n",
        b"# ours",
        b"\xef\xbb\xbf# ours\r\n",
        b"# trailing blanks   \n",
        b"",
    ],
)
def test_other_lines_stay_as_they_are(before: bytes, project: Path) -> None:
    path = project / "interp-waivers.toml"
    path.write_bytes(before)
    for cue in ('say "x"', "\u4f60\\n", "-vex"):
        assert accept("--effect", "-1.5", cue=cue).exit_code == 0
    after = path.read_bytes()
    assert after.startswith(before)
    added = after[len(before) :]
    windows = b"\r\n" in before
    assert added.count(b"\r") == (added.count(b"\n") if windows else 0)
    assert [waiver.cue for waiver in load_waivers(path)] == ['say "x"', "\u4f60\\n", "-vex"]


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_waivers_and_floors_that_cannot_be_read_are_errors(make: object, tmp_path: Path) -> None:
    path = tmp_path / "it"
    make(path)  # type: ignore[operator]
    with pytest.raises(InputError, match="Cannot read"):
        load_waivers(path)
    assert accept_in(tmp_path, waivers="it").exit_code == 2


def accept_in(folder: Path, waivers: str) -> Result:
    (folder / "pyproject.toml").write_text(f'[tool.interp.gate]\nwaivers = "{waivers}"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return accept()


@pytest.mark.parametrize("kind", ["floors", "waivers"])
def test_the_gate_reads_no_folder_as_nothing(kind: str, project: Path) -> None:
    (project / "pyproject.toml").write_text(f'[tool.interp.gate]\n{kind} = "it"\n')
    (project / "it").mkdir()
    (project / "a.txt").write_text("Rob wins\n")
    options = ["--baseline", "planted", "--candidate", "planted", "--cases", "text:a.txt", "--no-probe"]
    result = CliRunner().invoke(main, ["gate", *options])
    assert result.exit_code == 2 and result.output.endswith("Is a directory.\n")
