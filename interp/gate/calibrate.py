"""Floors from benign models: each held against the baseline as a candidate would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from interp.errors import InputError
from interp.gate.comparable import why_not_comparable
from interp.gate.floors import BenignRun, Effects, Floors, Source, find_levels
from interp.gate.inputs import Criteria, ProbePlan, Side
from interp.gate.measure import measure
from interp.gate.share_scheme import share_side_scheme
from interp.gate.slices import whole_slice
from interp.probe import Unit
from interp.progress import Phase, unwatched_phase
from interp.records import Records

__all__ = ["BenignComparison", "compare_benign", "floors_of"]


@dataclass(frozen=True, kw_only=True)
class BenignComparison:
    """One benign model held against the baseline: a `BenignRun` before it is held against the other runs."""

    name: str
    source: Source
    unit: Unit
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


def compare_benign(
    name: str, source: Source, *, baseline: Side, benign: Side, plan: ProbePlan, phase: Phase = unwatched_phase
) -> BenignComparison:
    """One benign model, measured as a candidate is, but on every cue. Raises InputError if it cannot be probed."""
    reason = why_not_comparable(baseline, benign)
    if reason is not None:
        raise InputError(f"{name} cannot be held against the baseline: {reason}.")
    baseline, benign = share_side_scheme(baseline, benign)
    every_cue = replace(plan, probing=replace(plan.probing, kept=None))
    measurements = measure(baseline, benign, Criteria(seed=plan.probing.seed), every_cue, phase=phase)
    if measurements.probe is None:
        raise InputError(measurements.why_not_probed)
    if not measurements.probe.measured:
        raise InputError(f"No cue could be measured in {name}: give more sentences to put them into (--texts).")
    flip_rate, whole = measurements.behaviour.flip_rate, whole_slice(measurements.behaviour.slices)
    return BenignComparison(
        name=name,
        source=source,
        unit=measurements.probe.measured[0].effect.unit,
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
    """What benign models come to, each held against the baseline with these records, probed at so many sites. Raises
    InputError where some are told in nats and others in tags.
    """
    unit = comparisons[0].unit
    for comparison in comparisons:
        if comparison.unit != unit:
            raise InputError(
                f"{comparisons[0].name} is told in {unit} and {comparison.name} in {comparison.unit}: give models "
                "that both give probabilities, or neither."
            )
    levels = find_levels([comparison.effects for comparison in comparisons], unit)
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
        unit=unit,
    )
