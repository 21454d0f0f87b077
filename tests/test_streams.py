"""Standard streams that are closed, full, unread or of an old encoding; waits that are told; Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from time import sleep

import pytest

from interp.cli import progress, streams
from interp.cli.documents import write_document

INTERP = (sys.executable, "-m", "interp")
CHEAP_MISTAKES = [
    ["explain", "a b", "--target", "c"],
    ["explain", "a b", "--zoom", "c"],
    ["explain", " "],
    ["explain", "a b", "--model", "nosuch"],
    ["explain", "a b", "--device", "gpu"],
    ["explain", "a b", "--dtype", "float"],
    ["explain", "a b", "--tolerance", "2"],
    ["explain", "--file", "nosuch.txt"],
    ["record", "--model", "nosuch", "--cases", "conll:x.txt", "--out", "records"],
    ["record", "--model", "planted", "--cases", "conll:x.txt", "--out", "records"],
    ["record", "--model", "planted", "--cases", "conll:x.txt", "--out", "records", "--memory", "much"],
    ["gate", "--baseline", "planted"],
    ["gate", "--baseline", "planted", "--candidate", "planted", "--cases", "conll:x.txt"],
    ["gate", "calibrate", "--baseline", "planted", "--retrained", "nosuch", "--cases", "conll:x.txt"],
    ["probe", "--baseline", "planted", "--candidate", "nosuch", "--texts", "x.txt"],
    ["stability", "nosuch", "--model", "planted"],
    ["golden", "diff"],
]


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command line in a shell, where $interp is the program."""
    variables = {**os.environ, "interp": " ".join(INTERP), **environment}
    return subprocess.run(["bash", "-c", command], capture_output=True, check=False, env=variables, timeout=120)


def test_cheap_mistakes_are_told_before_torch_is_imported(tmp_path: Path) -> None:
    code = (
        "import json, sys\n"
        "from interp.cli import main\n"
        "for mistake in json.loads(sys.argv[1]):\n"
        "    try: main(mistake)\n"
        "    except SystemExit as end: print(end.code, 'torch' in sys.modules, ' '.join(mistake))\n"
    )
    command = [sys.executable, "-c", code, json.dumps(CHEAP_MISTAKES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == [f"2 False {' '.join(mistake)}" for mistake in CHEAP_MISTAKES]
    assert len(done.stderr.splitlines()) == len(CHEAP_MISTAKES)
    assert not list(tmp_path.iterdir())


# --- streams


def test_help_into_a_full_device_is_an_error() -> None:
    done = shell("$interp --help >/dev/full")
    assert (done.returncode, done.stderr) == (
        2,
        b"interp: Cannot write to standard output: No space left on device.\n",
    )


@pytest.mark.parametrize("redirection", ["| true; exit ${PIPESTATUS[0]}", ">&-", "2>&-", "2>/dev/full"])
def test_output_that_nobody_reads_changes_nothing(redirection: str) -> None:
    done = shell(f"$interp explain --help {redirection}")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_a_mistake_that_nobody_reads_is_a_mistake(redirection: str) -> None:
    assert shell(f"$interp explain --nosuch {redirection}").returncode == 2


def test_closed_standard_input_is_told() -> None:
    done = shell("$interp explain - <&-")
    assert done.returncode == 2 and done.stderr.startswith(b"interp: Standard input is closed: give the sentences")


@pytest.mark.parametrize(
    ("encoding", "spelled"),
    [
        ("ascii", r"-0.4 +-0.1 ... caf\xe9 \u6771 \U0001f600"),
        ("latin-1", r"-0.4 ±0.1 ... café \u6771 \U0001f600"),
        ("utf-8", "−0.4 ±0.1 … café 東 😀"),
    ],
)
def test_signs_that_an_encoding_lacks_are_spelled_out(encoding: str, spelled: str) -> None:
    assert "−0.4 ±0.1 … café 東 😀".encode(encoding, streams.SPELL_OUT).decode(encoding) == spelled


@pytest.mark.slow  # a process that loads torch; what codecs do with a sign is tested above
def test_an_old_encoding_shows_every_word(tiny: Path) -> None:
    command = f"$interp explain --model '{tiny}' 'Rob wins 東京' --target Rob"
    shown = shell(command, PYTHONIOENCODING="latin-1")
    assert shown.returncode in (0, 3) and rb"\u6771\u4eac" in shown.stdout


def test_a_document_is_whole_in_every_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    written = BytesIO()
    monkeypatch.setattr("sys.stdout", TextIOWrapper(written, encoding="ascii"))
    write_document('{"word": "東京"}', "-")
    assert json.loads(written.getvalue().decode()) == {"word": "東京"}


# --- waits


def test_a_log_gets_lines_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "BETWEEN_LINES", 0.05)
    with progress.phase("reading"), progress.phase("recording", 400) as report_progress:
        report_progress(100)
        sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"interp: recording: 25%, about \d seconds? left", lines[-1])


