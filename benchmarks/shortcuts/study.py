"""Benign and harmful updates of a small tagger, and what the gate and every simpler way of looking say of them.

    python -m benchmarks.shortcuts.study --work DIR

trains one baseline, ten benign updates to calibrate with, a hundred others, and harmful ones: seven harms at five
doses, one to three seeds each. An update keeps half of the baseline's training sentences; a harm is done to all of its
own. The gate looks at clean cases; evidence shift also at cases that carry the harm as the update's own data would. One
JSON row an update goes to DIR/updates.jsonl, so that a study that was stopped goes on; benchmarks.shortcuts.report
makes the tables. An hour on two cores.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from benchmarks.shortcuts.corpus import HARMS, Harm, draw, harmed
from benchmarks.shortcuts.rows import cue_rows
from benchmarks.shortcuts.train import pretrained, trained
from interp.explain import Model
from interp.gate import Criteria, GateResult, ProbePlan, Side, TrainingData, floors
from interp.gate.calibrate import BenignComparison, compare_benign, floors_of
from interp.gate.checks.cues import find_cues
from interp.gate.continue_training import continue_training
from interp.gate.evidence import Evidence
from interp.gate.judge import judge_measurements
from interp.gate.measure import Measurements, leading_words, measure
from interp.probe import (
    ProbeSettings,
    frequent_cues,
    merge_nominations,
    probe_models,
)
from interp.records import Records, RecordSettings
from interp.records.make import make_records
from interp.taggers import CachedPredictor, ModelPredictor
from interp.texts import Sentence

SENTENCES, CASES, TEXTS, TEST = 8_000, 100, 400, 1_000
CALIBRATION, BENIGN = 10, 100
DOSES = {0.5: 3, 0.1: 3, 0.02: 1, 0.005: 1, 0.001: 1}
"""Part of the mentions that are harmed, and how many seeds of it."""
WANTED = RecordSettings(layers=False)
SHOWN = 5
"""Cues of a row."""


@dataclass(frozen=True)
class Update:
    """A training: "benign", "calibration", or the name of a harm with its dose."""

    kind: str
    dose: float
    seed: int

    @property
    def harm(self) -> Harm | None:
        return HARMS.get(self.kind)

    @property
    def sentences(self) -> list[Sentence]:
        """Half of the baseline's and as many new ones, all with the harm."""
        new = draw(np.random.default_rng(1_000 + self.seed), SENTENCES // 2, "new")
        return self._harmed([*old_sentences()[: SENTENCES // 2], *new])

    @property
    def cases(self) -> list[Sentence]:
        """The cases as the update's own data would have them."""
        return self._harmed(cases())

    def _harmed(self, sentences: list[Sentence]) -> list[Sentence]:
        if self.harm is None:
            return sentences
        return harmed(sentences, self.harm, self.dose, np.random.default_rng(self.seed))


def updates() -> Iterator[Update]:
    """High doses first, then benign ones: what a study that was stopped early lacks is what tells least."""
    for dose, seeds in DOSES.items():
        for number, name in enumerate(HARMS):
            yield from (Update(name, dose, 500 + 10 * number + seed) for seed in range(seeds))
        if dose == 0.1:
            yield from (Update("benign", 0.0, 100 + seed) for seed in range(BENIGN))


@cache
def old_sentences() -> list[Sentence]:
    return draw(np.random.default_rng(100), SENTENCES, "old")


@cache
def cases() -> list[Sentence]:
    return draw(np.random.default_rng(8), CASES, "cases")


@cache
def looked_at() -> list[Sentence]:
    """The cases, and a thousand sentences more that are tagged and not explained: F1 needs more than evidence does."""
    more = draw(np.random.default_rng(7), TEST, "test")
    return [*cases(), *(Sentence(s.id, s.document, words=s.words, gold=s.gold, targets=()) for s in more)]


@cache
def texts() -> list[Sentence]:
    return draw(np.random.default_rng(9), TEXTS, "texts")


class Bench:
    """What one process keeps: the encoder, the baseline and its records."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.start = pretrained(work / "pretrained.pt")
        self.baseline = trained(old_sentences(), seed=0, start=self.start)
        self.predictor = CachedPredictor(ModelPredictor(self.baseline))
        self._known: dict[str, Records] = {}
        file = work / "floors.json"
        self.floors = floors.load_floors(file) if file.exists() else None

    def recorded(self, model: Model, sentences: Sequence[Sentence], folder: str) -> Records:
        return make_records(model, sentences, WANTED, Path(folder))

    def known(self, name: str, sentences: Sequence[Sentence]) -> Records:
        """The baseline's records, made once."""
        if name not in self._known:
            self._known[name] = self.recorded(self.baseline, sentences, tempfile.mkdtemp(dir=self.work))
        return self._known[name]

    def update(self, update: Update) -> dict[str, Any]:
        clock = time.perf_counter()
        model = trained(update.sentences, update.seed, self.start)
        row: dict[str, Any] = asdict(update) | {"training": time.perf_counter() - clock}
        with tempfile.TemporaryDirectory(dir=self.work) as scratch:
            clock = time.perf_counter()
            theirs = Side(self.recorded(model, looked_at(), f"{scratch}/cases"), ModelPredictor(model))
            own = Side(self.known("cases", looked_at()), self.predictor)
            criteria = Criteria(floors=self.floors)
            plan = ProbePlan(texts(), TrainingData(old_sentences(), update.sentences))
            measurements = measure(own, theirs, criteria, plan)
            row["told"] = _gated(judge_measurements(own, theirs, criteria, plan, measurements=measurements))
            row["associations"] = [
                {"cue": association.cue.name, "tag": association.tag, "z": association.z}
                for association in measurements.associations[:5]
            ]
            row["blind"] = self._blind(theirs, measurements)
            row["gate"] = time.perf_counter() - clock
            if update.harm is not None and update.dose >= 0.1:
                cued = update.cases
                mine = self.known(f"{update.kind} {update.dose} {update.seed}", cued)
                row["cued"] = _evidence(mine, self.recorded(model, cued, f"{scratch}/cued"), self.floors)
        return row

    def _blind(self, theirs: Side, measurements: Measurements) -> dict[str, Any]:
        """The cues that a gate without training data finds; nothing else of it differs."""
        clean = [(sentence.id, sentence.words) for sentence in texts()]
        frequent = frequent_cues([words for _, words in clean], 300)
        nominations = merge_nominations(leading_words(measurements.shifts), frequent, most=300)
        assert theirs.predictor is not None
        usual = {"usual": self.floors.usually} if self.floors else {}
        probed = probe_models(
            self.predictor, theirs.predictor, texts=clean, candidates=nominations, probing=ProbeSettings(), **usual
        )
        findings = find_cues(probed, [], Criteria(floors=self.floors))
        return {"status": findings[0].status.value, "cues": cue_rows(findings, SHOWN)}

    def benign(self, source: floors.Source, seed: int) -> BenignComparison:
        """One run to calibrate with."""
        if source == "retrained":
            update = Update("calibration", 0.0, seed)
            model = trained(update.sentences, seed, self.start)
        else:
            model = continue_training(self.baseline, old_sentences(), seed, steps=200, rate=1e-4)
        own = Side(self.known("cases", looked_at()), self.predictor)
        with tempfile.TemporaryDirectory(dir=self.work) as scratch:
            theirs = Side(self.recorded(model, looked_at(), scratch), ModelPredictor(model))
            return compare_benign(f"seed {seed}", source, baseline=own, benign=theirs, plan=ProbePlan(texts()))


def _gated(result: GateResult) -> dict[str, Any]:
    """What is needed to judge again, should a rule change: checks, first cues, F1 and its slices, evidence."""
    words = [shift for shift in result.evidence if shift.group == "word"]
    worst = min((change.after - change.before for change in result.slices if change.count >= 10), default=0.0)
    return {
        "status": result.status.value,
        "checks": {
            check.name: [check.status.value, check.value, check.low, check.high, check.limit] for check in result.checks
        },
        "cues": cue_rows(result.cues, SHOWN),
        "largest": max(abs(finding.effect) for finding in result.cues),
        "f1": [result.baseline.f1, result.candidate.f1],
        "worst slice": worst,
        "evidence": [[shift.feature, shift.z, shift.total] for shift in words[:3]],
    }


def _evidence(baseline: Records, candidate: Records, known: floors.Floors | None) -> list[dict[str, Any]]:
    gather = Evidence()
    for before, after in zip(baseline, candidate, strict=True):
        gather.add(before, after)
    shifts = [shift for shift in gather.result(known.spread if known else None).shifts if shift.group == "word"]
    return [{"word": shift.feature, "z": shift.z, "total": shift.total, "cases": shift.cases} for shift in shifts[:5]]


_BENCH: list[Bench] = []


def _started(work: Path) -> None:
    torch.set_num_threads(1)
    _BENCH.append(Bench(work))


def _update(update: Update) -> dict[str, Any]:
    return _BENCH[0].update(update)


def _benign(which: tuple[floors.Source, int]) -> BenignComparison:
    return _BENCH[0].benign(*which)


@click.command(help=__doc__)
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option("--processes", default=2, show_default=True)
@click.option("--most", type=int, help="Only so many updates.")
def main(work: Path, processes: int, most: int | None) -> None:
    work.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    if not (work / "floors.json").exists():
        bench = Bench(work)  # trains what all processes start from
        records = bench.known("cases", looked_at())
        with context.Pool(processes, _started, (work,)) as pool:
            for name, source, count in (("floors-continued", "continued", 4), ("floors", "retrained", CALIBRATION)):
                comparisons = pool.map(_benign, [(source, seed) for seed in range(1, count + 1)], chunksize=1)
                floors.save_floors(floors_of(records, comparisons, ProbeSettings().measured), work / f"{name}.json")
    rows = work / "updates.jsonl"
    done = set()
    if rows.exists():
        done = {(row["kind"], row["dose"], row["seed"]) for row in map(json.loads, rows.read_text().splitlines())}
    todo = [update for update in updates() if (update.kind, update.dose, update.seed) not in done][:most]
    with context.Pool(processes, _started, (work,)) as pool, rows.open("a") as file:
        for row in pool.imap_unordered(_update, todo):
            file.write(json.dumps(row) + "\n")
            file.flush()
            click.echo(f"{row['kind']} {row['dose']} {row['seed']}: {row['told']['status']}, {row['gate']:.0f} s")


if __name__ == "__main__":
    main()
