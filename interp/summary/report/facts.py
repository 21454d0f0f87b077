"""What both reports say: sentences and names."""

from __future__ import annotations

from interp.errors import counted
from interp.summary.accumulate import LEADING
from interp.summary.result import KindSummary, PlaceSummary, Summary, WordSummary
from interp.summary.summarise import FEWEST_DOCUMENTS, NEXT_TO_NOTHING

__all__ = ["HOW_TO_READ", "headline", "integration", "interval", "place", "unread"]

HOW_TO_READ = (
    "Means are in centred logits over all places where a word stands beside a target; intervals are 95 %, documents "
    f"being independent. * marks what the model leans on: a word in {FEWEST_DOCUMENTS} documents at least, whose mean "
    f"is surely not 0 (5 % over all words of a kind together) and more than {NEXT_TO_NOTHING:.0%} of what moves F. "
    "What carries much need not be wrong: look at the examples."
)


def headline(kind: KindSummary) -> str:
    """What the model leans on for a kind, in a sentence."""
    own = f"{kind.own_share:.0%} of the evidence is on the target's own words"
    words = ", ".join(f"{word.word} ({word.mean:+.2f})" for word in kind.leaned_on)
    leaning = f"beside them it leans on {words}" if words else "it leans on no other word"
    led = f"{kind.led / kind.targets:.0%} of targets are carried by one other word alone (more than {LEADING:.0%})"
    return f"{own}; {leaning}. {led}."


def integration(summary: Summary) -> str:
    """How the numbers were come by."""
    went = summary.integrations
    statuses = ", ".join(f"{count} {status}" for status, count in went.statuses.items())
    return (
        f"{statuses}; {went.evaluations:.0f} evaluations a target in the mean, {went.most_evaluations} at most; "
        f"estimated error {went.estimate:.1e} of the evidence in the mean"
    )


def unread(summary: Summary) -> str | None:
    """What is not in the numbers; None where all is."""
    if not summary.unread:
        return None
    reasons = "; ".join(f"{reason.rstrip('.')} ({count})" for reason, count in summary.unread_reasons.items())
    return f"{counted(summary.unread, 'sentence')} could not be read: {reasons}"


def interval(word: WordSummary | PlaceSummary) -> str:
    """Of the mean."""
    return "" if word.low is None or word.high is None else f"{word.low:+.2f} to {word.high:+.2f}"


def place(summary: PlaceSummary, kind: KindSummary) -> str:
    """The distance from the target, in a word or two."""
    size = abs(summary.distance)
    farthest = max(abs(other.distance) for other in kind.places)
    beyond = " and more" if size == farthest else ""
    return f"{size}{beyond} {'before' if summary.distance < 0 else 'behind'}"
