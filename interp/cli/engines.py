"""What makes the parts of a recording: this process, several of this machine, or a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import click

from interp.cli.flags import count_from, flag
from interp.errors import InputError
from interp.progress import Progress

if TYPE_CHECKING:
    from interp.records.recording import Recording

__all__ = ["EngineOptions"]

Engine = Literal["local", "ray"]


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """What does the work, and how much of it."""

    engine: Engine = flag(
        "--engine",
        type=click.Choice(get_args(Engine)),
        default="local",
        show_default=True,
        help="local: this machine. ray: a Ray cluster (the extra `ray`), whose machines see the same files.",
    )
    workers: int = flag(
        "--workers", type=count_from(1), default=1, show_default=True, help="Processes, each with the model."
    )
    address: str | None = flag("--address", help="Of a Ray cluster.  [default: one is started on this machine]")
    gpus_per_worker: float = flag(
        "--gpus-per-worker",
        type=click.FloatRange(min=0),
        default=0,
        show_default=True,
        help="Of a Ray cluster; a part of one is shared.",
    )

    @property
    def in_this_process(self) -> bool:
        return self.engine == "local" and self.workers == 1

    def check(self) -> None:
        """Raise InputError for what has no meaning beside each other."""
        if self.engine == "local" and (self.address or self.gpus_per_worker):
            raise InputError("--address and --gpus-per-worker are of a Ray cluster: add --engine ray.")

    def make_parts(
        self,
        recording: Recording,
        parts: Sequence[int],
        *,
        model: str,
        device: str,
        memory: int | None,
        progress: Progress,
    ) -> None:
        """In other processes than this one, each of which loads the model."""
        from interp.records.worker import WorkerModel

        worker_model = WorkerModel(name=model, device=device, threads=self._threads, memory=memory)
        if self.engine == "local":
            from interp.records.in_processes import record_in_processes

            record_in_processes(recording, parts, worker_model, workers=self.workers, progress=progress)
            return
        from interp.records.on_ray import record_on_ray

        record_on_ray(
            recording,
            parts,
            worker_model,
            workers=self.workers,
            gpus_per_worker=self.gpus_per_worker,
            address=self.address,
            progress=progress,
        )

    @property
    def _threads(self) -> int:
        """Of each worker: the machine's, divided; on a cluster one, as Ray counts processors."""
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, processors // self.workers) if self.engine == "local" else 1
