"""How long work tells how far it is: whoever computes reports, whoever watches decides what to show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Phase", "Progress", "ignore_progress", "unwatched_phase"]

Progress = Callable[[float], None]
"""Takes how much is done, in units of the whole."""


class Phase(Protocol):
    """Opens a part of the work under a label that a person reads; `total` is the whole, None where nobody knows it."""

    def __call__(self, label: str, total: float | None = None) -> AbstractContextManager[Progress]: ...


def ignore_progress(_done: float) -> None:
    """Nobody watches."""


@contextmanager
def unwatched_phase(label: str, total: float | None = None) -> Iterator[Progress]:
    """A phase that nobody watches."""
    del label, total
    yield ignore_progress
