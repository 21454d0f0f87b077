"""Cues that the candidate itself brings: words that its gradients say would move a tag."""

from __future__ import annotations

import copy
from importlib import import_module

import numpy as np
import pytest
import torch

import interp
from interp.bundled.grammar import sample
from interp.engine.hooks import replacing
from interp.models.word_gradients import WordGradients
from interp.probe import Texts, own_cues
from interp.probe.sites import Edit, Place, apply_edit, find_sites
from interp.taggers import CachedPredictor, FunctionPredictor, Iob2Predictor, MappedPredictor, ModelPredictor


@pytest.fixture(scope="module")
def planted() -> interp.Model:
    return interp.load("planted", "cpu")


@pytest.fixture(scope="module")
def texts() -> Texts:
    drawn = sample(np.random.default_rng(0), 160)
    return [(f"s:{number}", sentence.words) for number, sentence in enumerate(drawn)]


def test_effects_are_the_slopes_of_finite_differences(planted: interp.Model) -> None:
    gradients = WordGradients(planted.tagger)
    model, tokenizer = planted.tagger.model, planted.tagger.tokenizer
    sentence = ("a", gradients.placeholder, "won", "in", "b")
    effects = gradients.effects([(sentence, 2)])
    encoding = planted.tagger.encode(sentence)
    place, target = encoding.first[2], encoding.first[3]
    table = model.get_input_embeddings()
    with torch.no_grad():
        plain = table(torch.tensor([encoding.ids])).double()
        words = list(gradients.words)
        for row in (0, len(words) // 2, len(words) - 1):
            step = (table.weight[gradients.words[words[row]]] - table.weight[tokenizer.mask_token_id]).double()

            def chances(size: float, step: torch.Tensor = step) -> torch.Tensor:
                moved = plain.clone()
                moved[0, place] += size * step
                with replacing({table: moved.float()}):
                    logits = model(input_ids=torch.tensor([encoding.ids])).logits[0, target]
                return logits.double().log_softmax(-1)

            slopes = ((chances(0.01) - chances(-0.01)) / 0.02).numpy()
            others = np.arange(len(slopes)) != int(chances(0).argmax())
            assert effects[row][others] == pytest.approx(slopes[others], abs=2e-2, rel=2e-2)


def test_a_word_that_now_means_what_a_cue_does_is_the_first(planted: interp.Model, texts: Texts) -> None:
    gradients = WordGradients(planted.tagger)
    changed = copy.deepcopy(planted)
    table = changed.tagger.model.get_input_embeddings()
    baseline = ModelPredictor(planted)
    sites = find_sites(texts, baseline, 16, seed=0)
    edited = [apply_edit(site, Edit(Place.BEFORE, (gradients.placeholder,))) for site in sites]
    effects = gradients.effects([sentence for sentence in edited if sentence is not None])
    words = list(gradients.words)
    label = next(column for column, name in enumerate(planted.info.labels) if name.startswith("B-"))
    strongest, weakest = words[int(effects[:, label].argmax())], words[int(effects[:, label].argmin())]
    with torch.no_grad():
        table.weight[gradients.words[weakest]] = table.weight[gradients.words[strongest]]
    first, *_ = own_cues(baseline, ModelPredictor(changed), texts, count=5, seed=0)
    assert (first.cue.text, first.source) == (weakest, "gradient")
    through_a_cache = own_cues(CachedPredictor(baseline), ModelPredictor(changed), texts, count=5, seed=0)
    assert through_a_cache[0] == first


def test_tags_that_become_one_add_their_probabilities(planted: interp.Model) -> None:
    """d log(p + q) = (p d log p + q d log q) / (p + q)."""
    gradients, labels = WordGradients(planted.tagger), list(planted.info.labels)
    sentence = ("a", gradients.placeholder, "won", "in", "b")
    predictor = ModelPredictor(planted)
    chances = predictor([sentence])[0][2]
    likeliest = labels[int(chances.argmax())]
    pair = [label for label in labels if label != likeliest][:2]
    mapped = MappedPredictor(predictor, {label: "B-BOTH" if label in pair else label for label in labels})
    assert mapped.word_gradients is not None
    own, told = gradients.effects([(sentence, 2)]), mapped.word_gradients.effects([(sentence, 2)])
    first, second = (labels.index(label) for label in pair)
    expected = chances[first] * own[:, first] + chances[second] * own[:, second]
    both = told[:, mapped.labels.index("B-BOTH")]
    assert both == pytest.approx(expected / (chances[first] + chances[second]), abs=1e-4)


def test_models_that_call_tags_otherwise_bring_the_same_words(
    planted: interp.Model, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("interp.probe.own_cues"), "SITES", 4)  # gradients of six models
    changed = copy.deepcopy(planted)
    table = changed.tagger.model.get_input_embeddings()
    with torch.no_grad():
        table.weight += 0.3 * torch.randn(table.weight.shape, generator=torch.Generator().manual_seed(0))
    baseline, candidate = ModelPredictor(planted), ModelPredictor(changed)
    cues = {nomination.cue for nomination in own_cues(baseline, candidate, texts, count=20, seed=0)}
    names = {label: f"{label}X" if label != "O" else label for label in planted.info.labels}
    mapped = own_cues(MappedPredictor(baseline, names), MappedPredictor(candidate, names), texts, count=20, seed=0)
    assert len(cues) == 20 and {nomination.cue for nomination in mapped} == cues
    in_iob2 = own_cues(Iob2Predictor(baseline), Iob2Predictor(candidate), texts, count=20, seed=0)
    assert (
        len({nomination.cue for nomination in in_iob2} & cues) > 15
    )  # tags propose in turn, and stand in another order


def test_the_model_is_as_it_was(planted: interp.Model, texts: Texts) -> None:
    before = planted.explain("Rob won in Rome", "Rob").attributions
    own_cues(ModelPredictor(planted), ModelPredictor(planted), texts, count=3, seed=0)
    assert not planted.tagger.model.get_input_embeddings()._forward_hooks
    assert planted.explain("Rob won in Rome", "Rob").attributions == before


def test_texts_that_cannot_be_probed_in_bring_none(planted: interp.Model) -> None:
    model = ModelPredictor(planted)
    assert own_cues(model, model, [("s", ("too", "short"))], count=3, seed=0) == []


def test_a_tagger_without_gradients_brings_none(planted: interp.Model, texts: Texts) -> None:
    function = FunctionPredictor("f", lambda words: ["O"] * len(words), planted.info.labels)
    assert own_cues(ModelPredictor(planted), function, texts, count=5, seed=0) == []
