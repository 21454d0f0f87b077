"""What every form of report says of a result, in the same words."""

from __future__ import annotations

from typing import NamedTuple

from interp.gate.amounts import NOTHING, amount, with_unit
from interp.gate.leaks import LeakChange
from interp.gate.result import CheckResult, CheckStatus, CueFinding, GateResult
from interp.gate.slices import LostEntity
from interp.probe import FlipExample
from interp.stress import VariantChange

__all__ = [
    "MARKS",
    "StatusMark",
    "amount",
    "details",
    "held_out",
    "held_to",
    "leaked_words",
    "leaning",
    "measured",
    "name_loss",
    "trained",
    "turned",
]


class StatusMark(NamedTuple):
    """How a status is marked."""

    glyph: str
    style: str
    """Of rich, in a terminal."""


MARKS = {
    CheckStatus.FAIL: StatusMark("✗", "bold red"),
    CheckStatus.ERROR: StatusMark("✗", "bold red"),
    CheckStatus.INCOMPARABLE: StatusMark("≠", "bold red"),
    CheckStatus.INCONCLUSIVE: StatusMark("?", "bold yellow"),
    CheckStatus.WARN: StatusMark("!", "yellow"),
    CheckStatus.PASS: StatusMark("✓", "green"),
    CheckStatus.SKIPPED: StatusMark("–", "dim"),
}


def measured(check: CheckResult) -> str:
    """A check's number with its interval."""
    if check.value is None:
        return NOTHING
    value = amount(check.value, check.unit)
    if check.low is None or check.high is None:
        return f"{value} {check.unit}" if check.unit in ("nats", "of tags", "z") else value
    value += f" ({amount(check.low, check.unit)} to {amount(check.high, check.unit)})"
    return f"{value} {check.unit}" if check.unit in ("nats", "of tags") else value


def held_to(check: CheckResult) -> str:
    """Limit, floor and the smallest effect that would have been seen."""
    if check.limit is None:
        return NOTHING
    parts = [amount(check.limit, check.unit)]
    if check.floor:
        parts.append(f"benign {amount(check.floor, check.unit)}")
    if check.smallest:
        parts.append(f"seen from {amount(check.smallest, check.unit)}")
    return "; ".join(parts).replace("+", "")


def leaning(cue: CueFinding) -> str:
    """Effect with its interval, and each model alone."""
    low, high = amount(cue.low, cue.unit), amount(cue.high, cue.unit)
    alone = f"{amount(cue.candidate, cue.unit)} less {amount(cue.baseline, cue.unit)}"
    return f"{with_unit(cue.effect, cue.unit)} ({low} to {high}) = {alone}"


def turned(example: FlipExample) -> str:
    """What both models say of the target, before and after the edit."""
    sides = (("candidate", example.candidate), ("baseline", example.baseline))
    return ", ".join(f"{name} {turn.before} → {turn.after} {turn.probability:.2f}" for name, turn in sides)


def name_loss(entity: LostEntity) -> str:
    """What the baseline has right, and what the candidate says in its place."""
    tags = " ".join(tag or NOTHING for tag in entity.candidate)
    return f"{' '.join(entity.words[entity.start : entity.stop])} is {entity.kind}; candidate {tags}"


def leaked_words(leaks: LeakChange) -> list[str]:
    """Those that the candidate leaves, with their kinds."""
    return [f"{word.words[word.index]} ({word.kind})" for word in leaks.examples]


def details(result: GateResult, check: str) -> list[str]:
    """What stands behind the sentence of a check, for reports that have no tables."""
    if check == "negative_flips":
        return [f"{' '.join(entity.words)}: {name_loss(entity)}" for entity in result.lost]
    if check == "leaks" and result.leaks:
        return leaked_words(result.leaks)
    if check == "stress" and result.stress:
        return [f"{change.variant}: {held_out(change)}" for change in result.stress.variants]
    return []


def held_out(change: VariantChange) -> str:
    """F1 of both models, plain and in a variant, and the difference of the two differences."""
    candidate = f"candidate {change.candidate_plain:.3f} → {change.candidate:.3f}"
    baseline = f"baseline {change.baseline_plain:.3f} → {change.baseline:.3f}"
    interval = f"({change.low:+.3f} to {change.high:+.3f})"
    return f"{candidate}, {baseline}, {change.change:+.3f} {interval}, q {change.q:.2g}, {change.entities} entities"


def trained(cue: CueFinding) -> str:
    """What the training data says of it."""
    if not cue.where:
        return ""
    return (
        f"{cue.trained} of {cue.trained_count} words {cue.where} bear {cue.tag}; "
        f"before {cue.trained_before} of {cue.trained_before_count}"
    )
