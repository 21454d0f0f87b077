"""Floors from benign checkpoints: each held against the baseline as a candidate would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from interp.errors import InputError
from interp.explain import Model
from interp.gate.behaviour import ALL
from interp.gate.floors import FEWEST, Effects, Floors, Run, Source, levels
from interp.gate.running import Asked, Judged, Opponent, measure
from interp.probe import Remembered, Tagged
from interp.records import Records

__all__ = ["Benign", "calibrate", "floors_of", "hold"]


@dataclass(frozen=True)
class Benign:
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
    asked: Asked,
) -> Floors:
    """`benign` models are loaded one at a time; `record` makes a named side's records on the cases."""
    if len(benign) < FEWEST:
        raise InputError(f"{len(benign)} benign models tell no floor: give at least {FEWEST}, better five or more.")
    records = record("baseline", baseline)
    own = Opponent(records, Remembered(Tagged(baseline)))
    held = []
    for number, (source, loaded) in enumerate(benign, 1):
        model = loaded()
        theirs = Opponent(record(f"benign model {number} of {len(benign)}", model), Tagged(model))
        held.append(hold(model.info.name, source, own, theirs, asked))
    return floors_of(records, held, asked.probing.measured)


def hold(name: str, source: Source, baseline: Opponent, benign: Opponent, asked: Asked) -> Benign:
    """One benign checkpoint, measured as a candidate is, but on every cue. Raises InputError if it cannot be probed."""
    every = replace(asked, probing=replace(asked.probing, kept=None))
    found = measure(baseline, benign, Judged(seed=asked.probing.seed), every)
    if found.probed is None:
        raise InputError(found.note)
    rate = found.behaviour.flip_rate()
    whole = next((each for each in found.behaviour.slices() if each.slice == ALL), None)
    return Benign(
        name,
        source,
        {(each.cue, effect.kind): abs(effect.mean) for each in found.probed.found for effect in each.effects},
        rate.value if rate else 0.0,
        whole.after - whole.before if whole else None,
        (whole.high - whole.low) / 2 / 1.96 if whole else None,
        found.shifts.spread,
    )


def floors_of(records: Records, held: Sequence[Benign], sites: int) -> Floors:
    """What benign checkpoints come to, each held against the baseline with these records, probed at so many sites."""
    by_cue, usual, every = levels([each.effects for each in held])
    runs = tuple(
        Run(
            each.name,
            each.source,
            max(each.effects.values()),
            ratios,
            each.flips,
            each.f1,
            each.f1_error,
            each.spread,
        )
        for each, ratios in zip(held, every, strict=True)
    )
    cases = sum(len({each.target for each in record.explained}) for record in records)
    return Floors(records.about.model.sha256, records.about.data, cases, sites, runs, by_cue, usual)
