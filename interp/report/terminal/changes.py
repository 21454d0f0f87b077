"""Goldens old beside new in a terminal: the one that moved most first, nothing wider than the terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from interp.golden import Change, Comparison, Promise
from interp.report import compared, facts
from interp.report.compared import WordLine
from interp.report.terminal.marks import Canvas, bar
from interp.report.terminal.tables import grid

__all__ = ["change_blocks", "show_changes", "word_blocks"]

_NARROW, _ROOMY = 60, 100
_LEAST_BAR, _MOST_BAR, _LEAST_NOTE = 7, 32, 13
_ORDER = ("word", "old", "old bar", "value", "share", "bar", "note")


def show_changes(named: Sequence[tuple[str, Comparison]], console: Console, most: int = 10) -> None:
    """Print every golden that changed or moved beyond its tolerance, the worst first; count the others.

    `most` limits the changes that are listed of each. Without a UTF-8 console all of it is ASCII.
    """
    canvas = Canvas.of(console)
    told, within, same = compared.sorted_by_change(named)
    for name, comparison in told:
        for block in _blocks(name, comparison, canvas, most):
            console.print(block)
        console.print()
    if last := compared.closing(within, same, alone=not told):
        console.print(Text(canvas.safe(last)))


def _blocks(name: str, comparison: Comparison, canvas: Canvas, most: int) -> Iterator[RenderableType]:
    verdict = "holds" if comparison.passed else "CHANGED"
    yield Text.assemble((canvas.safe(name), "bold underline"), "  ", (verdict, "" if comparison.passed else "bold"))
    yield Text(canvas.safe(comparison.rule.value), "dim")
    yield from (Text(canvas.safe(failure)) for failure in comparison.failures)
    if facts_of := list(_facts(comparison, canvas)):
        yield Text()
        yield _pairs(facts_of)
    if comparison.rule in (Promise.QUESTION, Promise.TAG):
        return
    if comparison.changes:
        yield Text()
        yield from change_blocks(comparison, canvas, most)
    yield Text()
    aim = f"{comparison.new.question.get('output')} of {compared.aim(comparison.new)}"
    yield Text(canvas.safe(f"What each word gives to the {aim}:"), "dim")
    yield from word_blocks(compared.lines(comparison), canvas)


def _facts(comparison: Comparison, canvas: Canvas) -> Iterator[tuple[str, str]]:
    """Tag, leading words and header, old → new; only what differs."""
    arrow = f" {canvas.glyphs.arrow} "
    if tags := compared.tags(comparison):
        yield "tag", arrow.join(map(canvas.safe, tags))
    if words := compared.leaders(comparison):
        yield "leading words", arrow.join(canvas.word(text, canvas.width) for text in words)
    for row in compared.header_rows(comparison):
        if row.differs:
            yield canvas.fit(row.name, 16), arrow.join(canvas.safe(x) or canvas.glyphs.dash for x in (row.old, row.new))


def _pairs(rows: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for name, text in rows:
        table.add_row(Text(name, "dim", no_wrap=True), Text(text, overflow="fold"))
    return table


def change_blocks(comparison: Comparison, canvas: Canvas, most: int) -> Iterator[RenderableType]:
    """The changes that moved by most tolerances, and what a tolerance is."""
    count = len(comparison.changes)
    yield Text(f"Moved most of {count}, in tolerances ({compared.one_tolerance(comparison)}):", "dim")
    rows = [_change(change, canvas) for change in comparison.changes[:most]]
    old, new, moved = (max(cell_len(row[column].plain) for row in rows) for column in (1, 3, 4))
    widths = [max(old, len("golden")), len(canvas.glyphs.arrow), max(new, len("now")), max(moved, len("moved"))]
    room = canvas.width - sum(widths) - len(widths)
    label = min(max(cell_len(row[0].plain) for row in rows), room)
    yield grid(["", "golden", "", "now", "moved"], rows, {1, 3, 4}, [label, *widths])


def _change(change: Change, canvas: Canvas) -> list[Text]:
    old, new = compared.numbers(change)
    label = Text(f"{canvas.word(change.name, 24)} ({canvas.safe(change.group)})", no_wrap=False, overflow="fold")
    moved = Text(compared.tolerances(change.moved), "" if change.moved <= 1 else "bold")
    return [label, Text(old), Text(canvas.glyphs.arrow), Text(new), moved]


def word_blocks(every: Sequence[WordLine], canvas: Canvas) -> Iterator[RenderableType]:
    """The words that matter as bars, beside the golden's where there is one; the rest of a long sentence as a sum."""
    shown, rest = compared.notable(every)
    both = all(line.old is not None for line in every)
    number = facts.signed(value for line in every for value in (line.value, line.old or 0.0))
    columns = _columns(shown, canvas, number=max(len(number(x)) for line in every for x in _values(line)), both=both)
    values = [value for line in shown for value in _values(line) if math.isfinite(value)]
    least, most = min(values, default=0.0), max(values, default=0.0)

    def drawn(value: float) -> Text:
        return Text(
            bar(value, least, most=most, width=columns.get("bar", 3), glyphs=canvas.glyphs)
            if math.isfinite(value)
            else ""
        )

    rows = []
    for line in shown:
        name = canvas.word(f"*{line.name}*" if line.target else line.name, columns["word"])
        cells = {
            "word": Text(name, "underline" if line.target else "dim" if line.special else ""),
            "old": Text(number(line.old or 0.0)),
            "old bar": drawn(line.old or 0.0),
            "value": Text(number(line.value)),
            "share": Text(f"{line.share:.1%}"),
            "bar": drawn(line.value),
            "note": Text(canvas.safe(line.note), no_wrap=False, overflow="fold"),
        }
        rows.append([cells[column] for column in columns])
    right = {place for place, column in enumerate(columns) if column in ("old", "value", "share")}
    heads = {"word": "word", "old": "golden", "value": "now" if both else "value", "share": "share"}
    yield grid([heads.get(column, "") for column in columns], rows, right, list(columns.values()))
    if rest:
        yield Text(_rest(rest, canvas, number, both=both))


