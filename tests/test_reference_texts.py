"""Attributions averaged over real sentences: against a slow reference, with their errors, from every door."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from click.testing import CliRunner

import interp
from interp.cli import main
from interp.engine.status import IntegrationStatus
from interp.errors import InputError
from interp.explain import Model
from interp.explain.average import average_explanations
from interp.explanation import Completeness, Explanation
from interp.explanation.document import schema
from tests import reference

TEXT = "mira tarsen met Ona Vell in Tarsen"
SHORT, LONG = "Ona sang", "the old mill in Vell closed after the long winter of storms"
TEXTS = [SHORT, LONG, "Mira went home"]


@pytest.fixture(scope="module")
def exact() -> Model:
    """Float64, by the attention that forward-mode differentiation can read."""
    model = interp.load("planted", dtype="float64")
    model.tagger.model.set_attn_implementation("eager")
    return model


@pytest.fixture(scope="module")
def explained(exact: Model) -> Explanation:
    return exact.explain(TEXT, "Ona Vell", reference="text", reference_texts=TEXTS, tolerance=1e-5)


def pieces(model: Model, text: str) -> list[int]:
    return list(model.tagger.tokenizer(text, add_special_tokens=False)["input_ids"])


def test_words_and_layers_are_the_mean_over_sentences_in_the_texts_place(exact: Model, explained: Explanation) -> None:
    tagger = exact.tagger
    own = tagger.encode([word.text for word in explained.words if not word.special])
    length = len(own.ids) - 2
    rows = [pieces(exact, text) for text in TEXTS]
    in_place = [(rows[number:] + rows[:number]) * 2 for number in range(len(rows))]  # the texts, from each one on
    labels = [exact.info.labels.index(tag) for tag in explained.target.tags]
    positions = [own.first[index] for index in explained.target.indices]
    states = reference.bert_states(
        tagger.model,
        lambda logits: sum(logits[:, at, label] for at, label in zip(positions, labels, strict=True)),
    )
    units = torch.tensor(own.units)

    def per_word(values: torch.Tensor) -> list[float]:
        sums = torch.zeros(len(explained.words), dtype=torch.float64).index_add_(0, units, values.sum(-1))
        return sums.tolist()

    truths = []
    for texts in in_place:
        ids = [own.ids[0], *list(chain(*texts))[:length], own.ids[-1]]
        truths.append(reference.integrate_states(states, tagger._embed(own.ids)[0], tagger._embed(ids)[0]))
    by_state = np.array([[per_word(values) for values in truth.attributions] for truth in truths])
    slow = by_state.mean(0)
    assert np.array([explained.attributions, *explained.layers]) == pytest.approx(slow, abs=1e-5 * np.abs(slow).sum())
    assert explained.at_reference == pytest.approx(np.mean([truth.at_reference for truth in truths]))
    assert explained.score == pytest.approx(explained.at_input - explained.at_reference, abs=1e-4)

    spread = by_state[:, 0].std(0, ddof=1) / np.sqrt(len(TEXTS))
    assert explained.errors == pytest.approx(spread, abs=1e-4)
    ends = [truth.at_reference for truth in truths]
    assert explained.sampling is not None
    assert explained.sampling.reference_error == pytest.approx(np.std(ends, ddof=1) / np.sqrt(len(TEXTS)))


def test_its_integral_is_as_good_as_those_it_is_the_mean_of(explained: Explanation) -> None:
    assert explained.completeness.converged
    for path in explained.completeness.paths.values():
        assert 0 < path.estimate <= path.tolerance
        assert max(map(abs, path.residuals)) <= path.estimate * np.abs(explained.attributions).sum()


def test_several_questions_share_texts_and_keep_their_own_references(exact: Model, explained: Explanation) -> None:
    over_texts = interp.Question(
        TEXT, "Ona Vell", reference="text", reference_texts=TEXTS, without=("components", "layers")
    )
    from_pad = replace(over_texts, reference="pad", reference_texts=())
    about_short = replace(over_texts, text=SHORT, target=1)
    first, second, third = exact.explain_many([over_texts, from_pad, about_short], tolerance=1e-5)
    assert first.attributions == pytest.approx(explained.attributions, abs=1e-4)
    assert second.sampling is None and second.errors is None
    assert third.sampling is not None and len(third.sampling.errors) == len(third.words)


def test_a_mean_whose_parts_cancel_is_not_said_to_have_converged(explained: Explanation) -> None:
    path = explained.integration
    turned = replace(
        explained,
        words=tuple(replace(word, attribution=-0.999 * word.attribution) for word in explained.words),
        layers=(),
        components=None,
        completeness=Completeness(path, None),
    )
    mean = average_explanations([replace(turned, words=explained.words), turned])
    assert mean.integration.estimate == pytest.approx(1999 * path.estimate, rel=1e-3)
    assert mean.integration.status is IntegrationStatus.NOT_CONVERGED


def test_the_worst_of_the_integrals_speaks_for_the_mean(explained: Explanation) -> None:
    rough = replace(explained.integration, status=IntegrationStatus.DISCONTINUOUS)
    jumped = replace(explained, completeness=replace(explained.completeness, embedding=rough))
    mean = average_explanations([explained, jumped])
    assert mean.integration.status is IntegrationStatus.DISCONTINUOUS
    components = mean.completeness.components
    assert components is not None and components.status is IntegrationStatus.CONVERGED


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reference": "text"}, "give two of them at least"),
        ({"reference": "text", "reference_texts": [LONG]}, "give two of them at least"),
        ({"reference_texts": TEXTS}, 'The reference "pad" takes no sentences'),
        ({"reference": "text", "reference_texts": [LONG, " "]}, "The reference text is empty"),
        ({"reference": "text", "reference_texts": [LONG, 3]}, "The reference text must be a sentence"),
        ({"reference": "text", "reference_texts": TEXTS, "method": "saliency"}, "saliency is run from one reference"),
    ],
)
def test_what_does_not_fit_is_said(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        interp.load("planted").explain(TEXT, "Ona Vell", **settings)  # type: ignore[arg-type]


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    file = tmp_path / "sentences.txt"
    file.write_text("\n".join(f"{text} number {number}" for number in range(20) for text in TEXTS))
    return file


def explain(*arguments: str) -> tuple[int, str, str]:
    ran = CliRunner().invoke(main, ["explain", TEXT, "--model", "planted", "--target", "Ona Vell", *arguments])
    return ran.exit_code, ran.stdout, ran.stderr


def test_the_command_draws_sentences_and_shows_both_errors(sentences: Path, tmp_path: Path) -> None:
    document = tmp_path / "out.json"
    page = tmp_path / "out.html"
    options = ["--reference", "text", "--reference-texts", str(sentences), "--samples", "5", "--seed", "3"]
    status, shown, _ = explain(*options, "--without", "components", "--json", str(document), "--html", str(page))
    assert status == 0
    assert "in the mean over 5" in " ".join(shown.split())
    assert "Sampling error" in shown and "Integration error" in shown and "± error" in shown
    assert "Sampling error" in page.read_text() and "Over 5 references" in page.read_text()

    content = json.loads(document.read_text())
    jsonschema.validate(content, schema())
    (read,) = interp.read(document)
    assert read.sampling is not None and read.sampling.references == 5
    assert read.to_dataframe()["error"].tolist() == list(read.sampling.errors)
    again = tmp_path / "again.json"
    explain(*options, "--without", "components", "--json", str(again))
    assert json.loads(again.read_text())["explanations"][0]["sampling"] == content["explanations"][0]["sampling"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--reference", "text"], "name a file of them with --reference-texts"),
        (["--reference-texts", "FILE"], "are for --reference text: add it, or drop them"),
        (["--reference", "text", "--reference-texts", "FILE", "--method", "occlusion"], "takes one reference"),
        (["--reference", "text", "--reference-texts", "FILE", "--compare-methods"], "takes one reference"),
        (["--reference", "text", "--reference-texts", "FILE", "--samples", "1"], "give two of them at least"),
        (["--samples", "3"], "integrated-gradients takes no --samples"),
    ],
)
def test_the_command_says_what_does_not_go_together(sentences: Path, arguments: list[str], message: str) -> None:
    status, _, said = explain(*(str(sentences) if argument == "FILE" else argument for argument in arguments))
    assert status == 2
    assert message in said
