"""What every report says of a comparison, worked out once: words and headers old beside new, the worst first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interp.explanation import distinct_names
from interp.golden import Change, Comparison, Golden, Promise
from interp.report import facts

__all__ = [
    "HeaderRow",
    "NamedComparison",
    "WordLine",
    "aim",
    "closing",
    "header_rows",
    "leaders",
    "lines",
    "moves",
    "notable",
    "numbers",
    "one_tolerance",
    "sorted_by_change",
    "tags",
    "tolerances",
]

NamedComparison = tuple[str, Comparison]

FEW, LEADING, MOVED, FULL = 12, 5, 3, 8


@dataclass(frozen=True, kw_only=True)
class WordLine:
    """One word: `old` is the golden's value where there is a golden, `moved` is in tolerances, `note` a check's."""

    index: int
    text: str
    name: str
    special: bool
    target: bool
    value: float
    share: float
    old: float | None = None
    moved: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class HeaderRow:
    """One fact on where the numbers of both goldens come from; empty where a header lacks it."""

    name: str
    old: str
    new: str
    differs: bool


def lines(comparison: Comparison) -> list[WordLine]:
    """One line per word in sentence order; none when the two goldens answer different questions."""
    if comparison.rule in (Promise.QUESTION, Promise.TAG):
        return []
    old, new = comparison.old, comparison.new
    mass = math.fsum(map(abs, new.attributions))
    found = {int(match[1]) for each in new.question["target"] if (match := re.search(r"@(\d+)$", str(each)))}
    moved = moves(comparison, "attribution")
    return [
        WordLine(
            index=i,
            text=text,
            name=name,
            special=special,
            target=i in found,
            value=value,
            share=abs(value) / mass if mass else 0.0,
            old=before,
            moved=moved[i],
        )
        for i, (text, name, special, value, before) in enumerate(
            zip(new.words, distinct_names(new.words), new.special, new.attributions, old.attributions, strict=True)
        )
    ]


def moves(comparison: Comparison, group: str) -> list[float]:
    """How far every number of a group moved, in tolerances."""
    # Within a group, a move follows from the two values alone.
    known = {(change.expected, change.got): change.moved for change in comparison.changes if change.group == group}
    pairs = zip(comparison.old.groups[group], comparison.new.groups[group], strict=True)
    return [known.get(pair, 0.0) for pair in pairs]


def notable(every: Sequence[WordLine]) -> tuple[list[WordLine], list[WordLine]]:
    """The words that matter, the one that speaks most for the tag first; and the others, of a long sentence only.

    What matters: the leading words, the target, what a check speaks of, what moved most, and large values.
    """
    ordered = sorted(every, key=lambda line: -line.value)
    if len(ordered) <= FEW:
        return ordered, []
    kept = [line for line in ordered if not line.special][:LEADING]
    kept += [line for line in ordered if line.note or line.target]
    kept += sorted((line for line in ordered if not line.moved <= 1), key=lambda line: -line.moved)[:MOVED]
    chosen = {line.index for line in kept}
    for line in sorted(ordered, key=lambda line: -abs(line.value)):
        if len(chosen) >= FULL:
            break
        chosen.add(line.index)
    return [x for x in ordered if x.index in chosen], [x for x in ordered if x.index not in chosen]


def sorted_by_change(
    named: Sequence[NamedComparison],
) -> tuple[list[NamedComparison], list[NamedComparison], list[NamedComparison]]:
    """Goldens that fail or moved beyond the tolerance, the worst first; those that moved within it; the others."""

    def worst(each: NamedComparison) -> float:
        changes = each[1].changes
        return math.inf if each[1].rule in (Promise.QUESTION, Promise.TAG) else changes[0].moved if changes else 0.0

    ordered = sorted(named, key=worst, reverse=True)
    told = [each for each in ordered if each[1].beyond or not each[1].passed]
    quiet = [each for each in ordered if not each[1].beyond and each[1].passed]
    return told, [each for each in quiet if each[1].changes], [each for each in quiet if not each[1].changes]


def closing(within: Sequence[NamedComparison], same: Sequence[NamedComparison], *, alone: bool) -> str:
    """The goldens that are not shown, counted in one sentence; `alone` when none is shown."""
    parts = []
    if within:
        name, comparison = within[0]
        most = f"{tolerances(comparison.changes[0].moved)} of the tolerance"
        parts.append(f"{_count(within)} moved within the tolerance, at most by {most} ({name})")
    if same:
        parts.append(f"{_count(same)} did not move")
    if not parts:
        return "There is no golden to compare." if alone else ""
    return f"{'; '.join(parts)}."


def leaders(comparison: Comparison, top: int = 3) -> tuple[str, str] | None:
    """The leading words before and after, None where they are the same."""
    before, after = (", ".join(golden.names[i] for i in golden.ranked[:top]) for golden in _both(comparison))
    return None if before == after or comparison.rule in (Promise.QUESTION, Promise.TAG) else (before, after)


def tags(comparison: Comparison) -> tuple[str, str] | None:
    """What the model says of the target, before and after, None where it is the same."""
    before, after = (" ".join(golden.tags) for golden in _both(comparison))
    return None if before == after or comparison.rule in (Promise.QUESTION, Promise.TAG) else (before, after)


def header_rows(comparison: Comparison) -> list[HeaderRow]:
    """Model, device and versions of both; `sha256` is cut to twelve digits."""
    old, new = (dict(_header(golden.header)) for golden in _both(comparison))
    return [
        HeaderRow(name, _cut(name, old), _cut(name, new), old.get(name) != new.get(name))
        for name in dict.fromkeys([*old, *new])
    ]


def numbers(change: Change) -> tuple[str, str]:
    """Both values of a change in one format."""
    number = facts.probability if change.group == "probability" else facts.signed([change.expected, change.got])
    return number(change.expected), number(change.got)


def tolerances(moved: float) -> str:
    """How far a number moved: a finite text, whatever the tolerance."""
    return f"{moved:.1f}" if moved < 99.95 else f"{moved:.0f}" if moved < 9999.5 else ">9999"


def one_tolerance(comparison: Comparison) -> str:
    """What one tolerance is, as part of a sentence."""
    return f"one is {100 * comparison.tolerance:.2g}% of its list's sum of |value|"


def aim(golden: Golden) -> str:
    """What the golden answers, as in `B-PER rather than B-ORG on Rob @10`."""
    tag, against, target = (golden.question.get(key) for key in ("tag", "against", "target"))
    return f"{_listed(tag)}{f' rather than {_listed(against)}' if against else ''} on {_listed(target)}"


def _both(comparison: Comparison) -> tuple[Golden, Golden]:
    return comparison.old, comparison.new


def _header(header: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Header facts that may explain a change. Files are read as they are: anything may be missing."""
    model, versions, integration = (
        part if isinstance(part := header.get(key), Mapping) else {} for key in ("model", "versions", "integration")
    )
    yield "model", str(model.get("name", ""))
    yield "sha256", str(model.get("sha256", ""))
    yield from ((key, str(header.get(key, ""))) for key in ("device", "dtype"))
    yield from ((str(name), str(version)) for name, version in versions.items())
    yield "integration", str(integration.get("status", ""))


def _cut(name: str, header: Mapping[str, str]) -> str:
    text = header.get(name, "")
    return text[:12] if name == "sha256" else text


def _listed(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _count(named: Sequence[NamedComparison]) -> str:
    return "1 golden" if len(named) == 1 else f"{len(named)} goldens"
