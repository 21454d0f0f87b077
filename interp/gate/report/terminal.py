"""A result in a terminal: the sentence first, then what it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from interp.gate.floors import Floors, Source, bound
from interp.gate.report import facts
from interp.gate.result import CheckResult, CheckStatus, CueFinding, GateResult
from interp.gate.slices import LostEntity
from interp.probe import FlipExample
from interp.report.terminal.marks import Canvas
from interp.stress import StressResult

__all__ = ["show_floors", "show_gate", "show_probe"]

MOST_CUES, MOST_SHIFTS, MOST_VARIANTS = 8, 6, 6


def show_gate(result: GateResult, console: Console) -> None:
    """Verdict, headline, what to do, checks, cues, and the features on which evidence moved most."""
    canvas = Canvas.of(console)
    console.print(
        Text.assemble((result.status.value.upper(), facts.MARKS[result.status].style), "  ", _names(result, canvas))
    )
    console.print(Text(canvas.safe(result.headline)))
    for line in result.advice:
        console.print(Text(f"  {canvas.glyphs.arrow} {canvas.safe(line)}"))
    console.print(Text())
    console.print(_checks(result, console))
    if result.cues:
        console.print(Text.assemble("\n", ("Cues", "bold underline"), ("  put into clean sentences", "dim")))
        _show_cues(result.cues[:MOST_CUES], console)
    if result.lost:
        _show_lost(result.lost, canvas, console)
    if result.leaks and result.leaks.examples:
        words = ", ".join(facts.leaked_words(result.leaks))
        meaning = "  words that the baseline tags and the candidate leaves"
        console.print(Text.assemble("\n", ("Left untagged", "bold underline"), (meaning, "dim")))
        console.print(Text(canvas.safe(f"  {words}{' …' if result.leaks.leaked > len(result.leaks.examples) else ''}")))
    if result.stress:
        meaning = "  F1 where sentences are written otherwise"
        console.print(Text.assemble("\n", ("Written otherwise", "bold underline"), (meaning, "dim")))
        console.print(_variants(result.stress, console))
    if result.evidence:
        meaning = "  where explanations moved, in cases' worth"
        console.print(Text.assemble("\n", ("Evidence", "bold underline"), (meaning, "dim")))
        console.print(_evidence(result, console))
    for line in result.waivers:
        console.print(Text(canvas.safe(f"accepted: {line}"), "dim"))


def _names(result: GateResult, canvas: Canvas) -> str:
    return canvas.safe(f"{result.baseline.name} {canvas.glyphs.arrow} {result.candidate.name}")


def _table(heads: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        table.add_column(head)
    return table


def _add_row(table: Table, console: Console, cells: Sequence[str | Text]) -> None:
    """Text of the data never formats, and holds only what the terminal can show."""
    canvas = Canvas.of(console)
    table.add_row(*(cell if isinstance(cell, Text) else Text(canvas.safe(cell)) for cell in cells))


def _checks(result: GateResult, console: Console) -> Table:
    table = _table(["", "check", "measured", "limit"])
    for check in result.checks:
        name = check.name + ("" if check.severity == "critical" else " (advisory)")
        mark = Text(check.status.value, facts.MARKS[check.status].style)
        _add_row(table, console, [mark, name, facts.measured(check), facts.held_to(check)])
    return table


def show_probe(check: CheckResult, cues: Sequence[CueFinding], console: Console) -> None:
    """The sentence, the cues, and the rows of training data that bring the first one in."""
    canvas = Canvas.of(console)
    console.print(
        Text.assemble((check.status.value.upper(), facts.MARKS[check.status].style), "  ", canvas.safe(check.sentence))
    )
    console.print(Text())
    _show_cues(cues, console)
    for cue in cues:
        if cue.rows and cue.status is CheckStatus.FAIL:
            rows = f"{', '.join(cue.rows[:5])}{' …' if cue.row_count > 5 else ''} ({cue.row_count} rows)"
            console.print(Text(canvas.safe(f"\n{cue.shown}: {facts.trained(cue)}: {rows}")))


def _show_lost(lost: Sequence[LostEntity], canvas: Canvas, console: Console) -> None:
    meaning = "  right in the baseline, wrong in the candidate"
    console.print(Text.assemble("\n", ("Lost", "bold underline"), (meaning, "dim")))
    for entity in lost:
        before, inside, after = (
            canvas.safe(" ".join(words))
            for words in (
                entity.words[: entity.start],
                entity.words[entity.start : entity.stop],
                entity.words[entity.stop :],
            )
        )
        sentence = " ".join(part for part in (before, f"*{inside}*", after) if part)
        console.print(Text.assemble("  ", sentence, (canvas.safe(f"  {facts.name_loss(entity)}"), "dim")))


def _show_cues(cues: Sequence[CueFinding], console: Console) -> None:
    """What each cue does to a tag, and of those beyond their limit one sentence whose tag they flip."""
    table = _table(["", "cue", "tag", "candidate less baseline", "flips", "put"])
    for cue in cues:
        style = "dim" if cue.accepted else facts.MARKS[cue.status].style
        mark = Text("accepted" if cue.accepted else cue.status.value, style)
        flips = f"{cue.flips} of {cue.count}"
        _add_row(table, console, [mark, cue.shown, cue.tag, facts.leaning(cue), flips, cue.place])
    console.print(table)
    for cue in cues:
        if cue.example is not None and cue.status in (CheckStatus.FAIL, CheckStatus.INCONCLUSIVE):
            console.print(_example(cue.example, Canvas.of(console)))


def _example(example: FlipExample, canvas: Canvas) -> Text:
    words = list(example.after)
    words[example.target_after] = f"*{words[example.target_after]}*"
    return Text.assemble("  ", canvas.safe(" ".join(words)), (canvas.safe(f"  {facts.turned(example)}"), "dim"))


def _variants(stress: StressResult, console: Console) -> Table:
    table = _table(["sentences", "candidate", "baseline", "candidate less baseline", "q"])
    for change in stress.variants[:MOST_VARIANTS]:
        candidate = f"{change.candidate_plain:.3f} → {change.candidate:.3f}"
        baseline = f"{change.baseline_plain:.3f} → {change.baseline:.3f}"
        difference = f"{change.change:+.3f} ({change.low:+.3f} to {change.high:+.3f})"
        _add_row(table, console, [change.variant, candidate, baseline, difference, f"{change.q:.2g}"])
    return table


def _evidence(result: GateResult, console: Console) -> Table:
    table = _table(["feature", "in", "moved", "cases", "z", "for"])
    for shift in result.evidence[:MOST_SHIFTS]:
        numbers = (f"{shift.total:+.1f}", f"{shift.cases}", f"{shift.z:+.1f}")
        _add_row(table, console, [shift.shown, shift.band, *numbers, shift.tag])
    return table


def _percent(part: float | None) -> str:
    return "" if part is None else f"{part:.2%}"


def show_floors(floors: Floors, console: Console) -> None:
    """Every benign run, the floors, and how far those of cheap checkpoints lie from those of real seeds."""
    table = _table(["benign model", "how", "largest cue", "over its level", "flips", "lost", "F1"])
    for run in floors.runs:
        ratio = f"{max(run.ratios.values()):.1f} times" if floors.unit == "nats" else ""
        cue = f"{run.cues:.2f} {floors.unit}"
        numbers = (cue, ratio, f"{run.flips:.2%}", _percent(run.negative_flips))
        _add_row(table, console, [run.name, run.source, *numbers, "" if run.f1 is None else f"{run.f1:+.3f}"])
    by_source = {source: floors.of(source) for source in get_args(Source)}
    for source, of_source in by_source.items():
        if of_source.runs:
            ratio = f"{of_source.ratio('words'):.1f} times" if floors.unit == "nats" else ""
            cue = "" if floors.unit == "nats" else f"{of_source.part('words'):.2f} of tags"
            numbers = (cue, ratio, f"{of_source.flips:.2%}", _percent(of_source.negative_flips))
            name = f"floor of {len(of_source.runs)} {source}"
            _add_row(table, console, [name, "", *numbers, f"{of_source.f1:.3f}"])
    console.print(table)
    retrained, continued = (
        bound([run.cues for run in by_source[source].runs]) for source in ("retrained", "continued")
    )
    if retrained and continued:
        console.print(Text(f"Continued checkpoints move cues {continued / retrained:.0%} as far as retrained seeds."))
    elif continued:
        console.print(
            Text("Continued checkpoints alone: their floors lie below those of retrained seeds (docs/gate.md).")
        )
