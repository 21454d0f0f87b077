"""Does the candidate leave words untagged that must be hidden? Where data is personal, only what is missed counts."""

from __future__ import annotations

from collections.abc import Iterator

from interp.gate.checks.base import judge_told
from interp.gate.checks.f1 import COLLAPSE
from interp.gate.inputs import Criteria
from interp.gate.leaks import LeakChange
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus, Severity
from interp.gate.slices import KIND

__all__ = ["check_leaks"]

SHOWN = 5
"""Words in the sentence."""


def check_leaks(measurements: Measurements, criteria: Criteria) -> CheckResult:
    """The rise of the part of right entities' words that are left untagged: of costly kinds, which makes it critical;
    of all kinds where none is named.
    """
    threshold, leaks = criteria.gate.leaks, measurements.behaviour.leaks
    severity: Severity = "critical" if criteria.costly else threshold.severity
    if leaks is None or leaks.missing or not leaks.words:
        return CheckResult(
            name="leaks",
            severity=severity,
            status=CheckStatus.INCONCLUSIVE if criteria.costly else CheckStatus.SKIPPED,
            sentence=_why_untold(leaks),
        )
    status = _judge(leaks, threshold.limit, severity)
    recalls = [
        f"{change.slice.removeprefix(KIND)} {change.recall_before:.3f} → {change.recall_after:.3f}"
        for change in measurements.behaviour.slices
        if change.slice.startswith(KIND) and change.slice.removeprefix(KIND) in (leaks.costly or leaks.kinds)
    ]
    sentences = [*_count(leaks), f"Recall of {', '.join(recalls)}.", *_ending(leaks, status, threshold.limit)]
    return CheckResult(
        name="leaks",
        severity=severity,
        status=status,
        sentence=" ".join(sentences),
        unit="more words",
        value=leaks.rise,
        low=leaks.low,
        high=leaks.high,
        limit=threshold.limit,
        count=leaks.words,
    )


def _why_untold(leaks: LeakChange | None) -> str:
    if leaks is None:
        return "No case has right entities, so that no word can be left untagged."
    kinds = ", ".join(f"{kind} {count}" for kind, count in leaks.kinds.items())
    return (
        f"No right entity is {' or '.join(leaks.missing)}, so that leaks of it cannot be told; there are words of "
        f"{kinds}. Name kinds as the right tags do (--costly), or give cases that have them."
    )


def _judge(leaks: LeakChange, limit: float, severity: Severity) -> CheckStatus:
    """By the interval, and by different words that leak for good where that is too wide to tell, as for F1."""
    status = judge_told(leaks.rise, leaks.low, leaks.high, limit, severity=severity)
    if status is CheckStatus.INCONCLUSIVE and leaks.different.at_least > max(COLLAPSE, limit):
        return CheckStatus.FAIL
    return status


def _count(leaks: LeakChange) -> Iterator[str]:
    kinds = " or ".join(leaks.costly) or "entities"
    yield (
        f"{leaks.after} of {leaks.words} words of {kinds} are left untagged, {leaks.before} by the baseline "
        f"({leaks.rise:+.2%}, {leaks.low:+.2%} to {leaks.high:+.2%})."
    )
    if leaks.leaked:
        words = dict.fromkeys(word.words[word.index] for word in leaks.examples)
        shown = ", ".join(f"`{word}`" for word in list(words)[:SHOWN])
        yield f"{leaks.leaked} that the baseline tags are left, {leaks.regained} are won: {shown}."


def _ending(leaks: LeakChange, status: CheckStatus, limit: float) -> Iterator[str]:
    if status is CheckStatus.INCONCLUSIVE:
        yield f"A rise beyond {limit:.1%} can be neither shown nor excluded."
    elif status is CheckStatus.FAIL and leaks.low <= limit:
        yield (
            f"Of {leaks.different.count} different words {leaks.different.lost} are left and {leaks.different.won} "
            "won: no chance, and no harmless training, does that."
        )
    elif status is CheckStatus.PASS:
        yield "Words that the cases do not hold are not seen."
