"""Does the candidate find fewer of the right entities?"""

from __future__ import annotations

from collections.abc import Iterator

from interp.gate.behaviour import BehaviourChange
from interp.gate.checks.base import judge_interval
from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus
from interp.gate.slices import SliceChange, whole_slice
from interp.project.settings import Threshold

__all__ = ["check_f1"]

LEAST_F1 = 0.05
"""Of a baseline that has anything to do with the right tags."""
COLLAPSE = 0.1
"""Part of all names that no harmless training loses: seeds of small taggers and of MiniLM differ by 0.01 in F1."""


def check_f1(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """Strict span F1 of all entities, its loss held against the limit and what benign trainings lose."""
    threshold, behaviour = criteria.gate.f1, measurements.behaviour
    whole = whole_slice(behaviour.slices)
    if whole is None:
        return _without_entities(behaviour, threshold)
    if whole.before < LEAST_F1:
        return CheckResult(
            name="f1",
            severity=threshold.severity,
            status=CheckStatus.ERROR,
            sentence=" ".join([_next_to_nothing(whole), *_about_kinds(behaviour)]),
            unit="F1",
            count=whole.count,
        )
    floor = criteria.floors.f1 if criteria.floors else None
    limit = max(threshold.limit, floor or 0.0)
    status, reasons = _judge(whole, behaviour, limit)
    return CheckResult(
        name="f1",
        severity=threshold.severity,
        status=status,
        sentence=" ".join([_change(whole), *reasons, *_what_it_is_over(behaviour)]),
        unit="F1",
        value=whole.after - whole.before,
        low=whole.low,
        high=whole.high,
        limit=limit,
        floor=floor,
        smallest=whole.smallest,
        count=whole.count,
    )


def _next_to_nothing(whole: SliceChange) -> str:
    return (
        f"The baseline finds next to none of {whole.count} right entities (F1 {whole.before:.3f}): look at the column "
        f"of tags, the names of kinds, and whether the model tags in IOB2, IOB1 or IOBES."
    )


def _without_entities(behaviour: BehaviourChange, threshold: Threshold) -> CheckResult:
    """Right tags that were given, but name nothing, are not the same as none."""
    if behaviour.tagged:
        status = CheckStatus.INCONCLUSIVE
        sentence = (
            f"The right tags of all {behaviour.tagged} tagged sentences are O, so that F1 cannot be told: look at the "
            f"column or field of tags."
        )
    else:
        status, sentence = CheckStatus.SKIPPED, "No case has right tags, so that F1 cannot be told."
    return CheckResult(name="f1", severity=threshold.severity, status=status, sentence=sentence)


def _judge(whole: SliceChange, behaviour: BehaviourChange, limit: float) -> tuple[CheckStatus, list[str]]:
    """The status and the sentences that say why: by the interval, and by names lost for good where that is too wide to
    tell, as it is where documents are few.
    """
    least_loss, most_loss = -whole.high, -whole.low
    status = judge_interval(whole.before - whole.after, least_loss, most_loss, limit)
    names = behaviour.names
    if names.at_least > max(COLLAPSE, limit) and status in (CheckStatus.FAIL, CheckStatus.INCONCLUSIVE):
        return CheckStatus.FAIL, [
            f"Of {names.count} different names {names.lost} are lost and {names.won} won: no chance, and no harmless "
            "training, does that."
        ]
    if status is CheckStatus.INCONCLUSIVE:
        return status, [f"A loss beyond {limit:.3f} can be neither shown nor excluded."]
    if status is CheckStatus.PASS and _are_kinds_misnamed(behaviour):
        return CheckStatus.INCONCLUSIVE, ["Whether kinds are named alike is open."]
    return status, []


def _are_kinds_misnamed(behaviour: BehaviourChange) -> bool:
    """Kinds that are strange to the other side on both sides: PERSON may be PER."""
    return bool(behaviour.foreign_kinds and behaviour.unused_kinds)


def _change(whole: SliceChange) -> str:
    change = whole.after - whole.before
    return (
        f"Strict span F1 {whole.before:.3f} → {whole.after:.3f} ({change:+.3f}, {whole.low:+.3f} to {whole.high:+.3f}) "
        f"on {whole.count} entities; {whole.lost} lost, {whole.won} won."
    )


def _what_it_is_over(behaviour: BehaviourChange) -> Iterator[str]:
    if behaviour.unit == "sentences":
        yield f"The interval is over sentences, as documents are too few ({behaviour.documents})."
    if behaviour.left_out:
        yield f"{behaviour.left_out} words are not scored: of unknown tag, or nothing to the tokenisers."
    yield from _about_kinds(behaviour)


def _about_kinds(behaviour: BehaviourChange) -> Iterator[str]:
    """What either side has and the other has not; nothing where the right tags have all kinds of the models alone."""
    if behaviour.foreign_kinds:
        counts = ", ".join(f"{kind} {count}" for kind, count in behaviour.foreign_kinds.items())
        yield f"The models have no such kinds as {counts} of the right entities."
    if behaviour.foreign_kinds and behaviour.unused_kinds:
        kind = next(iter(behaviour.foreign_kinds))
        yield (
            f"No right entity is {' or '.join(behaviour.unused_kinds)}. Say what is what behind the file's name: "
            f"?map={kind}={behaviour.unused_kinds[0]}, or {kind}=O for none."
        )
    elif behaviour.unused_kinds:
        yield f"No right entity is {' or '.join(behaviour.unused_kinds)}."
