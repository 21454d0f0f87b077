"""Words that are left out of scoring, and kinds that right tags and a model do not share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2, Entities

from interp.question.kinds import compare_kinds
from interp.question.scoring import LeftOut, count_left_out, predicted_entities, right_entities, scored_words
from interp.question.tags import Entity

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def tags(text: str) -> list[str | None]:
    return [None if tag == "?" else tag for tag in text.split()]


def strict(sentence: object) -> list[Entity]:
    (spans,) = Entities([list(sentence)], IOB2).entities  # type: ignore[call-overload]
    return [Entity(span.start, span.end, span.tag) for span in spans]


@pytest.mark.parametrize(
    ("gold", "predicted", "right", "spans"),
    [
        ("B-PER I-PER I-PER O", "B-PER ? I-PER O", {Entity(0, 3, "PER")}, {Entity(0, 3, "PER")}),
        ("B-PER I-PER I-PER O", "B-PER I-PER ? O", {Entity(0, 2, "PER")}, {Entity(0, 2, "PER")}),
        ("B-PER I-PER O O", "? B-PER O O", {Entity(1, 2, "PER")}, {Entity(1, 2, "PER")}),
        ("B-PER O O O", "? O O O", set(), set()),
        ("B-PER ? I-PER O", "B-PER I-PER I-PER O", {Entity(0, 3, "PER")}, {Entity(0, 3, "PER")}),
        ("B-PER ? I-PER O", "B-PER O O O", {Entity(0, 3, "PER")}, {Entity(0, 1, "PER")}),
        ("O ? O O", "O B-PER O O", set(), set()),
        ("? B-PER O O", "B-PER I-PER O O", {Entity(1, 2, "PER")}, {Entity(1, 2, "PER")}),
        ("B-PER ? B-PER O", "B-PER I-PER B-PER O", {Entity(0, 1, "PER"), Entity(2, 3, "PER")}, None),
    ],
)
def test_words_that_are_left_out_end_no_entity(
    gold: str, predicted: str, right: set[Entity], spans: set[Entity] | None
) -> None:
    scored = scored_words(tags(gold), tags(predicted))
    assert right_entities(tags(gold), scored) == right
    assert predicted_entities(tags(predicted), scored, strict) == (right if spans is None else spans)


def test_words_that_are_left_out_are_counted_by_reason() -> None:
    gold, baseline, candidate = tags("B-PER ? O O O"), tags("B-PER ? O ? O"), tags("O O ? O O")
    assert scored_words(gold, baseline, candidate) == (0, 4)
    assert count_left_out(gold, baseline, candidate) == LeftOut(unknown=1, unread=2)
    with pytest.raises(ValueError, match="argument"):
        scored_words(gold, baseline[1:])


SENTENCES = st.lists(st.sampled_from(LABELS), min_size=1, max_size=8)


@given(SENTENCES, st.data())
def test_scores_are_those_of_seqeval_on_the_words_that_are_left(gold: list[str], data: st.DataObject) -> None:
    """Where a model reads nothing of some words, its tags are those of the shorter sentence."""
    predicted = data.draw(st.lists(st.sampled_from(LABELS), min_size=len(gold), max_size=len(gold)))
    unread = data.draw(st.sets(st.integers(0, len(gold) - 1)))
    given_tags = [None if index in unread else tag for index, tag in enumerate(predicted)]
    scored = scored_words(gold, given_tags)
    right = _strict_on(gold, scored)
    spans = predicted_entities(given_tags, scored, strict)
    f1 = 2 * len(right & spans) / max(len(right) + len(spans), 1)
    left = [[gold[index] for index in scored]], [[predicted[index] for index in scored]]
    if scored and (right or spans):
        assert f1 == pytest.approx(f1_score(*left, mode="strict", scheme=IOB2, zero_division=0))


def _strict_on(gold: list[str], scored: tuple[int, ...]) -> set[Entity]:
    return predicted_entities([tag if index in scored else None for index, tag in enumerate(gold)], scored, strict)


def test_kinds_that_only_one_side_knows_are_counted() -> None:
    gold = [("B-PERSON", "I-PERSON", "O", "B-GPE"), None, (None, "B-PERSON", "B-LOC")]
    mismatch = compare_kinds(gold, ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-MISC"))
    assert mismatch.unknown_to_model == {"PERSON": 2, "GPE": 1}
    assert (mismatch.entities, mismatch.missed, mismatch.without_gold) == (4, 3, ("PER", "MISC"))
    assert mismatch.sentence == (
        "3 of 4 right entities are of kinds that the model lacks (PERSON 2, GPE 1); it has PER, LOC, MISC: say which "
        "mean the same, or O to leave them out, as in ?map=PERSON=PER,GPE=…. No right entity is of PER, MISC, which "
        "the model has."
    )


def test_the_same_kinds_need_no_word() -> None:
    assert compare_kinds([("B-PER", "S-LOC")], ("O", "B-PER", "I-PER", "LOC")).sentence is None
    assert compare_kinds([("O",), None], ("O", "B-PER")).sentence is None
    assert compare_kinds([("B-per",)], ("O", "B-PER")).unknown_to_model == {"per": 1}
