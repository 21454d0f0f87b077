"""Explanations in a terminal: nothing wider than it, and nothing told by colour alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from interp.explanation import Explanation
from interp.explanation.agreement import ReferenceAgreement, group_by_method, reference_agreements
from interp.question.tags import tags_text
from interp.report import facts, methods
from interp.report.terminal.marks import Canvas
from interp.report.terminal.tables import (
    component_tables,
    grid,
    layer_tables,
    opinion_table,
    rank_tables,
    word_table,
    zoom_table,
)

__all__ = ["show_explanations"]

_PIECES = {"plain": "", "word": "bold", "tag": "bold magenta", "number": "bold"}


def show_explanations(explanations: Sequence[Explanation], console: Console) -> None:
    """Print every explanation, those of one question by several methods side by side; then how far those of one
    target under two references agree.

    Without a UTF-8 console all of it is ASCII; without colour nothing is lost.
    """
    canvas = Canvas.of(console)
    compared = group_by_method(explanations)
    beside = {id(each) for same in compared for each in same}
    alone = [[each] for each in explanations if id(each) not in beside]
    for number, same in enumerate([*compared, *alone]):
        if number:
            console.print(Text("\n" + "=" * canvas.width + "\n", "dim"))
        for block in _blocks(same[0], canvas) if len(same) == 1 else _compared(same, canvas):
            console.print(block)
    pairs = reference_agreements(explanations)
    if pairs:
        console.print(_title("Agreement between references", "of one target"))
        for block in _agreement(pairs, canvas):
            console.print(block)


def _blocks(shown: Explanation, canvas: Canvas) -> Iterator[RenderableType]:
    yield from (_answer(shown, canvas), _details(shown, canvas), Text(), _sentence(shown, canvas))
    yield _title("Words", f"{methods.name(shown)}, {facts.unit(shown)}; share is of the sum of |attribution|")
    yield word_table(shown, canvas)
    if shown.components is not None:
        yield _title("Components", "what each embedding table gives: raw and L2-normalised, sorted")
        yield from component_tables(shown, canvas)
    if shown.layers:
        yield _title("Layers", "conductance of every word in every transformer layer")
        yield from layer_tables(shown, canvas)
    if shown.zoom is not None:
        yield _title("Zoom", f"all hidden dimensions of {canvas.word(shown.zoom.word, 24)} @{shown.zoom.index}")
        yield zoom_table(shown.zoom, canvas)
    if shown.absent:
        yield _title("Absent", "and why")
        yield from (Text(canvas.safe(f"{part}: {why}")) for part, why in facts.absent(shown))
    if shown.method is not None:
        yield _title("Method", "a second opinion, computed by Captum")
        yield _method(shown, canvas)
        return
    yield _title("Integration error", "of the integral alone, not of the method or the reference")
    yield from _integration(shown, canvas)


def _method(shown: Explanation, canvas: Canvas) -> Table:
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for head, line in methods.method_facts(shown):
        table.add_row(Text(head, "dim"), Text(canvas.safe(line).replace("+/-", canvas.glyphs.spread)))
    return table


def _compared(same: Sequence[Explanation], canvas: Canvas) -> Iterator[RenderableType]:
    """One question by several methods: the answer of the first, then all of them side by side."""
    found = methods.opinions(same)
    yield from (_answer(same[0], canvas), _details(same[0], canvas), Text(), _sentence(same[0], canvas))
    yield _title("Methods", "the words that weigh most by each")
    yield from rank_tables(found, canvas)
    yield Text(methods.COMPARED_NOTE, "dim")
    yield _title("Agreement between methods", f"with {found[0].name}, {facts.output_unit(same[0])}")
    yield opinion_table(found, canvas)
    for refused, why in methods.refusals(same).items():
        yield Text(canvas.safe(f"{refused}: refused. {why}"))
    yield Text(methods.OVERLAP_NOTE, "dim")
    if not same[0].completeness.converged:
        yield from _integration(same[0], canvas)


def _title(name: str, note: str) -> Text:
    return Text.assemble("\n", (name, "bold underline"), ("  " + note, "dim"))


def _answer(shown: Explanation, canvas: Canvas) -> Text:
    """The answer in one sentence."""
    answer = Text()
    for kind, text in facts.headline(shown):
        answer.append(canvas.word(text, 60) if kind == "word" else canvas.safe(text), _PIECES[kind])
    return answer


def _details(shown: Explanation, canvas: Canvas) -> Table:
    """Model, target, what was explained, the ends of the path, the reference."""
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for name, line in _facts(shown, canvas):
        table.add_row(Text(name, "dim"), Text(line))
    return table


def _facts(shown: Explanation, canvas: Canvas) -> Iterator[tuple[str, str]]:
    target, arrow, total = shown.target, canvas.glyphs.arrow, shown.at_input - shown.at_reference
    number = facts.signed([shown.at_input, shown.at_reference, total])
    yield "model", canvas.safe(shown.model.name)
    words = " ".join(
        f"{canvas.word(word, 40)} @{index}" for word, index in zip(target.words, target.indices, strict=True)
    )
    true = f", true {' '.join(target.true)}" if target.true else ""
    yield "target", words + canvas.safe(f", predicted {' '.join(target.predicted)}{true}")
    odds = " ".join(map(facts.probability, target.probabilities))
    yield "explained", canvas.safe(f"{target.output} of {tags_text(target.tags, target.against)}, probability {odds}")
    yield (
        "output",
        (
            f"F(reference) {number(shown.at_reference)} {arrow} F(input) {number(shown.at_input)}: "
            f"{number(total)} {facts.output_unit(shown)}"
        ),
    )
    yield "reference", canvas.safe(facts.reference(shown))
    yield from (("note", canvas.safe(note)) for note in facts.notes(shown))


def _sentence(shown: Explanation, canvas: Canvas) -> Text:
    """The words with their entities in brackets; the target between stars."""
    line = Text()
    for row in facts.word_rows(shown):
        if row.special:
            continue
        entity = row.tag not in (None, "O")
        word = canvas.word(row.text, canvas.width)
        style = f"{'bold' if entity else ''} {'underline' if row.target else ''}".strip()
        line.append(f"*{word}*" if row.target else word, style)
        if entity:
            line.append(canvas.safe(f"[{row.tag} {row.probability or 0:.2f}]"), "magenta")
        line.append(" ")
    line.rstrip()
    return line


def _integration(shown: Explanation, canvas: Canvas) -> Iterator[RenderableType]:
    rows, notes = [], []
    for path in facts.path_rows(shown):
        reached, style = path.integration, "" if path.converged else "bold reverse"
        verdict = canvas.glyphs.at_most if reached.estimate <= reached.tolerance else ">"
        rows.append(
            [
                Text(path.name),
                Text(f"{reached.estimate:.1e} {verdict} {reached.tolerance:.1e}", style),
                Text(str(reached.evaluations)),
                Text(f"{path.residual:.1e}"),
                Text(reached.status.value if path.converged else reached.status.value.upper(), style),
            ]
        )
        if not path.converged:
            notes.append(Text(f"{path.name} path: {reached.status.message}", "bold"))
    yield grid(["path", "estimate, tolerance", "evaluations", "max |residual|", "status"], rows, right={2, 3})
    yield from notes


def _agreement(pairs: list[tuple[Explanation, ReferenceAgreement]], canvas: Canvas) -> Iterator[RenderableType]:
    rows = [
        [
            Text.assemble(canvas.word(one.target.text, 20), f" {canvas.fit(' '.join(one.target.tags), 16)}"),
            Text(f"{found.first}, {found.second}"),
            Text(f"{found.difference:.2f}"),
            Text(canvas.glyphs.dash if found.correlation is None else f"{found.correlation:+.2f}"),
            Text("yes" if found.same_leader else "no", "" if found.same_leader else "bold"),
        ]
        for one, found in pairs
    ]
    yield grid(["target", "references", "difference", "rank correlation", "same leader"], rows, right={2, 3})
    yield Text("Difference: 0 is equal, 2 is opposite. " + facts.AGREEMENT_NOTE, "dim")
