"""What the tags of a file mean: decided over all of them, as a single one may be read in several ways.

Understood are IO, IOB1, IOB2, BIOES, BILOU, BMES and plain kinds; marks before the kind or behind it (`B-PER`, `B_PER`,
`PER-B`, `b-per`, `BEGIN-PER`); `O` and `o`; spaCy's `-`, `?` and null for a tag that is not known. What could mean two
things is refused, with the option that says which.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from interp.errors import InputError, counted
from interp.question.tags import OUTSIDE

__all__ = ["OUTSIDE_TAGS", "UNKNOWN", "TagCount", "Tags", "are_tags", "clean_tag", "is_marked", "read_tags"]

UNKNOWN = "?"
"""Of `?map=`, and in a file: a tag that is not known."""
PASSED_OVER = "-100"
"""By losses: unknown wherever it stands."""
_ABSENT = frozenset({"-", "null", UNKNOWN})
"""Beside an `O` unknown: spaCy's spelling, JSON's, and that of `?map=`."""
EITHER = frozenset({"0", "_", "*", *_ABSENT})
"""Outside where no `O` stands in the file."""

OUTSIDE_TAGS = frozenset({OUTSIDE, "o", *EITHER})
"""What may stand outside entities."""

_DASHES = str.maketrans({**dict.fromkeys("‐‑‒–—―−﹣－", "-"), **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\xad")})
"""Other dashes, and characters that nobody sees."""
_NAMED = re.compile(r"(?i:ner|ne|tag|label|entity|bio|iob)=(?=.)")
_LONG_MARKS = {
    **{"BEGIN": "B", "BEGINNING": "B", "INSIDE": "I", "MIDDLE": "M", "LAST": "L", "END": "E"},
    **{"UNIT": "U", "SINGLE": "S", "SINGLETON": "S"},
}
_MARKS = frozenset("BIESLUM")
_MARK = f"(?i:{'|'.join(_LONG_MARKS)})|[BIESLUMbieslum]"
_PREFIX = re.compile(rf"(?P<mark>{_MARK})[-_:/](?P<kind>.+)")
_SUFFIX = re.compile(rf"(?P<kind>.+)[-_:/](?P<mark>{_MARK})")
_BARE = re.compile(rf"({_MARK})-?")
_NESTED = re.compile(r"[|,;+/&\s]+(?:[BIESLUM][-_:]|O$)")
_BRACKET = re.compile(r"\(.+|.*\*\)*")
_NUMBER = re.compile(r"-?\d+")
MANY = 30
"""Words of a file in which classes of words stand more than once."""
FEW = 8
"""Words of a file that is too short to tell classes of words from tags that were taken from another column."""


@dataclass
class TagCount:
    """How often a tag stands in the file, and where first."""

    where: str
    count: int = 0


@dataclass(frozen=True)
class Tags:
    """What every tag of a file means: O, a tag in the form B-PER (kinds without marks as I-PER), None where unknown."""

    meanings: Mapping[str | None, str | None]
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True)
class _Reading:
    """Tags of a file while they are read: `spelled` as cleaned, how often and where."""

    shown: str
    spelled: dict[str, TagCount]
    renamed: Mapping[str, str]
    kind: str | None
    meanings: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def rest(self) -> list[str]:
        """Tags whose meaning is not settled yet."""
        return [tag for tag in self.spelled if tag not in self.meanings]

    def settle(self, tags: Iterable[str], meaning: str | None) -> None:
        for tag in tags:
            self.meanings[tag] = meaning

    def refuse(self, tag: str, why: str) -> InputError:
        return InputError(f"{self.spelled[tag].where}: {why}")


@lru_cache(maxsize=100_000)
def clean_tag(tag: str) -> str:
    """Without blanks and quotes around it, with plain dashes, and without a field's name, as in `NER=O`."""
    plain = tag.strip().translate(_DASHES)
    if len(plain) > 2 and plain[0] == plain[-1] and plain[0] in "\"'":
        plain = plain[1:-1].strip()
    return _NAMED.sub("", plain, count=1)


def is_marked(tag: str) -> bool:
    """Whether it looks like B-PER."""
    return bool(re.match(r"[BIESLUM][-_].", clean_tag(tag)))


def are_tags(values: Iterable[str]) -> bool:
    """Whether all look like B-PER or stand outside, and one at least is no outside."""
    cleaned = set(map(clean_tag, values))
    return any(map(is_marked, cleaned)) and all(is_marked(tag) or tag in OUTSIDE_TAGS for tag in cleaned)