def test_a_short_command_writes_nothing_into_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    progress.restart_log()
    with progress.phase("recording", 400) as report_progress:
        report_progress(100)
    assert capsys.readouterr().err == ""


def at_a_terminal(command: list[str], interrupt_after: bytes | None = None) -> tuple[int, str]:
    """Exit status and screen of a command; Ctrl-C is pressed once the screen shows the pattern `interrupt_after`."""
    process, terminal = pty.fork()
    if process == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a test run in the background ignores Ctrl-C, and hands that on
        os.execv(command[0], command)
    screen = b""
    with suppress(OSError):  # the terminal goes with the command
        while part := os.read(terminal, 4096):
            screen += part
            if interrupt_after is not None and re.search(interrupt_after, screen):
                os.write(terminal, b"\x03")
                interrupt_after = None
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen.decode())


def test_a_person_sees_what_is_done_at_once_and_results_alone_at_the_end(tiny: Path) -> None:
    status, screen = at_a_terminal([*INTERP, "explain", "--model", str(tiny), "Rob wins", "--target", "Rob"])
    assert status in (0, 3)
    assert screen.index("loading") < screen.index("integrating") < screen.index("speaks most for")
    assert "left" in screen and "interp:" not in screen.partition("speaks most for")[0]


# --- Ctrl-C


def test_ctrl_c_while_libraries_are_imported(tiny: Path) -> None:
    status, screen = at_a_terminal([*INTERP, "explain", "--model", str(tiny), "Rob"], interrupt_after=b"loading")
    assert status == 130 and screen.rstrip().endswith("interp: Stopped.")
    assert "Traceback" not in screen


@pytest.mark.slow  # a process that records; Ctrl-C before that is held above, and what is kept in test_records.py
def test_who_stops_a_recording_is_told_what_is_kept_and_goes_on(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text('{"words": ["Rob", "wins"], "tags": ["B-PER", "O"]}\n' * 20_000)
    out = tmp_path / "records"
    command = [*INTERP, "record", "--model", str(tiny), "--out", str(out)]
    command += ["--cases", f"jsonl:{tmp_path}/texts.jsonl", "--words-only"]
    status, screen = at_a_terminal(command, interrupt_after=rb"[1-9]\d?%")
    kept = len(list(out.glob("part-*.parquet")))
    assert status == 130 and f"interp: Stopped. {64 * kept} sentences kept in" in " ".join(screen.split())
    assert screen.count("go on with --resume.") == 1 and kept > 0
    assert len(list(out.iterdir())) == kept + 1, "beside the parts there is the manifest, and nothing half written"


def test_ctrl_c_that_a_library_turns_into_its_own_error_is_ctrl_c() -> None:
    code = (
        "from interp.cli import main\n"
        "@main.command()\n"
        "def talk():\n"
        "    try: raise KeyboardInterrupt\n"
        "    except KeyboardInterrupt: raise ImportError('half a module')\n"
        "main(['talk'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "interp: Stopped.\n")


def test_ctrl_c_after_the_end_changes_nothing() -> None:
    code = (
        "import atexit, os, signal, sys\n"
        "from interp.__main__ import run\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "sys.argv = ['interp', '--version']\n"
        "run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("interp ")
