"""What dies while records are made, and whether --resume then gives what an undisturbed run gives.

    python -m benchmarks.faults --work DIR --out benchmarks/results/faults.json

Every trial records the same corpus in processes of its own, disturbs them at a random moment, and resumes.
Trials that stand in --out already are not done again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import psutil
import pyarrow.parquet as pq

LINES = 768
POISONED = 5
"""Of them: no JSON."""
PARTS = 12
LOCAL = ("--workers", "2")
RAY = ("--engine", "ray", "--workers", "2")
MOST_SECONDS = 300

DYING_WRITER = """
import os, signal, sys
from interp.__main__ import run

last, writes, fsync = int(sys.argv.pop(1)), [], os.fsync

def dying(file):
    writes.append(file)
    if len(writes) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    fsync(file)

os.fsync = dying
run()
"""
"""Ends itself between writing a file and putting it in its place, the n-th time."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one disturbed run that was resumed."""

    fault: str
    number: int
    parts_before: int
    """That were there when it was resumed, of `PARTS`."""
    exit_status: int
    """Of the disturbed run; negative where it was killed."""
    missing: int
    """Rows of the undisturbed run that are not there in the end."""
    doubled: int
    """Rows that are there twice."""
    differing: int
    """Rows that are not what they are in the undisturbed run."""


@dataclass(frozen=True)
class Bench:
    """What all trials share."""

    model: Path
    corpus: Path

    def arguments(self, folder: Path, *options: str) -> list[str]:
        settings = ["--reference", "pad", "--words-only", "--tolerance", "0.05", "--out", str(folder), *options]
        return ["record", "--model", str(self.model), "--corpus", str(self.corpus), *settings]

    def command(self, folder: Path, *options: str) -> list[str]:
        return [sys.executable, "-m", "interp", *self.arguments(folder, *options)]

    def run(self, folder: Path, *options: str) -> None:
        subprocess.run(self.command(folder, *options), check=True, capture_output=True, timeout=MOST_SECONDS)


Disturb = Callable[[Bench, Path, random.Random], int]
"""Records into a folder, with a disturbance; the exit status."""


def parts_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def killing(find_victim: Callable[[psutil.Process], psutil.Process | None], options: Sequence[str]) -> Disturb:
    """Kill a process of the run once a random number of parts is there."""

    def disturb(bench: Bench, folder: Path, rng: random.Random) -> int:
        process = subprocess.Popen(
            bench.command(folder, *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wanted = rng.randrange(PARTS - 2)
        until = time.monotonic() + MOST_SECONDS
        victim = None
        while process.poll() is None and time.monotonic() < until:
            if len(parts_of(folder)) >= wanted and (victim := find_victim(psutil.Process(process.pid))):
                time.sleep(rng.random() / 10)
                victim.send_signal(signal.SIGKILL)
                break
            time.sleep(0.005)
        status = process.wait(MOST_SECONDS)
        _await_end_of_ray()
        return status

    return disturb


def the_driver(process: psutil.Process) -> psutil.Process:
    return process


def a_worker(process: psutil.Process) -> psutil.Process | None:
    """Of those that compute, as far as can be seen from outside: the one with the most memory."""
    workers = [child for child in process.children() if "spawn_main" in " ".join(child.cmdline())]
    return max(workers, key=lambda worker: worker.memory_info().rss) if len(workers) == 2 else None


def an_actor(_process: psutil.Process) -> psutil.Process | None:
    return next(iter(_actors()), None)


def _actors() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any("MapWorker" in word for word in process.info["cmdline"] or [])
    ]


def _await_end_of_ray() -> None:
    """The cluster of a killed driver ends by itself, its actors first."""
    psutil.wait_procs(_actors(), timeout=60)


def kill_writer(bench: Bench, folder: Path, rng: random.Random) -> int:
    last = str(1 + rng.randrange(PARTS))
    command = [sys.executable, "-c", DYING_WRITER, last, *bench.arguments(folder)]
    return subprocess.run(command, capture_output=True, timeout=MOST_SECONDS).returncode


def fill_disk(bench: Bench, folder: Path, rng: random.Random) -> int:
    """A disk on which a random part of the records fits; what is there is then moved to a larger one."""
    small = folder.with_name("small")
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={rng.randrange(40, 200)}k", "tmpfs", small], check=True)
    try:
        status = subprocess.run(bench.command(small / "r"), capture_output=True, timeout=MOST_SECONDS).returncode
        shutil.copytree(small / "r", folder)
    finally:
        subprocess.run(["umount", small], check=True)
        small.rmdir()
    return status


def damage_part(bench: Bench, folder: Path, rng: random.Random) -> int:
    """One part is cut short, or has other bytes in the middle."""
    bench.run(folder)
    part = rng.choice(parts_of(folder))
    content = bytearray(part.read_bytes())
    if rng.random() < 0.5:
        content = content[: rng.randrange(len(content))]
    else:
        place = rng.randrange(4, len(content) - 64)
        content[place : place + 64] = rng.randbytes(64)
    part.write_bytes(bytes(content))
    return 0


FAULTS: dict[str, Disturb] = {
    "driver killed, 2 workers": killing(the_driver, LOCAL),
    "worker killed": killing(a_worker, LOCAL),
    "writer killed before its file was in place": kill_writer,
    "disk full": fill_disk,
    "part damaged": damage_part,
    "driver killed, Ray": killing(the_driver, RAY),
    "actor killed, Ray": killing(an_actor, RAY),
}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(folder).to_pylist())


