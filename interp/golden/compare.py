"""How far an explanation is from its golden, and whether that breaks what the golden promises.

What it promises depends on the weights. The same weights: every number within tolerance, under another configuration
too. Other weights: the target's tag and its leading words; retraining alone moves attributions by a quarter of their
mass, so numbers are shown, not failed, unless the golden is strict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from interp.errors import counted
from interp.golden.document import Golden, scale
from interp.question import Question

__all__ = ["Change", "Comparison", "Policy", "Promise", "compare_goldens"]


@dataclass(frozen=True)
class Policy:
    """How a golden is held."""

    tolerance: float
    """What a number may move, as a part of Σ|value| of its list."""
    top: int = 1
    """Leading words that other weights must keep."""
    strict: bool = False
    """Hold other weights to the numbers too."""


class Promise(Enum):
    """What the golden was held to; the value is the sentence that says so."""

    NUMBERS = "Same weights: the tag and every number must be within the tolerance."
    FORMER = (
        "Same weights, accepted under an earlier release's fingerprint, which left the configuration out: the tag and "
        "every number must be within the tolerance."
    )
    CONFIGURATION = (
        "Same weights under another configuration or other labels: the tag and every number must be within the "
        "tolerance."
    )
    STRICT = "Other weights, and the golden is strict: the tag and every number must be within the tolerance."
    LEADERS = "Other weights: the tag and the leading words must hold; numbers are shown, not failed."
    QUESTION = "The golden answers another question, so there is nothing to compare."
    TAG = "The model says another tag, and what is explained is that tag: numbers are not compared."


@dataclass(frozen=True, kw_only=True)
class Change:
    """One number that moved: `moved` is |actual − expected| in tolerances."""

    group: str
    name: str
    expected: float
    actual: float
    moved: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A golden held against a new one."""

    old: Golden
    new: Golden
    rule: Promise
    """What the golden was held to."""
    tolerance: float
    """The one that was used: at least both integrations' together, and a tenth of the one that the golden was stored
    for."""
    failures: tuple[str, ...]
    """Sentences, none when the promise holds."""
    changes: tuple[Change, ...]
    """The one that moved by most tolerances first."""

    def __repr__(self) -> str:
        verdict = "holds" if self.passed else f"broken in {counted(len(self.failures), 'point')}"
        moved = f"{len(self.beyond)} of {counted(_count(self.new), 'number')} beyond the tolerance"
        return f"<Comparison: {verdict}, {moved}>"

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def beyond(self) -> tuple[Change, ...]:
        """Changes beyond the tolerance."""
        return tuple(change for change in self.changes if not change.moved <= 1)

    @property
    def turned(self) -> tuple[Change, ...]:
        """Words that turned from one side to the other beyond the tolerance, where that breaks no promise."""
        if not self.passed or self.rule is not Promise.LEADERS:
            return ()
        words = (change for change in self.beyond if change.group == "attribution")
        return tuple(change for change in words if change.expected * change.actual < 0)


def compare_goldens(old: Golden, new: Golden, policy: Policy) -> Comparison:
    """Hold `new` to what `old` promises."""
    tolerance = max(policy.tolerance, old.integration_tolerance + new.integration_tolerance, old.tolerance / 10)
    differences = _question_differences(old, new)
    if differences:
        rule = Promise.TAG if differences.keys() == {"tag"} and old.tags != new.tags else Promise.QUESTION
        return Comparison(
            old=old, new=new, rule=rule, tolerance=tolerance, failures=tuple(differences.values()), changes=()
        )
    changes = _moved_numbers(old, new, tolerance)
    rule = _promise(old, new, policy)
    failures = []
    if old.tags != new.tags:
        failures.append(f"The tag was {' '.join(old.tags)} and is {' '.join(new.tags)}.")
    if rule is Promise.LEADERS:  # also for a model of other layers or tables: what both have is shown
        failures += _leader_failures(old, new, policy.top, tolerance)
    else:
        failures += _number_failures(old, new, changes)
    return Comparison(
        old=old, new=new, rule=rule, tolerance=tolerance, failures=tuple(failures), changes=tuple(changes)
    )


