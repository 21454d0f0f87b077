"""New results held against committed ones: what got worse, what got better, what cannot be told.

Counts (evaluations, rows backward, forwards, bytes kept per row) hold on any machine, so that any increase is worse.
They are held against the same machine's committed results, and where it has none against the best of the others with
that device.

Ratios (to Captum, to the CPU; a sweep's overhead over a bare forward and backward) and peak memory are held against
committed results of the same machine alone: the same CPU model, GPU model and number of threads. A ratio got worse when
the interquartile ranges do not overlap and the medians differ by more than `SLACK`, 5 %; peak memory, which is one
number, when it grew by more than 5 % of what a GPU allocated, or `WIDE`, 25 %, of what a process held: there the
allocator's holes move it by up to 16 % from run to run (measured). Medians further apart than `WIDE` with ranges that
overlap are no pass: they were measured too noisily to tell. The quartiles of fewer than `FEWEST`, 4, pairs do not show
their noise: then a ratio got worse beyond `WIDE`, and between `SLACK` and `WIDE` cannot be told.

What is missing on one side, was measured with other weights or settings, or is not finite can never pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from benchmarks.report import units
from benchmarks.report.entries import Entry, entries, other_settings
from benchmarks.report.results import Cell, Device, Measurement, Pairs, Platform, ResultFile, Spread

__all__ = ["FEWEST", "SLACK", "WIDE", "CellStatus", "Comparison", "Finding", "Measure", "Verdict", "check_results"]

SLACK = 0.05
WIDE = 0.25
FEWEST = 4
_FEW = f"fewer than {FEWEST} pairs do not show their noise"
_NOISY = "was measured too noisily"


class CellStatus(Enum):
    """What became of one cell's measure. `message` says it, with the remedy."""

    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    UNTOLD = "could not tell"

    @property
    def message(self) -> str:
        return _MESSAGES[self]


_MESSAGES = {
    CellStatus.SAME: "No worse than committed, within the noise.",
    CellStatus.BETTER: "Commit the new results to keep it so.",
    CellStatus.WORSE: "Mend it, or commit the new results and say why.",
    CellStatus.UNTOLD: "What is missing, was measured otherwise or too noisily is no pass: measure it, or commit it.",
}


class Verdict(Enum):
    """Of all findings together. The value is the exit status."""

    FINE = 0
    WORSE = 1
    UNTOLD = 2


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One quantity of a record and when it counts as changed. `slack`: the part of the median that may move.

    `anywhere`: whether it holds on any machine, and so against results of another one.
    """

    name: str
    of: Callable[[Measurement], Spread | None]
    shown: Callable[[float], str]
    slack: float
    anywhere: bool = False
    more_is_better: bool = False

    def judge(self, old: Spread | None, new: Spread | None) -> tuple[CellStatus, str]:
        """The status, and why where that is not plain from the numbers."""
        if old is None or new is None:
            return (
                CellStatus.UNTOLD,
                "is missing" if new is None else "is new, and nothing is committed to hold it against",
            )
        if not all(math.isfinite(number) for side in (old, new) for number in (side.median, side.q1, side.q3)):
            return CellStatus.UNTOLD, "is not finite"
        few = min((side.pairs for side in (old, new) if isinstance(side, Pairs)), default=FEWEST) < FEWEST
        slack = WIDE if few else self.slack
        rose, fell = _beyond(old, new, slack), _beyond(new, old, slack)
        if rose or fell:
            return (CellStatus.BETTER if rose == self.more_is_better else CellStatus.WORSE), ""
        low, high = (new, old) if self.more_is_better else (old, new)
        if self.slack and high.median > (1 + (self.slack if few else WIDE)) * low.median:
            return CellStatus.UNTOLD, f"may be worse, but {_FEW if few else _NOISY}: measure again on an idle machine"
        return CellStatus.SAME, ""


def _beyond(low: Spread, high: Spread, slack: float) -> bool:
    return high.q1 > low.q3 and high.median > (1 + slack) * low.median


def _point(value: int | None) -> Spread | None:
    return None if value is None else Spread(value, value, value)


COUNTS = (
    Measure(
        name="evaluations", of=lambda record: _point(record.evaluations), shown=units.count, slack=0.0, anywhere=True
    ),
    Measure(
        name="rows backward", of=lambda record: _point(record.backward), shown=units.count, slack=0.0, anywhere=True
    ),
    Measure(name="forwards", of=lambda record: _point(record.forwards), shown=units.count, slack=0.0, anywhere=True),
    Measure(
        name="bytes per row",
        of=lambda record: _point(record.bytes_per_row),
        shown=units.count,
        slack=0.0,
        anywhere=True,
    ),
)
MEMORY = Measure(name="peak memory", of=lambda record: _point(record.peak_memory), shown=units.size, slack=SLACK)
RESIDENT = replace(MEMORY, slack=WIDE)
OVERHEAD = Measure(name="overhead over bare", of=lambda record: record.ratio, shown=units.times, slack=SLACK)
FASTER = Measure(
    name="times faster", of=lambda record: record.ratio, shown=units.times, slack=SLACK, more_is_better=True
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A cell, in one place, and what was found of one measure; `measure` is empty when it is of the whole cell.

    `committed` and `now` are as shown; `moved` in per cent, `why` a remark.
    """

    status: CellStatus
    cell: Cell
    place: Platform
    measure: str = ""
    committed: str = ""
    now: str = ""
    moved: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """`cells` were judged, `counts_alone` of them only by what holds on any machine. `notes`: what else to know."""

    findings: tuple[Finding, ...]
    new: tuple[str, ...]
    committed: tuple[str, ...]
    places: tuple[Platform, ...]
    cells: int
    counts_alone: int
    notes: tuple[str, ...] = ()

    def having(self, status: CellStatus) -> list[Finding]:
        return [finding for finding in self.findings if finding.status is status]

    @property
    def verdict(self) -> Verdict:
        """Worse weighs most; nothing judged is no pass."""
        if self.having(CellStatus.WORSE):
            return Verdict.WORSE
        return Verdict.UNTOLD if self.having(CellStatus.UNTOLD) or not self.cells else Verdict.FINE


