"""Words replaced at random: against the bare model, intervals of scipy's, and a tagger whose cue is known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from scipy import stats
from transformers import AutoModelForTokenClassification, AutoTokenizer

import interp
from interp.bundled.grammar import sample
from interp.cli import main
from interp.errors import InputError
from interp.explain.faithful import DRAWS, UNITS, FaithfulnessCheck, _estimate, _rank_agreement, _ReplacedTexts
from interp.explain.prepare import PreparedQuestion
from interp.explain.replacements import Replacements
from interp.explanation import Estimate, Explanation, Faithfulness, Verdict
from interp.explanation.document import schema, to_document
from interp.models.whole_words import whole_words
from interp.question import Question
from interp.question.shapes import shape
from interp.report import facts
from interp.report.html.pages import explanations_page

WORDS_ALONE = ("components", "layers")


@pytest.fixture(scope="module")
def planted() -> interp.Model:
    return interp.load("planted", "cpu")


def cued(model: interp.Model, count: int) -> Iterator[tuple[PreparedQuestion, Explanation, int]]:
    """Questions whose answer is known: the explanation, and the index of the cue that alone decides."""
    for drawn in sample(np.random.default_rng(5), 10 * count):
        if count and drawn.cue is not None and drawn.target is not None and "[PAD]" not in drawn.words:
            question = Question(list(drawn.words), drawn.target + 1, without=WORDS_ALONE)
            (prepared,) = model.prepare([question])
            if prepared.prediction.tags[drawn.target + 1] == drawn.tags[drawn.target]:
                count -= 1
                (explanation,) = model.explain_many([prepared], tolerance=1e-2)
                yield prepared, explanation, drawn.cue + 1


def with_attributions(explanation: Explanation, values: np.ndarray) -> Explanation:
    words = zip(explanation.words, values, strict=True)
    return replace(explanation, words=tuple(replace(word, attribution=float(value)) for word, value in words))


# --- verdicts


def test_the_cue_is_confirmed_and_what_passes_over_it_is_contradicted(planted: interp.Model) -> None:
    verdicts: dict[str, Counter[Verdict]] = {"true": Counter(), "without the cue": Counter()}
    rng = np.random.default_rng(0)
    for number, (prepared, explanation, cue) in enumerate(cued(planted, 12)):
        check = FaithfulnessCheck(planted.tagger, number).check
        shuffled = np.array(explanation.attributions)
        shuffled[1:-1] = rng.permutation(shuffled[1:-1])
        shuffled[cue] = -1.0
        shuffled[1 if cue > 1 else 2] = 1e-3  # something speaks for the tag
        for name, values in (("true", np.array(explanation.attributions)), ("without the cue", shuffled)):
            checked = check(prepared, with_attributions(explanation, values)).faithfulness
            assert checked is not None and checked.evaluations <= UNITS + 5 * DRAWS <= 40
            assert (cue in checked.named) == (name == "true")
            verdicts[name][checked.verdict] += 1
    assert verdicts["true"] == {"confirmed": 12}
    assert verdicts["without the cue"]["contradicted"] >= 11 and not verdicts["without the cue"]["confirmed"]


@pytest.mark.parametrize(
    ("support", "outweighed", "verdict"),
    [
        ((1, 0.5, 1.5), (-1, -2, 0.5), "confirmed"),
        ((1, -0.5, 2.5), (-1, -2, 0.5), "unclear"),
        ((1, 0.5, 1.5), (3, 0.1, 6), "contradicted"),  # it does something, and others surely do twice as much
        ((-1, -2, -0.1), (-1, -2, 0.5), "contradicted"),
    ],
)
def test_a_verdict_is_what_its_intervals_say(
    support: tuple[float, ...], outweighed: tuple[float, ...], verdict: Verdict
) -> None:
    assert made(support=Estimate(*support), outweighed=Estimate(*outweighed)).verdict == verdict


@pytest.mark.parametrize(("named", "rivals", "score"), [(3, 1, 1.0), (1, 4, 0.25), (-1, 2, 0.0), (-1, -2, 0.0)])
def test_the_score_is_a_part_of_the_farthest(named: float, rivals: float, score: float) -> None:
    effects = (Estimate(value, value, value) for value in (named, rivals))
    assert made(**dict(zip(("effect", "rivals_effect"), effects, strict=True))).score == score


def made(**changes: Estimate) -> Faithfulness:
    none = Estimate(0.0, 0.0, 0.0)
    estimates = dict.fromkeys(
        ("effect", "rivals_effect", "comprehensiveness", "sufficiency", "support", "outweighed"), none
    )
    return Faithfulness(
        named=(1,), rivals=(2,), rank_agreement=none, evaluations=39, seed=0, **{**estimates, **changes}
    )


# --- numbers


def test_outputs_are_those_of_the_bare_model(planted: interp.Model) -> None:
    """F of a text in which a word of one sub-token stands for one of several, so that the target moves."""
    words = ["alpha", "beta", "Unusual", "gamma", "delta"]
    (prepared,) = planted.prepare([Question(words, 4, without=WORDS_ALONE)])
    texts = _ReplacedTexts(
        planted.tagger, prepared, Replacements(whole_words(planted.tagger.tokenizer)), np.random.default_rng(0)
    )
    replaced = texts.without({3})
    assert [new == old for new, old in zip(replaced, words, strict=True)] == [True, True, False, True, True]
    name = interp.bundled.directory("planted")
    bare, tokenizer = (
        AutoModelForTokenClassification.from_pretrained(name, dtype=torch.float32),
        AutoTokenizer.from_pretrained(name),
    )
    encoded = tokenizer(replaced, is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        logits = bare.eval()(**encoded).logits[0, encoded.word_ids().index(3)]
    tag = planted.info.labels.index(prepared.target.tags[0])
    (output,) = texts.outputs([replaced])
    assert output == pytest.approx(float(logits[tag]), abs=1e-4)


def test_means_have_students_intervals() -> None:
    values = np.array([1.0, 3.0, 2.5, 0.5, 2.0, 1.5])
    low, high = stats.t.interval(0.95, 5, loc=values.mean(), scale=stats.sem(values))
    estimate = _estimate(values)
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((values.mean(), low, high))


def test_the_interval_of_the_rank_agreement_holds_the_truth(planted: interp.Model) -> None:
    """Of pairs of normal numbers that are correlated by 0.5, and nine of them."""
    explanation = next(cued(planted, 1))[1]
    rng, inside, truth = np.random.default_rng(0), 0, 6 / np.pi * np.arcsin(0.25)
    words = explanation.words[:1] * 10
    units = [(index,) for index in range(1, 10)]
    for _ in range(400):
        first, noise = rng.normal(size=(2, 10))
        second = 0.5 * first + np.sqrt(0.75) * noise
        shown = with_attributions(replace(explanation, words=words), first)
        agreement = _rank_agreement(shown, units, second[1:])
        assert agreement is not None and -1 < agreement.low <= agreement.mean <= agreement.high < 1
        inside += agreement.low <= truth <= agreement.high
    assert 0.91 < inside / 400 < 0.99
    alike = with_attributions(replace(explanation, words=words), np.arange(10.0))
    same = _rank_agreement(alike, units, np.arange(1.0, 10.0))
    assert same is not None and same.mean == pytest.approx(1) and 0.8 < same.low < same.high < 1


# --- replacements


@pytest.mark.parametrize("word", ["win", "Rob", "UN", "A", "2-1", "1998", ",", "McRae"])
def test_a_word_is_replaced_by_one_that_is_written_alike(planted: interp.Model, word: str) -> None:
    for name in ("planted", "open"):
        model = planted if name == "planted" else interp.load(name, "cpu")
        replacements = Replacements(whole_words(model.tagger.tokenizer))
        drawn = {replacements.draw([word], np.random.default_rng(seed))[0] for seed in range(20)}
        assert len(drawn) > 3 and (word not in drawn or any(map(str.isdigit, word)))
        assert shape(word) == "mIxed" or {shape(other) for other in drawn} == {shape(word)}
        tokenizer = model.tagger.tokenizer
        assert drawn.isdisjoint({tokenizer.pad_token, tokenizer.mask_token, tokenizer.unk_token})


def test_a_tokeniser_without_whole_words_is_told(tiny: Path) -> None:
    explanation = interp.load(str(tiny), "cpu").explain("Rob wins in London", "Rob", faithful=True)
    assert explanation.faithfulness is None
    assert explanation.absent["faithfulness"] == "the tokeniser has no whole words to put in place of others"


# --- the way there


def test_the_same_seed_gives_the_same_numbers_and_the_model_stays(planted: interp.Model) -> None:
    prepared, explanation, _ = next(cued(planted, 1))
    first, again, other = (
        next(planted.explain_many([prepared], tolerance=1e-2, faithful=True, seed=seed)) for seed in (3, 3, 4)
    )
    assert first.faithfulness == again.faithfulness != other.faithfulness
    assert replace(first, faithfulness=None) == explanation
    assert first.faithfulness is not None and first.faithfulness.seed == 3
    with pytest.raises(InputError, match="out of range"):
        planted.explain_many([prepared], faithful=True, seed=-1)


def test_every_method_and_every_entity_can_be_checked() -> None:
    model = interp.load("open", "cpu")
    text = "Steve Tiger lives in Berlin"
    for explanation in model.explain_entities(text, without=WORDS_ALONE, tolerance=1e-2, faithful=True):
        assert explanation.faithfulness is not None
    question = Question(text, "Berlin", without=WORDS_ALONE)
    opinions = model.compare_methods(question, faithful=True, samples=8, tolerance=1e-2)
    assert len(opinions) > 3 and all(opinion.faithfulness is not None for opinion in opinions)


def test_a_single_word_and_one_that_nothing_speaks_for_say_why(planted: interp.Model) -> None:
    alone = planted.explain("alpha", 1, faithful=True, without=WORDS_ALONE)
    assert alone.faithfulness is None and alone.absent["faithfulness"] in (
        "the text has no other word",
        "no word speaks for the tag",
    )
    prepared, explanation, _ = next(cued(planted, 1))
    against = with_attributions(explanation, -np.ones(len(explanation.words)))
    checked = FaithfulnessCheck(planted.tagger, 0).check(prepared, against)
    assert checked.absent["faithfulness"] == "no word speaks for the tag"


# --- told


def test_a_contradicted_explanation_says_so_in_its_headline(planted: interp.Model) -> None:
    prepared, explanation, cue = next(cued(planted, 1))
    values = np.full(len(explanation.words), -1.0)
    values[cue % (len(values) - 2) + 1] = 1.0
    wrong = FaithfulnessCheck(planted.tagger, 0).check(prepared, with_attributions(explanation, values))
    headline = "".join(text for _, text in facts.headline(wrong))
    assert f'contradicted: replacing "{explanation.words[cue].text}"' in headline
    page = explanations_page([wrong])
    assert '<span class="badge bad">contradicted</span>' in page
    right = FaithfulnessCheck(planted.tagger, 0).check(prepared, explanation)
    assert "contradicted" not in "".join(text for _, text in facts.headline(right))
    assert "confirmed, as the words that it names surely do more" in str(facts.faithfulness(right))


def test_it_goes_into_the_document_and_back(planted: interp.Model, tmp_path: Path) -> None:
    prepared, explanation, _ = next(cued(planted, 1))
    checked = FaithfulnessCheck(planted.tagger, 0).check(prepared, explanation)
    document = to_document([checked])
    Draft202012Validator(schema()).validate(json.loads(json.dumps(document)))
    assert document["explanations"][0]["faithfulness"]["verdict"] == "confirmed"
    checked.save(tmp_path / "checked.json")
    assert Explanation.load(tmp_path / "checked.json") == checked


def test_the_command_line_checks_and_draws_from_a_seed() -> None:
    words = ["explain", "Steve Tiger lives in Berlin", "--target", "Berlin", "--model", "open", "--tolerance", "1e-2"]
    words += ["--without", "components", "--without", "layers"]
    done = CliRunner().invoke(main, [*words, "--faithful", "--seed", "1"])
    assert done.exit_code == 0 and 'Replacing "Berlin"' in done.stdout, done.output
    without = CliRunner().invoke(main, [*words, "--seed", "1"])
    assert without.exit_code == 2 and "takes no --seed" in without.stderr
