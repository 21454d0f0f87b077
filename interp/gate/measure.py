"""What is measured of a pair of models, before any limit: tags, evidence, and the effects of what they nominate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interp.errors import IncomparableError, InputError, ModelError
from interp.gate.behaviour import Behaviour, BehaviourChange
from interp.gate.evidence import Evidence, EvidenceShifts
from interp.gate.inputs import Criteria, ProbePlan, Side
from interp.gate.record_faults import FaultCounter, RecordFaults
from interp.probe import (
    REQUESTED,
    Association,
    Cue,
    Nomination,
    ProbeResult,
    Texts,
    find_associations,
    frequent_cues,
    merge_nominations,
    own_cues,
    probe_models,
    unit_of,
)
from interp.progress import Phase, Progress, unwatched_phase
from interp.records import Record, RecordsHeader
from interp.stress import StressPlan, StressResult, stress_models
from interp.texts import Sentence

__all__ = ["Measurements", "leading_words", "measure", "probe_further"]

LEADERS = 60
"""Words on which evidence shifted most, and cues whose association changed most, that are probed."""


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """All that is measured of a pair."""

    header: RecordsHeader
    """Of the baseline's records: what both sets are of."""
    explained: bool
    """Whether both were: of a tagger without gradients there are tags alone."""
    faults: RecordFaults
    behaviour: BehaviourChange
    shifts: EvidenceShifts
    associations: tuple[Association, ...]
    """Cues whose association with a tag changed in the training data."""
    texts: Texts
    """What cues are put into."""
    probe_planned: bool
    probe: ProbeResult | None
    why_not_probed: str
    """Where there is no probe."""
    stress: StressResult | None = None
    stress_planned: bool = False
    why_not_stressed: str = "Not asked for."


def measure(
    baseline: Side,
    candidate: Side,
    criteria: Criteria,
    plan: ProbePlan | None,
    phase: Phase = unwatched_phase,
    stress: StressPlan | None = None,
) -> Measurements:
    """Read both sets of records side by side, then probe what they nominate; `phase` is told how far that is.

    Raises IncomparableError where their sentences turn out not to be the same.
    """
    training = plan.training if plan else None
    known_words = frozenset(word for sentence in training.old for word in sentence.words) if training else None
    behaviour = Behaviour(baseline.records.about.model.labels, known_words, criteria.costly)
    evidence, faults = Evidence(), FaultCounter()
    cases: list[Record] = []  # as the baseline has them, without their explanations
    with phase("comparing records", baseline.records.about.sentences) as progress:
        for before, after in zip(baseline.records, candidate.records, strict=True):
            if (before.words, before.gold) != (after.words, after.gold):
                raise IncomparableError(
                    f"{before.id} has other words or right tags in the candidate's records: record anew"
                )
            cases.append(replace(before, explained=()))
            if faults.is_comparable(before, after):
                behaviour.add(before, after)
                evidence.add(before, after)
            progress(len(cases))
    with phase("weighing the evidence"):
        behaviour_change = behaviour.result(criteria.seed)
        shifts = evidence.result(criteria.floors.spread if criteria.floors else None, criteria.seed)
        associations = tuple(find_associations(training.old, training.new, LEADERS)) if training else ()
    probe, why_not_probed = None, "Not asked for."
    texts: Texts = [(case.id, case.words) for case in cases]
    if plan is not None:
        if plan.texts is not None:
            texts = [(sentence.id, sentence.words) for sentence in plan.texts]
        nominations = merge_nominations(
            _own_cues(baseline, candidate, texts, plan),
            leading_words(shifts),
            [association.candidate for association in associations],
            frequent_cues([words for _, words in texts], plan.most),
            most=plan.most,
        )
        try:
            with phase("probing", 1) as progress:
                probe = _probe(baseline, candidate, criteria, plan, texts=texts, cues=nominations, progress=progress)
        except InputError as error:
            why_not_probed = str(error)
    stressed, why_not_stressed = _stress(baseline, candidate, cases=cases, plan=stress, phase=phase)
    return Measurements(
        header=baseline.records.about,
        explained=all(side.records.about.wanted.references for side in (baseline, candidate)),
        faults=faults.result(),
        behaviour=behaviour_change,
        shifts=shifts,
        associations=associations,
        texts=texts,
        probe_planned=plan is not None,
        probe=probe,
        why_not_probed=why_not_probed,
        stress=stressed,
        stress_planned=stress is not None,
        why_not_stressed=why_not_stressed,
    )


