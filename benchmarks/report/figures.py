"""Results of several machines as figures: time, ratio, memory and efficiency over size, error against time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from benchmarks.report import units
from benchmarks.report.entries import Entry, comparable, entries
from benchmarks.report.markdown import TITLES
from benchmarks.report.results import WORKS, Against, Platform, ResultFile, Spread, Work
from benchmarks.report.sheets import Format, drawn, finished, key, log_axis, sheet, styled
from interp.project.files import write
from interp.report.figures.draw import GRID, INK, SERIES, label

__all__ = ["figures", "save_figures"]

_MARKERS = "osD^vPX*<>"
_FILLS: dict[str, Literal["full", "left", "none"]] = {"float32": "full", "tf32": "left", "bfloat16": "none"}
_ENGINES: dict[Against | None, str] = {
    None: "interp",
    "captum-50": "Captum, 50 steps",
    "captum-matched": "Captum at interp's error",
    "transformers-interpret": "transformers-interpret",
    "cpu": "the CPU",
    "bare": "a bare forward and backward",
}
_COLUMNS = 3
_SIZES = ("tokens", "sentences", "targets")
_SIZE = "tokens × sentences × targets"
_APART = 1.05
_FEW = 5


@dataclass(frozen=True, kw_only=True)
class _View:
    """What one figure shows: a value of each record, on a log axis.

    `split`: a panel for each engine it is held against. `joined`: lines join what differs in one size alone. `base`: of
    the axis. `without`: works that are left out.
    """

    title: str
    of: Callable[[Entry], Spread | None]
    shown: Callable[[float], str]
    split: bool = False
    joined: bool = False
    base: int = 10
    without: frozenset[Work] = frozenset()


def _point(value: float | None) -> Spread | None:
    return None if value is None else Spread(value, value, value)


def _mebibytes(entry: Entry) -> Spread | None:
    peak = entry.record.peak_memory
    return None if peak is None else _point(peak / 2**20)


def _tick_seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 10 else units.seconds(value)


_VIEWS = {
    "time": _View(
        title="Time",
        of=lambda entry: entry.record.seconds,
        shown=_tick_seconds,
        joined=True,
        without=frozenset({"memory", "memory-1GiB", "share"}),
    ),
    "ratio": _View(title="Ratio", of=lambda entry: entry.record.ratio, shown=units.times, split=True),
    "memory": _View(
        title="Peak memory above the weights",
        of=_mebibytes,
        shown=lambda value: units.size(value * 2**20),
        joined=True,
        base=2,
    ),
    "efficiency": _View(
        title="Part of the measured matrix-product rate",
        of=lambda entry: _point(entry.record.matmul_share),
        shown=units.percent,
    ),
}


def figures(results: Sequence[ResultFile]) -> dict[str, Figure]:
    """Every figure for which something was measured, by name. Raises InputError as `markdown` does."""
    every = entries(results)
    comparable(every)
    look = _Look.of(every)
    with styled():
        drawn = {name: _across(view, every, look) for name, view in _VIEWS.items()}
        drawn["error"] = _errors(every, look)
    return {name: drawing for name, drawing in drawn.items() if drawing is not None}


def save_figures(results: Sequence[ResultFile], folder: Path, kind: Format) -> list[str]:
    """Write every figure into a folder; the names of the files. Raises OutputError, InputError as `figures`."""
    names = []
    for name, drawing in figures(results).items():
        write(folder / f"{name}.{kind}", drawn(drawing, kind))
        names.append(f"{name}.{kind}")
    return names


@dataclass(frozen=True)
class _Look:
    """The same colour for a machine and the same marker for a model, in every figure."""

    names: dict[Platform, str]
    colours: dict[Platform, Any]
    markers: dict[str, str]

    @classmethod
    def of(cls, every: Sequence[Entry]) -> _Look:
        names = units.labels(entry.place for entry in every)
        places = sorted(names, key=lambda place: place.order)
        colours = {place: SERIES(number / max(len(places) - 1, 1)) for number, place in enumerate(places)}
        models = sorted({entry.record.model for entry in every})
        return cls(names, colours, {model: _MARKERS[number % len(_MARKERS)] for number, model in enumerate(models)})

    def x(self, entry: Entry) -> float:
        """Where a cell stands; machines a little apart, as some of their values are equal."""
        places = list(self.colours)
        return _tokens(entry) * float(_APART ** (places.index(entry.place) - (len(places) - 1) / 2))

    def mark(self, entry: Entry) -> dict[str, Any]:
        """Marker and filling, for model and precision."""
        fill = _FILLS[entry.record.precision]
        return {"marker": self.markers[entry.record.model], "fillstyle": fill, "markerfacecoloralt": "white"}

    def keys(self, shown: Sequence[Entry], coloured: bool = True) -> list[Line2D]:
        """The legend: machines, models, precisions. What everything shares is left to the title."""
        handles = []
        if coloured:
            places = sorted({entry.place for entry in shown}, key=lambda place: place.order)
            handles += [key(label(self.names[place], 40), color=self.colours[place], linewidth=4) for place in places]
        for model in sorted({entry.record.model for entry in shown}):
            handles.append(key(label(model), marker=self.markers[model], linestyle="", color=GRID))
        precisions = {entry.record.precision for entry in shown}
        for precision, fill in _FILLS.items():
            if precision in precisions and precisions != {"float32"}:
                ours: dict[str, Any] = {"fillstyle": fill, "markerfacecoloralt": "white"}
                handles.append(key(precision, marker="o", linestyle="", color=INK, **ours))
        return handles


def _across(view: _View, every: Sequence[Entry], look: _Look) -> Figure | None:
    """One panel for each work (and what it is held against), all machines in it."""
    shown = [entry for entry in every if view.of(entry) is not None and entry.record.work not in view.without]
    panels = _panels(view, shown)
    if not panels:
        return None
    drawing, charts = sheet(len(panels), _COLUMNS)
    for axes, (title, own) in zip(charts, panels, strict=True):
        axes.set_title(title)
        axes.set_xlabel(_SIZE)
        _points(axes, view, own, look)
        if view.joined:
            _lines(axes, view, own, look)
        sizes = sorted({_tokens(entry) for entry in own})
        log_axis(axes.xaxis, sizes, units.count)
        if len(sizes) <= _FEW and all(high > 1.5 * low for low, high in pairwise(sizes)):
            axes.xaxis.set_major_locator(FixedLocator(sizes))
        values = [value for entry in own if (spread := view.of(entry)) for value in (spread.q1, spread.q3)]
        log_axis(axes.yaxis, values, view.shown, view.base)
    return finished(drawing, view.title, look.keys(shown))


def _panels(view: _View, shown: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    panels: dict[tuple[Work, Against | None], list[Entry]] = {}
    for entry in shown:
        panels.setdefault((entry.record.work, entry.record.against if view.split else None), []).append(entry)
    order = sorted(panels, key=lambda kind: (WORKS.index(kind[0]), list(_ENGINES).index(kind[1])))
    return [(_titled(*kind), panels[kind]) for kind in order]


def _titled(work: Work, against: Against | None) -> str:
    title = TITLES[work].partition(":")[0]
    if against is None:
        return title
    return f"{title}\n{'time over bare' if against == 'bare' else f'faster than {_ENGINES[against]}'}"


def _points(axes: Axes, view: _View, own: Sequence[Entry], look: _Look) -> None:
    """A point with its quartiles for each cell."""
    for entry in own:
        if (value := view.of(entry)) is None:
            continue
        colour, x = look.colours[entry.place], look.x(entry)
        axes.plot([x], [value.median], color=colour, markersize=5, linestyle="", zorder=3, **look.mark(entry))
        axes.vlines(x, value.q1, value.q3, color=colour, linewidth=1.2, alpha=0.6)


def _lines(axes: Axes, view: _View, own: Sequence[Entry], look: _Look) -> None:
    """Thin lines between cells that differ in one size alone."""
    for size in _SIZES:
        groups: dict[tuple[object, ...], list[Entry]] = {}
        for entry in own:
            record = entry.record
            rest = [getattr(record, other) for other in _SIZES if other != size]
            groups.setdefault((entry.place, record.model, record.precision, record.against, *rest), []).append(entry)
        for group in groups.values():
            line = [
                (look.x(entry), spread.median) for entry in sorted(group, key=_tokens) if (spread := view.of(entry))
            ]
            axes.plot(*zip(*line, strict=True), color=look.colours[group[0].place], linewidth=0.8, alpha=0.5)


def _errors(every: Sequence[Entry], look: _Look) -> Figure | None:
    """Error against time, a row for each machine, as seconds are its own; a line joins both engines of one cell."""
    shown = [entry for entry in every if entry.record.error is not None and entry.record.against not in ("bare", "cpu")]
    if not shown:
        return None
    places = sorted({entry.place for entry in shown}, key=lambda place: place.order)
    works = [work for work in WORKS if any(entry.record.work == work for entry in shown)]
    drawing, charts = sheet(len(places) * len(works), len(works))
    engines = [engine for engine in _ENGINES if engine is None or any(e.record.against == engine for e in shown)]
    colours = {engine: SERIES(number / max(len(engines) - 1, 1)) for number, engine in enumerate(engines)}
    for axes, (place, work) in zip(charts, product(places, works), strict=True):
        axes.set_title(f"{label(look.names[place], 40)}\n{_titled(work, None)}")
        axes.set_xlabel("time")
        axes.set_ylabel("relative error")
        times, errors = [], []
        for entry in shown:
            if (entry.place, entry.record.work) != (place, work):
                continue
            points = list(_engines(entry))
            axes.plot([x for _, x, _ in points], [y for _, _, y in points], color=GRID, lw=0.6, alpha=0.4, zorder=1)
            for engine, seconds, error in points:
                axes.plot([seconds], [error], color=colours[engine], markersize=5, linestyle="", **look.mark(entry))
                times.append(seconds)
                errors.append(error)
        if not times:
            axes.set_axis_off()
            axes.set_title("")
        log_axis(axes.xaxis, times, _tick_seconds)
        log_axis(axes.yaxis, errors, lambda value: f"{value:.0e}".replace("e-0", "e-"))
    keys = [key(_ENGINES[engine], color=colours[engine], linewidth=4) for engine in engines]
    return finished(drawing, "Error against time", keys + look.keys(shown, coloured=False))


def _engines(entry: Entry) -> Iterator[tuple[Against | None, float, float]]:
    """Engine, seconds and error. A log axis has no zero: an error of none is drawn at float64's last digit."""
    record, least = entry.record, 2.0**-52
    if record.error is not None:
        yield None, record.seconds.median, max(record.error, least)
    if record.against_seconds is not None and record.against_error is not None:
        yield record.against, record.against_seconds.median, max(record.against_error, least)


def _tokens(entry: Entry) -> int:
    return entry.record.tokens * entry.record.sentences * entry.record.targets
