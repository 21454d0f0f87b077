"""Goldens old beside new in a terminal: the one that moved most first, nothing wider than the terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from interp.errors import counted
from interp.golden import Change, Comparison, Promise
from interp.report import compared, number_formats
from interp.report.compared import WordLine
from interp.report.terminal.marks import Canvas, bar
from interp.report.terminal.tables import grid, word_style

__all__ = ["change_blocks", "show_changes", "word_blocks"]

_NARROW, _ROOMY = 60, 100
_LEAST_BAR, _MOST_BAR, _LEAST_NOTE = 7, 32, 13
_ORDER = ("word", "old", "old bar", "value", "share", "bar", "note")


def show_changes(named: Sequence[tuple[str, Comparison]], console: Console, most: int = 10) -> None:
    """Print every golden that changed or moved beyond its tolerance, the worst first; count the others.

    `most` limits the changes that are listed of each. Without a UTF-8 console all of it is ASCII.
    """
    canvas = Canvas.of(console)
    notable, within, same = compared.sorted_by_change(named)
    for name, comparison in notable:
        for block in _comparison_blocks(name, comparison, canvas, most):
            console.print(block)
        console.print()
    closing = compared.closing(within, same, alone=not notable)
    if closing:
        console.print(Text(canvas.safe(closing)))


def _comparison_blocks(name: str, comparison: Comparison, canvas: Canvas, most: int) -> Iterator[RenderableType]:
    verdict = ("holds", "") if comparison.passed else ("CHANGED", "bold")
    yield Text.assemble((canvas.safe(name), "bold underline"), "  ", verdict)
    yield Text(canvas.safe(comparison.rule.value), "dim")
    yield from (Text(canvas.safe(failure)) for failure in comparison.failures)
    if turned := compared.turned(comparison):
        yield Text(canvas.safe(turned))
    differences = list(_header_differences(comparison, canvas))
    if differences:
        yield Text()
        yield _difference_table(differences)
    if comparison.rule in (Promise.QUESTION, Promise.TAG):
        return
    if comparison.changes:
        yield Text()
        yield from change_blocks(comparison, canvas, most)
    yield Text()
    aim = f"{comparison.new.question.get('output')} of {compared.aim(comparison.new)}"
    yield Text(canvas.safe(f"What each word gives to the {aim}:"), "dim")
    yield from word_blocks(compared.lines(comparison), canvas)


def _header_differences(comparison: Comparison, canvas: Canvas) -> Iterator[tuple[str, str]]:
    """Tag, leading words and header, old → new; only what differs."""
    arrow = f" {canvas.glyphs.arrow} "
    tags, leaders = compared.tags(comparison), compared.leaders(comparison)
    if tags is not None:
        yield "tag", arrow.join(map(canvas.safe, tags))
    if leaders is not None:
        yield "leading words", arrow.join(canvas.word(text, canvas.width) for text in leaders)
    for row in compared.header_rows(comparison):
        if row.differs:
            sides = (canvas.safe(text) or canvas.glyphs.dash for text in (row.old, row.new))
            yield canvas.fit(row.name, 16), arrow.join(sides)


def _difference_table(rows: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for name, text in rows:
        table.add_row(Text(name, "dim", no_wrap=True), Text(text, overflow="fold"))
    return table


def change_blocks(comparison: Comparison, canvas: Canvas, most: int) -> Iterator[RenderableType]:
    """The changes that moved by most tolerances, and what a tolerance is."""
    count = len(comparison.changes)
    yield Text(f"Moved most of {count}, in tolerances ({compared.one_tolerance(comparison)}):", "dim")
    heads = ["", "golden", "", "now", "moved"]
    rows = [_change_row(change, canvas) for change in comparison.changes[:most]]
    label, *widths = (max(cell_len(text.plain) for text in column) for column in zip(*rows, strict=True))
    widths = [max(width, len(head)) for width, head in zip(widths, heads[1:], strict=True)]
    room = canvas.width - sum(widths) - len(widths)
    yield grid(heads, rows, {1, 3, 4}, [min(label, room), *widths])


def _change_row(change: Change, canvas: Canvas) -> list[Text]:
    old, new = compared.numbers(change)
    label = Text(f"{canvas.word(change.name, 24)} ({canvas.safe(change.group)})", no_wrap=False, overflow="fold")
    moved = Text(compared.tolerances(change.moved), "" if change.moved <= 1 else "bold")
    return [label, Text(old), Text(canvas.glyphs.arrow), Text(new), moved]


def word_blocks(every: Sequence[WordLine], canvas: Canvas) -> Iterator[RenderableType]:
    """The words that matter as bars, beside the golden's where there is one; the rest of a long sentence as a sum."""
    shown, rest = compared.notable(every)
    both = all(line.old is not None for line in every)
    number = number_formats.signed(value for line in every for value in (line.value, line.old or 0.0))
    number_width = max(len(number(value)) for line in every for value in _line_values(line))
    columns = _column_widths(shown, canvas, number_width=number_width, both=both)
    values = [value for line in shown for value in _line_values(line) if math.isfinite(value)]
    least, most = min(values, default=0.0), max(values, default=0.0)

    def draw_bar(value: float) -> Text:
        if not math.isfinite(value):
            return Text()
        return Text(bar(value, least, most=most, width=columns.get("bar", 3), glyphs=canvas.glyphs))

    rows = []
    for line in shown:
        name = canvas.word(f"*{line.name}*" if line.target else line.name, columns["word"])
        cells = {
            "word": Text(name, word_style(target=line.target, special=line.special)),
            "old": Text(number(line.old or 0.0)),
            "old bar": draw_bar(line.old or 0.0),
            "value": Text(number(line.value)),
            "share": Text(f"{line.share:.1%}"),
            "bar": draw_bar(line.value),
            "note": Text(canvas.safe(line.note), no_wrap=False, overflow="fold"),
        }
        rows.append([cells[column] for column in columns])
    right = {place for place, column in enumerate(columns) if column in ("old", "value", "share")}
    heads = {"word": "word", "old": "golden", "value": "now" if both else "value", "share": "share"}
    yield grid([heads.get(column, "") for column in columns], rows, right, list(columns.values()))
    if rest:
        yield Text(_rest_line(rest, canvas, number, both=both))


