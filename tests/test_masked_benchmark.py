"""The benchmark of a tagger that learned masks: its measures by hand, and on a tagger whose references are one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from samples import make
from tiny import model as tiny_model
from transformers import BertTokenizer

from benchmarks.faithful import with_attributions
from benchmarks.truth.masked import ALL, Asked, change, find_asked, measure, pair_numbers, summarise, table
from interp.explain import Model, load
from interp.explanation.faithfulness import VERDICTS
from interp.question import ConstantReference
from interp.question.tags import Entity
from interp.taggers import FunctionPredictor
from interp.texts import Sentence

ROOT = Path(__file__).parent.parent
PAIRS = [f"{first}, {second}" for first, second in combinations(get_args(ConstantReference), 2)]


def sentence(number: int, words: str, gold: str, document: str = "") -> Sentence:
    return Sentence(f"s{number}", document or f"d{number}", words=tuple(words.split()), gold=tuple(gold.split()))


@pytest.fixture(scope="module")
def alike(tiny: Path) -> Model:
    """A random tagger to which [PAD] and [MASK] are one."""
    network = tiny_model(seed=3)
    table_of_words = network.bert.embeddings.word_embeddings.weight
    with torch.no_grad():
        table_of_words[4] = table_of_words[0]
    return load(network, BertTokenizer.from_pretrained(tiny))


def test_references_that_are_one_to_the_model_agree_entirely_and_others_do_not(alike: Model) -> None:
    said = sentence(1, "Rob wins in London , Rob", "B-PER O O O O O")
    (values,) = measure(alike, [Asked(said, Entity(0, 1, "PER"))], 0)
    assert values["mass moved", PAIRS[0]] == values["mass moved, context alone", PAIRS[0]] == 0
    assert values["rank correlation, context alone", PAIRS[0]] == pytest.approx(1)
    assert values["same leader", PAIRS[0]] == 1
    assert all(0 < values["mass moved", pair] < 2 for pair in PAIRS if pair != "pad, mask")
    assert values["mass moved", ALL] == pytest.approx(np.mean([values["mass moved", pair] for pair in PAIRS]))
    assert values["F of the reference", "pad"] == values["F of the reference", "mask"]
    for name in ("pad", "mask", "unk", "zero"):
        assert sum(values.get((verdict, name), 0) for verdict in VERDICTS) in (0, 1)
        assert values["settled", name] == 1
        assert 0 < values["part on the entity", name] < 1


def test_mass_moved_and_ranks_are_those_by_hand_with_and_without_the_entity() -> None:
    shown = make(["Rob", "met", "a", "lucky", "man"], target="Rob", leader="lucky")
    first = with_attributions(shown, np.array([9.0, 4.0, 1.0, 2.0, 3.0, 0.0, 9.0]))
    second = replace(
        with_attributions(shown, np.array([0.0, 2.0, 1.0, 3.0, 2.0, 0.0, 0.0])),
        reference=replace(shown.reference, kind="mask"),
    )
    values = pair_numbers([first, second])
    assert values["mass moved", "pad, mask"] == pytest.approx((2 + 1 + 1) / ((10 + 8) / 2))
    assert values["mass moved, context alone", "pad, mask"] == pytest.approx((1 + 1) / 6)
    assert values["rank correlation, context alone", "pad, mask"] == pytest.approx(0.8)  # ranks 2 3 4 1 and 2 4 3 1
    assert values["same leader", "pad, mask"] == 0


def test_entities_are_asked_that_are_right_by_all_and_stand_among_other_words() -> None:
    sentences = [
        sentence(0, "Rob met Ann in Rome", "B-PER O B-PER O B-LOC"),
        sentence(1, "Rob met Ann", "B-PER O B-PER"),
        sentence(2, "it rains a lot", "O O O O"),
    ]
    answers = ["B-PER O B-PER O B-LOC", "B-PER O B-PER O O"]

    def tagger(whole: str) -> FunctionPredictor:
        def tag(words: Sequence[str]) -> list[str]:
            return whole.split()[: len(words)] if words[0] == "Rob" else ["O"] * len(words)

        return FunctionPredictor("fixed", tag, ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])

    asked = find_asked([tagger(whole) for whole in answers], sentences, count=9, seed=0)
    assert [(one.sentence.id, one.entity) for one in asked] == [
        ("s0", Entity(0, 1, "PER")),
        ("s0", Entity(2, 3, "PER")),
    ]
    assert [question.reference for question in asked[0].questions()] == list(get_args(ConstantReference))
    assert [(question.target, question.tag) for question in asked[1].questions()[:1]] == [((3,), ["B-PER"])]


def test_a_change_is_paired_and_its_interval_is_over_documents() -> None:
    key = ("mass moved", "pad, mask")
    asked = [
        Asked(sentence(number, "a b c d", "O O O O", f"d{number // 2}"), Entity(0, 1, "PER")) for number in range(200)
    ]
    plain = [{key: float(number)} for number in range(200)]
    same = change(asked, plain, [{key: row[key] - 0.25} for row in plain], key)
    assert (same["change"], same["entities"]) == (-0.25, 200)
    assert same["interval"] == pytest.approx((-0.25, -0.25)), "what all sentences say is certain, however they differ"
    # Both sentences of a document say the same: the interval is that of 100 values, half of them 0 and half 1.
    halves = change(asked, plain, [{key: number + float(number // 2 % 2)} for number in range(200)], key)
    low, high = halves["interval"]
    assert halves["change"] == 0.5
    assert (0.5 - low, high - 0.5) == pytest.approx((1.96 * math.sqrt(0.25 / 100),) * 2, abs=0.011)
    missing = change(asked, plain, [{} if number % 2 else {key: number + 1.0} for number in range(200)], key)
    assert (missing["change"], missing["entities"]) == (1.0, 100)


def test_rows_are_told_with_means_and_changes() -> None:
    asked = [Asked(sentence(number, "a b c d", "O O O O"), Entity(0, 1, "PER")) for number in range(6)]
    plain = {("evaluations", "pad"): 10.0, ("evaluations", ALL): 20.0}
    rows = summarise(asked, [[plain] * 6, [{key: value + 2 for key, value in plain.items()}] * 6])
    assert [(row["of"], row["means"]) for row in rows] == [("pad", [10.0, 12.0]), (ALL, [20.0, 22.0])]
    scores: dict[str, Any] = {"uner": [{"plain": 0.5, "switched": 0.25, "change": -0.25, "interval": (-0.5, 0.0)}]}
    assert list(table({"models": ["open", "other"], "scores": scores, "rows": rows}))[2:] == [
        "| F1 | uner | 0.500 | 0.250 (-0.250, -0.500 to +0.000) |",
        "| evaluations | all | 20.00 | 22.00 (+2.00, +2.00 to +2.00) |",
    ]


def test_the_page_has_the_table_of_the_committed_results() -> None:
    results = json.loads((ROOT / "benchmarks/results/truth-masked.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs/truth.md").read_text(encoding="utf-8")
    assert "\n".join(table(results)) in page
    counts = [f"{results[name]} {name}" for name in ("entities", "sentences", "documents")]
    assert all(count in page for count in counts)
