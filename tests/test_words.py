"""The splitting rule by examples and by what it must never do; targets in every form, and what each refusal lists."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from interp.errors import InputError
from interp.question.words import find_target, split_words

texts = st.text(st.sampled_from("aZ9é. ,'\"()-_#@$€\t\n\u00a0\u200f\u0301中😀"), max_size=30) | st.text(max_size=30)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("EU rejects German call.", "EU|rejects|German|call|."),
        ("(EU) said", "(|EU|)|said"),
        ("Saint-Germain don't 3.5 a/b", "Saint-Germain|don't|3.5|a/b"),
        ("the U.N. met e.g. today", "the|U.N.|met|e.g.|today"),
        ("the (U.N.), once", "the|(|U.N.|)|,|once"),
        ("Mr. A. Smith", "Mr|.|A|.|Smith"),
        ("wait...", "wait|.|.|."),
        ("-- !", "-|-|!"),
        ("“Rob’s”", "“|Rob’s|”"),
        ("$5 #1 @home", "$|5|#|1|@|home"),
        ("cafe\u0301!", "cafe\u0301|!"),
        ("שלום, עולם!", "שלום|,|עולם|!"),
        ("tabs\tand\u00a0spaces\n", "tabs|and|spaces"),
        ("  ", ""),
        ("", ""),
    ],
)
def test_the_rule_by_examples(text: str, words: str) -> None:
    assert split_words(text) == [word for word in words.split("|") if word]


@settings(max_examples=60)
@given(texts)
@example("U.N..")
@example("a.\u0301b.")
def test_every_character_stays_in_order(text: str) -> None:
    words = split_words(text)
    assert "".join(words) == "".join(text.split())
    assert all(words)
    assert not any(character.isspace() for word in words for character in word)


@settings(max_examples=60)
@given(texts)
def test_splitting_once_is_enough(text: str) -> None:
    words = split_words(text)
    assert split_words(" ".join(words)) == words


@given(st.lists(st.text(st.characters(categories=("L", "N")), min_size=1), max_size=6))
def test_letters_and_digits_are_never_split(words: list[str]) -> None:
    assert split_words(" ".join(words)) == " ".join(words).split()


@settings(max_examples=60)
@given(texts)
def test_pretokenized_splits_at_white_space_only(text: str) -> None:
    assert split_words(text, pretokenized=True) == text.split()


# --- targets

WORDS = [
    "Rob",
    "met",
    "Steve",
    "Tiger",
    ",",
    "the",
    "#1",
    "of",
    "St.",
    "Rob",
    "met",
    "U.N.",
    "@10",
    "Steve",
    "Tiger",
    "Jr",
]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("Jr", (16,)),
        ("Rob#1", (1,)),
        ("Rob#2", (10,)),
        ("Steve Tiger#2", (14, 15)),
        ("Tiger Jr", (15, 16)),
        ("  Tiger   Jr ", (15, 16)),
        ("Rob met#2", (10, 11)),
        (",", (5,)),
        ("@10", (10,)),  # an index, though a word reads the same
        ("@1", (1,)),
        (1, (1,)),
        (16, (16,)),
        ([3, 4], (3, 4)),
        ((3,), (3,)),
        ("#1", (7,)),  # a word as it stands comes before the number mark
        ("St.", (9,)),
        ("U.N.", (12,)),
        ("St. Rob", (9, 10)),
    ],
)
def test_every_form_of_target(target, expected: tuple[int, ...]) -> None:
    assert find_target(WORDS, target) == expected


def test_a_target_is_split_by_the_rule_where_the_text_was() -> None:
    words = split_words("He met Rob (of York).")
    assert find_target(words, "(of York).") == (4, 5, 6, 7, 8)
    assert find_target(words, "York)") == (6, 7)


@pytest.mark.parametrize(
    ("target", "fragments"),
    [
        ("Rob", ["occurs 2 times", '"Rob#1" (@1)', '"Rob#2" (@10)']),
        ("Steve Tiger", ['"Steve Tiger#1" (@3)', '"Steve Tiger#2" (@14)']),
        ("Rob#3", ['"Rob" occurs 2 times', 'no "Rob#3"']),
        ("Rob#0", ['no "Rob#0"']),
        ("Jr#2", ['"Jr" occurs once']),
        ("Stev", ["not in the sentence", "Rob, met, Steve", 'Did you mean "Steve"?']),
        ("zzz", ["not in the sentence", "its words are"]),
        ("rob", ["not in the sentence"]),
        ("", ["not in the sentence"]),
        (0, ["@0 is a special token", "@1 to @16"]),
        ("@0", ["special token"]),
        (17, ["@17 is a special token"]),
        (18, ["@18 is not in the sentence", "@1 to @16"]),
        (-1, ["@-1 is not in the sentence"]),
        ("@99", ["@99 is not in the sentence"]),
        ([], ["a word, an index"]),
        (None, ["a word, an index"]),
        (1.5, ["a word, an index"]),
        (["Rob", 3], ["a word, an index"]),
        ([1, 3], ["consecutive", "@1, @3"]),
        ([2, 1], ["consecutive"]),
        ([2, 2], ["consecutive"]),
    ],
)
def test_every_refusal_lists_what_fits(target, fragments: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        find_target(WORDS, target)
    message = str(caught.value)
    assert all(fragment in message for fragment in fragments), message
    assert "\n" not in message


def test_a_long_sentence_is_not_listed_whole() -> None:
    with pytest.raises(InputError, match="and 160 more"):
        find_target([f"w{i}" for i in range(200)], "zzz")


@given(st.lists(st.sampled_from(["Rob", "met", "U.N.", "#1"]), min_size=1, max_size=8), st.data())
def test_the_number_mark_finds_every_word(words: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(1, len(words)))
    word = words[index - 1]
    number = words[:index].count(word)
    assert find_target(words, f"{word}#{number}") == (index,)
    assert find_target(words, f"@{index}") == find_target(words, index) == (index,)