def check_results(new: Sequence[ResultFile], committed: Sequence[ResultFile], partial: bool = False) -> Comparison:
    """Hold new results against committed ones.

    `partial`: the new ones are a selection, so that cells which only one side has are counted in a note. Otherwise
    every committed cell of the same machine has to be there, or of the same device where the machine is new.
    """
    return _Check(entries(new), entries(committed), new, committed).gate(partial)


class _Check:
    def __init__(
        self, news: Sequence[Entry], olds: Sequence[Entry], new: Sequence[ResultFile], committed: Sequence[ResultFile]
    ) -> None:
        self.news, self.olds, self.new, self.committed = news, olds, new, committed
        self.known = {(entry.place, entry.cell): entry for entry in olds}
        self.counts_alone = 0

    def gate(self, partial: bool) -> Comparison:
        findings, judged = [], 0
        one_sided = list(self._missing())
        for entry in self.news:
            own = list(self._judged(entry))
            if not own:
                one_sided.append(
                    Finding(
                        status=CellStatus.UNTOLD,
                        cell=entry.cell,
                        place=entry.place,
                        why="nothing is committed to hold it against",
                    )
                )
            judged += any(finding.measure for finding in own)
            findings += own
        notes = list(self._notes())
        if partial and one_sided:
            notes.append(f"{units.counted(len(one_sided), 'cell')} on one side only, not judged (--partial).")
        else:
            findings += one_sided
        order = list(CellStatus)
        findings.sort(key=lambda finding: (-order.index(finding.status), finding.cell.order, finding.place.order))
        places = tuple(dict.fromkeys(entry.place for entry in self.news))
        files, before = (tuple(results.file for results in side) for side in (self.new, self.committed))
        return Comparison(
            findings=tuple(findings),
            new=files,
            committed=before,
            places=places,
            cells=judged,
            counts_alone=self.counts_alone,
            notes=tuple(notes),
        )

    def _judged(self, entry: Entry) -> Iterator[Finding]:
        """Nothing, when no committed record is there to hold it against."""
        own = self.known.get((entry.place, entry.cell))
        if own is not None:
            if why := other_settings(own.record, entry.record):
                yield Finding(
                    status=CellStatus.UNTOLD, cell=entry.cell, place=entry.place, why=f"{own.source.file} has {why}"
                )
                return
            yield from (
                _held(measure, own, entry) for measure in _measures(entry.record) if _measured(measure, own, entry)
            )
            if entry.record.error is None and own.record.error is not None:
                yield Finding(
                    status=CellStatus.UNTOLD,
                    cell=entry.cell,
                    place=entry.place,
                    why="its error was measured before and is missing",
                )
            return
        device = entry.place.device
        others = [old for old in self.olds if old.cell == entry.cell and old.place.device == device]
        alike = [old for old in others if other_settings(old.record, entry.record) is None]
        if not alike:
            for old in others[:1]:
                why = other_settings(old.record, entry.record)
                yield Finding(
                    status=CellStatus.UNTOLD, cell=entry.cell, place=entry.place, why=f"{old.source.file} has {why}"
                )
            return
        self.counts_alone += 1
        for measure in COUNTS:
            yield _elsewhere(measure, alike, entry)

    def _missing(self) -> Iterator[Finding]:
        here = {(entry.place, entry.cell) for entry in self.news}
        skipped = {left_out.id: left_out.predicted_seconds for results in self.new for left_out in results.not_run}
        for place in self._places():
            own = [entry for entry in self.olds if entry.place == place]
            expected = own or [entry for entry in self.olds if entry.place.device == place.device]
            for entry in {entry.cell: entry for entry in expected}.values():
                if (place, entry.cell) not in here:
                    predicted = skipped.get(entry.record.id)
                    why = "was not run" if predicted is None else f"was not run (predicted {units.seconds(predicted)})"
                    yield Finding(
                        status=CellStatus.UNTOLD, cell=entry.cell, place=place, why=f"{why}; {entry.source.file} has it"
                    )

    def _places(self) -> list[Platform]:
        """Where the new results should be from: every device of their machines, measured or not."""
        places = list(dict.fromkeys(entry.place for entry in self.news))
        for results in self.new:
            machine = results.machine
            devices: list[tuple[Device, str | None]] = [("cpu", None)]
            devices += [("cuda", machine.gpu)] if machine.gpu else []
            for device, gpu in devices:
                same = [
                    known
                    for known in places
                    if (known.device, known.cpu, known.gpu) == (device, machine.cpu_model, gpu)
                ]
                if not same:
                    places.append(Platform(device, machine.cpu_model, gpu, machine.threads))
        return places

    def _notes(self) -> Iterator[str]:
        here = self._places()
        strange = [place for place in dict.fromkeys(entry.place for entry in self.news) if not self._own(place)]
        names = units.labels([*here, *(entry.place for entry in self.olds)])
        for place in strange:
            yield f"Nothing of {names[place]} is committed: ratios and memory were not judged there, counts alone."
        if not any(place.device == "cuda" for place in here):
            left = {entry.cell for entry in self.olds if entry.place.device == "cuda"}
            if left:
                yield f"This machine has no GPU: {units.counted(len(left), 'committed cell')} of cuda not judged."
        pairs = [(old, new) for old in self.committed for new in self.new if _same_machine(old, new)]
        for old, new in pairs:
            if old.machine.torch != new.machine.torch:
                yield f"{old.file} was measured with torch {old.machine.torch}, {new.file} with {new.machine.torch}."

    def _own(self, place: Platform) -> bool:
        return any(entry.place == place for entry in self.olds)


