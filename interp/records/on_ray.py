"""Parts made by the actors of a Ray cluster: Ray Data schedules them, and does those of an actor that died again.

What Ray Data passes around are numbers of parts. An actor reads its sentences and writes its part itself, whole or not
at all, so that a part which is done twice is there once, and what is there is what is resumed.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interp.errors import DeviceError, InputError, InterpError, first_line
from interp.progress import Progress
from interp.records.recording import Recording
from interp.records.worker import PartWorker, WorkerModel
from interp.versions import install_command

if TYPE_CHECKING:
    import numpy as np

__all__ = ["record_on_ray"]

LOOPBACK = "127.0.0.1"
LOOPBACK_ALONE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Read when Ray is imported: without clusters over several machines it takes the loopback address as it is, else it
puts the machine's own in its place, and listens there.
"""
CONNECTING = 10
"""Seconds, to reach a cluster."""
MOST_BLOCKS = 4096
"""Into which the numbers of parts are split: Ray Data's own work is by the block."""


class _RayWorker:
    """A part worker as Ray Data calls it."""

    def __init__(self, recording: Recording, model: WorkerModel) -> None:
        self._make_part = PartWorker(recording, model)

    def __call__(self, batch: dict[str, np.ndarray[Any, Any]]) -> dict[str, list[int]]:
        return {"sentences": [self._make_part(int(number)) for number in batch["part"]]}


def record_on_ray(
    recording: Recording,
    parts: Sequence[int],
    model: WorkerModel,
    *,
    workers: int,
    gpus_per_worker: float,
    address: str | None,
    progress: Progress,
) -> None:
    """Make parts on the cluster at `address`, or on one that is started on this machine and ended afterwards.

    Raises InputError without Ray or a cluster, DeviceError where the cluster gives up.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if _is_of_this_machine(address):
        os.environ.setdefault(LOOPBACK_ALONE, "0")
    try:
        import ray
        import ray.data
        from ray.exceptions import RayError
    except ImportError as error:
        raise InputError(f"--engine ray needs Ray: {install_command('ray')}") from error
    done = recording.count_besides(parts)
    progress(done)
    started_here = not ray.is_initialized()
    if started_here:
        _connect(ray, address)
    try:
        _be_quiet(ray)
        numbers = ray.data.from_items(
            [{"part": number} for number in parts], override_num_blocks=min(len(parts), MOST_BLOCKS)
        )
        made = numbers.map_batches(
            _RayWorker,
            fn_constructor_args=(recording, model),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=model.threads,
            num_gpus=gpus_per_worker,
        )
        for row in made.iter_rows():
            done += row["sentences"]
            progress(done)
    except RayError as error:
        raise _as_ours(error) from error
    finally:
        if started_here:
            ray.shutdown()


def _be_quiet(ray: Any) -> None:
    """Progress is shown by whoever asked for it; what Ray logs of each dataset stands in its own files."""
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _connect(ray: Any, address: str | None) -> None:
    cluster = {"address": "local", "include_dashboard": False} if address is None else {"address": address}
    here = {"_node_ip_address": LOOPBACK} if _is_of_this_machine(address) else {}
    try:
        _check_answers(address)
        ray.init(**cluster, **here, log_to_driver=False, logging_level="error")
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"There is no Ray cluster at {address} ({first_line(error)}).") from error


def _is_of_this_machine(address: str | None) -> bool:
    return address is None or address.startswith(f"{LOOPBACK}:")


def _check_answers(address: str | None) -> None:
    """Raise OSError where nobody listens: Ray itself tries for minutes."""
    host, mark, port = (address or "").rpartition(":")
    if mark and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=CONNECTING).close()


def _as_ours(error: Exception) -> InterpError:
    """What a worker says in our words stays; what Ray says becomes a sentence."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InterpError):
            return cause
        cause = cause.__cause__
    return DeviceError(f"Ray gave up ({first_line(error)}): what was recorded is kept, go on with --resume.")
