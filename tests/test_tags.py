"""Entities from tags in every scheme, against seqeval where it knows the scheme."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.scheme import BILOU, IOB2, IOBES, Entities

from interp.question.tags import Entity, entity_spans, find_entities, kind_of, to_iob2


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O", []),
        ("B-PER I-PER O B-PER", [(0, 1), (3,)]),
        ("B-PER B-PER", [(0,), (1,)]),
        ("I-PER I-LOC I-LOC", [(0,), (1, 2)]),
        ("B-PER I-LOC", [(0,), (1,)]),
        ("PER PER O LOC", [(0, 1), (3,)]),
        ("[CLS] B-LOC [0] I-LOC", [(1,), (3,)]),
        ("S-PER S-PER", [(0,), (1,)]),
        ("B-PER E-PER I-PER", [(0, 1), (2,)]),
        ("U-LOC B-LOC L-LOC L-LOC", [(0,), (1, 2), (3,)]),
        ("", []),
    ],
)
def test_entities_from_tags(tags: str, expected: list[tuple[int, ...]]) -> None:
    assert entity_spans(tags.split()) == expected


def test_units_without_a_tag_part_entities() -> None:
    assert entity_spans([None, "B-PER", None, "I-PER", None]) == [(1,), (3,)]


def test_kinds() -> None:
    assert find_entities(["B-PER", "I-PER", "LOC"]) == [Entity(0, 2, "PER"), Entity(2, 3, "LOC")]
    assert [kind_of(tag) for tag in ("B-PER", "LOC", "O", "X-1", "E-date-time")] == [
        "PER",
        "LOC",
        "O",
        "X-1",
        "date-time",
    ]


SCHEMES = {"IOB2": (IOB2, "BI"), "IOBES": (IOBES, "BIES"), "BILOU": (BILOU, "BILU")}


@pytest.mark.parametrize("scheme", SCHEMES)
@given(data=st.data())
def test_well_formed_tags_give_the_spans_of_seqeval(scheme: str, data: st.DataObject) -> None:
    reader, marks = SCHEMES[scheme]
    tags: list[str] = []
    for kind, size in data.draw(st.lists(st.tuples(st.sampled_from(["O", "PER", "LOC"]), st.integers(1, 3)))):
        if kind == "O":
            tags += ["O"] * size
        elif size == 1:
            tags.append(f"{'B' if scheme == 'IOB2' else marks[-1]}-{kind}")
        else:
            last = "I" if scheme == "IOB2" else marks[2]
            tags += [f"B-{kind}", *[f"I-{kind}"] * (size - 2), f"{last}-{kind}"]
    theirs = [Entity(each.start, each.end, each.tag) for row in Entities([tags], reader).entities for each in row]
    assert find_entities(tags) == sorted(theirs)


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "S-LOC", "E-PER", "U-PER", "PER"])))
def test_iob2_keeps_the_entities(tags: list[str]) -> None:
    assert find_entities(to_iob2(tags)) == find_entities(tags)
