"""Checks against numbers set by hand: green and red, the sentence, and the line that would hold."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from samples import make, negligible, not_converged

from interp.cases.checks import (
    Answer,
    Bound,
    Check,
    Complete,
    Converged,
    Faithful,
    LayerBound,
    LayerShare,
    NamedWord,
    Share,
    Sign,
    Swap,
    Tag,
    Top,
    WordSwap,
)
from interp.cases.load import load_cases
from interp.errors import InputError
from interp.explanation import Estimate, Explanation, Faithfulness
from interp.project.settings import Settings
from interp.project.toml_text import toml_value

WORDS = ["Rob", "won", "a", "lucky", "game"]


def explanation(values: list[float], layers: list[list[float]] | None = None, tag: str = "B-PER") -> Explanation:
    """`Rob` in "Rob won a lucky game" with these attributions; [CLS] and [SEP] have none."""
    made = make(WORDS, target="Rob", leader="lucky", layers=len(layers or [[]]))
    own = [0.0, *values, 0.0]
    rows = tuple((0.0, *row, 0.0) for row in layers or [values])
    words = tuple(replace(word, attribution=value) for word, value in zip(made.words, own, strict=True))
    return replace(made, words=words, layers=rows, target=replace(made.target, predicted=(tag,)))


def answer(values: list[float], **rest: object) -> Answer:
    return Answer(explanation(values, **rest))  # type: ignore[arg-type]


PLAIN = answer([1.0, -2.0, 0.0, 4.0, 3.0])  # Σ|a| = 10; lucky, game, Rob lead
LATE = Answer(explanation([1.0, 1, 1, 1, 1], [[1.0, 1, 1, 1, 1], [3.0, 1, 0, 0, 0], [9.0, 1, 0, 0, 0]]))


def named(word: str) -> NamedWord:
    return NamedWord(word, WORDS.index(word) + 1)


def top(*words: str, context: bool = False) -> Top:
    return Top(tuple(map(named, words)), context)


def share(word: str, bound: str) -> Share:
    return Share(((named(word), Bound.parse(bound)),))


def layers(word: str, first: int, last: int, bound: str) -> LayerShare:
    return LayerShare((LayerBound(named(word), first, last, Bound.parse(bound)),))


def replaced(named_effect: float, rivals_effect: float, *, outweighed: float = -1.0) -> Answer:
    """Words were replaced: what that did to the word that is named, and to its rival."""
    effects = [Estimate(value, value - 0.1, value + 0.1) for value in (named_effect, rivals_effect, 1.0, outweighed)]
    names = ("effect", "rivals_effect", "support", "outweighed")
    checked = Faithfulness(
        named=(4,),
        rivals=(5,),
        comprehensiveness=effects[2],
        sufficiency=effects[2],
        rank_agreement=None,
        evaluations=39,
        seed=0,
        **dict(zip(names, effects, strict=True)),
    )
    return Answer(replace(PLAIN.explanation, faithfulness=checked))


def faithful(bound: str) -> Faithful:
    return Faithful(Bound.parse(bound))


HOLD: list[tuple[Check, Answer]] = [
    (faithful(">= 0.5"), replaced(2.0, 4.0)),
    (faithful("> 0.9"), replaced(4.0, 2.0)),
    (Tag(("B-PER",)), PLAIN),
    (top("lucky"), PLAIN),
    (top("lucky", "game", "Rob"), PLAIN),
    (top("lucky", "game", context=True), PLAIN),
    (Sign(((named("Rob"), "+"), (named("won"), "-"))), PLAIN),
    (share("lucky", ">= 0.4"), PLAIN),
    (share("lucky", "<= 0.4"), PLAIN),
    (share("won", "> 0.19"), PLAIN),
    (share("a", "< 0.01"), PLAIN),
    (layers("Rob", 2, 3, ">= 0.75"), LATE),
    (layers("Rob", 3, 3, ">= 0.9"), LATE),
]
BREAK: list[tuple[Check, Answer, str, str | None]] = [
    (
        faithful(">= 0.9"),
        replaced(2.0, 4.0),
        'Replaced, what is named (lucky) moves B-PER on "Rob" 0.500 times as far as what moves it most, beside game: '
        "confirmed, expected >= 0.9.",
        'faithful = ">= 0.45"',
    ),
    (Tag(("B-LOC",)), PLAIN, '"Rob" is tagged B-PER, expected B-LOC.', 'tag = "B-PER"'),
    (top("game"), PLAIN, '"lucky" leads for B-PER on "Rob", expected "game".', 'top = ["lucky"]'),
    (
        top("game", "lucky"),
        PLAIN,
        '"lucky", "game" lead for B-PER on "Rob", expected "game", "lucky".',
        'top = ["lucky", "game"]',
    ),
    (
        top("won", context=True),
        PLAIN,
        '"lucky" leads beside the target for B-PER on "Rob", expected "won".',
        'top_context = ["lucky"]',
    ),
    (
        Sign(((named("Rob"), "-"), (named("won"), "+"), (named("game"), "+"))),
        PLAIN,
        '"Rob" speaks for B-PER on "Rob" (+1), expected -; "won" speaks against B-PER on "Rob" (-2), expected +.',
        'sign = { Rob = "+", won = "-", game = "+" }',
    ),
    (
        share("lucky", ">= 0.41"),
        PLAIN,
        '"lucky" has a share of 0.400 in B-PER on "Rob", expected >= 0.41.',
        'share = { lucky = ">= 0.36" }',
    ),
    (
        share("lucky", "< 0.4"),
        PLAIN,
        '"lucky" has a share of 0.400 in B-PER on "Rob", expected < 0.4.',
        'share = { lucky = "<= 0.45" }',
    ),
    (
        layers("Rob", 1, 3, ">= 0.75"),
        LATE,
        '"Rob" has a share of 0.200 in layer 1, expected >= 0.75.',
        'layer_share = [{ word = "Rob", layers = "1-3", is = ">= 0.18" }]',
    ),
    (
        layers("won", 1, 2, "<= 0.1"),
        LATE,
        '"won" has a share of 0.250 in layer 2, expected <= 0.1 (2 of 2 layers miss it).',
        'layer_share = [{ word = "won", layers = "1-2", is = "<= 0.28" }]',
    ),
]


@pytest.mark.parametrize(("check", "given"), HOLD)
def test_holds(check: Check, given: Answer) -> None:
    assert check.judge(given).passed


@pytest.mark.parametrize(("check", "given", "sentence", "line"), BREAK)
def test_breaks_and_says_so(check: Check, given: Answer, sentence: str, line: str | None) -> None:
    verdict = check.judge(given)
    assert not verdict.passed
    assert verdict.sentence == sentence
    assert check.toml_line([given]) == line


@pytest.mark.parametrize(("check", "given", "line"), [(check, given, line) for check, given, _, line in BREAK])
def test_the_line_that_is_proposed_holds(check: Check, given: Answer, line: str, tmp_path: Path) -> None:
    path = tmp_path / "x.cases.toml"
    path.write_text(f'[[case]]\nid = "x"\ntext = "{" ".join(WORDS)}"\ntarget = "Rob"\n{line}\n', encoding="utf-8")
    (case,) = load_cases(path, "x", Settings())
    (parsed,) = (each for each in case.checks if each.name == check.name)
    assert parsed.judge(given).passed


def test_nothing_is_faithful_that_is_contradicted_or_was_not_checked() -> None:
    contradicted = replaced(1.0, 4.0, outweighed=2.0)
    verdict = faithful(">= 0.1").judge(contradicted)
    assert not verdict.passed and verdict.actual == "0.250, contradicted"
    assert faithful(">= 0.1").toml_line([contradicted]) is None
    unchecked = Answer(replace(PLAIN.explanation, absent={"faithfulness": "the text has no other word"}))
    verdict = faithful(">= 0.1").judge(unchecked)
    assert not verdict.passed and verdict.sentence == "Faithfulness could not be checked: the text has no other word."
    assert faithful(">= 0.1").toml_line([unchecked]) is None


@pytest.mark.parametrize("text", ["0.4", ">= 1.5", "=> 0.4", ">= -0.1", ">= nan", "about half", ""])
def test_what_is_no_bound(text: str) -> None:
    with pytest.raises(InputError, match="is no bound"):
        Bound.parse(text)


@pytest.mark.parametrize(("text", "holds"), [(">= 0.5", True), ("<= 0.5", True), ("> 0.5", False), ("< 0.5", False)])
def test_a_bound_holds_at_its_limit_where_its_sign_says_so(text: str, holds: bool) -> None:
    assert Bound.parse(text).holds(0.5) is holds


def test_nan_is_within_no_bound() -> None:
    assert not any(Bound.parse(text).holds(math.nan) for text in (">= 0", "<= 1", "> 0", "< 1"))


def test_zero_speaks_neither_for_nor_against() -> None:
    assert not Sign(((named("a"), "+"),)).judge(PLAIN).passed
    assert not Sign(((named("a"), "-"),)).judge(PLAIN).passed


def test_layers_that_the_model_does_not_have() -> None:
    with pytest.raises(InputError, match=r"layers 2-4, but planted has 3"):
        layers("Rob", 2, 4, ">= 0.1").judge(LATE)


class TestSwap:
    CHECK = Swap((WordSwap(named("Rob"), ("Tim", "Anna"), ("top", "tag")),))

    @staticmethod
    def swapped(tim: Explanation, anna: Explanation) -> Answer:
        return Answer(PLAIN.explanation, {(1, "Tim"): tim, (1, "Anna"): anna})

    def test_every_replacement_is_asked_for(self) -> None:
        assert self.CHECK.replacements == [(1, "Tim"), (1, "Anna")]

    def test_the_same_leader_holds_though_numbers_move(self) -> None:
        assert self.CHECK.judge(self.swapped(explanation([2.0, 0, 0, 9, 1]), PLAIN.explanation)).passed

    def test_another_leader_or_tag_breaks(self) -> None:
        other = explanation([2.0, 0, 0, 1, 9], tag="O")
        given = self.swapped(PLAIN.explanation, other)
        verdict = self.CHECK.judge(given)
        assert verdict.sentence == 'With "Anna" for "Rob", the tag is O, not B-PER and "game" leads, not "lucky".'
        line = self.CHECK.toml_line([given])
        assert line == 'swap = [{ word = "Rob", with = ["Tim"], keep = ["top", "tag"] }]'
        assert tomllib.loads(line)["swap"][0]["with"] == ["Tim"]

    def test_nothing_to_propose_where_all_break(self) -> None:
        other = explanation([9.0, 0, 0, 0, 0])
        assert self.CHECK.toml_line([self.swapped(other, other)]) is None


class TestLooserForms:
    """Of many answers, as benign checkpoints give them."""

    def test_leading_words_that_all_share(self) -> None:
        other = answer([3.0, -2, 0, 4, 1])
        assert top("lucky", "game").toml_line([PLAIN, other]) == 'top = ["lucky"]'

    def test_no_common_leader_leaves_a_share(self) -> None:
        other = answer([6.0, 0, 0, 4, 0])
        assert top("lucky").toml_line([PLAIN, other]) == 'share = { lucky = ">= 0.36" }'

    def test_no_common_leader_that_always_speaks_for_it(self) -> None:
        other = answer([6.0, 0, 0, -4, 0])
        assert top("lucky").toml_line([PLAIN, other]) is None

    def test_signs_that_change_are_left_out(self) -> None:
        check = Sign(((named("Rob"), "+"), (named("lucky"), "+")))
        assert check.toml_line([PLAIN, answer([-1.0, 0, 0, 4, 0])]) == 'sign = { lucky = "+" }'
        assert Sign(((named("Rob"), "+"),)).toml_line([PLAIN, answer([-1.0, 0, 0, 4, 0])]) is None

    def test_tags_that_change_have_no_looser_form(self) -> None:
        assert Tag(("B-PER",)).toml_line([PLAIN, answer([1.0, 0, 0, 0, 0], tag="O")]) is None

    def test_words_that_are_no_toml_keys_are_quoted(self) -> None:
        check = Share(((NamedWord("Rob#2", 1), Bound.parse(">= 0.9")),))
        assert tomllib.loads(str(check.toml_line([PLAIN]))) == {"share": {"Rob#2": ">= 0.09"}}


class TestIntegration:
    def test_complete_within_the_tolerance_of_every_layer(self) -> None:
        assert Complete().judge(PLAIN).passed

    @pytest.mark.parametrize(
        ("residual", "passed"), [(0.0099, True), (0.0101, False), (-0.0101, False), (math.nan, False)]
    )
    def test_residual_beyond_the_tolerance_of_a_layer(self, residual: float, passed: bool) -> None:
        paths = PLAIN.explanation.completeness
        embedding = replace(paths.embedding, residuals=(0.0, residual))  # 1e-3 of Σ|conductance| = 10
        shown = replace(PLAIN.explanation, completeness=replace(paths, embedding=embedding))
        verdict = Complete().judge(Answer(shown))
        assert verdict.passed is passed
        assert "layer 1" in verdict.sentence

    def test_converged(self) -> None:
        assert Converged().judge(PLAIN).passed
        verdict = Converged().judge(Answer(not_converged()))
        assert verdict.sentence.endswith("raise `max_evaluations` or `integration_tolerance`.")  # keys of a case
        assert not verdict.passed
        assert verdict.sentence.startswith("The components path is not-converged: ")
        assert Converged().toml_line([Answer(not_converged())]) == "integration_tolerance = 3e-02"

    def test_next_to_nothing_to_explain_passes_and_is_said(self) -> None:
        for check in (Converged(), Complete()):
            verdict = check.judge(Answer(negligible()))
            assert verdict.passed
            assert "next to nothing" in verdict.sentence and "converged" not in verdict.sentence


@pytest.mark.parametrize(
    "value",
    ['"\\\n東京', 0.3, 1e-300, -2, True, date(2026, 1, 31), [], ["a", ["b"]], {"a.b": {"c": [1]}, "": "x"}, ("a", "b")],
    ids=repr,
)
def test_values_are_written_as_toml_reads_them(value: object) -> None:
    read = tomllib.loads(f"value = {toml_value(value)}")["value"]
    assert read == (list(value) if isinstance(value, tuple) else value)


def test_what_toml_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        toml_value([None])
