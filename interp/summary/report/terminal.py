"""A summary in a terminal: kind by kind, what a model leans on first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from interp.report.terminal.marks import Canvas
from interp.report.terminal.tables import grid, section_title
from interp.summary.report import facts
from interp.summary.result import KindSummary, MovedWord, Summary, WordSummary

__all__ = ["show_summary"]

SHAPES = 5


def show_summary(summary: Summary, console: Console, moved: Sequence[MovedWord] = ()) -> None:
    """Print every kind; with `moved`, what moved from older records first."""
    canvas = Canvas.of(console)
    for line in _head(summary):
        console.print(Text(canvas.safe(line)))
    if moved:
        console.print(section_title("Moved", "from the older records, what surely moved most first"))
        console.print(_moved_table(moved, canvas))
    for kind in summary.kinds:
        for block in _kind_blocks(kind, canvas):
            console.print(block)
    console.print(Text(f"\n{facts.HOW_TO_READ}", "dim"))


def _head(summary: Summary) -> Iterator[str]:
    yield f"{summary.model}: {summary.targets} targets in {summary.sentences} sentences, reference {summary.reference}"
    yield facts.integration(summary)
    if left_out := facts.unread(summary):
        yield left_out
    if summary.dropped:
        yield f"There were too many words to keep: those with less than {summary.dropped:.3g} in all may be missing."


def _kind_blocks(kind: KindSummary, canvas: Canvas) -> Iterator[RenderableType]:
    yield section_title(canvas.safe(kind.kind), f"{kind.targets} targets, F moves by {kind.change:+.2f} in the mean")
    yield Text(canvas.safe(facts.headline(kind)))
    rows = [_word_row(word, canvas) for word in (*kind.words_for, *kind.words_against)]
    heads = ["", "context word", "mean", "95 %", "spread", "times", "documents", "share", "alone"]
    yield grid(heads, rows, right={2, 3, 4, 5, 6, 7, 8})
    places = "  ".join(f"{facts.place(place, kind)} {place.share:.0%}" for place in kind.places)
    yield Text(canvas.safe(f"evidence by words from the target: {places}"), "dim")
    shapes = "  ".join(f"{shape.word} {shape.share:.0%}" for shape in kind.shapes[:SHAPES])
    yield Text(canvas.safe(f"by shape: {shapes}"), "dim")
    if kind.own_share_by_layer:
        layers = "  ".join(f"L{number} {share:.0%}" for number, share in enumerate(kind.own_share_by_layer, 1))
        yield Text(canvas.safe(f"on the target's own words, by layer: {layers}"), "dim")


def _word_row(word: WordSummary, canvas: Canvas) -> list[Text]:
    style = "bold" if word.leaned_on else ""
    return [
        Text("*" if word.leaned_on else " ", "bold"),
        Text(canvas.word(word.word, 20), style),
        Text(f"{word.mean:+.2f}", style),
        Text(facts.interval(word)),
        Text(f"{word.spread:.2f}"),
        Text(str(word.count)),
        Text(str(word.documents)),
        Text(f"{word.share:.1%}"),
        Text(str(word.leads)),
    ]


def _moved_table(moved: Sequence[MovedWord], canvas: Canvas) -> RenderableType:
    rows = [
        [
            Text(canvas.safe(word.kind)),
            Text(canvas.word(word.new.word, 20), "bold" if word.surely else ""),
            Text(f"{word.old.mean:+.2f}{'*' if word.old.leaned_on else ' '}"),
            Text(f"{word.new.mean:+.2f}{'*' if word.new.leaned_on else ' '}"),
            Text(f"{word.change:+.2f}"),
            Text(f"{word.low:+.2f} to {word.high:+.2f}"),
        ]
        for word in moved
    ]
    return grid(["kind", "context word", "before", "now", "change", "95 %"], rows, right={2, 3, 4, 5})
