"""Results of several machines as Markdown: tables for each work, and ratios and counts from machine to machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.report import units
from benchmarks.report.check import FEWEST
from benchmarks.report.entries import Entry, comparable, entries
from benchmarks.report.results import WORKS, Cell, Platform, ResultFile, Work
from interp.report.text import visible

__all__ = ["NOTHING", "TITLES", "markdown"]

NOTHING = "–"

TITLES: dict[Work, str] = {
    "layers": "Conductance of every layer",
    "words": "Words of every entity",
    "words-default": "Words of every entity, as the other comes: it explains every sub-token",
    "analysis": "The whole analysis: words, components, layers",
    "analysis-33": "Analysis of 33 nodes: words, components, layers, at 33 evaluations a path",
    "sweep": "One sweep",
    "share": "Share of the device's matrix products",
    "devices": "GPU and CPU",
    "memory": "Peak memory",
    "memory-1GiB": "Peak memory within 1 GiB",
    "growth": "Growth with sentences and targets",
    "sentences": "Growth with sentences",
    "targets": "Growth with targets of one sentence",
}
_RATIOS: dict[Work, str] = {"sweep": "Ratio: a sweep's time over that of a bare forward and backward of the same rows."}
_RATIO = "Ratio: their time over ours, so 10 × is ten times faster."


@dataclass(frozen=True)
class _Table:
    heads: list[str]
    marks: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class _Section:
    title: str
    note: str
    table: _Table
    between: _Table | None


@dataclass(frozen=True)
class _Column:
    """A head, its cells and whether they are numbers."""

    head: str
    text: Callable[[Entry], str]
    number: bool = True


def markdown(results: Sequence[ResultFile], figures: Sequence[str] = ()) -> str:
    """The report. `figures` are paths of images to show in it.

    Raises InputError when the results cannot stand side by side.
    """
    every = entries(results)
    comparable(every)
    names = units.labels(entry.place for entry in every)
    template = _environment().get_template("report.md.j2")
    text = template.render(
        machines=_machines(every, names),
        sections=[_section(work, own, names) for work in WORKS if (own := [e for e in every if e.record.work == work])],
        not_run=[(source.file, source.not_run) for source in results if source.not_run],
        figures=figures,
    )
    return f"{text.rstrip()}\n"


def _machines(every: Sequence[Entry], names: dict[Platform, str]) -> _Table:
    rows = []
    for place in sorted(names, key=lambda place: place.order):
        for source in {entry.source.file: entry.source for entry in every if entry.place == place}.values():
            machine = source.machine
            rates = ", ".join(f"{name} {units.rate(value)}" for name, value in machine.matmul.items())
            driver = machine.driver if place.device == "cuda" else None
            host = units.plain(place.cpu) if place.gpu else None
            commit = source.commit and source.commit[:10]
            optional = [text or NOTHING for text in (driver, rates, commit)]
            rows.append([names[place], host or NOTHING, str(place.threads), machine.torch, *optional, source.file])
    heads = ["machine", "host", "threads", "torch", "driver", "matrix products", "commit", "file"]
    return _table(heads, rows, numbers={2})


def _section(work: Work, own: Sequence[Entry], names: dict[Platform, str]) -> _Section:
    """A row for each cell and machine; columns in which there is nothing are left out."""
    columns = [column for column in _columns(own, names) if any(column.text(entry) != NOTHING for entry in own)]
    rows = [[column.text(entry) for column in columns] for entry in own]
    numbers = {place for place, column in enumerate(columns) if column.number}
    table = _table([column.head for column in columns], rows, numbers)
    has_ratio = any(entry.record.ratio for entry in own)
    return _Section(TITLES[work], _RATIOS.get(work, _RATIO) if has_ratio else "", table, _between(own, names))


def _columns(own: Sequence[Entry], names: dict[Platform, str]) -> list[_Column]:
    several = any(entry.cell.targets != 1 for entry in own)
    return [
        _Column("model", lambda e: e.record.model, number=False),
        _Column("tokens", lambda e: units.count(e.record.tokens)),
        _Column("sentences", lambda e: units.count(e.record.sentences)),
        *([_Column("targets", lambda e: units.count(e.record.targets))] if several else []),
        _Column("precision", lambda e: e.record.precision, number=False),
        _Column("machine", lambda e: names[e.place], number=False),
        _Column("seconds", lambda e: units.spread(e.record.seconds, units.seconds)),
        _Column("against", _against, number=False),
        _Column("ratio", _ratio),
        _Column("error", lambda e: _error(e.record.error)),
        _Column("their error", lambda e: _error(e.record.against_error)),
        _Column("evaluations", lambda e: units.count(e.record.evaluations)),
        *([_Column("rows backward", lambda e: units.count(e.record.backward))] if several else []),
        _Column("peak memory", lambda e: NOTHING if e.record.peak_memory is None else units.size(e.record.peak_memory)),
        _Column(
            "matrix products",
            lambda e: NOTHING if e.record.matmul_share is None else units.percent(e.record.matmul_share),
        ),
    ]


def _between(own: Sequence[Entry], names: dict[Platform, str]) -> _Table | None:
    """Ratios and evaluations of the cells that several machines have, a machine a column. No seconds."""
    cells: dict[Cell, dict[Platform, Entry]] = {}
    for entry in own:
        if entry.record.ratio is not None:
            cells.setdefault(entry.cell, {})[entry.place] = entry
    shared = {cell: by_place for cell, by_place in cells.items() if len(by_place) > 1}
    if not shared:
        return None
    places = sorted({place for by_place in shared.values() for place in by_place}, key=lambda place: place.order)
    rows = []
    for cell, by_place in shared.items():
        ratios = [_ratio(by_place[place]) if place in by_place else NOTHING for place in places]
        counts = [units.count(by_place[place].record.evaluations) for place in places if place in by_place]
        same = counts[0] if len(set(counts)) == 1 else " / ".join(counts)
        rows.append([cell.name.partition(" of ")[2], *ratios, same])
    heads = ["cell", *(f"ratio on {names[place]}" for place in places), "evaluations"]
    return _table(heads, rows, set(range(1, len(heads))))


def _against(entry: Entry) -> str:
    record = entry.record
    if record.against is None:
        return NOTHING
    if record.against != "captum-matched" or record.against_steps is None:
        return record.against
    return f"{record.against} ({units.count(record.against_steps)} steps)"


def _ratio(entry: Entry) -> str:
    """With how many pairs it is of, where their quartiles say nothing."""
    ratio = entry.record.ratio
    if ratio is None:
        return NOTHING
    few = f" of {units.counted(ratio.pairs, 'pair')}" if ratio.pairs < FEWEST else ""
    return f"{units.spread(ratio, units.times)}{few}"


def _error(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1e}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[int]) -> _Table:
    """Columns padded to one width, so that the source can be read too."""
    every = [[_cell(text) for text in row] for row in (heads, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*every, strict=True)]

    def padded(row: Sequence[str]) -> list[str]:
        return [
            text.rjust(width) if number in numbers else text.ljust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        ]

    marks = ["-" * (width - 1) + ":" if number in numbers else "-" * width for number, width in enumerate(widths)]
    return _Table(padded(every[0]), marks, [padded(row) for row in every[1:]])


def _cell(text: str) -> str:
    """Text that cannot end its cell, nor be taken for HTML or code."""
    shown = visible(text)
    for char, safe in (("&", "&amp;"), ("<", "&lt;"), ("\\", "\\\\"), ("|", "\\|"), ("`", "\\`"), ("*", "\\*")):
        shown = shown.replace(char, safe)
    return shown


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("benchmarks.report"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"cell": _cell, "seconds": units.seconds}
    return environment