def _line_values(line: WordLine) -> list[float]:
    return [line.value] if line.old is None else [line.value, line.old]


def _column_widths(shown: Sequence[WordLine], canvas: Canvas, *, number_width: int, both: bool) -> dict[str, int]:
    """Columns in order, and their widths. What does not fit is left out: the share first, then the bars."""
    number_width = max(number_width, len("golden"))
    bars = 2 if both else 1
    longest_name = max(cell_len(canvas.safe(line.name)) + 2 * line.target for line in shown)
    most_for_names = 10 if canvas.width < _NARROW else 18
    columns = {"word": min(max(longest_name, len("word")), most_for_names), "value": number_width}
    if canvas.width >= (_ROOMY if both else _NARROW):
        columns["share"] = len("100.0%")
    if both:
        columns["old"] = number_width
    room = canvas.width - sum(columns.values()) - len(columns) + 1
    note = max(cell_len(canvas.safe(line.note)) for line in shown)
    if note:
        columns["note"] = min(note, max(room - bars * (_LEAST_BAR + 1) - 1, _LEAST_NOTE))
        room -= columns["note"] + 1
    width = min(room // bars - 1, _MOST_BAR)
    if width >= _LEAST_BAR:
        columns["bar"] = width
        if both:
            columns["old bar"] = width
    return {column: columns[column] for column in _ORDER if column in columns}


def _rest_line(rest: Sequence[WordLine], canvas: Canvas, number: Callable[[float], str], *, both: bool) -> str:
    """The words that are not shown, in one line."""
    special = sum(line.special for line in rest)
    words = len(rest) - special
    parts = []
    if words:
        parts.append(counted(words, "more word"))
    if special:
        parts.append(counted(special, "special token"))
    now, before = math.fsum(line.value for line in rest), math.fsum(line.old or 0.0 for line in rest)
    golden = f" (golden {number(before)})" if both else ""
    return f"{canvas.glyphs.cut} {' and '.join(parts)}, together {number(now)}{golden}"
