"""The five views as rows and columns of characters that fit a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from interp.explanation import Explanation, Zoom
from interp.report import facts, number_formats
from interp.report.methods import Opinion, Rank
from interp.report.terminal.marks import Canvas, bar, box, cell, quartiles

__all__ = [
    "component_tables",
    "grid",
    "layer_tables",
    "opinion_table",
    "rank_tables",
    "section_title",
    "word_style",
    "word_table",
    "zoom_table",
]

# Blue and orange stay apart under the common colour blindnesses, on dark and on light terminals.
_FOR, _AGAINST = "#4a90d9", "#d9772b"
_STRONG_FOR, _STRONG_AGAINST = "bold #ffffff on #2a68ad", "bold #ffffff on #a8500f"
_STRONG = 0.4
"""Of the largest value: from here on a cell is filled."""
_LABEL, _WIDEST_BAR, _RANK = 4, 48, 21
"""Widths in characters: of a row's number, of a bar at most, of a word with its rank."""
_NORM = number_formats.signed([1.0], digits=3)


def section_title(name: str, note: str) -> Text:
    """The heading of a section, a line apart from what stands before."""
    return Text.assemble("\n", (name, "bold underline"), (f"  {note}", "dim"))


def word_style(*, target: bool, special: bool) -> str:
    """How a word's name is written."""
    if target:
        return "underline"
    return "dim" if special else ""


