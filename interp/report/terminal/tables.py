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
from interp.report import facts
from interp.report.methods import Opinion, Rank
from interp.report.terminal.marks import Canvas, bar, box, cell, quartiles

__all__ = ["component_tables", "grid", "layer_tables", "opinion_table", "rank_tables", "word_table", "zoom_table"]

# Blue and orange stay apart under the common colour blindnesses, on dark and on light terminals.
_FOR, _AGAINST = "#4a90d9", "#d9772b"
_STRONG_FOR, _STRONG_AGAINST = "bold #ffffff on #2a68ad", "bold #ffffff on #a8500f"
_STRONG = 0.4
_LABEL, _WIDEST_BAR, _RANK = 4, 48, 21
_NORM = facts.signed([1.0], digits=3)


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
    number, norm = (facts.unsigned(each, shown) for each in (facts.signed(row.value for row in rows), _NORM))
    wide, roomy = canvas.width >= 76, canvas.width >= 120
    drawn = any(row.error is not None for row in rows)
    spread = [f"{canvas.glyphs.spread} error"] if drawn else []
    heads = ["@", "word", "tag", "prob", "attribution", *spread, *(["share", "norm"] if wide else []), ""]
    widths = [len(f"@{len(rows)}"), 24 if roomy else 14, 8, 6, 11, *[9] * drawn, *([6, 5] if wide else [])]
    room = min(max(canvas.width - sum(widths) - len(widths), 7), _WIDEST_BAR)
    least, most = min(shown.attributions), max(shown.attributions)
    lines = []
    for row in rows:
        style = _colour(row.value)
        name = "underline" if row.target else "dim" if row.special else ""
        line = [
            Text(f"@{row.index}", "dim"),
            Text().append(canvas.word(f"*{row.text}*" if row.target else row.text, widths[1]), name),
            Text(canvas.fit(row.tag or canvas.glyphs.dash, 8)),
            Text(facts.probability(row.probability), "dim"),
            Text(number(row.value), style),
        ]
        if row.error is not None:
            line.append(Text(number(row.error).lstrip("+"), "dim"))
        if wide:
            line += [Text(f"{row.share:.1%}"), Text(norm(row.normalised), "dim")]
        lines.append([*line, Text(bar(row.value, least, most=most, width=room, glyphs=canvas.glyphs), style)])
    return grid(heads, lines, right={0, *range(3, len(heads) - 1)}, widths=[*widths, room])


