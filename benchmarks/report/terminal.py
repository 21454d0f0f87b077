"""What the gate found, in a terminal: the verdict first, nothing wider than it, nothing told by colour alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from benchmarks.report import units
from benchmarks.report.check import CellStatus, Comparison, Finding, Verdict
from interp.report.terminal.marks import ASCII, Canvas
from interp.report.terminal.tables import grid

__all__ = ["show_comparison"]

_VERDICTS = {
    Verdict.FINE: "No worse than committed",
    Verdict.WORSE: "WORSE than committed",
    Verdict.UNTOLD: "COULD NOT TELL",
}
_TITLES = {CellStatus.WORSE: "Worse", CellStatus.UNTOLD: "Could not tell", CellStatus.BETTER: "Better"}
_COUNTED = {CellStatus.WORSE: "worse", CellStatus.UNTOLD: "could not be told", CellStatus.BETTER: "better"}
_INDENT = 2
_LEAST_REMARK = 20
_NOTHING = "–"
_ASCII = str.maketrans({"×": "x", "–": "-", "−": "-", "→": "->", "µ": "u", "·": "-"})


def show_comparison(gate: Comparison, console: Console) -> None:
    """Print the verdict, then what is worse, what could not be told, what is better, and notes.

    Without a UTF-8 console all of it is ASCII.
    """
    for block in _Shown(gate, Canvas.of(console)).blocks():
        console.print(block)


class _Shown:
    def __init__(self, gate: Comparison, canvas: Canvas) -> None:
        self.gate, self.canvas = gate, canvas
        self.names = units.labels([*gate.places, *(finding.place for finding in gate.findings)])

    def blocks(self) -> Iterator[RenderableType]:
        gate = self.gate
        yield Text.assemble((_VERDICTS[gate.verdict], "bold"), self.safe(f": {self._counts()}."), overflow="fold")
        yield self._line(f"{', '.join(gate.new)} held against {', '.join(gate.committed) or 'nothing'}", "dim")
        yield self._line("; ".join(self.names[place] for place in gate.places), "dim")
        for status, title in _TITLES.items():
            if findings := gate.having(status):
                yield Text.assemble("\n", (title, "bold underline"), (f"  {status.message}", "dim"), overflow="fold")
                yield from self._of_measures([finding for finding in findings if finding.measure])
                yield from self._of_cells([finding for finding in findings if not finding.measure])
        if gate.notes:
            yield Text()
        yield from (self._line(note) for note in gate.notes)

    def safe(self, text: str) -> str:
        return self.canvas.safe(text.translate(_ASCII) if self.canvas.glyphs is ASCII else text)

    def _counts(self) -> str:
        """How many cells, each counted once in every status that it has."""
        gate = self.gate
        parts = [f"{units.counted(gate.cells, 'cell')} judged"]
        if gate.counts_alone:
            parts[0] += f" ({gate.counts_alone} by counts alone)"
        for status in _TITLES:
            if cells := {(finding.cell, finding.place) for finding in gate.having(status)}:
                parts.append(f"{len(cells)} {_COUNTED[status]}")
        return ", ".join(parts)

    def _of_measures(self, findings: Sequence[Finding]) -> Iterator[RenderableType]:
        """A line for each cell, under it a row for each of its measures; columns are the same for all of them."""
        if not findings:
            return
        rows = [
            [self.safe(text) for text in (finding.measure, finding.moved, _change(finding), finding.why)]
            for finding in findings
        ]
        widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
        room = self.canvas.width - _INDENT - sum(widths[:3]) - len(widths)
        widths = [*widths[:3], min(widths[3], room)]
        for cell, place in dict.fromkeys((finding.cell, finding.place) for finding in findings):
            yield self._cell(cell.name, self.names[place])
            own = [finding for finding in findings if (finding.cell, finding.place) == (cell, place)]
            if room >= _LEAST_REMARK:
                yield self._indented(self._table(own, widths))
            else:
                yield from (self._indented(self._line(_sentence(finding))) for finding in own)

    def _table(self, own: Sequence[Finding], widths: Sequence[int]) -> RenderableType:
        rows = [
            [
                Text(self.safe(finding.measure)),
                Text(self.safe(finding.moved), "bold" if finding.status is CellStatus.WORSE else ""),
                Text(self.safe(_change(finding))),
                Text(self.safe(finding.why), "dim", no_wrap=False, overflow="fold"),
            ]
            for finding in own
        ]
        shown = grid([""] * 4, rows, right={1}, widths=widths)
        shown.show_header = False
        return shown

    def _of_cells(self, findings: Sequence[Finding]) -> Iterator[RenderableType]:
        """Each reason once, with the cells that have it."""
        for why, place in dict.fromkeys((finding.why, finding.place) for finding in findings):
            cells = [finding.cell.name for finding in findings if (finding.why, finding.place) == (why, place)]
            yield self._cell(f"{units.counted(len(cells), 'cell')}: {why}", self.names[place])
            yield from (self._indented(self._line(name)) for name in cells)

    def _cell(self, name: str, place: str) -> Text:
        where = f"  on {place}" if len(self.names) > 1 else ""
        return Text.assemble((self.safe(name), "bold"), (self.safe(where), "dim"), overflow="fold")

    def _line(self, text: str, style: str = "") -> Text:
        return Text(self.safe(text), style, overflow="fold")

    def _indented(self, block: RenderableType) -> Padding:
        return Padding(block, (0, 0, 0, _INDENT), expand=False)


def _change(finding: Finding) -> str:
    """`33 → 41`; a dash for what is missing."""
    return f"{finding.committed or _NOTHING} → {finding.now or _NOTHING}" if finding.committed or finding.now else ""


def _sentence(finding: Finding) -> str:
    moved = f" ({finding.moved})" if finding.moved else ""
    why = f": {finding.why}" if finding.why else ""
    return f"{finding.measure} {_change(finding)}".rstrip() + moved + why
