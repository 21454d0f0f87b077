"""Sheets of panels with log axes: what the benchmarks' figures are drawn on.

Matplotlib's objects alone, as for the explanations: no pyplot state, no display, the same bytes every time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from interp.report.figures.draw import GRID, INK, families

__all__ = ["Format", "drawn", "finished", "key", "log_axis", "sheet", "styled"]

Format = Literal["png", "svg"]

_METADATA: dict[Format, dict[str, None]] = {"png": {"Software": None}, "svg": {"Date": None}}
_LEAST_MARGIN = 1.15


@contextmanager
def styled() -> Iterator[None]:
    ours: dict[str, object] = {
        "font.family": list(families()),
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.alpha": 0.25,
        "grid.linewidth": 0.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "interp",
    }
    with style.context(["default", ours]):
        yield


def drawn(drawing: Figure, kind: Format) -> bytes:
    memory = io.BytesIO()
    with styled():
        drawing.savefig(memory, format=kind, dpi=150, metadata=_METADATA[kind])
    return memory.getvalue()


def key(name: str, **look: Any) -> Line2D:
    return Line2D([], [], label=name, **look)


def sheet(count: int, most: int) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, in at most so many columns."""
    columns = min(count, most)
    rows = -(-count // columns)
    drawing = Figure(figsize=(max(3.4 * columns, 5.5), 1.4 + 2.7 * rows), layout="constrained")
    every = list(drawing.subplots(rows, columns, squeeze=False).flat)
    for axes in every[count:]:
        axes.set_axis_off()
    return drawing, every[:count]


def log_axis(axis: XAxis | YAxis, values: Sequence[float], shown: Callable[[float], str], base: int = 10) -> None:
    """A log scale with some labels, however narrow: whole powers, 1 2 5, or even steps."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = min(positive), max(positive)
    margin = max((high / low) ** 0.08, _LEAST_MARGIN)
    if isinstance(axis, XAxis):
        axis.axes.set_xscale("log", base=base)
        axis.axes.set_xlim(low / margin, high * margin)
    else:
        axis.axes.set_yscale("log", base=base)
        axis.axes.set_ylim(low / margin, high * margin)
    if high > 60 * low:
        axis.set_major_locator(LogLocator(base, numticks=6))
    elif high > 4 * low:
        axis.set_major_locator(LogLocator(base, subs=(1.0, 2.0, 5.0) if base == 10 else (1.0,), numticks=8))
    else:
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _brief(shown(value))))


def _brief(text: str) -> str:
    """`10.0 ms` as `10 ms`: ticks are round."""
    number, _, unit = text.partition(" ")
    if "." in number and "e" not in number:
        number = number.rstrip("0").rstrip(".")
    return f"{number} {unit}".strip()


def finished(drawing: Figure, title: str, keys: Sequence[Line2D]) -> Figure:
    drawing.suptitle(title, fontsize=11)
    columns = 3 if drawing.get_figwidth() > 9 else 2
    drawing.legend(handles=list(keys), loc="outside lower center", ncols=columns, frameon=False, fontsize=8)
    for text in drawing.findobj(Text):
        text.set_parse_math(False)
    return drawing
