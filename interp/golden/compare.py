"""How far an explanation is from its golden, and whether that breaks what the golden promises.

What it promises depends on the weights. The same fingerprint: every number within tolerance. Other weights: the
target's tag and its leading words; retraining alone moves attributions by a quarter of their mass, so numbers are
shown, not failed, unless the golden is strict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from interp.golden.document import Golden, scale

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
    former_sha256: str = ""
    """What the new explanation's model was called by releases whose fingerprint left the configuration out: a golden
    under that name is held to its numbers."""


class Promise(Enum):
    """What the golden was held to; the value is the sentence that says so."""

    NUMBERS = "Same weights: the tag and every number must be within the tolerance."
    STRICT = "Other weights, and the golden is strict: the tag and every number must be within the tolerance."
    LEADERS = "Other weights: the tag and the leading words must hold; numbers are shown, not failed."
    QUESTION = "The golden answers another question, so there is nothing to compare."
    TAG = "The model says another tag, and what is explained is that tag: numbers are not compared."


@dataclass(frozen=True)
class Change:
    """One number that moved: `moved` is |got − expected| in tolerances."""

    group: str
    name: str
    expected: float
    got: float
    moved: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """`failures` are sentences, none when the promise holds; `changes` stand in the order of how far they moved.

    `tolerance` is the one that was used: at least both integrations' together, and a tenth of the one that the golden
    was stored for.
    """

    old: Golden
    new: Golden
    rule: Promise
    tolerance: float
    failures: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def beyond(self) -> tuple[Change, ...]:
        """Changes beyond the tolerance."""
        return tuple(change for change in self.changes if not change.moved <= 1)


def compare_goldens(old: Golden, new: Golden, policy: Policy) -> Comparison:
    """Hold `new` to what `old` promises."""
    tolerance = max(policy.tolerance, old.integration_tolerance + new.integration_tolerance, old.tolerance / 10)
    if asked := _asked(old, new):
        tag_alone = {**old.question, "tag": None} == {**new.question, "tag": None}
        rule = Promise.TAG if tag_alone and old.tags != new.tags else Promise.QUESTION
        return Comparison(old=old, new=new, rule=rule, tolerance=tolerance, failures=asked, changes=())
    changes = _changes(old, new, tolerance)
    if old.sha256 in (new.sha256, policy.former_sha256):
        rule = Promise.NUMBERS
    else:
        rule = Promise.STRICT if policy.strict else Promise.LEADERS
    failures = []
    if old.tags != new.tags:
        failures.append(f"The tag was {' '.join(old.tags)} and is {' '.join(new.tags)}.")
    if rule is Promise.LEADERS:  # also for a model of other layers or tables: what both have is shown
        failures += _leaders(old, new, policy.top, tolerance)
    elif apart := [name for name in {**old.groups, **new.groups} if (name in old.groups) != (name in new.groups)]:
        failures.append(f"Only one of the two has {', '.join(apart)}.")
    elif beyond := [change for change in changes if not change.moved <= 1]:
        worst = beyond[0]
        count = "One number" if len(beyond) == 1 else f"{len(beyond)} of {_count(new)} numbers"
        failures.append(
            f'{count} moved by more than the tolerance; most: "{worst.name}" ({worst.group}) from '
            f"{worst.expected:+.4g} to {worst.got:+.4g}, {worst.moved:.1f} tolerances."
        )
    return Comparison(
        old=old, new=new, rule=rule, tolerance=tolerance, failures=tuple(failures), changes=tuple(changes)
    )


def _asked(old: Golden, new: Golden) -> tuple[str, ...]:
    """Differences of the question, one sentence each."""
    keys = dict.fromkeys([*old.question, *new.question])
    found = [
        f"The {key} was {_told(old.question.get(key))} and is {_told(new.question.get(key))}."
        for key in keys
        if old.question.get(key) != new.question.get(key)
    ]
    if not found and old.words != new.words:
        found = ["The sentence is split into other words than it was."]
    return tuple(found)


def _told(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else "none" if value is None else str(value)


def _changes(old: Golden, new: Golden, tolerance: float) -> list[Change]:
    """Every number that moved, the one that moved by most tolerances first."""
    found = [
        Change("probability", name, expected=before, got=after, moved=abs(after - before) / tolerance)
        for name, before, after in zip(old.question["target"], old.probability, new.probability, strict=True)
    ]
    for group, values in old.groups.items():
        if group not in new.groups:
            continue
        allowed = tolerance * scale(values, old.attributions)
        for place, (before, after) in enumerate(zip(values, new.groups[group], strict=True)):
            moved = abs(after - before) / allowed if allowed else math.inf if after != before else 0.0
            found.append(Change(group, old.label(group, place), expected=before, got=after, moved=moved))
    return sorted((change for change in found if change.moved), key=lambda change: -change.moved)


def _count(golden: Golden) -> int:
    return len(golden.probability) + sum(map(len, golden.groups.values()))


def _leaders(old: Golden, new: Golden, top: int, tolerance: float) -> list[str]:
    """Leading words that changed places, unless their values are closer than the tolerance before or after."""

    def tied(golden: Golden, one: int, other: int) -> bool:
        values = golden.attributions
        return abs(values[one] - values[other]) <= tolerance * scale(values, values)

    before, after = old.ranked[:top], new.ranked[:top]
    pairs = zip(before, after, strict=True)
    if all(a == b or tied(old, a, b) or tied(new, a, b) for a, b in pairs):
        return []
    names = new.names
    was, now = (", ".join(f'"{names[i]}"' for i in leaders) for leaders in (before, after))
    what = "leading word was" if top == 1 else f"{top} leading words were"
    return [f"The {what} {was} and {'is' if top == 1 else 'are'} {now}."]
