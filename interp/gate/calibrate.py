"""Floors from benign checkpoints: each held against the baseline as a candidate would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from interp.errors import InputError
from interp.explain import Model
from interp.gate.behaviour import ALL
from interp.gate.floors import FEWEST, BenignRun, Effects, Floors, Source, levels
from interp.gate.judge import Criteria, ProbePlan, Side, measure
from interp.probe import CachedPredictor, TaggerPredictor
from interp.records import Records

__all__ = ["BenignComparison", "calibrate", "compare_benign", "floors_of"]


@dataclass(frozen=True, kw_only=True)
class BenignComparison:
    """One benign checkpoint held against the baseline: what `Run` has, before it is held against the other runs."""

    name: str
    source: Source
    effects: Effects
    flips: float
    f1: float | None
    f1_error: float | None
    spread: Mapping[str, float]


def calibrate(
    baseline: Model,
    benign: Sequence[tuple[Source, Callable[[], Model]]],
    record: Callable[[str, Model], Records],
    asked: ProbePlan,
) -> Floors:
    """`benign` models are loaded one at a time; `record` makes a named side's records on the cases."""
    if len(benign) < FEWEST:
        raise InputError(f"{len(benign)} benign models tell no floor: give at least {FEWEST}, better five or more.")
    records = record("baseline", baseline)
    own = Side(records, CachedPredictor(TaggerPredictor(baseline)))
    held = []
    for number, (source, loaded) in enumerate(benign, 1):
        model = loaded()
        theirs = Side(record(f"benign model {number} of {len(benign)}", model), TaggerPredictor(model))
        held.append(compare_benign(model.info.name, source, baseline=own, benign=theirs, asked=asked))
    return floors_of(records, held, asked.probing.measured)


def compare_benign(name: str, source: Source, baseline: Side, benign: Side, asked: ProbePlan) -> BenignComparison:
    """One benign checkpoint, measured as a candidate is, but on every cue. Raises InputError if it cannot be probed."""
    every = replace(asked, probing=replace(asked.probing, kept=None))
    found = measure(baseline, benign, Criteria(seed=asked.probing.seed), every)
    if found.probed is None:
        raise InputError(found.note)
    rate = found.behaviour.flip_rate()
    whole = next((each for each in found.behaviour.slices() if each.slice == ALL), None)
    return BenignComparison(
        name=name,
        source=source,
        effects={(each.cue, effect.kind): abs(effect.mean) for each in found.probed.found for effect in each.effects},
        flips=rate.value if rate else 0.0,
        f1=whole.after - whole.before if whole else None,
        f1_error=(whole.high - whole.low) / 2 / 1.96 if whole else None,
        spread=found.shifts.spread,
    )


def floors_of(records: Records, held: Sequence[BenignComparison], sites: int) -> Floors:
    """What benign checkpoints come to, each held against the baseline with these records, probed at so many sites."""
    by_cue, usual, every = levels([each.effects for each in held])
    runs = tuple(
        BenignRun(
            name=each.name,
            source=each.source,
            cues=max(each.effects.values()),
            ratios=ratios,
            flips=each.flips,
            f1=each.f1,
            f1_error=each.f1_error,
            spread=each.spread,
        )
        for each, ratios in zip(held, every, strict=True)
    )
    cases = sum(len({each.target for each in record.explained}) for record in records)
    return Floors(
        baseline=records.about.model.sha256,
        data=records.about.data,
        cases=cases,
        sites=sites,
        runs=runs,
        levels=by_cue,
        usual=usual,
    )
