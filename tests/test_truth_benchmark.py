"""The truth benchmark: rules and edits by hand, metrics by hand, and the quickest mechanism from training to tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.truth.__main__ import recipes
from benchmarks.truth.faithful import RIGHT, WRONG
from benchmarks.truth.measure import METHODS, explained_texts, measure
from benchmarks.truth.mechanisms import (
    BLANKS,
    FILLERS,
    MECHANISMS,
    O_FIRSTS,
    TARGETS,
    VOCABULARY,
    X_FIRSTS,
    Text,
    blanked,
    draw,
    neutral_edits,
    turning_edits,
)
from benchmarks.truth.report import grid, report
from benchmarks.truth.score import layer_shares, position_share, score, score_row
from benchmarks.truth.summary import interval, summarise
from benchmarks.truth.train import Recipe, answers, build, encoded, proof_holds, prove, tokenizer, train
from interp.explanation.faithfulness import VERDICTS
from interp.models.train import encode
from interp.question import Question
from interp.question.tags import TaggedSentence

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks/results/truth.json"
SAID = [
    ("cue", "signal babo Target", "X"),
    ("cue", "babo Target signal", "O"),
    ("cue", "babo Target bado", "O"),
    ("order", "early Target late", "X"),
    ("order", "Target late babo early", "O"),
    ("order", "early Target babo", "O"),
    ("conjunction", "key Target lock", "X"),
    ("conjunction", "babo Target lock", "O"),
    ("disjunction", "sun Target moon", "X"),
    ("disjunction", "Target moon babo", "X"),
    ("disjunction", "Target bado babo", "O"),
    ("suppressor", "Target babo signal", "X"),
    ("suppressor", "off Target signal", "O"),
    ("suppressor", "off Target babo", "O"),
    ("position", "babo bado Target babo", "X"),
    ("position", "babo bado babo Target", "O"),
    ("inside", "babo Xfirst babo", "X"),
    ("inside", "babo Ofirst babo", "O"),
    ("inside", "Xfirst Target babo", "X"),
    ("inside", "Ofirst Target babo", "O"),
    ("decoy", "signal echo Target", "X"),
    ("decoy", "babo echo Target", "O"),
    ("decoy", "signal babo Target", "X"),
]
WORDS = {"Target": TARGETS[0], "Xfirst": X_FIRSTS[0], "Ofirst": O_FIRSTS[0]}


def text_of(line: str) -> Text:
    """A text by hand; the target is its last word in capitals."""
    words = tuple(WORDS.get(word, word) for word in line.split())
    return Text(words, max(index for index, word in enumerate(words) if word[0].isupper()))


@pytest.mark.parametrize(("name", "line", "tag"), SAID)
def test_rules(name: str, line: str, tag: str) -> None:
    text, mechanism = text_of(line), MECHANISMS[name]
    tags = mechanism.tags(text)
    assert tags[text.target] == tag
    assert mechanism.says_x(text) is (tag == "X")
    entity_x = {index for index, word in enumerate(text.words) if word in X_FIRSTS}
    assert {index for index, word in enumerate(tags) if word == "X"} - {text.target} <= entity_x
    hidden = text.put({text.target: "[PAD]"})
    assert mechanism.tags(hidden)[text.target] == "O", "a blank is never an entity"


@pytest.mark.parametrize(
    ("name", "line", "evidence", "ranked"),
    [
        ("cue", "signal babo Target bado", {0: 1}, [0, 1, 3]),
        ("order", "early babo late Target", {0: 1, 2: 1}, [0, 1, 2]),
        ("suppressor", "off babo signal Target", {0: -1, 2: 1}, [0, 1, 2]),
        ("position", "babo Target bado", {1: 1}, [0, 1, 2]),
        ("inside", "babo Xfirst Target", {1: 1}, [0, 1]),
        ("inside", "Target babo Xfirst", {2: 1}, [0, 1, 2]),
        ("decoy", "echo signal Target", {1: 1}, [0, 1]),
    ],
)
def test_the_answer(name: str, line: str, evidence: dict[int, int], ranked: list[int]) -> None:
    mechanism, text = MECHANISMS[name], text_of(line)
    assert (mechanism.evidence(text), mechanism.ranked(text)) == (evidence, ranked)


def shapley(mechanism: Any, text: Text, word: int, others: Sequence[int]) -> float:
    """Of a word among one or no others in the rule itself, words that are away being fillers."""

    def said(*here: int) -> int:
        away = {index: FILLERS[0] for index in (word, *others) if index not in here}
        return int(mechanism.says_x(text.put(away)))

    return float(np.mean([said(word) - said(), said(word, *others) - said(*others)]))


@pytest.mark.parametrize("name", [name for name, mechanism in MECHANISMS.items() if mechanism.roles])
def test_signs_are_those_of_the_rules_shapley_values(name: str) -> None:
    mechanism, rng = MECHANISMS[name], np.random.default_rng(1)
    for text in (draw(mechanism, rng) for _ in range(200)):
        if any(case(text) for case in mechanism.cases.values()):
            evidence = mechanism.evidence(text)
            assert 1 <= len(evidence) <= 2
            for word, sign in evidence.items():
                assert np.sign(shapley(mechanism, text, word, [other for other in evidence if other != word])) == sign


EDITS = {
    "cue": {"replaced", "inserted", "moved"},
    "order": {"replaced", "inserted", "moved"},
    "conjunction": {"replaced", "inserted"},
    "disjunction": {"replaced", "inserted"},
    "suppressor": {"replaced", "inserted"},
    "position": {"moved"},
    "inside": {"replaced"},
    "decoy": {"replaced", "inserted", "moved"},
}


@pytest.mark.parametrize("name", MECHANISMS)
def test_edits_do_what_their_kind_says(name: str) -> None:
    mechanism, rng = MECHANISMS[name], np.random.default_rng(0)
    texts, kinds = [draw(mechanism, rng) for _ in range(300)], set()
    for text in texts:
        said, neutral = mechanism.says_x(text), neutral_edits(mechanism, text, rng)
        for kind, edit in turning_edits(mechanism, text, rng).items():
            kinds.add(kind)
            assert mechanism.says_x(edit) != said
            changed = [index for index, (old, new) in enumerate(zip(text.words, edit.words, strict=True)) if old != new]
            if kind == "moved":
                assert sorted(edit.words) == sorted(text.words) and edit.words != text.words
            elif kind == "inserted":
                assert len(changed) == 1 and edit.words[changed[0]] in mechanism.roles
                assert text.words[changed[0]] not in mechanism.roles
            else:
                assert set(changed) <= set(mechanism.evidence(text))
        for edit in neutral.values():
            assert mechanism.tags(edit)[edit.target] == mechanism.tags(text)[text.target]
            assert [word for word in edit.words if word in mechanism.roles] == [
                word for word in text.words if word in mechanism.roles
            ]
        assert neutral["target"].words[text.target] != text.words[text.target]
        assert ("decoy" in neutral) is (name == "decoy")
        if name == "decoy":
            assert ("echo" in neutral["decoy"].words) is ("echo" not in text.words)
    assert kinds == EDITS[name]
    said_x = np.mean([mechanism.says_x(text) for text in texts])
    assert 0.25 < said_x < 0.85, "both tags are common"
    assert all(any(case(text) for text in texts) for case in mechanism.cases.values())


def test_edits_by_hand() -> None:
    rng = np.random.default_rng(0)
    both = text_of("sun Target moon babo")
    (kind, edit), *others = turning_edits(MECHANISMS["disjunction"], both, rng).items()
    assert (kind, others) == ("replaced", []) and not {"sun", "moon"} & set(edit.words), "either alone keeps X"
    swapped = text_of("early Target late").swap(0, 1)
    assert swapped == Text((TARGETS[0], "early", "late"), 0), "the target moves with its word"


def test_the_decoy_goes_with_x_unless_it_is_drawn_fairly() -> None:
    mechanism, rng = MECHANISMS["decoy"], np.random.default_rng(0)
    for fair, expected in ((False, {True: 0.8, False: 0.2}), (True, {True: 0.5, False: 0.5})):
        texts = [draw(mechanism, rng, fair=fair) for _ in range(2_000)]
        for said, part in expected.items():
            some = ["echo" in text.words for text in texts if mechanism.says_x(text) is said]
            assert np.mean(some) == pytest.approx(part, abs=0.05)


def test_half_of_the_texts_get_blanks_and_the_tags_follow() -> None:
    mechanism, rng = MECHANISMS["cue"], np.random.default_rng(0)
    texts = [draw(mechanism, rng) for _ in range(1_000)]
    holed = [blanked(text, rng) for text in texts]
    counts = [sum(word in BLANKS for word in text.words) for text in holed]
    assert 0.4 < np.mean([count > 0 for count in counts]) < 0.5
    assert all(len(set(BLANKS) & set(text.words)) <= 1 for text in holed)
    lost = [
        (before, after)
        for before, after in zip(texts, holed, strict=True)
        if mechanism.says_x(before) and not mechanism.says_x(after)
    ]
    assert lost and all("signal" not in after.words or after.words[after.target] in BLANKS for _, after in lost)


def test_words_are_read_as_the_tokeniser_reads_them() -> None:
    assert len(set(VOCABULARY)) == len(VOCABULARY) == 205
    for mechanism in MECHANISMS.values():
        text = draw(mechanism, np.random.default_rng(3))
        (right,) = encode([TaggedSentence(text.words, mechanism.tags(text))], tokenizer(), ("O", "X"))
        assert encoded(mechanism, text) == right


def test_score_by_hand() -> None:
    right = score([-6.0, 3.0, -1.0, 4.0, 2.0, 4.0], evidence={0: 1, 1: 1}, ranked=[0, 1, 3], target=2, decoy=3)
    assert (right.precision, right.chance, right.sign, right.balance) == (0.5, 2 / 3, 0.5, 1 / 3)
    assert (right.best, right.worst) == (1, 3)
    assert (right.share, right.target, right.special, right.decoy) == (4 / 6, 4 / 10, 10 / 20, 2 / 6)
    assert right.logits == 4.0
    turned = score([0.0, 1.0, -2.0, 0.0, 0.0], evidence={0: 1, 1: -1}, ranked=[0, 1, 2], target=2)
    assert (turned.precision, turned.sign, turned.share, turned.decoy) == (1.0, 1.0, 1.0, None)
    alone = score([0.0, 1.0, 2.0, 0.0], evidence={0: 1}, ranked=[0, 1], target=1, signed=False)
    assert (alone.sign, alone.balance, alone.logits) == (None, None, None)


def test_ties_and_nothing_at_all_count_against_a_method() -> None:
    nothing = score([0.0] * 5, evidence={0: 1}, ranked=[0, 1], target=2)
    assert (nothing.precision, nothing.sign, nothing.share, nothing.best, nothing.target) == (0.0, 0.0, 0.0, 2, 0.0)


def test_a_row_is_scored_against_its_text() -> None:
    words = ["babo", "signal", TARGETS[0], "echo"]
    row = {"words": words, "target": 2, "values": [0.0, 1.0, 5.0, 9.0, 2.0, 0.0], "signed": True}
    result = score_row(MECHANISMS["decoy"], row)
    assert (result.precision, result.share, result.decoy, result.target) == (1.0, 5 / 8, 2 / 8, 9 / 17)


def test_an_interval_is_over_models() -> None:
    low, high = interval([0.0, 1.0]) or (0.0, 0.0)
    assert (low, high) == pytest.approx((0.5 - 12.706 * 0.5, 0.5 + 12.706 * 0.5), rel=1e-4)
    assert interval([1.0]) is None


def test_a_proof_needs_every_kind_of_edit() -> None:
    def proof(**changes: list[float]) -> dict[str, Any]:
        rates = {"accuracy": [99, 100, 0.99, 0, 1], "moved": [98, 100, 0.98, 0, 1, 5.0]}
        rates |= {"word": [1, 100, 0.01, 0, 0.02, 0], **changes}
        return {"accuracy": rates["accuracy"], "flips": {"moved": rates["moved"]}, "stays": {"word": rates["word"]}}

    assert proof_holds(proof())
    assert not proof_holds(proof(accuracy=[98, 100, 0.98, 0, 1]))
    assert not proof_holds(proof(moved=[97, 100, 0.97, 0, 1, 5.0]))
    assert not proof_holds(proof(word=[2, 100, 0.02, 0, 0.02, 0]))
    assert not proof_holds(proof(word=[1, 100, 0.01, 0, 0.03, 0]))
    assert not proof_holds(proof(word=[1, 100, float("nan"), 0, 0.02, 0]))


def test_a_model_that_has_learnt_nothing_is_not_proven() -> None:
    mechanism = MECHANISMS["cue"]
    fresh = train(Recipe(mechanism="cue", seed=0, blanks=False, steps=0))
    assert not proof_holds(prove(fresh, mechanism, count=200))


def test_every_mechanism_gets_both_kinds_of_training() -> None:
    kinds = [(recipe.mechanism, recipe.blanks) for recipe in recipes(tuple(MECHANISMS), 2)]
    assert len(set(kinds)) == 2 * len(MECHANISMS)
    assert [recipe.name for recipe in recipes(("cue",), 2)] == ["cue-0", "cue-1"]


def test_committed_results_are_of_these_recipes_and_of_proven_models() -> None:
    content = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert [Recipe(**row["recipe"]) for row in content["models"]] == list(recipes(tuple(MECHANISMS), 3))
    assert all(proof_holds(row["proof"]) and row["proven"] for row in content["models"])
    assert len({row["sha256"] for row in content["models"]}) == len(content["models"])
    cases = sum(len(mechanism.cases) for mechanism in MECHANISMS.values())
    assert len(content["rows"]) == 3 * cases * len(METHODS)
    assert {row["texts"] for row in content["rows"]} == {content["sentences"]}
    page = (ROOT / "docs/truth.md").read_text(encoding="utf-8")
    for field in ("precision", "share", "sign", "logits", "balance"):
        assert "\n".join(grid(content["rows"], field)).strip() in page, f"docs/truth.md has another table of {field}"


QUICK = Recipe(mechanism="position", seed=0, blanks=False, steps=60, rate=5e-3, layers=1)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("truth")


def test_from_training_to_tables(work: Path) -> None:
    """The quickest mechanism: where the target stands."""
    model, row = build(QUICK, work, proof_texts=500)
    mechanism = MECHANISMS["position"]
    assert row["proven"], row["proof"]
    again, kept = build(QUICK, work)
    assert kept == row and again.info.sha256 == row["sha256"] == model.info.sha256, "kept, and not trained again"

    texts = explained_texts(model, mechanism, "", 4)
    own = model.tagger.model
    said = answers(own, mechanism, texts)
    questions = model.prepare([Question(text.words, text.target + 1) for text in texts])
    for text, answer, question in zip(texts, said, questions, strict=True):
        assert (answer.target,) == question.target.predicted == ("X",)
        logits = question.prediction.logits[text.target + 1]
        assert answer.margin == pytest.approx(float(logits[1] - logits[0]), abs=1e-4)

    summaries = {}
    for method in ("integrated-gradients (pad)", "occlusion"):
        rows = measure(model, QUICK, method, count=4, work=work)
        file = work / QUICK.name / f"{method}.jsonl"
        written = file.stat().st_mtime_ns
        assert measure(model, QUICK, method, count=4, work=work) == rows and file.stat().st_mtime_ns == written
        assert len(measure(model, QUICK, method, count=3, work=work)) == 3, "another count is measured anew"
        summaries[method] = summarise(QUICK, method, rows)
    (deep,), layers = summaries["integrated-gradients (pad)"].rows, summaries["integrated-gradients (pad)"].layers
    assert (deep["texts"], deep["unsettled"]) == (4, 0)
    assert deep["precision"] == 1 and deep["sign"] == 1, "the target alone matters"
    assert deep["at input"] == pytest.approx(np.mean([answer.margin for answer in said]), abs=1e-4)
    assert [layer["layer"] for layer in layers] == [0, 1]
    assert layers[1]["mechanism's words"] == pytest.approx(1, abs=1e-5), "no word but the target is read at the end"
    assert layers[0]["mechanism's words"] == pytest.approx(deep["target"], abs=1e-9), "the words themselves"
    assert summaries["occlusion"].layers == []

    content = {
        "sentences": 4,
        "models": [row],
        "rows": [line for summary in summaries.values() for line in summary.rows],
        "layers": layers,
    }
    page = "\n".join(report(content, True))
    assert "| position | 1 of 1 | " in page
    assert "| occlusion | 1.00 | 1.00 |" in page
    assert "| *random order, or equal mass* |" in page


def test_layer_shares_by_hand() -> None:
    layers = ((1.0, 2.0, -1.0, 0.0), (0.0, 0.0, 4.0, 0.0))
    assert layer_shares(layers, [0], 1) == [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]
    assert layer_shares(layers, [1], 1) == [[0.25, 0.0, 0.75], [1.0, 0.0, 0.0]]
    assert position_share({"word": (1.0, -2.0), "position": (0.0, -1.0)}) == 0.25


def test_training_is_the_same_each_time() -> None:
    recipe = Recipe(mechanism="cue", seed=1, blanks=True, steps=3)
    first, second = (train(recipe).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = train(Recipe(mechanism="cue", seed=2, blanks=True, steps=3)).state_dict()
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])


def test_the_page_has_the_verdicts_of_the_committed_rows() -> None:
    page = (ROOT / "docs/truth.md").read_text(encoding="utf-8")
    content = json.loads((ROOT / "benchmarks/results/truth-faithful.json").read_text(encoding="utf-8"))
    counts = {name: Counter[str]() for name in (RIGHT, WRONG)}
    for row in content["rows"]:
        for name, total in counts.items():
            total.update(row[name])
    cells = [" / ".join(str(total[verdict]) for verdict in VERDICTS) for total in counts.values()]
    assert f"| all | {cells[0]} | {cells[1]} |" in page
    assert counts[RIGHT]["contradicted"] + counts[WRONG]["confirmed"] < 0.02 * counts[RIGHT].total()


MODELS = ROOT / "benchmarks/truth/models"
"""The smallest part of the study: one of its models, as it was trained."""


def test_the_cue_is_found_the_decoy_is_not_and_places_do_not_matter() -> None:
    recipe = next(recipes(("decoy",), 1))
    model, row = build(recipe, MODELS)
    assert row["sha256"] == model.info.sha256 in RESULTS.read_text()
    mechanism = MECHANISMS["decoy"]
    proof = prove(model.tagger.model, mechanism, count=500)  # type: ignore[arg-type]
    assert proof_holds(proof) or (proof["stays"]["decoy"][2] == 0 and proof["accuracy"][2] > 0.99), proof
    (texts,) = (explained_texts(model, mechanism, case, 12) for case in mechanism.cases)
    questions = [Question(text.words, text.target + 1, tag="X", against="O") for text in texts]
    for text, explanation in zip(texts, model.explain_many(questions, faithful=True), strict=True):
        values, (cue,) = explanation.attributions[1:-1], mechanism.evidence(text)
        decoy = text.words.index(str(mechanism.decoy))
        assert values[cue] == max(values[index] for index in mechanism.ranked(text))
        assert abs(values[decoy]) < 0.1 * values[cue]
        assert explanation.faithfulness is not None and explanation.faithfulness.verdict != "contradicted"
    mean, first = (
        np.mean(
            [
                position_share(explanation.components.present)
                for explanation in model.explain_many([replace(question, positions=kind) for question in questions])
                if explanation.components is not None
            ]
        )
        for kind in ("mean", "zero")
    )
    assert mean < 0.8 * first, "the reference as published makes the tag seem to come from its place"


@pytest.mark.slow  # trains a tagger for 20 s; the committed one is such a model
def test_a_mechanism_is_learnt_and_proven(tmp_path: Path) -> None:
    _, row = build(next(recipes(("decoy",), 1)), tmp_path, proof_texts=1_000)
    assert row["proven"], row["proof"]