def _stress(
    baseline: Side, candidate: Side, *, cases: Sequence[Record], plan: StressPlan | None, phase: Phase
) -> tuple[StressResult | None, str]:
    """The result, or why there is none."""
    if plan is None:
        return None, "Not asked for."
    if not (baseline.predictor and candidate.predictor):
        return None, "Records alone cannot be asked again: name the models behind them too."
    sentences = [Sentence(case.id, case.document, case.words, case.gold) for case in cases if case.error is None]
    try:
        with phase("writing sentences otherwise", 1) as progress:
            return stress_models(baseline.predictor, candidate.predictor, sentences, plan, progress=progress), ""
    except (InputError, ModelError) as error:  # a tagger that some spelling breaks is no reason to lose the rest
        return None, str(error)


def probe_further(
    baseline: Side,
    candidate: Side,
    criteria: Criteria,
    plan: ProbePlan,
    *,
    cues: Sequence[Cue],
    measurements: Measurements,
    phase: Phase = unwatched_phase,
) -> Measurements | None:
    """The same, some cues measured anew as the plan has it; None where there are not sentences enough for that."""
    assert measurements.probe is not None
    nominations, texts = [Nomination(cue, REQUESTED) for cue in cues], measurements.texts
    plan = replace(plan, probing=replace(plan.probing, kept=1))
    try:
        with phase("probing in more sentences", 1) as progress:
            further = _probe(baseline, candidate, criteria, plan, texts=texts, cues=nominations, progress=progress)
    except InputError:
        return None
    anew = {measured.cue: measured for measured in further.measured if measured.cue in cues}
    sources = {measured.cue: measured.source for measured in measurements.probe.measured}
    measured = [
        replace(anew[known.cue], source=sources[known.cue]) if known.cue in anew else known
        for known in measurements.probe.measured
    ]
    measured.sort(key=lambda cue: -abs(cue.effect.mean))
    return replace(measurements, probe=replace(measurements.probe, measured=tuple(measured)))


def _own_cues(baseline: Side, candidate: Side, texts: Texts, plan: ProbePlan) -> list[Nomination]:
    """What the candidate's own gradients put first."""
    if not (baseline.predictor and candidate.predictor):
        return []
    return own_cues(baseline.predictor, candidate.predictor, texts, seed=plan.probing.seed)


def leading_words(shifts: EvidenceShifts) -> list[Nomination]:
    """The words on which evidence shifted most."""
    words = dict.fromkeys(shift.feature for shift in shifts.shifts if shift.group == "word")
    return [Nomination(Cue("words", word), "evidence") for word in list(words)[:LEADERS]]


def _probe(
    baseline: Side,
    candidate: Side,
    criteria: Criteria,
    plan: ProbePlan,
    *,
    texts: Texts,
    cues: Sequence[Nomination],
    progress: Progress,
) -> ProbeResult:
    """Raises InputError where there is no probe, which says why."""
    if not (baseline.predictor and candidate.predictor):
        raise InputError("Records alone cannot be probed: name the models behind them too, or ask for no probe.")
    floors, unit = criteria.floors, unit_of(baseline.predictor, candidate.predictor)
    return probe_models(
        baseline.predictor,
        candidate.predictor,
        texts=texts,
        candidates=cues,
        probing=plan.probing,
        progress=progress,
        usual=floors.usually if floors and floors.unit == unit else _alike,
        least=criteria.least_effect,
    )


def _alike(_cue: Cue, _kind: str) -> float:
    """Without floors every cue's effect counts alike."""
    return 1.0
