"""What every report says of a comparison, worked out once: words and headers old beside new, the worst first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interp.errors import counted
from interp.explanation import distinct_names
from interp.golden import Change, Comparison, Golden, Promise
from interp.question.tags import tags_text
from interp.report import number_formats
from interp.report.text import visible

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
    "turn",
    "turned",
]

NamedComparison = tuple[str, Comparison]

FEW = 12
"""A sentence of up to as many words is shown whole."""
LEADING = 5
"""Of a longer one: leading words that are shown at least,"""
MOVED = 3
"""words that moved most,"""
FULL = 8
"""and words in all, with which large values fill up."""


@dataclass(frozen=True, kw_only=True)
class WordLine:
    """One word beside its numbers."""

    index: int
    text: str
    name: str
    """The text told apart from other words, as in `Rob#2`."""
    special: bool
    """Whether it is a special token."""
    target: bool
    """Whether it is of the words that are explained."""
    value: float
    share: float
    """Of Σ|attribution|."""
    old: float | None = None
    """The golden's value, where there is a golden."""
    moved: float = 0.0
    """From the golden's value, in tolerances."""
    note: str = ""
    """What a check says of it."""


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
    targets = _target_indices(new)
    moved = moves(comparison, "attribution")
    names = distinct_names(new.words)
    return [
        WordLine(
            index=index,
            text=text,
            name=names[index],
            special=new.special[index],
            target=index in targets,
            value=value,
            share=abs(value) / mass if mass else 0.0,
            old=old.attributions[index],
            moved=moved[index],
        )
        for index, (text, value) in enumerate(zip(new.words, new.attributions, strict=True))
    ]


def _target_indices(golden: Golden) -> set[int]:
    """Of a question's targets, each written as `Rob @3`."""
    matches = (re.search(r"@(\d+)$", str(target)) for target in golden.question["target"])
    return {int(match[1]) for match in matches if match}


def moves(comparison: Comparison, group: str) -> list[float]:
    """How far every number of a group moved, in tolerances."""
    # Within a group, a move follows from the two values alone.
    known = {(change.expected, change.actual): change.moved for change in comparison.changes if change.group == group}
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
    shown = [line for line in ordered if line.index in chosen]
    return shown, [line for line in ordered if line.index not in chosen]


def sorted_by_change(
    named: Sequence[NamedComparison],
) -> tuple[list[NamedComparison], list[NamedComparison], list[NamedComparison]]:
    """Goldens that fail or moved beyond the tolerance, the worst first; those that moved within it; the others."""

    beyond: list[NamedComparison] = []
    within: list[NamedComparison] = []
    same: list[NamedComparison] = []
    for name, comparison in sorted(named, key=lambda pair: _largest_move(pair[1]), reverse=True):
        if comparison.beyond or not comparison.passed:
            beyond.append((name, comparison))
        elif comparison.changes:
            within.append((name, comparison))
        else:
            same.append((name, comparison))
    return beyond, within, same


def _largest_move(comparison: Comparison) -> float:
    """In tolerances; infinite where another question or tag leaves nothing to compare."""
    if comparison.rule in (Promise.QUESTION, Promise.TAG):
        return math.inf
    return comparison.changes[0].moved if comparison.changes else 0.0


def closing(within: Sequence[NamedComparison], same: Sequence[NamedComparison], *, alone: bool) -> str:
    """The goldens that are not shown, counted in one sentence; `alone` when none is shown."""
    parts = []
    if within:
        name, comparison = within[0]
        most = f"{tolerances(comparison.changes[0].moved)} of the tolerance"
        parts.append(f"{counted(len(within), 'golden')} moved within the tolerance, at most by {most} ({name})")
    if same:
        parts.append(f"{counted(len(same), 'golden')} did not move")
    if not parts:
        return "There is no golden to compare." if alone else ""
    return f"{'; '.join(parts)}."


def leaders(comparison: Comparison, top: int = 3) -> tuple[str, str] | None:
    """The leading words before and after, None where they are the same."""
    before, after = (", ".join(golden.names[index] for index in golden.ranked[:top]) for golden in _both(comparison))
    return None if before == after or comparison.rule in (Promise.QUESTION, Promise.TAG) else (before, after)


def tags(comparison: Comparison) -> tuple[str, str] | None:
    """What the model says of the target, before and after, None where it is the same."""
    before, after = (" ".join(golden.tags) for golden in _both(comparison))
    return None if before == after or comparison.rule in (Promise.QUESTION, Promise.TAG) else (before, after)


def header_rows(comparison: Comparison) -> list[HeaderRow]:
    """Model, device and versions of both; `sha256` is cut to twelve digits."""
    old, new = (dict(_header_facts(golden.header)) for golden in _both(comparison))
    return [
        HeaderRow(name, _cut(name, old), _cut(name, new), old.get(name) != new.get(name))
        for name in dict.fromkeys([*old, *new])
    ]


def numbers(change: Change) -> tuple[str, str]:
    """Both values of a change in one format."""
    number = (
        number_formats.probability
        if change.group == "probability"
        else number_formats.signed([change.expected, change.actual])
    )
    return number(change.expected), number(change.actual)


def turned(comparison: Comparison) -> str:
    """Why words that turned fail nothing, in one sentence; empty where none did."""
    words = comparison.turned
    if not words:
        return ""
    more = f", and {counted(len(words) - 1, 'other word')} turned" if words[1:] else ""
    return (
        f"{turn(words[0])}{more}: this holds by design, as other weights are held to the leading words alone "
        '(golden_top says how many; golden = "strict" holds every number).'
    )


def turn(change: Change) -> str:
    """A word that turned, as in `"Rob" turned from +0.43 to -3.76`."""
    before, after = numbers(change)
    return f'"{visible(change.name)}" turned from {before} to {after}'


def tolerances(moved: float) -> str:
    """How far a number moved: a finite text, whatever the tolerance."""
    if moved < 99.95:
        return f"{moved:.1f}"
    return f"{moved:.0f}" if moved < 9999.5 else ">9999"


def one_tolerance(comparison: Comparison) -> str:
    """What one tolerance is, as part of a sentence."""
    return f"one is {100 * comparison.tolerance:.2g}% of its list's sum of |value|"


def aim(golden: Golden) -> str:
    """What the golden answers, as in `B-PER rather than B-ORG on Rob @10`."""
    tag, against, target = (_items(golden.question.get(key)) for key in ("tag", "against", "target"))
    return f"{tags_text(tag, against)} on {' '.join(target)}"


def _both(comparison: Comparison) -> tuple[Golden, Golden]:
    return comparison.old, comparison.new


def _header_facts(header: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Header facts that may explain a change. Files are read as they are: anything may be missing."""
    model, versions, integration = (_subtable(header, key) for key in ("model", "versions", "integration"))
    yield "model", str(model.get("name", ""))
    yield "sha256", str(model.get("sha256", ""))
    yield from ((key, str(header.get(key, ""))) for key in ("device", "dtype"))
    yield from ((str(name), str(version)) for name, version in versions.items())
    yield "integration", str(integration.get("status", ""))


def _subtable(header: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    content = header.get(key)
    return content if isinstance(content, Mapping) else {}


def _cut(name: str, header: Mapping[str, str]) -> str:
    text = header.get(name, "")
    return text[:12] if name == "sha256" else text


def _items(value: object) -> list[str]:
    """What a golden says of its question, which is read as it is: a list, one text, or nothing."""
    if not value:
        return []
    return list(map(str, value)) if isinstance(value, list | tuple) else [str(value)]