def rank_tables(found: Sequence[Opinion], canvas: Canvas) -> Iterator[RenderableType]:
    """Rank by rank the words of every method, in blocks as wide as the terminal."""
    columns = max((canvas.width - _LABEL) // (_RANK + 1), 1)
    depth = max(len(each.top) for each in found)
    for start in range(0, len(found), columns):
        if start:
            yield Text()
        some = found[start : start + columns]
        lines = [
            [Text(str(rank + 1), "dim"), *(_ranked(each.top[rank], canvas) for each in some)] for rank in range(depth)
        ]
        yield grid(["", *(each.name for each in some)], lines, {0}, [_LABEL - 2, *[_RANK] * len(some)])


def _ranked(rank: Rank, canvas: Canvas) -> Text:
    word = canvas.word(rank.text, _RANK - 6)
    gap = " " * (_RANK - cell_len(word) - len(rank.percent))
    return Text.assemble(word, gap, (rank.percent, _colour(rank.share) if rank.signed else ""))


def opinion_table(found: Sequence[Opinion], canvas: Canvas) -> Table:
    """One row per method: overlap with the first, completeness, effort."""
    number, dash = facts.signed(each.sum for each in found if each.residual is not None), canvas.glyphs.dash
    lines = [
        [
            Text(canvas.safe(each.name)),
            Text(f"{each.overlap:.2f}"),
            Text(each.complete),
            Text(dash if each.residual is None else number(each.sum)),
            Text(dash if each.residual is None else facts.per_cent(each.residual, 1)),
            Text(str(each.evaluations)),
        ]
        for each in found
    ]
    return grid(["method", "overlap", "complete", "sum", "residual", "evaluations"], lines, {1, 3, 4, 5})


def component_tables(shown: Explanation, canvas: Canvas) -> Iterator[RenderableType]:
    """The sorted tables side by side, as many as fit; a table of zeros is a sentence."""
    tables = facts.component_rows(shown)
    every = [name for name, rows in tables.items() if any(row.value for row in rows)]
    number = facts.signed(row.value for rows in tables.values() for row in rows)
    each = 30 + max(len(number(row.value)) for rows in tables.values() for row in rows)
    per_block = max((canvas.width + 2) // each, 1)
    for start in range(0, len(every), per_block):
        yield _side_by_side({name: tables[name] for name in every[start : start + per_block]}, number, canvas)
    yield from (Text(f"{name}: 0 for every word.") for name in tables if name not in every)


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
    lines.append([text for total in sums for text in (Text("sum", "dim"), Text(), Text(total), Text(), Text())])
    right = {5 * k + column for k in range(len(tables)) for column in (1, 2, 3)}
    return grid(heads, lines, right, [width for _ in tables for width in (14, None, None, 5, 0)])


def layer_tables(shown: Explanation, canvas: Canvas) -> Iterator[RenderableType]:
    """The heatmap as signed per cents of its largest value, in blocks as wide as the terminal."""
    top = max(map(facts.largest, shown.layers))
    yield Text(
        f"Per cent of the largest, {top:.4g} {facts.unit(shown)}: + for, - against, "
        f"{canvas.glyphs.nothing} under half a per cent.",
        "dim",
    )
    space = canvas.width - _LABEL
    each = 5 if len(shown.words) * 5 > space else min(space // len(shown.words), 10)
    columns = max(space // each, 1)
    for start in range(0, len(shown.words), columns):
        words = shown.words[start : start + columns]
        styles = ["underline" if word.index in shown.target.indices else "" for word in words]
        names = [Text().append(canvas.word(w.text, each - 1), style) for w, style in zip(words, styles, strict=True)]
        lines = [[Text(), *names]]
        for layer, values in enumerate(shown.layers, start=1):
            lines.append([Text(f"L{layer}", "dim"), *(_heat(values[w.index], top, canvas) for w in words)])
        widths = [_LABEL - 1, *([each - 1] * len(words))]
        yield grid(["", *(f"@{word.index}" for word in words)], lines, set(range(1, len(widths))), widths)
    sums = [math.fsum(values) for values in shown.layers]
    total = facts.signed(sums)(sums[0])
    yield Text(f"Every layer sums to {total}, within {max(sums) - min(sums):.1e}. {facts.LAYERS_NOTE}", "dim")


def _heat(value: float, top: float, canvas: Canvas) -> Text:
    text = cell(value, top, canvas.glyphs)
    if text == canvas.glyphs.nothing:
        return Text(text, "dim")
    if abs(value) < _STRONG * top:
        return Text(text, _colour(value))
    return Text(text, _STRONG_FOR if value > 0 else _STRONG_AGAINST)


def _colour(value: float) -> str:
    return _FOR if value > 0 else _AGAINST if value < 0 else ""


def zoom_table(zoom: Zoom, canvas: Canvas) -> Table:
    """Five numbers and a box plot in one line for the embedding block and every layer."""
    low, high = min(map(min, zoom.rows)), max(map(max, zoom.rows))
    number = facts.signed([low, high], digits=3)
    heads = ["layer", "min", "q1", "median", "q3", "max", ""]
    widths = [9, *([max(8, len(number(low)), len(number(high)))] * 5)]
    room = canvas.width - sum(widths) - len(heads)
    lines = []
    for layer, values in enumerate(zoom.rows):
        line = [Text(str(layer) if layer else "embedding", "dim")]
        line += [Text(number(value)) for value in quartiles(values)]
        lines.append([*line, Text(box(values, low, high=high, width=max(room, 7), glyphs=canvas.glyphs))])
    return grid(heads, lines, set(range(1, 6)), [*widths, max(room, 7)])