def _promise(old: Golden, new: Golden, policy: Policy) -> Promise:
    """What the golden is held to where it answers the same question."""
    if old.sha256 == new.sha256:
        return Promise.NUMBERS
    if new.former_sha256 and new.former_sha256 == old.sha256:
        return Promise.FORMER
    if new.former_sha256 and new.former_sha256 == old.former_sha256:
        return Promise.CONFIGURATION
    return Promise.STRICT if policy.strict else Promise.LEADERS


def _question_differences(old: Golden, new: Golden) -> dict[str, str]:
    """Differences of the question by its key, one sentence each."""
    sentences = {}
    for key in dict.fromkeys([*old.question, *new.question]):
        before, after = old.question.get(key), new.question.get(key)
        if before == after:
            continue
        if key != "positions":
            sentences[key] = f"The {key} was {_option_text(before)} and is {_option_text(after)}."
        elif "position" in old.groups or "position" in new.groups:  # else they moved no number
            sentences[key] = _moved_positions(str(before), str(after))
    if not sentences and old.words != new.words:
        sentences["words"] = "The sentence is split into other words than it was."
    return sentences


def _moved_positions(before: str, after: str) -> str:
    """Told whole: a question that names no positions asks for others than it did once the default is another."""
    default = ", the default" if after == Question.positions else ""
    return (
        f'The golden was accepted with positions = "{before}" and the question now has "{after}"{default}: write '
        f'positions = "{before}" in the case, or in the call of explain, to keep the golden, or accept the new one.'
    )


def _option_text(value: object) -> str:
    """An option of the question, as it stands in a sentence."""
    if value is None:
        return "none"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _moved_numbers(old: Golden, new: Golden, tolerance: float) -> list[Change]:
    """Every number that moved, the one that moved by most tolerances first."""
    changes = [
        Change(group="probability", name=name, expected=before, actual=after, moved=abs(after - before) / tolerance)
        for name, before, after in zip(old.question["target"], old.probability, new.probability, strict=True)
    ]
    for group, values in old.groups.items():
        if group not in new.groups:
            continue
        allowed = tolerance * scale(values, old.attributions)
        for place, (before, after) in enumerate(zip(values, new.groups[group], strict=True)):
            name, moved = old.label(group, place), _in_tolerances(after - before, allowed)
            changes.append(Change(group=group, name=name, expected=before, actual=after, moved=moved))
    return sorted((change for change in changes if change.moved), key=lambda change: -change.moved)


def _in_tolerances(difference: float, allowed: float) -> float:
    """Where nothing is allowed, anything but 0 is infinitely much."""
    if allowed:
        return abs(difference) / allowed
    return math.inf if difference != 0 else 0.0


def _number_failures(old: Golden, new: Golden, changes: list[Change]) -> list[str]:
    """The lists that only one golden has, or else the numbers that moved by more than the tolerance."""
    apart = [name for name in {**old.groups, **new.groups} if (name in old.groups) != (name in new.groups)]
    if apart:
        return [f"Only one of the two has {', '.join(apart)}."]
    beyond = [change for change in changes if not change.moved <= 1]
    if not beyond:
        return []
    worst = beyond[0]
    count = "One number" if len(beyond) == 1 else f"{len(beyond)} of {_count(new)} numbers"
    return [
        f'{count} moved by more than the tolerance; most: "{worst.name}" ({worst.group}) from '
        f"{worst.expected:+.4g} to {worst.actual:+.4g}, {worst.moved:.1f} tolerances."
    ]


def _count(golden: Golden) -> int:
    return len(golden.probability) + sum(map(len, golden.groups.values()))


def _leader_failures(old: Golden, new: Golden, top: int, tolerance: float) -> list[str]:
    """Leading words that changed places, unless their values are closer than the tolerance before or after."""

    def tied(golden: Golden, first: int, second: int) -> bool:
        values = golden.attributions
        return abs(values[first] - values[second]) <= tolerance * scale(values, values)

    before, after = old.ranked[:top], new.ranked[:top]
    pairs = zip(before, after, strict=True)
    if all(was == now or tied(old, was, now) or tied(new, was, now) for was, now in pairs):
        return []
    names = new.names
    old_leaders, new_leaders = (", ".join(f'"{names[index]}"' for index in leaders) for leaders in (before, after))
    if top == 1:
        return [f"The leading word was {old_leaders} and is {new_leaders}."]
    return [f"The {top} leading words were {old_leaders} and are {new_leaders}."]
