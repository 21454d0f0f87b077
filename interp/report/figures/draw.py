"""The five views, each drawn into an empty figure; colours, fonts and labels that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from interp.errors import InputError
from interp.explanation import Explanation, View, Word, Zoom
from interp.report import facts, number_formats
from interp.report.text import isolated, visible

__all__ = ["AGAINST", "FOR", "INK", "SERIES", "VIEWS", "families", "label"]

INK, GRID = "#24292f", "#8b949e"
FOR, AGAINST = "#3b82c4", "#d9772b"
# Blue against orange stays apart under the common colour blindnesses; equal lightness on both sides.
DIVERGING = LinearSegmentedColormap.from_list("interp", ["#8a3c05", AGAINST, "#f6f6f4", FOR, "#124a86"])
# Every colour of this series keeps a contrast of 3 against white and against a dark page.
SERIES = LinearSegmentedColormap.from_list("interp-series", ["#3f78d8", "#8f63cf", "#c9528d", "#d0642d", "#a87400"])

_FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Arial Unicode MS",
)
_WIDTH = 26
_LEFT_TO_RIGHT = "\u200e"


def _draw_words(explanation: Explanation, drawing: Figure) -> None:
    rows = facts.word_rows(explanation)
    drawing.set_size_inches(7.2, 1.3 + 0.25 * len(rows))
    axes = drawing.subplots()
    _draw_bars(axes, [row.value for row in rows])
    _label_words(axes, [_placed_word(row) for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if row.target else "normal")
    number = number_formats.signed(row.value for row in rows)
    for place, row in enumerate(rows):
        text = f"{number(row.value)}  {label(row.tag or '', 10)} {number_formats.probability(row.probability)}".rstrip()
        axes.annotate(
            text,
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            annotation_clip=False,
        )
    axes.set_xlabel(f"attribution ({facts.unit(explanation)}); predicted tag and its probability")


def _draw_components(explanation: Explanation, drawing: Figure) -> None:
    tables = facts.component_rows(explanation)
    if not tables:
        raise InputError(f"this explanation has no components: {explanation.absent.get('components', 'none saved')}")
    drawn = {name: rows for name, rows in tables.items() if any(row.value for row in rows)} or tables
    count = len(explanation.words)
    drawing.set_size_inches(3.6 + 3.4 * len(drawn), 1.5 + 0.25 * count)
    charts = drawing.subplots(1, 1 + len(drawn), width_ratios=[1.0, *[1.05] * len(drawn)])
    number = number_formats.signed(row.value for rows in drawn.values() for row in rows)
    for place, (name, rows) in enumerate(drawn.items()):
        size = 0.8 / len(drawn)
        spots = [row.index - 0.4 + size * (place + 0.5) for row in rows]
        colour = SERIES(place / 2)
        charts[0].barh(spots, [row.value for row in rows], height=size, color=colour, label=name)
        _draw_ranking(charts[place + 1], name, rows, number)
    _label_words(charts[0], [_placed_word(word, 16) for word in explanation.words])
    charts[0].set_xlabel(facts.unit(explanation))
    charts[0].legend(frameon=False, fontsize=8)


def _draw_ranking(axes: Axes, name: str, rows: Sequence[facts.ComponentRow], number: Callable[[float], str]) -> None:
    axes.set_axis_off()
    axes.set_title(f"{name}, sorted", fontsize=9)
    norm = number_formats.signed([1.0], digits=3)
    cells = [[_placed_word(row, 16), number(row.value), norm(row.normalised)] for row in rows]
    table = axes.table(cells, colLabels=["word", "raw", "normalised"], colWidths=[0.5, 0.25, 0.25], loc="upper center")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for (_, column), cell in table.get_celld().items():
        cell.set(edgecolor=GRID, linewidth=0.4, height=1 / (len(rows) + 1))
        cell.visible_edges = "B"
        cell.get_text().set_horizontalalignment("left" if column == 0 else "right")


def _draw_layers(explanation: Explanation, drawing: Figure) -> None:
    import seaborn  # takes a second or two, and only this view needs it

    if not explanation.layers:
        raise InputError(f"this explanation has no layers: {explanation.absent.get('layers', 'none saved')}")
    values = np.array(explanation.layers)
    top = number_formats.largest(values.flat) or 1.0
    drawing.set_size_inches(2.2 + 0.42 * len(explanation.words), 2.1 + 0.26 * len(values))
    axes = drawing.subplots()
    seaborn.heatmap(
        values,
        ax=axes,
        cmap=DIVERGING,
        center=0,
        vmin=-top,
        vmax=top,
        linewidths=0.4,
        linecolor="white",
        xticklabels=[_placed_word(word) for word in explanation.words],
        yticklabels=list(range(1, len(values) + 1)),
        cbar_kws={"label": f"conductance ({facts.unit(explanation)})"},
    )
    axes.tick_params(axis="x", rotation=60)
    axes.tick_params(axis="y", rotation=0)
    for tick in axes.get_xticklabels():
        tick.set(horizontalalignment="right", rotation_mode="anchor")
    axes.set_ylabel("layer")
    axes.set_xlabel("each layer's sum is the same F(input) - F(reference)")


def _draw_zoom(explanation: Explanation, drawing: Figure) -> None:
    zoom = _required_zoom(explanation)
    drawing.set_size_inches(7.2, 4)
    axes = drawing.subplots()
    axes.boxplot(
        [np.array(row) for row in zoom.rows],
        positions=range(len(zoom.rows)),
        widths=0.6,
        patch_artist=True,
        boxprops={"facecolor": FOR, "edgecolor": INK, "linewidth": 0.7},
        medianprops={"color": INK, "linewidth": 1.4},
        whiskerprops={"color": INK, "linewidth": 0.7},
        capprops={"color": INK, "linewidth": 0.7},
        flierprops={"marker": ".", "markersize": 2.5, "markerfacecolor": GRID, "markeredgecolor": "none"},
    )
    axes.axhline(0, color=GRID, linewidth=0.6, zorder=0)
    axes.set_xticks(range(len(zoom.rows)), _zoom_labels(zoom))
    axes.set_xlabel("layer")
    axes.set_ylabel(f"conductance of one hidden dimension ({facts.unit(explanation)})")


def _draw_density(explanation: Explanation, drawing: Figure) -> None:
    zoom = _required_zoom(explanation)
    drawing.set_size_inches(7.2, 4)
    axes = drawing.subplots()
    edges = np.histogram_bin_edges(np.concatenate([np.array(row) for row in zoom.rows]), bins=100)
    for place, (name, row) in enumerate(zip(_zoom_labels(zoom), zoom.rows, strict=True)):
        heights, _ = np.histogram(row, bins=edges, density=True)
        colour = SERIES((place - 1) / max(len(zoom.rows) - 2, 1)) if place else INK
        axes.plot(
            (edges[:-1] + edges[1:]) / 2,
            heights,
            color=colour,
            linewidth=1,
            ls="-" if place else "--",
            label=name,
        )
    axes.set_xlabel(f"conductance of one hidden dimension ({facts.unit(explanation)})")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("density (log scale)")
    axes.legend(frameon=False, fontsize=8, title="layer", ncols=2)


def _required_zoom(explanation: Explanation) -> Zoom:
    if explanation.zoom is None:
        raise InputError("this explanation has no zoom: name a word with `zoom`")
    return explanation.zoom


def _zoom_labels(zoom: Zoom) -> list[str]:
    return ["embedding", *map(str, range(1, len(zoom.rows)))]


def _draw_bars(axes: Axes, values: Sequence[float]) -> None:
    axes.barh(range(len(values)), values, color=[FOR if value > 0 else AGAINST for value in values], height=0.7)


def _label_words(axes: Axes, labels: Sequence[str]) -> None:
    """Words from top to bottom, and a line at zero."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.axvline(0, color=GRID, linewidth=0.8)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def label(text: str, width: int = _WIDTH) -> str:
    """A word that these fonts can draw, and short: a character that they lack is spelled by its number."""
    known = _drawable()
    shown = "".join(char if ord(char) in known else f"‹U+{ord(char):04X}›" for char in visible(text))
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def _placed_word(word: Word | facts.WordRow | facts.ComponentRow, width: int = _WIDTH) -> str:
    """A word with its place; marks of direction keep the place behind a word that runs right to left."""
    text = label(word.text, width)
    mark = _LEFT_TO_RIGHT if isolated(text) != text else ""
    return f"{mark}{text}{mark} @{word.index}"


@cache
def families() -> tuple[str, ...]:
    installed = set(font_manager.get_font_names())
    return ("DejaVu Sans", *(name for name in _FONTS if name in installed))


@cache
def _drawable() -> frozenset[int]:
    files = (font_manager.findfont(name) for name in families())
    return frozenset(code for file in files for code in font_manager.get_font(file).get_charmap())


VIEWS: dict[View, Callable[[Explanation, Figure], None]] = {
    "words": _draw_words,
    "components": _draw_components,
    "layers": _draw_layers,
    "zoom": _draw_zoom,
    "density": _draw_density,
}
