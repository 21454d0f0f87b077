"""Tags of words and the entities they spell, in any scheme: IO, IOB1, IOB2, BIOES, BMES, BILOU, or plain classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from interp.errors import InputError

__all__ = [
    "OUTSIDE",
    "RATHER_THAN",
    "Entity",
    "Scheme",
    "TaggedSentence",
    "entity_spans",
    "find_entities",
    "iob2_labels",
    "kind_of",
    "kinds_of_labels",
    "mark_of",
    "scheme_of",
    "tags_text",
    "to_iob2",
]

OUTSIDE = "O"
RATHER_THAN = " rather than "
"""Between the tags that are explained and those that they are held against."""
_MARKS = frozenset("BIMELSU")
_STARTS = frozenset("BSU")
_ENDS = frozenset("ELSU")

Scheme = Literal["classes", "IO", "IOB1", "IOB2", "IOBES", "BILOU"]
"""How tags spell entities; classes have no marks."""


@dataclass(frozen=True, order=True)
class Entity:
    """Words `start` to `stop` (excluded) of one kind; the first word of a sentence is 0."""

    start: int
    stop: int
    kind: str


@dataclass(frozen=True)
class TaggedSentence:
    """A sentence whose right tags are known: its words and, for each, a tag."""

    words: tuple[str, ...]
    tags: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.words) != len(self.tags):
            counts = f"{len(self.words)} words but {len(self.tags)} tags"
            raise InputError(f"a sentence has {counts}: give one tag per word")


def tags_text(tags: Sequence[str], against: Sequence[str] | None = None) -> str:
    """Tags in a sentence, as in `B-PER rather than B-ORG`."""
    return " ".join(tags) + (f"{RATHER_THAN}{' '.join(against)}" if against else "")


def kind_of(tag: str) -> str:
    """PER of B-PER; O stays O."""
    return _mark_and_kind(tag)[1]


def mark_of(tag: str) -> str:
    """B of B-PER; nothing where a tag is its own kind."""
    return _mark_and_kind(tag)[0]


def scheme_of(labels: Iterable[str]) -> Scheme:
    """The scheme that a model with these labels tags in. BMES is told as IOBES; IOB1 shows in a kind that has an `I-`
    and no `B-`, which is for entities that follow one of their kind and so is rare.
    """
    marked = {_mark_and_kind(label) for label in labels}
    marks = {mark for mark, _ in marked if mark}
    if not marks:
        return "classes"
    if not marks & _STARTS:
        return "IO"
    if marks & {"S", "E"}:
        return "IOBES"
    if marks & {"U", "L"}:
        return "BILOU"
    inside = {kind for mark, kind in marked if mark == "I"}
    return "IOB1" if inside - {kind for mark, kind in marked if mark == "B"} else "IOB2"


def kinds_of_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Kinds of entities, in order: in a scheme, tags without a mark are none, and names in brackets never are."""
    labels = list(labels)
    plain = scheme_of(labels) in ("classes", "IO")
    kinds = (kind_of(label) for label in labels if plain or mark_of(label))
    return tuple(dict.fromkeys(kind for kind in kinds if kind != OUTSIDE and not kind.startswith("[")))


def iob2_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """The tags of IOB2 for the same kinds: O, then B- and I- of each."""
    return (OUTSIDE, *(f"{mark}-{kind}" for kind in kinds_of_labels(labels) for mark in "BI"))


def _mark_and_kind(tag: str) -> tuple[str, str]:
    """("B", "PER") of B-PER; a tag without a scheme is its own kind."""
    mark, dash, kind = tag.partition("-")
    return (mark, kind) if dash and mark in _MARKS else ("", tag)


def entity_spans(tags: Sequence[str | None]) -> list[tuple[int, ...]]:
    """Indices of every entity: consecutive words of one kind, where `B-` (`S-`, `U-`) starts anew; tags without a
    scheme are kinds. None, and names in brackets, are no entity.
    """
    return [tuple(range(entity.start, entity.stop)) for entity in find_entities(tags)]


def find_entities(tags: Sequence[str | None]) -> list[Entity]:
    """The same with their kinds. An `I-` that continues nothing starts an entity, as most readers take it."""
    return list(_entities(tags))


def _entities(tags: Sequence[str | None]) -> Iterator[Entity]:
    start, open_kind = 0, OUTSIDE
    for index, tag in enumerate([*tags, None]):
        mark, kind = _mark_and_kind(tag or OUTSIDE)
        if kind.startswith("["):
            kind = OUTSIDE
        if kind != open_kind or mark in _STARTS:
            if open_kind != OUTSIDE:
                yield Entity(start, index, open_kind)
            start, open_kind = index, kind
        if mark in _ENDS and kind != OUTSIDE:
            yield Entity(start, index + 1, kind)
            start, open_kind = index + 1, OUTSIDE


def to_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """The same entities as IOB2 tags."""
    iob2 = [OUTSIDE] * len(tags)
    for entity in find_entities(tags):
        iob2[entity.start] = f"B-{entity.kind}"
        iob2[entity.start + 1 : entity.stop] = [f"I-{entity.kind}"] * (entity.stop - entity.start - 1)
    return tuple(iob2)
