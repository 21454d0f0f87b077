"""A check that did not hold, as plain text: what an exception, a JUnit file and a CI log can carry."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from textwrap import wrap

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from interp.cases.checks import Verdict
from interp.explanation import Explanation, distinct_names
from interp.golden import Comparison
from interp.report import compared, facts
from interp.report.compared import WordLine
from interp.report.terminal.changes import change_blocks, word_blocks
from interp.report.terminal.marks import Canvas

__all__ = ["Failure", "failure_text"]

_MOST_CHANGES = 5
_AROUND = 30


@dataclass(frozen=True)
class Failure:
    """One check that did not hold. `accept`: sentences with the command or edit that accepts the change.

    Lines of `accept` that are indented are to be copied, and never wrapped.
    """

    check: str
    verdict: Verdict
    accept: str


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
        for block in _blocks(failure, explanation, comparison, canvas):
            console.print(block)
        file.flush()
        text = raw.getvalue().decode(encoding)
    lines = [canvas.safe(failure.verdict.sentence), *(line.rstrip() for line in text.splitlines()), ""]
    for line in map(canvas.safe, failure.accept.splitlines()):
        lines += [line] if line.startswith(" ") else wrap(line, width) or [""]
    return "\n".join(lines)


def _blocks(
    failure: Failure, shown: Explanation, comparison: Comparison | None, canvas: Canvas
) -> Iterator[RenderableType]:
    yield from (Text(), _sentence(shown, canvas), Text(), _facts(failure, shown, canvas), Text())
    told = comparison is not None and _moved(comparison)
    yield Text(canvas.safe(f"How much each word speaks for {facts.aim(shown)} (+) or against it (-), {_in(shown)}:"))
    yield from word_blocks(_lines(shown, comparison if told else None, failure.verdict.notes), canvas)
    if comparison is not None:
        yield Text()
        yield from _golden(comparison, failure.verdict.sentence, canvas)


def _in(shown: Explanation) -> str:
    return f"in {facts.unit(shown)}" if shown.target.output != "probability" else "in parts of the probability"


def _moved(comparison: Comparison) -> bool:
    """Whether old beside new tells more than that the golden agrees."""
    return bool(comparison.changes) and (bool(comparison.beyond) or not comparison.passed)


def _sentence(shown: Explanation, canvas: Canvas) -> Text:
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


def _facts(failure: Failure, shown: Explanation, canvas: Canvas) -> Table:
    """What the check expected and got, and the model that was asked."""
    paths = [
        f"{path.integration.estimate:.1e} {path.name}{'' if path.converged else ' (not converged)'}"
        for path in facts.path_rows(shown)
    ]
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for name, text in {
        f"{failure.check} expected": failure.verdict.expected,
        "got": failure.verdict.got,
        "model": f"{shown.model.name}, sha256 {shown.model.sha256[:12]}, on {shown.run.device} in {shown.run.dtype}",
        "integration error": ", ".join(paths),
    }.items():
        if text:
            table.add_row(Text(canvas.safe(name)), Text(canvas.safe(text), overflow="fold"))
    return table


def _lines(shown: Explanation, comparison: Comparison | None, notes: Mapping[int, str]) -> list[WordLine]:
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


def _golden(comparison: Comparison, sentence: str, canvas: Canvas) -> Iterator[RenderableType]:
    """What moved since the golden was accepted, what it was held to, and under what else it was computed."""
    if _moved(comparison):
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
        told = ", ".join(f"{row.name} {getattr(row, column) or canvas.glyphs.dash}" for row in differ)
        yield Text(canvas.safe(f"{when}: {told}"), overflow="fold")
