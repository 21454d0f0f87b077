"""Records of several files side by side, and what forbids that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.report.results import Cell, Measurement, Platform, ResultFile
from benchmarks.report.units import labels
from interp.errors import InputError

__all__ = ["Entry", "comparable", "entries", "other_settings"]


@dataclass(frozen=True)
class Entry:
    """A record, where it was measured and the file that says so."""

    record: Measurement
    place: Platform
    source: ResultFile

    @property
    def cell(self) -> Cell:
        return self.record.cell


def entries(results: Iterable[ResultFile]) -> list[Entry]:
    """Every record, by cell and place. Raises InputError when two are of the same machine and cell."""
    by_place: dict[tuple[Platform, Cell], Entry] = {}
    for source in results:
        for record in source.records:
            entry = Entry(record, source.place(record), source)
            other = by_place.setdefault((entry.place, entry.cell), entry)
            if other is not entry:
                twice = source.file if other.source is source else f"{other.source.file} and {source.file}"
                name = labels([entry.place])[entry.place]
                raise InputError(
                    f"{twice} measured the same on the same machine ({entry.cell.name} on {name}): keep one."
                )
    return sorted(by_place.values(), key=lambda entry: (entry.cell.order, entry.place.order))


def comparable(every: Sequence[Entry]) -> None:
    """Raise InputError unless the same cell is the same question in every place: weights and settings alike."""
    first: dict[Cell, Entry] = {}
    for entry in every:
        other = first.setdefault(entry.cell, entry)
        if why := other_settings(other.record, entry.record):
            files = f"{other.source.file} and {entry.source.file}"
            raise InputError(f"{files} cannot be compared: {entry.cell.name} has {why}. Measure both with the same.")


def other_settings(old: Measurement, new: Measurement) -> str | None:
    """What keeps two records of the same cell apart. The steps that Captum needs to match an error are a result."""
    if old.sha256 != new.sha256:
        return f"other weights ({old.sha256[:12]} and {new.sha256[:12]})"
    if old.against != "captum-matched" and old.against_steps != new.against_steps:
        return f"other steps of {old.against} ({old.against_steps} and {new.against_steps})"
    return None
