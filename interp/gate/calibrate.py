"""Floors from benign checkpoints: each held against the baseline as a candidate would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interp.errors import InputError
from interp.gate.floors import FEWEST, BenignRun, Effects, Floors, Source, find_levels
from interp.gate.inputs import Criteria, ProbePlan, Side
from interp.gate.measure import measure
from interp.gate.slices import whole_slice
from interp.progress import Phase, unwatched_phase
from interp.records import Records
from interp.taggers import CachedPredictor, ModelPredictor

if TYPE_CHECKING:
    from interp.explain import Model

__all__ = ["BenignComparison", "calibrate", "compare_benign", "floors_of"]


@dataclass(frozen=True, kw_only=True)
class BenignComparison:
    """One benign checkpoint held against the baseline: a `BenignRun` before it is held against the other runs."""

    name: str
    source: Source
    effects: Effects
    flips: float
    """Part of the words whose tag turned."""
    f1: float | None
    """The change; None without right tags."""
    f1_error: float | None
    """Its standard error over documents."""
    spread: Mapping[str, float]
    """τ of the evidence by group."""
    negative_flips: float | None = None
    """Part of the entities that the baseline has right which is lost; None without right tags."""


def calibrate(
    baseline: Model,
    benign: Sequence[tuple[Source, Callable[[], Model]]],
    record: Callable[[str, Model], Records],
    plan: ProbePlan,
    phase: Phase = unwatched_phase,
) -> Floors:
    """`benign` models are loaded one at a time; `record` makes a named side's records on the cases; `phase` is told how
    far that is.
    """
    if len(benign) < FEWEST:
        raise InputError(f"Give at least {FEWEST} benign models, better five or more: {len(benign)} tell no floor.")
    records = record("baseline", baseline)
    baseline_side = Side(records, CachedPredictor(ModelPredictor(baseline)))
    comparisons = []
    for number, (source, load) in enumerate(benign, 1):
        name = f"benign model {number} of {len(benign)}"
        with phase(name):
            model = load()
            benign_side = Side(record(name, model), ModelPredictor(model))
            comparisons.append(
                compare_benign(
                    model.info.name, source, baseline=baseline_side, benign=benign_side, plan=plan, phase=phase
                )
            )
    return floors_of(records, comparisons, plan.probing.measured)


def compare_benign(
    name: str, source: Source, *, baseline: Side, benign: Side, plan: ProbePlan, phase: Phase = unwatched_phase
) -> BenignComparison:
    """One benign checkpoint, measured as a candidate is, but on every cue. Raises InputError if it cannot be probed."""
    every_cue = replace(plan, probing=replace(plan.probing, kept=None))
    measurements = measure(baseline, benign, Criteria(seed=plan.probing.seed), every_cue, phase=phase)
    if measurements.probe is None:
        raise InputError(measurements.why_not_probed)
    flip_rate, whole = measurements.behaviour.flip_rate, whole_slice(measurements.behaviour.slices)
    return BenignComparison(
        name=name,
        source=source,
        effects={
            (measured.cue, effect.kind): abs(effect.mean)
            for measured in measurements.probe.measured
            for effect in measured.effects
        },
        flips=flip_rate.value if flip_rate else 0.0,
        f1=whole.after - whole.before if whole else None,
        f1_error=(whole.high - whole.low) / 2 / 1.96 if whole else None,
        spread=measurements.shifts.spread,
        negative_flips=whole.lost_part if whole else None,
    )


def floors_of(records: Records, comparisons: Sequence[BenignComparison], sites: int) -> Floors:
    """What benign checkpoints come to, each held against the baseline with these records, probed at so many sites."""
    levels = find_levels([comparison.effects for comparison in comparisons])
    runs = tuple(
        BenignRun(
            name=comparison.name,
            source=comparison.source,
            cues=max(comparison.effects.values()),
            ratios=ratios,
            flips=comparison.flips,
            f1=comparison.f1,
            f1_error=comparison.f1_error,
            spread=comparison.spread,
            negative_flips=comparison.negative_flips,
        )
        for comparison, ratios in zip(comparisons, levels.ratios, strict=True)
    )
    return Floors(
        baseline=records.about.model.sha256,
        data=records.about.data,
        cases=sum(len({explanation.target for explanation in record.explained}) for record in records),
        sites=sites,
        runs=runs,
        levels=levels.by_cue,
        usual=levels.by_sort,
    )
