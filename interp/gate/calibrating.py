"""Floors from benign checkpoints: each held against the baseline as a candidate would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from interp.errors import InputError
from interp.explain import Model
from interp.gate.behaviour import ALL
from interp.gate.floors import Floors, Run, Source, levels
from interp.gate.running import Asked, Judged, Measured, Opponent, measure
from interp.probe import Remembered, Tagged
from interp.records import Records

__all__ = ["calibrate", "floors_of", "hold"]


def calibrate(
    baseline: Model,
    benign: Sequence[tuple[Source, Callable[[], Model]]],
    record: Callable[[str, Model], Records],
    asked: Asked,
) -> Floors:
    """`benign` models are loaded one at a time; `record` makes a named side's records on the cases."""
    records = record("baseline", baseline)
    own = Opponent(records, Remembered(Tagged(baseline)))
    held: list[tuple[str, Source, Measured]] = []
    for number, (source, loaded) in enumerate(benign, 1):
        model = loaded()
        theirs = Opponent(record(f"benign model {number} of {len(benign)}", model), Tagged(model))
        held.append((model.info.name, source, hold(own, theirs, asked)))
    return floors_of(records, held)


def hold(baseline: Opponent, benign: Opponent, asked: Asked) -> Measured:
    """One benign checkpoint, measured as a candidate is, but on every cue. Raises InputError if it cannot be probed."""
    every = replace(asked, probing=replace(asked.probing, kept=None))
    found = measure(baseline, benign, Judged(seed=asked.probing.seed), every)
    if found.probed is None:
        raise InputError(found.note)
    return found


def floors_of(records: Records, held: Sequence[tuple[str, Source, Measured]]) -> Floors:
    """What benign checkpoints come to, each held against the baseline with these records."""
    effects = [
        {
            (f"{each.cue.kind} {each.cue.text}", effect.kind): abs(effect.mean)
            for each in (found.probed.found if found.probed else ())
            for effect in each.effects
        }
        for *_, found in held
    ]
    by_cue, usual, ratios = levels(effects)
    runs = []
    for (name, source, found), sizes, ratio in zip(held, effects, ratios, strict=True):
        whole = next((each for each in found.behaviour.slices() if each.slice == ALL), None)
        runs.append(
            Run(
                name,
                source,
                max(sizes.values()),
                ratio,
                found.behaviour.flip_rate().value,
                whole.after - whole.before if whole else None,
                (whole.high - whole.low) / 2 / 1.96 if whole else None,
                found.shifts.spread,
            )
        )
    cases = sum(len({each.target for each in record.explained}) for record in records)
    return Floors(records.about.model.sha256, records.about.data, cases, tuple(runs), by_cue, usual)
