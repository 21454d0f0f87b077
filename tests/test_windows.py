"""Texts longer than the model reads: an error that says what to do, or the part around the target."""

from __future__ import annotations

import pickle

import pytest
from tiny import LABELS

from interp.cases.answer import answer_cases
from interp.cases.case import Case
from interp.errors import InputError, TooLongError
from interp.explain import Model
from interp.explain.windows import readable_parts
from interp.question import Question

# The tiny tagger reads 32 sub-tokens: [CLS], 30 of words, [SEP]. "London" and "wins" are two each.
LONG = ["the"] * 40 + ["Rob", "wins", "in", "London"] + ["a"] * 40


def test_by_default_it_is_an_error_that_names_the_way_out(model32: Model) -> None:
    with pytest.raises(
        InputError, match=r"The text is 88 sub-tokens and the model reads 32: the first 30 words fit, .*`window`"
    ):
        model32.explain(LONG, "Rob")


def test_a_case_file_which_has_no_window_is_not_told_of_one(model32: Model) -> None:
    case = Case(
        id="long",
        question=Question(LONG, "Rob"),
        model=None,
        integration_tolerance=0.1,
        max_evaluations=99,
        checks=(),
        golden=None,
        line=1,
    )
    (answer,) = answer_cases(model32, [case], None)
    assert str(answer) == "The text is 88 sub-tokens and the model reads 32: the first 30 words fit."


def test_the_error_crosses_processes_whole(model32: Model) -> None:
    with pytest.raises(TooLongError) as caught:
        model32.explain(LONG, "Rob")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - made here


def test_the_largest_window_around_the_target(model32: Model) -> None:
    found = model32.explain(LONG, "London", window=True, max_evaluations=17)
    window = found.window
    assert window is not None
    texts = [word.text for word in found.words[1:-1]]
    assert texts == LONG[window.first - 1 : window.last]
    assert (window.count, len(model32.tagger.encode(texts).ids)) == (84, 32)
    assert found.target.words == ("London",)
    assert texts[found.target.indices[0] - 1] == "London"
    assert (44 - window.first, window.last - 44) == (14, 13)  # words are added in turn, and "wins" takes two sub-tokens
    assert found.text == " ".join(texts)


def test_it_is_the_explanation_of_that_part_alone(model64: Model) -> None:
    found = model64.explain(LONG, "Rob", window=True)
    assert found.window is not None
    alone = model64.explain(LONG[found.window.first - 1 : found.window.last], "Rob")
    assert found.attributions == alone.attributions
    assert found.layers == alone.layers
    assert alone.window is None


@pytest.mark.parametrize(("place", "first", "last"), [(1, 1, 30), (84, 55, 84)])
def test_at_the_ends_the_other_side_takes_the_room(model32: Model, place: int, first: int, last: int) -> None:
    found = model32.explain(LONG, place, window=True, max_evaluations=17, tag="O")
    assert found.window is not None
    assert (found.window.first, found.window.last) == (first, last)


def test_a_text_that_fits_is_not_cut(model32: Model) -> None:
    found = model32.explain(["Rob"] * 30, 1, window=True, max_evaluations=17)
    assert found.window is None
    assert len(found.words) == 32


def test_targets_and_zooms_that_do_not_fit(model32: Model) -> None:
    with pytest.raises(InputError, match="target alone is more than the model reads"):
        model32.explain(LONG, list(range(1, 40)), window=True)
    with pytest.raises(InputError, match=r"zoom @1 is outside the window around the target, words \d+ to \d+"):
        model32.explain(LONG, "London", zoom=1, window=True)
    inside = model32.explain(LONG, "London", zoom="wins", window=True, max_evaluations=17)
    assert inside.zoom is not None
    assert inside.words[inside.zoom.index].text == "wins"


def test_entities_of_a_long_text_are_found_part_by_part(model32: Model) -> None:
    parts = list(readable_parts(model32.tagger, LONG))
    assert [word for part in parts for word in part] == LONG
    assert all(len(model32.tagger.encode(part).ids) <= 32 for part in parts)
    assert len(parts) == 3
    tags = []
    for part in parts:
        (logits,) = model32.tagger.logits([model32.tagger.encode(part)])
        firsts = model32.tagger.encode(part).first[1:-1]
        tags += [LABELS[int(logits[place].argmax())] for place in firsts if place is not None]
    found = model32.entities(LONG, window=True)
    assert sorted(index for span in found for index in span) == [i for i, tag in enumerate(tags, 1) if tag != "O"]
    with pytest.raises(InputError, match="`window`"):
        model32.entities(LONG)


def test_a_case_with_a_window_beside_one_without(model32: Model) -> None:
    cases = [Question(LONG, "Rob", window=True), Question("Rob wins", "Rob")]
    cut, plain = model32.explain_many(cases, max_evaluations=17)
    assert cut.window is not None
    assert plain.window is None