def _same_machine(left: ResultFile, right: ResultFile) -> bool:
    return {left.place(record) for record in left.records} & {right.place(record) for record in right.records} != set()


def _measures(record: Measurement) -> tuple[Measure, ...]:
    memory = RESIDENT if record.device == "cpu" else MEMORY
    return (*COUNTS, OVERHEAD if record.work == "sweep" else FASTER, memory)


def _measured(measure: Measure, old: Entry, new: Entry) -> bool:
    """Whether either side has it, or should: a cell that is held against something has a ratio."""
    ratio = new.record.against is not None and measure in (OVERHEAD, FASTER)
    return ratio or measure.of(old.record) is not None or measure.of(new.record) is not None


def _held(measure: Measure, old: Entry, new: Entry) -> Finding:
    before, now = measure.of(old.record), measure.of(new.record)
    status, why = measure.judge(before, now)
    return _finding(
        status, measure, old=before, new=now, entry=new, why=why or _remark(measure, old.record, new.record)
    )


def _elsewhere(measure: Measure, others: Sequence[Entry], new: Entry) -> Finding:
    """Held against the best of other machines; forwards against those that took as many rows at once."""
    rows = new.record.rows_per_forward
    alike = [old for old in others if measure.name != "forwards" or old.record.rows_per_forward == rows]
    if not alike:
        where = f"{others[0].source.file} took {others[0].record.rows_per_forward} rows a forward, this machine {rows}"
        return Finding(
            status=CellStatus.UNTOLD,
            cell=new.cell,
            place=new.place,
            measure=measure.name,
            why=f"{where}: commit results of this one",
        )
    best = min(alike, key=lambda old: _median(measure, old))
    finding = _held(measure, best, new)
    return replace(finding, why="; ".join(filter(None, [finding.why, f"committed in {best.source.file}"])))


def _median(measure: Measure, entry: Entry) -> float:
    spread = measure.of(entry.record)
    return math.inf if spread is None else spread.median


def _finding(
    status: CellStatus, measure: Measure, old: Spread | None, new: Spread | None, entry: Entry, why: str
) -> Finding:
    moved = units.change(old.median, new.median) if old and new else ""
    before, now = (_shown(measure, spread) for spread in (old, new))
    return Finding(
        status=status,
        cell=entry.cell,
        place=entry.place,
        measure=measure.name,
        committed=before,
        now=now,
        moved=moved,
        why=why,
    )


def _shown(measure: Measure, value: Spread | None) -> str:
    return "" if value is None else units.spread(value, measure.shown)


def _remark(measure: Measure, old: Measurement, new: Measurement) -> str:
    """What explains a count: the error paid for it, the rows taken at once."""
    if measure.name == "evaluations" and old.error is not None and new.error is not None and old.error != new.error:
        return f"error {old.error:.1e} → {new.error:.1e}"
    if measure.name == "forwards" and old.rows_per_forward != new.rows_per_forward:
        return f"rows per forward {old.rows_per_forward} → {new.rows_per_forward}"
    return ""