def _values(line: WordLine) -> list[float]:
    return [line.value] if line.old is None else [line.value, line.old]


def _columns(shown: Sequence[WordLine], canvas: Canvas, *, number: int, both: bool) -> dict[str, int]:
    """Columns in order, and their widths. What does not fit is left out: the share first, then the bars."""
    number, bars = max(number, len("golden")), 2 if both else 1
    names = [cell_len(canvas.safe(line.name)) + 2 * line.target for line in shown]
    columns = {"word": min(max(*names, len("word")), 10 if canvas.width < _NARROW else 18), "value": number}
    if canvas.width >= (_ROOMY if both else _NARROW):
        columns["share"] = len("100.0%")
    if both:
        columns["old"] = number
    room = canvas.width - sum(columns.values()) - len(columns) + 1
    if note := max(cell_len(canvas.safe(line.note)) for line in shown):
        columns["note"] = min(note, max(room - bars * (_LEAST_BAR + 1) - 1, _LEAST_NOTE))
        room -= columns["note"] + 1
    width = min(room // bars - 1, _MOST_BAR)
    if width >= _LEAST_BAR:
        columns |= {"bar": width, "old bar": width} if both else {"bar": width}
    return {column: columns[column] for column in _ORDER if column in columns}


def _rest(rest: Sequence[WordLine], canvas: Canvas, number: Callable[[float], str], *, both: bool) -> str:
    """The words that are not shown, in one line."""
    special = sum(line.special for line in rest)
    words = len(rest) - special
    parts = [f"{words} more word{'s' * (words != 1)}"] if words else []
    parts += [f"{special} special token{'s' * (special != 1)}"] if special else []
    now, before = (math.fsum(values) for values in zip(*((x.value, x.old or 0.0) for x in rest), strict=True))
    golden = f" (golden {number(before)})" if both else ""
    return f"{canvas.glyphs.cut} {' and '.join(parts)}, together {number(now)}{golden}"
