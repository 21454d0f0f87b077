"""Floors from benign checkpoints: each held against the baseline as a candidate would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from interp.errors import InputError
from interp.explain import Model
from interp.gate.behaviour import ALL
from interp.gate.floors import Floors, Run, Source
from interp.gate.running import Asked, Judged, Opponent, measure
from interp.probe import Tagged
from interp.records import Records

__all__ = ["calibrate", "run_of"]


def calibrate(
    baseline: Model,
    benign: Sequence[tuple[Source, Callable[[], Model]]],
    record: Callable[[str, Model], Records],
    asked: Asked,
) -> Floors:
    """`benign` models are loaded one at a time; `record` makes a named side's records on the cases."""
    records = record("baseline", baseline)
    own = Opponent(records, Tagged(baseline))
    runs = []
    for number, (source, loaded) in enumerate(benign, 1):
        model = loaded()
        theirs = Opponent(record(f"benign model {number} of {len(benign)}", model), Tagged(model))
        runs.append(run_of(model.info.name, source, own, theirs, asked))
    cases = sum(len({each.target for each in record.explained}) for record in records)
    return Floors(records.about.model.sha256, records.about.data, cases, tuple(runs))


def run_of(name: str, source: Source, baseline: Opponent, benign: Opponent, asked: Asked) -> Run:
    """One benign checkpoint, measured as a candidate is. Raises InputError where it cannot be probed."""
    judged = Judged(seed=asked.probing.seed)
    found = measure(baseline, benign, judged, asked)
    if found.probed is None:
        raise InputError(found.note)
    whole = next((each for each in found.behaviour.slices(judged.seed) if each.slice == ALL), None)
    return Run(
        name,
        source,
        max((abs(each.effect.mean) for each in found.probed.found), default=0.0),
        found.behaviour.flip_rate(judged.seed).value,
        whole.after - whole.before if whole else None,
        (whole.high - whole.low) / 2 / 1.96 if whole else None,
        found.shifts.spread,
    )
