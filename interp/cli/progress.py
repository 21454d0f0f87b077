"""What a command is doing, how far it is and how long that will take: on stderr, apart from results.

A person at a terminal sees a line that moves, at once. A log gets a line now and then, as long as the work goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

import click

from interp.cli.durations import describe_duration
from interp.progress import Progress

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["phase", "restart_log"]

BETWEEN_LINES = 30.0
"""Seconds, in a log."""


def phase(label: str, total: float | None = None) -> AbstractContextManager[Progress]:
    """A part of a command, as `interp.progress.Phase`; one may stand inside another."""
    watched = sys.stderr is not None and sys.stderr.isatty()
    return _moving_line(label, total) if watched else _lines_in_a_log(label, total)


@contextmanager
def _moving_line(label: str, total: float | None) -> Iterator[Progress]:
    from rich import progress as rich_progress

    label_columns = (rich_progress.SpinnerColumn(), rich_progress.TextColumn("{task.description} …", markup=False))
    passing = (rich_progress.TimeElapsedColumn(),)
    measured = (
        rich_progress.BarColumn(bar_width=24),
        rich_progress.TaskProgressColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("left"),
    )
    bar = rich_progress.Progress(
        *label_columns,
        *(passing if total is None else measured),
        console=_console(),
        transient=True,
        redirect_stdout=False,  # what is piped into a file must not appear here
    )
    with bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


@cache
def _console() -> Console:
    """One for all, as rich lets a line stand inside another of the same console alone."""
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def _lines_in_a_log(label: str, total: float | None) -> Iterator[Progress]:
    state = _State(label, total)
    _log.open(state)
    try:
        yield state.report
    finally:
        _log.close()


@dataclass
class _State:
    """How far a phase is."""

    label: str
    total: float | None
    done: float = 0.0
    start: float = field(default_factory=monotonic)

    def report(self, done: float) -> None:
        self.done = done

    def describe(self) -> str:
        """As in "recording the baseline: 38 %, about 2 minutes left"."""
        if not self.total:
            return f"{self.label} …"
        share = self.done / self.total
        if not 0 < share <= 1:
            return f"{self.label}: {share:.0%}"
        left = (monotonic() - self.start) * (1 - share) / share
        return f"{self.label}: {share:.0%}, about {describe_duration(left)} left"


class _Log:
    """The phases that are open, the innermost of which is told every `BETWEEN_LINES` seconds by a thread."""

    def __init__(self) -> None:
        self._phases: list[_State] = []
        self._closed: Event
        """Of the outermost phase that is open."""
        self.last_line = monotonic()

    def open(self, state: _State) -> None:
        self._phases.append(state)
        if len(self._phases) == 1:
            self._closed = Event()
            Thread(target=self._tell, args=(self._closed,), daemon=True).start()

    def close(self) -> None:
        self._phases.pop()
        if not self._phases:
            self._closed.set()

    def _tell(self, closed: Event) -> None:
        while not closed.wait(max(0.0, self.last_line + BETWEEN_LINES - monotonic())):
            self.last_line = monotonic()
            phases = list(self._phases)
            if phases:
                click.echo(f"interp: {phases[-1].describe()}", err=True)


_log = _Log()


def restart_log() -> None:
    """At the start of a command: the first line comes when it has taken a while."""
    _log.last_line = monotonic()
