"""Tables of what benchmarks.shortcuts.study measured.

    python -m benchmarks.shortcuts.report --work DIR --out benchmarks/results/shortcuts.json

writes the rows and prints Markdown. Every simpler way of looking has one number an update; its alarm goes off beyond
the largest of all benign updates, so that none has a false alarm, which favours them: the gate's limits were set
before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import numpy as np
from scipy import stats

from benchmarks.rounding import rounded
from benchmarks.shortcuts.corpus import HARMS
from interp.gate import floors
from interp.question.tags import kind_of

Row = Mapping[str, Any]
SMALLEST = 1.0
"""Cases' worth of an evidence shift that is counted."""


def evidence(row: Row, cued: bool) -> float:
    shifts = row.get("cued", []) if cued else [{"z": z, "total": total} for _, z, total in row["told"]["evidence"]]
    return max((abs(shift["z"]) for shift in shifts if abs(shift["total"]) >= SMALLEST), default=0.0)


OTHERS: Mapping[str, Callable[[Row], float]] = {
    "F1": lambda row: row["told"]["f1"][0] - row["told"]["f1"][1],
    "worst slice": lambda row: -row["told"]["worst slice"],
    "flips": lambda row: row["told"]["checks"]["flips"][1],
    "z-statistic": lambda row: max((abs(association["z"]) for association in row["associations"]), default=0.0),
    "evidence": lambda row: evidence(row, False),
    "evidence, cases with the cue": lambda row: evidence(row, row["kind"] != "benign"),
}


def named(row: Row, which: str) -> bool:
    """Whether the gate failed, and its first cue is the harm's."""
    harm, first = HARMS[row["kind"]], row[which]["cues"][0]
    cue = any(first["cue"] == cue_part or first["cue"].endswith(cue_part) for cue_part in harm.cues)
    right = cue and kind_of(first["tag"]) in (harm.kind, "O")
    return bool(row[which]["status"] == "fail" and first["status"] == "fail" and right)


def rate(hits: Sequence[bool]) -> str:
    """Hits of all, with Wilson's 95 % interval."""
    if not hits:
        return "–"
    ci = stats.binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
    return f"{sum(hits)} of {len(hits)} ({ci.low:.0%} to {ci.high:.0%})"


def table(rows: Sequence[Row]) -> str:
    benign = [row for row in rows if row["kind"] == "benign"]
    harmful = sorted((row for row in rows if row["kind"] != "benign"), key=lambda row: (row["kind"], -row["dose"]))
    usual = float(np.mean([row["told"]["f1"][1] for row in benign]))
    limits = {name: max(map(value, benign)) for name, value in OTHERS.items()}
    lines = [
        f"Benign updates: fail {rate([row['told']['status'] == 'fail' for row in benign])}, "
        f"inconclusive {rate([row['told']['status'] == 'inconclusive' for row in benign])}, "
        f"a cue beyond its limit {rate([row['told']['checks']['cues'][0] == 'fail' for row in benign])}; without "
        f"training data fail {rate([row['blind']['status'] == 'fail' for row in benign])}. F1 {usual:.3f}.",
        "",
        f"| harm | dose | costs F1 | gate fails | and names it first | without training data | {' | '.join(OTHERS)} |",
        "|---|---|---|---|---|---|" + "---|" * len(OTHERS),
    ]
    for (kind, dose), some in groupby(harmful, key=lambda row: (row["kind"], row["dose"])):
        cell = list(some)
        cost = 100 * (usual - float(np.mean([row["told"]["f1"][1] for row in cell])))
        hits = [
            [row["told"]["status"] == "fail" for row in cell],
            [named(row, "told") for row in cell],
            [named(row, "blind") for row in cell],
            *([value(row) > limits[name] for row in cell] for name, value in OTHERS.items()),
        ]
        counts = " | ".join(f"{sum(caught)}/{len(caught)}" for caught in hits)
        lines.append(f"| {kind} | {dose:g} | {cost:+.1f} | {counts} |")
    dear = [
        row
        for _, some in groupby(harmful, key=lambda row: (row["kind"], row["dose"]))
        for cell in [list(some)]
        if 100 * (usual - np.mean([row["told"]["f1"][1] for row in cell])) >= 1
        for row in cell
    ]
    lines += [
        "",
        f"Doses that cost 1 F1 or more: caught {rate([row['told']['status'] == 'fail' for row in dear])}, "
        f"named first {rate([named(row, 'told') for row in dear])}, without training data "
        f"{rate([named(row, 'blind') for row in dear])}.",
    ]
    return "\n".join(lines)


@click.command(help=__doc__)
@click.option("--work", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(work: Path, out: Path | None) -> None:
    rows = [json.loads(line) for line in (work / "updates.jsonl").read_text().splitlines()]
    known = {name: floors.load_floors(work / f"{name}.json") for name in ("floors", "floors-continued")}
    click.echo(table(rows))
    cheap = [floors.bound([run.cues for run in benign.runs]) for benign in known.values()]
    click.echo(f"\nContinued checkpoints move cues {cheap[1] / cheap[0]:.0%} as far as retrained ones.")
    if out is not None:
        runs = {name: [run.cues for run in benign.runs] for name, benign in known.items()}
        content = {"benign runs, largest cue in nats": runs, "updates": rows}
        out.write_text(json.dumps(rounded(content), separators=(",", ":")).replace('{"kind"', '\n{"kind"') + "\n")


if __name__ == "__main__":
    main()
