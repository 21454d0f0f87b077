"""The five views as figures, drawn on matplotlib's objects alone: no pyplot state, no display, no warning."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.text import Text

from interp.errors import InputError, OutputError
from interp.explanation import Explanation, View
from interp.project.files import write
from interp.report import facts
from interp.report.figures.draw import INK, VIEWS, families, label

__all__ = ["SUFFIXES", "draw_figure", "save_figure", "svg"]

_METADATA = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
SUFFIXES = tuple(_METADATA)
_TITLE = 96
_DOTS = 150
"""Per inch of a file."""
_NOTEBOOK_PIXELS = 100
"""Per inch in a notebook, each of two by two dots, for screens that have them."""


class ShownFigure(Figure):
    """A figure that shows itself in a notebook; matplotlib's own do only where its inline backend is active."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The image, and how large it is in pixels. Where the inline backend is active, IPython asks that instead."""
        width, height = (round(float(inches) * _NOTEBOOK_PIXELS) for inches in self.get_size_inches())
        return _file_content(self, ".png", 2 * _NOTEBOOK_PIXELS), {"width": width, "height": height}


def draw_figure(explanation: Explanation, view: View) -> Figure:
    """One view as a figure that belongs to no window, and that a notebook shows.

    Raises InputError for an unknown view, and when the explanation lacks the one asked for.
    """
    if view not in VIEWS:
        raise InputError(f"there is no view {view!r}; choose from {', '.join(VIEWS)}")
    return _make_figure(explanation, view, titled=True)


def save_figure(explanation: Explanation, view: View, path: str | os.PathLike[str]) -> None:
    """Draw one view into a .png, .svg or .pdf file: whole or not at all, and the same bytes every time.

    Raises OutputError for another suffix or a path that cannot be written, InputError as `figure` does.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputError(f"{target.name}: a figure is one of {', '.join(SUFFIXES)}")
    write(target, _file_content(draw_figure(explanation, view), suffix))


def svg(explanation: Explanation, view: View) -> str:
    """One view as an `<svg>` element without a title: text stays text, and all but the data is in `INK`."""
    drawn = _file_content(_make_figure(explanation, view, titled=False), ".svg").decode()
    return drawn[drawn.index("<svg") :]


def _file_content(drawing: Figure, suffix: str, dots: int = _DOTS) -> bytes:
    memory = io.BytesIO()
    with _style():
        drawing.savefig(memory, format=suffix[1:], dpi=dots, metadata=_METADATA[suffix], transparent=False)
    return memory.getvalue()


def _make_figure(explanation: Explanation, view: View, titled: bool) -> Figure:
    with _style():
        drawing = ShownFigure(layout="constrained")
        VIEWS[view](explanation, drawing)
        if titled:
            drawing.suptitle(_make_title(explanation, view), fontsize=10)
        else:
            drawing.patch.set_alpha(0)
            for axes in drawing.axes:
                axes.patch.set_alpha(0)
        for text in drawing.findobj(Text):
            text.set_parse_math(False)
    return drawing


@contextmanager
def _style() -> Iterator[None]:
    ours: dict[str, object] = {
        "font.family": list(families()),
        "font.size": 9,
        "svg.fonttype": "none",
        "svg.hashsalt": "interp",
        "text.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    with style.context(["default", ours]), warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # seaborn 0.13.2 calls Colormap.set_bad
        yield


def _make_title(explanation: Explanation, view: View) -> str:
    first = f"{explanation.model.name}: {facts.aim(explanation)}"
    return f"{label(first, _TITLE)}\nreference {explanation.reference.kind}, {_provenance(explanation, view)}"


def _provenance(explanation: Explanation, view: View) -> str:
    """How well it was integrated, or else by which method it was made."""
    paths = explanation.completeness
    path = paths.components if view == "components" and paths.components else paths.embedding
    if path is None:
        return f"method {explanation.method_name}"
    return f"integration error {path.estimate:.1e} ({path.status.value})"
