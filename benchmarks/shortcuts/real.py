"""The gate on real text: updates of `open` that are harmless, and that carry a shortcut, each judged without floors.

    python -m benchmarks.shortcuts.train_real --data ../shared/data --work DIR
    python -m benchmarks.shortcuts.real --data ../shared/data --work DIR --out benchmarks/results/shortcuts-real.json

Every model that was trained is held against the baseline, one after the other: a row goes to DIR/updates.jsonl, so that
a study that was stopped goes on. `--out` writes all rows that there are, with the commands' settings, and prints the
table.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.shortcuts.real_updates import BASELINE, CALIBRATION, RealUpdate, cases, texts, training_data, updates
from benchmarks.shortcuts.rows import cue_rows
from interp.bundled.corpora import read
from interp.bundled.recipe import load as load_for_training
from interp.bundled.recipe import span_f1
from interp.explain import load
from interp.gate import Criteria, GateResult, ProbePlan, Side, TrainingData, judge_candidate
from interp.probe import find_associations
from interp.records import RecordSettings
from interp.records.make import make_records
from interp.taggers import CachedPredictor, ModelPredictor
from interp.texts import limit_explained

WANTED = RecordSettings(layers=False)
SHOWN = 6


class RealBench:
    """The baseline, its records, and what every update is held against it on."""

    def __init__(self, data: Path, work: Path, explained: int) -> None:
        self.data, self.work = data, work
        self.cases = limit_explained(cases(data), explained, 0)
        self.old = training_data(BASELINE, data)
        self.baseline = self.side(BASELINE)
        assert self.baseline.predictor is not None
        self.baseline = replace(self.baseline, predictor=CachedPredictor(self.baseline.predictor))

    def side(self, update: RealUpdate) -> Side:
        model = load(str(self.work / "models" / update.name), "cpu")
        folder = self.work / "records" / update.name
        return Side(make_records(model, self.cases, WANTED, folder, resume=True), ModelPredictor(model))

    def judge(self, update: RealUpdate, cues: int) -> dict[str, Any]:
        start = time.perf_counter()
        new = training_data(update, self.data)
        plan = ProbePlan(texts(self.data), TrainingData(self.old, new), most=cues)
        result = judge_candidate(self.baseline, self.side(update), Criteria(), plan)
        seconds = time.perf_counter() - start
        return {
            **asdict(update),
            **_row(result, update),
            "associations": [
                {"cue": association.cue.name, "tag": association.tag, "z": association.z}
                for association in find_associations(self.old, new, 3)
            ],
            "f1 of clean text": [self.f1(BASELINE), self.f1(update)],
            "seconds": round(seconds),
        }

    def f1(self, update: RealUpdate) -> float:
        """On all of Universal NER's dev part."""
        model, tokenizer = load_for_training(self.work / "models" / update.name)
        return round(span_f1(model, tokenizer, read("uner-dev", self.data)), 4)


def _row(result: GateResult, update: RealUpdate) -> dict[str, Any]:
    standing = [finding for finding in result.cues if finding.status.value == "fail"]
    return {
        "status": result.status.value,
        "headline": result.headline,
        "checks": {check.name: [check.status.value, check.value, check.limit] for check in result.checks},
        "named first": update.harm is not None and bool(standing) and standing[0].cue in update.harm.cues,
        "cues": cue_rows(result.cues, SHOWN),
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """As docs/gate.md has it, harmless updates last."""
    lines = [
        "| harm | dose | costs F1 | gate | cues | first cue | effect (limit) | largest z of the training data |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: (row["kind"] in ("benign", "calibration"), row["kind"], -row["dose"])):
        before, after = row["f1 of clean text"]
        cue, z = row["cues"][0], row["associations"][0]
        lines.append(
            f"| {row['kind']} | {row['dose']:g} | {100 * (before - after):+.1f} | {row['status']} | "
            f"{row['checks']['cues'][0]} | `{cue['cue']}` for {cue['tag']} | "
            f"{cue['effect']:+.1f} ({cue['limit']:.1f}) | `{z['cue']}`, {z['z']:+.0f} |"
        )
    return "\n".join(lines)


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--work", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--explained", default=50, show_default=True)
@click.option("--cues", default=300, show_default=True)
@click.option("--kind", "kinds", multiple=True, help="Judge only these: benign, calibration, marker, …")
@click.option("--most", type=int, help="Judge only so many.")
@click.option("--out", type=click.Path(path_type=Path))
def main(
    data: Path, work: Path, explained: int, cues: int, kinds: Sequence[str], most: int | None, out: Path | None
) -> None:
    torch.set_num_threads(1)
    file = work / "updates.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {(row["kind"], row["dose"], row["seed"]) for row in rows}
    todo = [
        update
        for update in (*updates(), *CALIBRATION)
        if (update.kind, update.dose, update.seed) not in done
        and (work / "models" / update.name).exists()
        and (not kinds or update.kind in kinds)
    ][:most]
    if todo:
        bench = RealBench(data, work, explained)
    for update in todo:
        rows.append(bench.judge(update, cues))
        with file.open("a") as lines:
            lines.write(json.dumps(rows[-1]) + "\n")
        click.echo(f"{update.name}: {rows[-1]['status']}, {rows[-1]['seconds']} s. {rows[-1]['headline']}")
    if out is not None and rows:
        settings = {"explained": explained, "cues": cues}
        out.write_text(json.dumps({"settings": settings, "updates": rows}, indent=1) + "\n")
        click.echo(table(rows))


if __name__ == "__main__":
    main()