def grid(
    heads: Sequence[str],
    rows: Sequence[Sequence[Text]],
    right: AbstractSet[int] = frozenset(),
    widths: Sequence[int | None] | None = None,
) -> Table:
    """A table without lines. Columns in `right` hold numbers: flush right; wrapped, as a cut would lie."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", collapse_padding=False)
    for number, head in enumerate(heads):
        table.add_column(
            head,
            justify="right" if number in right else "left",
            width=widths[number] if widths else None,
            no_wrap=number not in right,
            overflow="fold" if number in right else "crop",
        )
    for row in rows:
        table.add_row(*row)
    return table


def word_table(shown: Explanation, canvas: Canvas) -> Table:
    """One row per word: tag, probability, numbers and a signed bar that takes what width is left."""
    rows = facts.word_rows(shown)
    number = number_formats.unsigned(number_formats.signed(row.value for row in rows), shown)
    norm = number_formats.unsigned(_NORM, shown)
    wide, roomy = canvas.width >= 76, canvas.width >= 120
    word_width = 24 if roomy else 14
    columns = {"@": len(f"@{len(rows)}"), "word": word_width, "tag": 8, "prob": 6, "attribution": 11}
    if any(row.error is not None for row in rows):
        columns[f"{canvas.glyphs.spread} error"] = 9
    if wide:
        columns |= {"share": 6, "norm": 5}
    bar_width = min(max(canvas.width - sum(columns.values()) - len(columns), 7), _WIDEST_BAR)
    columns[""] = bar_width
    least, most = min(shown.attributions), max(shown.attributions)
    lines = []
    for row in rows:
        style = _colour(row.value)
        name = canvas.word(f"*{row.text}*" if row.target else row.text, word_width)
        line = [
            Text(f"@{row.index}", "dim"),
            Text().append(name, word_style(target=row.target, special=row.special)),
            Text(canvas.fit(row.tag or canvas.glyphs.dash, 8)),
            Text(number_formats.probability(row.probability), "dim"),
            Text(number(row.value), style),
        ]
        if row.error is not None:
            line.append(Text(number(row.error).lstrip("+"), "dim"))
        if wide:
            line += [Text(f"{row.share:.1%}"), Text(norm(row.normalised), "dim")]
        lines.append([*line, Text(bar(row.value, least, most=most, width=bar_width, glyphs=canvas.glyphs), style)])
    return grid(list(columns), lines, right={0, *range(3, len(columns) - 1)}, widths=list(columns.values()))


def rank_tables(opinions: Sequence[Opinion], canvas: Canvas) -> Iterator[RenderableType]:
    """Rank by rank the words of every method, in blocks as wide as the terminal."""
    columns = max((canvas.width - _LABEL) // (_RANK + 1), 1)
    depth = max(len(opinion.top) for opinion in opinions)
    for start in range(0, len(opinions), columns):
        if start:
            yield Text()
        block = opinions[start : start + columns]
        lines = []
        for rank in range(depth):
            cells = [_rank_cell(opinion.top[rank], canvas) for opinion in block]
            lines.append([Text(str(rank + 1), "dim"), *cells])
        yield grid(["", *(opinion.name for opinion in block)], lines, {0}, [_LABEL - 2, *[_RANK] * len(block)])


def _rank_cell(rank: Rank, canvas: Canvas) -> Text:
    word = canvas.word(rank.text, _RANK - 6)
    gap = " " * (_RANK - cell_len(word) - len(rank.percent))
    return Text.assemble(word, gap, (rank.percent, _colour(rank.share) if rank.signed else ""))


def opinion_table(opinions: Sequence[Opinion], canvas: Canvas) -> Table:
    """One row per method: overlap with the first, completeness, effort."""
    number = number_formats.signed(opinion.sum for opinion in opinions if opinion.residual is not None)
    dash = canvas.glyphs.dash
    lines = [
        [
            Text(canvas.safe(opinion.name)),
            Text(f"{opinion.overlap:.2f}"),
            Text(opinion.complete),
            Text(dash if opinion.residual is None else number(opinion.sum)),
            Text(dash if opinion.residual is None else number_formats.per_cent(opinion.residual, 1)),
            Text(str(opinion.evaluations)),
        ]
        for opinion in opinions
    ]
    return grid(["method", "overlap", "complete", "sum", "residual", "evaluations"], lines, {1, 3, 4, 5})


def component_tables(shown: Explanation, canvas: Canvas) -> Iterator[RenderableType]:
    """The sorted tables side by side, as many as fit; a table of zeros is a sentence."""
    tables = facts.component_rows(shown)
    filled = [name for name, rows in tables.items() if any(row.value for row in rows)]
    number = number_formats.signed(row.value for rows in tables.values() for row in rows)
    table_width = 30 + max(len(number(row.value)) for rows in tables.values() for row in rows)
    per_block = max((canvas.width + 2) // table_width, 1)
    for start in range(0, len(filled), per_block):
        yield _side_by_side({name: tables[name] for name in filled[start : start + per_block]}, number, canvas)
    yield from (Text(f"{name}: 0 for every word.") for name in tables if name not in filled)


def _side_by_side(tables: dict[str, list[facts.ComponentRow]], number: Callable[[float], str], canvas: Canvas) -> Table:
    heads = [head for name in tables for head in (name, "@", "raw", "norm", "")]
    lines = []
    for ranked in zip(*tables.values(), strict=True):
        line = []
        for row in ranked:
            style = _colour(row.value)
            line += [
                Text(canvas.word(row.text, 14)),
                Text(f"@{row.index}", "dim"),
                Text(number(row.value), style),
                Text(_NORM(row.normalised), "dim"),
                Text(),
            ]
        lines.append(line)
    sums = [number(math.fsum(row.value for row in rows)) for rows in tables.values()]
    last = []
    for total in sums:
        last += [Text("sum", "dim"), Text(), Text(total), Text(), Text()]
    lines.append(last)
    numbers = {5 * place + column for place in range(len(tables)) for column in (1, 2, 3)}
    return grid(heads, lines, numbers, [14, None, None, 5, 0] * len(tables))


def layer_tables(shown: Explanation, canvas: Canvas) -> Iterator[RenderableType]:
    """The heatmap as signed per cents of its largest value, in blocks as wide as the terminal."""
    top = max(map(number_formats.largest, shown.layers))
    yield Text(
        f"Per cent of the largest, {top:.4g} {facts.unit(shown)}: + for, - against, "
        f"{canvas.glyphs.nothing} under half a per cent.",
        "dim",
    )
    space = canvas.width - _LABEL
    column = max(5, min(space // len(shown.words), 10))
    columns = max(space // column, 1)
    for start in range(0, len(shown.words), columns):
        words = shown.words[start : start + columns]
        styles = ["underline" if word.index in shown.target.indices else "" for word in words]
        names = [canvas.word(word.text, column - 1) for word in words]
        lines = [[Text(), *(Text().append(name, style) for name, style in zip(names, styles, strict=True))]]
        for layer, values in enumerate(shown.layers, start=1):
            cells = [_heat_cell(values[word.index], top, canvas) for word in words]
            lines.append([Text(f"L{layer}", "dim"), *cells])
        widths = [_LABEL - 1, *[column - 1] * len(words)]
        yield grid(["", *(f"@{word.index}" for word in words)], lines, set(range(1, len(widths))), widths)
    sums = [math.fsum(values) for values in shown.layers]
    total = number_formats.signed(sums)(sums[0])
    yield Text(f"Every layer sums to {total}, within {max(sums) - min(sums):.1e}. {facts.LAYERS_NOTE}", "dim")


def _heat_cell(value: float, top: float, canvas: Canvas) -> Text:
    text = cell(value, top, canvas.glyphs)
    if text == canvas.glyphs.nothing:
        return Text(text, "dim")
    if abs(value) < _STRONG * top:
        return Text(text, _colour(value))
    return Text(text, _STRONG_FOR if value > 0 else _STRONG_AGAINST)


def _colour(value: float) -> str:
    if value > 0:
        return _FOR
    return _AGAINST if value < 0 else ""


def zoom_table(zoom: Zoom, canvas: Canvas) -> Table:
    """Five numbers and a box plot in one line for the embedding block and every layer."""
    low, high = min(map(min, zoom.rows)), max(map(max, zoom.rows))
    number = number_formats.signed([low, high], digits=3)
    heads = ["layer", "min", "q1", "median", "q3", "max", ""]
    number_width = max(8, len(number(low)), len(number(high)))
    widths = [9, *[number_width] * 5]
    box_width = max(canvas.width - sum(widths) - len(heads), 7)
    lines = []
    for layer, values in enumerate(zoom.rows):
        line = [Text(str(layer) if layer else "embedding", "dim")]
        line += [Text(number(value)) for value in quartiles(values)]
        lines.append([*line, Text(box(values, low, high=high, width=box_width, glyphs=canvas.glyphs))])
    return grid(heads, lines, set(range(1, 6)), [*widths, box_width])