def compare(rows: Sequence[dict[str, Any]], undisturbed: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(row["id"] for row in rows)
    by_id = {row["id"]: row for row in rows}
    return {
        "missing": sum(row["id"] not in by_id for row in undisturbed),
        "doubled": sum(count - 1 for count in counts.values()),
        "differing": sum(row["id"] in by_id and by_id[row["id"]] != row for row in undisturbed),
    }


def prepare(work: Path) -> Bench:
    """A tiny model and a corpus with lines that are no JSON."""
    sys.path.append(str(Path(__file__).parent.parent / "tests"))
    from tiny import tagger_directory

    work.mkdir(parents=True, exist_ok=True)
    bench = Bench(work / "model", work / "corpus.jsonl")
    if not bench.model.exists():
        tagger_directory(bench.model)
    lines = [json.dumps({"text": f"Rob met Ann in London at {number}"}) for number in range(LINES)]
    for number in range(POISONED):
        lines[number * 150 + 7] = "{no JSON"
    bench.corpus.write_text("\n".join(lines) + "\n")
    return bench


@click.command(help=__doc__)
@click.option("--work", type=click.Path(path_type=Path), required=True, help="For models and records.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--trials", default=20, show_default=True, help="Of each fault.")
@click.option("--fault", "names", multiple=True, type=click.Choice(list(FAULTS)), help="Only these.")
def main(work: Path, out: Path, trials: int, names: tuple[str, ...]) -> None:
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    bench = prepare(work)
    whole = work / "undisturbed"
    if not whole.exists():
        bench.run(whole)
    undisturbed = rows_of(whole)
    outcomes = [Outcome(**row) for row in json.loads(out.read_text())["trials"]] if out.exists() else []
    done = {(outcome.fault, outcome.number) for outcome in outcomes}
    for fault in names or FAULTS:
        for number in range(trials):
            if (fault, number) in done:
                continue
            outcomes.append(_try(bench, fault, number, work=work, undisturbed=undisturbed))
            content = {"rows": len(undisturbed), "parts": PARTS, "trials": [asdict(outcome) for outcome in outcomes]}
            out.write_text(json.dumps(content, indent=0) + "\n")
            click.echo(str(outcomes[-1]))


def _try(bench: Bench, fault: str, number: int, *, work: Path, undisturbed: Sequence[dict[str, Any]]) -> Outcome:
    folder = work / "r"
    shutil.rmtree(folder, ignore_errors=True)
    status = FAULTS[fault](bench, folder, random.Random(f"{fault} {number}"))
    parts = len(parts_of(folder))
    bench.run(folder, "--resume")
    return Outcome(
        fault=fault,
        number=number,
        parts_before=parts,
        exit_status=status,
        **compare(rows_of(folder), undisturbed),
    )


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.faults")
