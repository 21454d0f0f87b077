"""A check that did not hold, as plain text: what an exception, a JUnit file and a CI log can carry."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from textwrap import wrap

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from interp.explanation import Explanation, distinct_names
from interp.golden import Comparison
from interp.report import compared, facts
from interp.report.compared import WordLine
from interp.report.failures import Failure
from interp.report.terminal.changes import change_blocks, word_blocks
from interp.report.terminal.marks import Canvas

__all__ = ["failure_text"]

_MOST_CHANGES = 5
_AROUND = 30


def failure_text(
    failure: Failure, explanation: Explanation, comparison: Comparison | None, width: int = 80, encoding: str = "utf-8"
) -> str:
    """The failure for a reader who knows nothing of this project, without colour and escapes.

    The first line is the verdict's sentence, whole, for summaries; nothing after it is wider than `width` but a command
    to copy. What `encoding` cannot hold is spelled out, and drawn in ASCII unless it is UTF.
    """
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, newline="\n") as file:
        console = Console(
            file=file,
            width=width,
            color_system=None,
            force_terminal=False,
            force_jupyter=False,
            legacy_windows=False,
        )
        canvas = Canvas.of(console)
        for block in _failure_blocks(failure, explanation, comparison, canvas):
            console.print(block)
        file.flush()
        text = raw.getvalue().decode(encoding)
    lines = [canvas.safe(failure.verdict.sentence), *(line.rstrip() for line in text.splitlines()), ""]
    for line in map(canvas.safe, failure.accept.splitlines()):
        lines += [line] if line.startswith(" ") else wrap(line, width) or [""]
    return "\n".join(lines)


def _failure_blocks(
    failure: Failure, shown: Explanation, comparison: Comparison | None, canvas: Canvas
) -> Iterator[RenderableType]:
    yield from (Text(), _words_around(shown, canvas), Text(), _fact_table(failure, shown, canvas), Text())
    unit = "parts of the probability" if shown.target.output == "probability" else facts.unit(shown)
    yield Text(canvas.safe(f"How much each word speaks for {facts.aim(shown)} (+) or against it (-), in {unit}:"))
    beside = comparison if comparison is not None and _is_worth_showing(comparison) else None
    yield from word_blocks(_word_lines(shown, beside, failure.verdict.notes), canvas)
    if comparison is not None:
        yield Text()
        yield from _golden_blocks(comparison, failure.verdict.sentence, canvas)


def _is_worth_showing(comparison: Comparison) -> bool:
    """Whether old beside new tells more than that the golden agrees."""
    return bool(comparison.changes) and (bool(comparison.beyond) or not comparison.passed)


def _words_around(shown: Explanation, canvas: Canvas) -> Text:
    """The words around the target, which stands between stars."""
    indices = shown.target.indices
    first, last = min(indices) - _AROUND, max(indices) + _AROUND
    words = [
        f"*{canvas.word(word.text, 40)}*" if word.index in indices else canvas.word(word.text, 40)
        for word in shown.words
        if not word.special and first <= word.index <= last
    ]
    plain = [word.index for word in shown.words if not word.special]
    start = [canvas.glyphs.cut] if plain[0] < first else []
    end = [canvas.glyphs.cut] if plain[-1] > last else []
    return Text("  " + " ".join([*start, *words, *end]), overflow="fold")


def _fact_table(failure: Failure, shown: Explanation, canvas: Canvas) -> Table:
    """What the check expected and got, and the model that was asked."""
    paths = [
        f"{path.integration.estimate:.1e} {path.name}{'' if path.converged else f' ({path.integration.status.value})'}"
        for path in facts.path_rows(shown)
    ]
    model, run = shown.model, shown.run
    rows = {
        f"{failure.check} expected": failure.verdict.expected,
        "got": failure.verdict.actual,
        "model": f"{model.name}, sha256 {model.sha256[:12]}, on {run.device} in {run.dtype}",
        "integration error": ", ".join(paths),
    }
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for name, text in rows.items():
        if text:
            table.add_row(Text(canvas.safe(name)), Text(canvas.safe(text), overflow="fold"))
    return table


def _word_lines(shown: Explanation, comparison: Comparison | None, notes: Mapping[int, str]) -> list[WordLine]:
    names = distinct_names([word.text for word in shown.words])
    lines = [
        WordLine(
            index=row.index,
            text=row.text,
            name=names[row.index],
            special=row.special,
            target=row.target,
            value=row.value,
            share=row.share,
        )
        for row in facts.word_rows(shown)
    ]
    if comparison is not None:
        old = compared.lines(comparison)
        lines = [replace(line, old=was.old, moved=was.moved) for line, was in zip(lines, old, strict=True)]
    return [replace(line, note=notes.get(line.index, "")) for line in lines]


def _golden_blocks(comparison: Comparison, sentence: str, canvas: Canvas) -> Iterator[RenderableType]:
    """What moved since the golden was accepted, what it was held to, and under what else it was computed."""
    if _is_worth_showing(comparison):
        yield from change_blocks(comparison, canvas, _MOST_CHANGES)
    elif comparison.passed:
        yield Text("The golden agrees: no number moved by more than the tolerance.")
    yield Text(comparison.rule.value)
    yield from (Text(canvas.safe(failure)) for failure in comparison.failures if failure not in sentence)
    differ = [row for row in compared.header_rows(comparison) if row.differs]
    if not differ:
        yield Text("Model, device and versions are those that the golden was accepted with.")
        return
    for when, column in (("golden accepted with", "old"), ("now", "new")):
        listed = ", ".join(f"{row.name} {getattr(row, column) or canvas.glyphs.dash}" for row in differ)
        yield Text(canvas.safe(f"{when}: {listed}"), overflow="fold")
