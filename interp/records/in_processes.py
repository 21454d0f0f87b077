"""Parts made by several processes of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread

from interp.errors import DeviceError
from interp.progress import Progress
from interp.records.recording import Recording
from interp.records.worker import PartWorker, WorkerModel

__all__ = ["record_in_processes"]

_worker: PartWorker
"""Of this process, where it is one of several."""


def record_in_processes(
    recording: Recording, parts: Sequence[int], model: WorkerModel, *, workers: int, progress: Progress
) -> None:
    """Make parts, each of them whole or not at all. Raises DeviceError where a process was ended from outside."""
    done = recording.count_besides(parts)
    progress(done)
    # spawned: a copy of a process in which torch has threads may hang
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=(recording, model))
    try:
        for future in as_completed([pool.submit(_make_part, number) for number in parts]):
            done += future.result()
            progress(done)
    except BrokenProcessPool as error:
        raise DeviceError(
            "A worker process was ended, perhaps for lack of memory: go on with --resume, with fewer --workers or less "
            "--memory."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(recording: Recording, model: WorkerModel) -> None:
    global _worker
    Thread(target=_end_with_parent, daemon=True).start()
    _worker = PartWorker(recording, model)


def _end_with_parent() -> None:
    """Else a process whose parent is killed waits for work until the machine is switched off."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _make_part(number: int) -> int:
    return _worker(number)
