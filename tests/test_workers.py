"""Records by several processes: the same as by one, and none lost or doubled, whoever is killed."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from recording import begin, command, rows, write_corpus

from interp.errors import InputError
from interp.explain import Model
from interp.records import RecordSettings, load_records
from interp.records.make import make_records
from interp.records.record import part_count
from interp.records.recording import LARGEST_PART, Recording, part_size_of
from interp.records.worker import PartWorker, WorkerModel
from interp.texts import Sentence, SentenceList
from interp.texts.corpus import UnreadSentence

SETTINGS = RecordSettings(("pad",), 0.05, layers=False)
SENTENCES = [Sentence(f"a:{number}", f"a#{number // 5}", ("Rob", "wins", str(number))) for number in range(150)]


def recording_in(folder: Path, model: Model, sentences: Sequence[Sentence] = SENTENCES) -> Recording:
    return Recording.of(model.info, SentenceList(sentences), SETTINGS, folder=folder, sources=["a"])


def worker_model(tiny: Path) -> WorkerModel:
    return WorkerModel(name=str(tiny), device="cpu", threads=1, memory=None)


def test_workers_make_parts_in_any_order(tiny: Path, model32: Model, tmp_path: Path) -> None:
    recording = recording_in(tmp_path / "parts", model32)
    parts = recording.begin(resume=False)
    assert len(parts) == part_count(recording.header) == 3
    make_part = PartWorker(recording, worker_model(tiny))
    assert [make_part(number) for number in reversed(parts)] == [22, 64, 64]
    assert make_part(1) == 64  # done twice, it is there once
    assert list(load_records(tmp_path / "parts")) == list(make_records(model32, SENTENCES, SETTINGS, tmp_path / "one"))
    assert recording.begin(resume=True) == []


def test_a_worker_whose_model_is_another_one_does_nothing(tiny: Path, model32: Model, tmp_path: Path) -> None:
    recording = recording_in(tmp_path, model32)
    other = replace(recording.header, model=replace(recording.header.model, sha256="0" * 64))
    with pytest.raises(InputError, match="is another one here than where the recording was begun"):
        PartWorker(replace(recording, header=other), worker_model(tiny))


def test_what_could_not_even_be_read_is_recorded_in_its_place(model32: Model, tmp_path: Path) -> None:
    class Holed(SentenceList):
        def read(self, numbers: range) -> list[Sentence | UnreadSentence]:  # type: ignore[override]
            return [UnreadSentence("hole", "it is no JSON") if number == 1 else SENTENCES[number] for number in numbers]

    recording = replace(recording_in(tmp_path, model32, SENTENCES[:3]), corpus=Holed(SENTENCES[:3]))
    from interp.records.make import part_recorder

    first, hole, third = recording.make_parts(recording.begin(False), part_recorder(model32, SETTINGS), lambda _: None)
    assert (hole.id, hole.words, hole.error) == ("hole", (), "it is no JSON")
    assert first.error is None and third.error is None


@pytest.mark.parametrize(
    ("sentences", "size"), [(1, 64), (1_000_000, 64), (10_000_000, 500), (10**9, LARGEST_PART), (10**12, LARGEST_PART)]
)
def test_parts_grow_with_the_corpus_so_that_a_folder_can_be_listed(sentences: int, size: int) -> None:
    assert part_size_of(sentences) == size


def killed(words: list[str], folder: Path, choose: Callable[[psutil.Process], psutil.Process]) -> tuple[int, str]:
    """A command, one of whose processes is killed once the first part is there."""
    process = begin(words, folder)
    choose(psutil.Process(process.pid)).send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


def a_worker(parent: psutil.Process) -> psutil.Process:
    workers = [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]
    return max(workers, key=lambda worker: worker.memory_info().rss)


@pytest.mark.slow
def test_several_workers_record_what_one_does(tiny: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path, 640)
    for folder, options in (("one", []), ("two", ["--workers", "2"])):
        subprocess.run(command(tiny, corpus, tmp_path / folder, *options), check=True, capture_output=True)
    assert rows(tmp_path / "one") == rows(tmp_path / "two")


@pytest.mark.slow
def test_a_killed_worker_is_told_and_resumed(tiny: Path, tmp_path: Path) -> None:
    corpus, folder = write_corpus(tmp_path, 640), tmp_path / "r"
    words = command(tiny, corpus, folder, "--workers", "2")
    status, said = killed(words, folder, a_worker)
    assert status == 2 and "A worker process was ended" in said and "--resume" in said
    assert len(list(folder.glob("part-*.parquet"))) < 10
    subprocess.run([*words, "--resume"], check=True, capture_output=True)
    subprocess.run(command(tiny, corpus, tmp_path / "whole"), check=True, capture_output=True)
    assert rows(folder) == rows(tmp_path / "whole")


@pytest.mark.slow
def test_workers_end_with_the_process_that_began_them(tiny: Path, tmp_path: Path) -> None:
    corpus, folder = write_corpus(tmp_path, 640), tmp_path / "r"
    workers: list[psutil.Process] = []

    def the_parent(process: psutil.Process) -> psutil.Process:
        workers.extend(process.children(recursive=True))
        return process

    words = command(tiny, corpus, folder, "--workers", "2")
    status, _ = killed(words, folder, the_parent)
    assert status == -signal.SIGKILL
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert workers and not alive
    subprocess.run([*words, "--resume"], check=True, capture_output=True)
    assert len({row["id"] for row in rows(folder)}) == len(rows(folder)) >= 640
