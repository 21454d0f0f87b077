"""Records by Ray: those of one process, each sentence once, whatever dies on the way."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from recording import begin, command, rows, write_corpus

SENTENCES = 1280
PARTS = 20


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = write_corpus(tmp_path_factory.mktemp("corpus"), SENTENCES)
    with file.open("a") as more:
        more.write("\n")  # a line that is no sentence
    return file


@pytest.fixture(scope="module")
def undisturbed(tiny: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    folder = tmp_path_factory.mktemp("whole") / "r"
    subprocess.run(command(tiny, corpus, folder), check=True, capture_output=True)
    return rows(folder)


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
    process = begin(words, folder)
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
    process = begin(words, folder, stderr=subprocess.DEVNULL)
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
        process = begin(words, folder)
        cluster.remove_node(second, allow_graceful=False)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        assert rows(folder) == undisturbed
    finally:
        cluster.shutdown()