def read_tags(
    spelled: Mapping[str | None, TagCount], shown: str, renamed: Mapping[str, str], kind: str | None = None
) -> Tags:
    """What the tags of a file mean. `spelled` as they stand there, None for null; `renamed`: whole tags or kinds by
    another name; `kind` of a scheme that names none. Raises InputError, with file and line.
    """
    cleaned: dict[str, TagCount] = {}
    names = {tag: "null" if tag is None else clean_tag(tag) for tag in spelled}
    for tag, name in names.items():
        cleaned.setdefault(name, TagCount(spelled[tag].where)).count += spelled[tag].count
    reading = _Reading(shown=shown, spelled=cleaned, renamed=renamed, kind=kind)
    _settle_renamed(reading)
    _settle_outside(reading)
    _refuse_strange(reading)
    _settle_bare(reading)
    _settle_kinds(reading)
    return Tags({tag: reading.meanings[name] for tag, name in names.items()}, tuple(reading.notes))


def _settle_renamed(reading: _Reading) -> None:
    """Whole tags that the user says the meaning of."""
    for tag, new in reading.renamed.items():
        if clean_tag(tag) in reading.spelled:
            reading.settle([clean_tag(tag)], None if new == UNKNOWN else _canonical(new))


def _canonical(tag: str) -> str:
    """A tag that the user gives: a mark is one where it stands before a dash."""
    match = _PREFIX.fullmatch(tag)
    if tag == OUTSIDE or (match and tag[len(match["mark"])] == "-"):
        return _tag_of(match) if match else tag
    return f"I-{tag}"


def _settle_outside(reading: _Reading) -> None:
    reading.settle([tag for tag in reading.rest if tag == PASSED_OVER], None)
    for tag in [tag for tag in reading.rest if tag in (OUTSIDE, "o")]:
        reading.settle([tag], OUTSIDE)
    spells_outside = OUTSIDE in reading.meanings.values()
    either = [tag for tag in reading.rest if tag in EITHER]
    if not either:
        return
    if spells_outside:
        reading.settle([tag for tag in either if tag in _ABSENT], None)
        for tag in either:
            if tag not in _ABSENT:
                raise reading.refuse(
                    tag,
                    f"the tag `{tag}` stands beside `O`: say with ?map={tag}=O that it means the same, or with "
                    f"?map={tag}=? that it is unknown.",
                )
        return
    if len(either) == len(reading.rest):
        raise reading.refuse(
            either[0], f"every tag is `{either[0]}`: name the column or field of tags, or say that there is none."
        )
    if len(either) > 1:
        raise reading.refuse(
            either[1],
            f"`{either[0]}` and `{either[1]}` both stand for no entity: say which is outside and which unknown, as "
            f"in ?map={either[0]}=O,{either[1]}=?.",
        )
    (outside,) = either
    reading.settle([outside], OUTSIDE)
    count = reading.spelled[outside].count
    reading.notes.append(f"{reading.shown}: no tag is `O`, so `{outside}` is read as it ({counted(count, 'word')}).")


def _refuse_strange(reading: _Reading) -> None:
    """What is no tag, however the others are spelled."""
    rest = reading.rest
    numbers = [tag for tag in reading.spelled if _NUMBER.fullmatch(tag) and tag != PASSED_OVER]
    numbers.sort(key=lambda number: (len(number), number))  # as int(), which has a limit
    for tag in rest:
        if not tag:
            raise reading.refuse(tag, "has an empty tag: write O for outside, - for unknown.")
        if _NUMBER.fullmatch(tag):
            example = ",".join(
                f"{number}={name}" for number, name in zip(numbers, ("O", "B-PER", "I-PER"), strict=False)
            )
            raise reading.refuse(tag, f"the tag `{tag}` is a number: say what numbers mean, as in ?map={example}.")
        if _BRACKET.fullmatch(tag):
            raise reading.refuse(tag, f"`{tag}` is a bracket, and no tag: write ?format=ontonotes where all are.")
        if "=" in tag:
            raise reading.refuse(
                tag, f"`{tag}` is a field with its name, and no tag: write ?format=conllu where this is CoNLL-U."
            )
        if tag[0] in "[<{" or (tag[0] == "-" and is_marked(tag.lstrip("-"))):
            raise reading.refuse(tag, f"`{tag}` is no tag of a word: take it out, or write ?map={tag}=O.")
        if "|" in tag or (_PREFIX.fullmatch(tag) and _NESTED.search(tag)):
            raise reading.refuse(tag, f"`{tag}` is two tags, of entities inside each other: give one per word.")


