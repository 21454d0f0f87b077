"""Explanations in a terminal: nothing wider than it, and nothing told by colour alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from interp.explanation import Explanation
from interp.explanation.agreement import ReferenceAgreement, group_by_method, reference_agreements
from interp.question.tags import tags_text
from interp.report import facts, methods, number_formats
from interp.report.terminal.marks import Canvas
from interp.report.terminal.tables import (
    component_tables,
    grid,
    layer_tables,
    opinion_table,
    rank_tables,
    section_title,
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
    beside = {id(explanation) for same in compared for explanation in same}
    alone = [[explanation] for explanation in explanations if id(explanation) not in beside]
    for number, same in enumerate([*compared, *alone]):
        if number:
            console.print(Text("\n" + "=" * canvas.width + "\n", "dim"))
        blocks = _explanation_blocks(same[0], canvas) if len(same) == 1 else _method_blocks(same, canvas)
        for block in blocks:
            console.print(block)
    pairs = reference_agreements(explanations)
    if pairs:
        console.print(section_title("Agreement between references", "of one target"))
        for block in _agreement_blocks(pairs, canvas):
            console.print(block)


def _explanation_blocks(shown: Explanation, canvas: Canvas) -> Iterator[RenderableType]:
    yield from _head_blocks(shown, canvas)
    yield section_title("Words", f"{methods.name(shown)}, {facts.unit(shown)}; share is of the sum of |attribution|")
    yield word_table(shown, canvas)
    if shown.components is not None:
        yield section_title("Components", "what each embedding table gives: raw and L2-normalised, sorted")
        yield from component_tables(shown, canvas)
    if shown.layers:
        yield section_title("Layers", "conductance of every word in every transformer layer")
        yield from layer_tables(shown, canvas)
    if shown.zoom is not None:
        yield section_title("Zoom", f"all hidden dimensions of {canvas.word(shown.zoom.word, 24)} @{shown.zoom.index}")
        yield zoom_table(shown.zoom, canvas)
    if shown.absent:
        yield section_title("Absent", "and why")
        yield from (Text(canvas.safe(f"{part}: {why}")) for part, why in facts.absent(shown))
    if shown.method is not None:
        yield section_title("Method", "a second opinion, computed by Captum")
        yield _method_table(shown, canvas)
        return
    yield section_title("Integration error", "of the integral alone, not of the method or the reference")
    yield from _integration_blocks(shown, canvas)
    if sampling := facts.sampling(shown):
        yield section_title("Sampling error", "of the sentences that are the reference, beside the integration's")
        yield Text(canvas.safe(sampling).replace("+/-", canvas.glyphs.spread))


def _head_blocks(shown: Explanation, canvas: Canvas) -> Iterator[RenderableType]:
    """The answer, what was explained, and the sentence."""
    yield _answer_line(shown, canvas)
    yield _detail_table(shown, canvas)
    yield Text()
    yield _tagged_sentence(shown, canvas)


def _method_table(shown: Explanation, canvas: Canvas) -> Table:
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for head, line in methods.method_facts(shown):
        table.add_row(Text(head, "dim"), Text(canvas.safe(line).replace("+/-", canvas.glyphs.spread)))
    return table


def _method_blocks(same: Sequence[Explanation], canvas: Canvas) -> Iterator[RenderableType]:
    """One question by several methods: the answer of the first, then all of them side by side."""
    first, opinions = same[0], methods.opinions(same)
    yield from _head_blocks(first, canvas)
    yield section_title("Methods", "the words that weigh most by each")
    yield from rank_tables(opinions, canvas)
    yield Text(methods.COMPARED_NOTE, "dim")
    yield section_title("Agreement between methods", f"with {opinions[0].name}, {facts.output_unit(first)}")
    yield opinion_table(opinions, canvas)
    for refused, why in methods.refusals(same).items():
        yield Text(canvas.safe(f"{refused}: refused. {why}"))
    yield Text(methods.OVERLAP_NOTE, "dim")
    if not first.completeness.converged:
        yield from _integration_blocks(first, canvas)


def _answer_line(shown: Explanation, canvas: Canvas) -> Text:
    """The answer in one sentence."""
    answer = Text()
    for kind, text in facts.headline(shown):
        answer.append(canvas.word(text, 60) if kind == "word" else canvas.safe(text), _PIECES[kind])
    return answer


def _detail_table(shown: Explanation, canvas: Canvas) -> Table:
    """Model, target, what was explained, the ends of the path, the reference."""
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for name, line in _details(shown, canvas):
        table.add_row(Text(name, "dim"), Text(line))
    return table


def _details(shown: Explanation, canvas: Canvas) -> Iterator[tuple[str, str]]:
    target, total = shown.target, shown.at_input - shown.at_reference
    number = number_formats.signed([shown.at_input, shown.at_reference, total])
    yield "model", canvas.safe(shown.model.name)
    words = " ".join(
        f"{canvas.word(word, 40)} @{index}" for word, index in zip(target.words, target.indices, strict=True)
    )
    true = f", true {' '.join(target.true)}" if target.true else ""
    yield "target", words + canvas.safe(f", predicted {' '.join(target.predicted)}{true}")
    odds = " ".join(map(number_formats.probability, target.probabilities))
    yield "explained", canvas.safe(f"{target.output} of {tags_text(target.tags, target.against)}, probability {odds}")
    ends = f"F(reference) {number(shown.at_reference)} {canvas.glyphs.arrow} F(input) {number(shown.at_input)}"
    yield "output", f"{ends}: {number(total)} {facts.output_unit(shown)}"
    yield "reference", canvas.safe(facts.reference(shown))
    if faithfulness := facts.faithfulness(shown):
        yield "faithful", canvas.safe(faithfulness)
    yield from (("note", canvas.safe(note)) for note in facts.notes(shown))


def _tagged_sentence(shown: Explanation, canvas: Canvas) -> Text:
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


def _integration_blocks(shown: Explanation, canvas: Canvas) -> Iterator[RenderableType]:
    rows, notes = [], []
    for path in facts.path_rows(shown):
        reached = path.integration
        style = "" if path.settled else "bold reverse"
        verdict = canvas.glyphs.at_most if reached.estimate <= reached.tolerance else ">"
        rows.append(
            [
                Text(path.name),
                Text(f"{reached.estimate:.1e} {verdict} {reached.tolerance:.1e}", style),
                Text(str(reached.evaluations)),
                Text(f"{path.residual:.1e}"),
                Text(reached.status.value if path.settled else reached.status.value.upper(), style),
            ]
        )
        if not path.converged:
            notes.append(Text(canvas.safe(f"{path.name} path: {path.message}"), "" if path.settled else "bold"))
    yield grid(["path", "estimate, tolerance", "evaluations", "max |residual|", "status"], rows, right={2, 3})
    yield from notes


def _agreement_blocks(pairs: list[tuple[Explanation, ReferenceAgreement]], canvas: Canvas) -> Iterator[RenderableType]:
    rows = []
    for first, agreement in pairs:
        target, correlation = first.target, agreement.correlation
        rows.append(
            [
                Text.assemble(canvas.word(target.text, 20), f" {canvas.fit(' '.join(target.tags), 16)}"),
                Text(f"{agreement.first}, {agreement.second}"),
                Text(f"{agreement.difference:.2f}"),
                Text(canvas.glyphs.dash if correlation is None else f"{correlation:+.2f}"),
                Text("yes") if agreement.same_leader else Text("no", "bold"),
            ]
        )
    yield grid(["target", "references", "difference", "rank correlation", "same leader"], rows, right={2, 3})
    yield Text("Difference: 0 is equal, 2 is opposite. " + facts.AGREEMENT_NOTE, "dim")
