"""One of several processes that make parts of a recording, each with a model of its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from interp.errors import InputError
from interp.explain import load
from interp.records.make import part_recorder
from interp.records.recording import Recording

__all__ = ["PartWorker", "WorkerModel"]


@dataclass(frozen=True, kw_only=True)
class WorkerModel:
    """How a process gets its model, and what it may use."""

    name: str
    device: str
    threads: int
    memory: int | None
    """Bytes; None leaves it to the library."""


class PartWorker:
    """Makes parts by number. Raises InputError where the model is no longer the one that the recording is of."""

    def __init__(self, recording: Recording, model: WorkerModel) -> None:
        torch.set_num_threads(model.threads)
        loaded = load(model.name, model.device)
        if loaded.info.sha256 != recording.header.model.sha256:
            raise InputError(f'The model "{model.name}" is another one here than where the recording was begun.')
        self._recording = recording
        self._record_part = part_recorder(loaded, recording.header.wanted, model.memory)

    def __call__(self, number: int) -> int:
        """How many sentences the part holds."""
        return self._recording.make_part(number, self._record_part)