def _settle_bare(reading: _Reading) -> None:
    """B, I and O without a kind: a scheme of one kind, which has to be named."""
    rest = reading.rest
    bare = [tag for tag in rest if _BARE.fullmatch(tag)]
    if not bare and reading.kind:
        raise InputError(f"{reading.shown}: ?kind={reading.kind} is for tags that name no kind: leave it out.")
    if not any(_bare_mark(tag) in "BI" for tag in bare) and len(bare) < len(rest):
        return  # kinds of one letter
    if bare and len(bare) < len(rest):
        stranger = next(tag for tag in rest if tag not in bare)
        raise reading.refuse(
            bare[0],
            f"the tag `{bare[0]}` names no kind, while `{stranger}` does: say what it is, as in ?map={bare[0]}=B-PER.",
        )
    if bare and not reading.kind:
        raise reading.refuse(bare[0], f"the tags {_listed(bare)} name no kind of entity: name it, as in ?kind=PER.")
    for tag in bare:
        reading.settle([tag], f"{_bare_mark(tag)}-{reading.kind}")


def _settle_kinds(reading: _Reading) -> None:
    """Marks before the kinds or behind them; where neither is a scheme, the tags are kinds."""
    rest = reading.rest
    before = {tag: match for tag in rest if (match := _PREFIX.fullmatch(tag))}
    behind = {tag: match for tag in rest if (match := _SUFFIX.fullmatch(tag))}
    if _is_scheme(before.values()):
        plain = [tag for tag in rest if tag not in before]
        if plain:
            raise reading.refuse(
                plain[0],
                f"the tag `{plain[0]}` has no mark, while `{min(before)}` has: say what it is, as in "
                f"?map={plain[0]}=O or ?map={plain[0]}=B-PER.",
            )
        _settle_marked(reading, before)
    elif _is_scheme(behind.values()) and len(behind) == len(rest):
        _settle_marked(reading, behind)
    elif rest:
        _settle_plain(reading)


def _is_scheme(matches: Collection[re.Match[str]]) -> bool:
    """Whether marks are a scheme, and not the first letters of e-mail and s-bahn."""
    spelled = {match["mark"] for match in matches}
    marks = {_mark_of(match) for match in matches}
    if all(mark in _MARKS for mark in spelled):
        return not marks.isdisjoint("BISU")
    return "B" in marks or marks == {"I"}


def _settle_marked(reading: _Reading, matches: Mapping[str, re.Match[str]]) -> None:
    for tag, match in matches.items():
        if match["kind"].strip() == OUTSIDE or match["kind"].startswith("["):
            raise reading.refuse(tag, f"`{tag}` names no kind of entity: write ?map={tag}=O where it is none.")
        reading.settle([tag], _tag_of(match))


def _settle_plain(reading: _Reading) -> None:
    """Kinds without marks: IO, or classes of words."""
    plain = reading.rest
    for tag in plain:
        reading.settle([tag], f"I-{tag}")
    if OUTSIDE in reading.meanings.values():
        return
    words = sum(count.count for count in reading.spelled.values())
    most = max(plain, key=lambda tag: reading.spelled[tag].count)
    if words >= MANY and len(plain) > words / 2:
        raise reading.refuse(
            plain[0],
            f"there are {len(plain)} tags for {words} words, {_listed(plain)}: name the column or field of tags.",
        )
    if words >= FEW and reading.spelled[most].count > words / 2:
        raise reading.refuse(
            most,
            f"most words have the tag `{most}`, and none is outside: ?map={most}=O says that this is what it means, "
            f"?map={most}={most} that it does not.",
        )
    reading.notes.append(f"{reading.shown}: no word is outside; the tags {_listed(plain)} are read as kinds.")


def _tag_of(match: re.Match[str]) -> str:
    return f"{_mark_of(match)}-{match['kind'].strip()}"


def _mark_of(match: re.Match[str]) -> str:
    mark = match["mark"].upper()
    return _LONG_MARKS.get(mark, mark)


def _bare_mark(tag: str) -> str:
    mark = tag.removesuffix("-").upper()
    return _LONG_MARKS.get(mark, mark)


def _listed(tags: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(f"`{tag}`" for tag in tags[:most])
    return f"{shown} …" if len(tags) > most else shown
