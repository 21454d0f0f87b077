"""Records by Ray: those of one process, each sentence once, whatever dies on the way."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

SENTENCES = 1280
PARTS = 20


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    file.write_text("".join(f"Rob met Ann in London at {number}\n" for number in range(SENTENCES)) + "\n")
    return file


def command(tiny: Path, corpus: Path, folder: Path, *options: str) -> list[str]:
    settings = ["--reference", "pad", "--words-only", "--out", str(folder), *options]
    return [sys.executable, "-m", "interp", "record", "--model", str(tiny), "--corpus", str(corpus), *settings]


@pytest.fixture(scope="module")
def undisturbed(tiny: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    folder = tmp_path_factory.mktemp("whole") / "r"
    subprocess.run(command(tiny, corpus, folder), check=True, capture_output=True)
    return rows(folder)


def rows(folder: Path) -> list[dict[str, object]]:
    return list(pq.read_table(folder).to_pylist())


def until_a_part_is_there(folder: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 240
    while not list(folder.glob("part-*.parquet")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)


def actors() -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["cmdline"]):
        if any("MapWorker" in word for word in process.info["cmdline"] or []):
            yield process


def test_ray_records_what_one_process_does(
    tiny: Path, corpus: Path, undisturbed: list[dict[str, object]], tmp_path: Path
) -> None:
    words = command(tiny, corpus, tmp_path / "r", "--engine", "ray", "--workers", "2")
    ran = subprocess.run(words, check=True, capture_output=True, text=True)
    assert f"{SENTENCES + 1} sentences" in ran.stdout and f"corpus.txt:{SENTENCES + 1} is left out" in ran.stderr
    assert rows(tmp_path / "r") == undisturbed


def test_an_actor_that_is_killed_is_replaced(
    tiny: Path, corpus: Path, undisturbed: list[dict[str, object]], tmp_path: Path
) -> None:
    folder = tmp_path / "r"
    words = command(tiny, corpus, folder, "--engine", "ray", "--workers", "2")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    until_a_part_is_there(folder, process)
    victim = next(actors())
    victim.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert rows(folder) == undisturbed


def test_what_a_killed_driver_leaves_is_resumed_by_either_engine(
    tiny: Path, corpus: Path, undisturbed: list[dict[str, object]], tmp_path: Path
) -> None:
    folder = tmp_path / "r"
    words = command(tiny, corpus, folder, "--engine", "ray", "--workers", "2")
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL, text=True)
    until_a_part_is_there(folder, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(list(actors()), timeout=60)
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("part-*.parquet")}
    assert 0 < len(kept) <= PARTS
    subprocess.run(command(tiny, corpus, folder, "--resume"), check=True, capture_output=True)
    assert {name: (folder / name).stat().st_mtime_ns for name in kept} == kept
    assert rows(folder) == undisturbed


def test_a_cluster_that_is_not_there_is_said(tiny: Path, corpus: Path, tmp_path: Path) -> None:
    words = command(tiny, corpus, tmp_path / "r", "--engine", "ray", "--address", "127.0.0.1:1")
    ran = subprocess.run(words, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "There is no Ray cluster at 127.0.0.1:1" in ran.stderr


def test_a_machine_that_goes_is_done_without_where_another_has_room(
    tiny: Path, corpus: Path, undisturbed: list[dict[str, object]], tmp_path: Path
) -> None:
    from ray.cluster_utils import Cluster

    here = {"node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, head_node_args={**here, "num_cpus": 2, "include_dashboard": False})
    try:
        second = cluster.add_node(**here, num_cpus=1)  # of two actors, which Ray spreads, it has one
        folder = tmp_path / "r"
        words = command(tiny, corpus, folder, "--engine", "ray", "--workers", "2", "--address", cluster.address)
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        until_a_part_is_there(folder, process)
        cluster.remove_node(second, allow_graceful=False)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        assert rows(folder) == undisturbed
    finally:
        cluster.shutdown()
