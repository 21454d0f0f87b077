"""Explanations of every family of encoders against the bare model, Captum, a slow reference, and each other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients
from families import FAMILIES, LABELS, SENTENCE, Family, both_truths, build, directory
from reference import Truth
from test_explain import assert_within, rows, tables
from torch import Tensor
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

from interp.errors import InputError
from interp.explain import Model, load
from interp.explain.prepare import build_path, prepare
from interp.explanation import Explanation
from interp.explanation.document import to_document
from interp.question import Positions, Question

torch.set_num_threads(1)
TARGET, TAG = 7, "B-PER"  # the second "Rob"
LEAST = {"max_evaluations": 17}  # everyone on the same panel
OTHERS = (("Rob",), ("In", "Berlin", "they", "are", "winning", ",", "says", "the", "lucky", "Tiger"))


@dataclass(frozen=True)
class Subject:
    """One variant, loaded by interp and on its own, with what the second says of SENTENCE."""

    family: Family
    path: Path

    @cached_property
    def model(self) -> Model:
        return load(self.path, "cpu", "float64")

    @cached_property
    def found(self) -> Explanation:
        return self.model.explain(SENTENCE, TARGET, tag=TAG)

    @cached_property
    def bare(self) -> Any:
        options = {"attn_implementation": "eager", "dtype": torch.float64}
        return AutoModelForTokenClassification.from_pretrained(self.path, **options).eval()

    @cached_property
    def tokenizer(self) -> Any:
        return AutoTokenizer.from_pretrained(self.path)

    @cached_property
    def row(self) -> Any:
        return self.tokenizer(list(SENTENCE), is_split_into_words=True)

    @property
    def ids(self) -> list[int]:
        return self.row["input_ids"]

    @property
    def start(self) -> list[int]:
        """The reference sentence: padding but for the special tokens."""
        pad = self.tokenizer.pad_token_id
        return [i if word is None else pad for i, word in zip(self.ids, self.row.word_ids(), strict=True)]

    @property
    def first(self) -> list[int]:
        """The first sub-token of each word."""
        return [self.row.word_ids().index(word) for word in range(len(SENTENCE))]

    def logits(self, ids: Tensor) -> Tensor:
        """Of rows of ids at a sentence's own positions, which RoBERTa's kind would not give to padding."""
        places = {} if self.family.first is None else {"position_ids": self.family.places(ids.shape[1])[None]}
        return self.bare(input_ids=ids, attention_mask=torch.ones_like(ids), **places).logits

    def scalar(self, logits: Tensor) -> Tensor:
        return logits[:, self.first[TARGET - 1], LABELS.index(TAG)]

    def per_word(self, elements: Tensor) -> np.ndarray:
        """(…, sub-tokens, width) summed over width and over each word's sub-tokens."""
        of_word, last = self.row.word_ids(), len(SENTENCE) + 1
        units = [(0 if i == 0 else last) if word is None else word + 1 for i, word in enumerate(of_word)]
        values = elements.detach().sum(-1)
        return values.new_zeros(*values.shape[:-1], last + 1).index_add(-1, torch.tensor(units), values).numpy()

    @property
    def rounding(self) -> float:
        """Relative, of float64 rows. Recent versions of transformers turn ModernBERT's queries in float32."""
        return 1e-4 if self.family.kind == "modernbert" else 1e-9

    @cached_property
    def truths(self) -> tuple[Truth, Truth]:
        return both_truths(self.family, self.bare, self.ids, self.start, self.scalar)


@pytest.fixture(scope="session", params=list(FAMILIES))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return Subject(FAMILIES[request.param], directory(request.param, tmp_path_factory.mktemp("family")))


def assert_same(one: Explanation, other: Explanation, tolerance: float) -> None:
    """Words, layers and tables are the same to the tolerance of Σ|attribution|; tables that sum to 0 are zeros."""
    assert_within(rows(one), rows(other), tolerance)
    assert one.components is not None and other.components is not None
    assert one.components.present.keys() == other.components.present.keys()
    assert np.abs(tables(one) - tables(other)).sum() <= tolerance * np.abs(tables(other)).sum()
    assert one.target.tags == other.target.tags
    assert [word.tag for word in one.words] == [word.tag for word in other.words]


# --- against the bare model, Captum and the slow reference


def test_the_reference_is_the_model(subject: Subject) -> None:
    """The slow reference's last number is the bare model's logit, at both ends; and it is complete in every layer."""
    with torch.no_grad():
        ends = subject.scalar(subject.logits(torch.tensor([subject.ids, subject.start]))).tolist()
    truth = subject.truths[0]
    assert (truth.at_input, truth.at_reference) == pytest.approx(ends, abs=10 * subject.rounding)
    assert len(truth.attributions) == subject.family.calls + 1
    words = np.array([subject.per_word(each) for each in truth.attributions])
    assert (np.abs(words.sum(1) - (truth.at_input - truth.at_reference)) <= 1e-8 * np.abs(words).sum(1)).all()


def test_every_layer_is_complete(subject: Subject) -> None:
    """Each layer's sum is F(x) − F(x'), both of the bare model; ALBERT has as many layers as calls."""
    with torch.no_grad():
        end, start = subject.scalar(subject.logits(torch.tensor([subject.ids, subject.start]))).tolist()
    path = subject.found.completeness.embedding
    assert subject.found.completeness.converged
    assert (path.at_input, path.at_reference) == pytest.approx((end, start), abs=10 * subject.rounding)
    assert len(subject.found.layers) == subject.model.info.layers == subject.family.calls
    sums, mass = rows(subject.found).sum(1), np.abs(rows(subject.found)).sum(1)
    assert (np.abs(sums - (end - start)) <= 1e-3 * mass).all()
    split = subject.found.completeness.components
    assert split is not None and split.at_input == pytest.approx(end, abs=10 * subject.rounding)
    assert abs(tables(subject.found).sum() - (end - split.at_reference)) <= 1e-3 * np.abs(tables(subject.found)).sum()


def test_words_are_captums(subject: Subject) -> None:
    """Captum's integrated gradients of the embedding block by 200 Gauss–Legendre nodes, to 1e-3 of Σ|attribution|."""
    network = subject.bare
    method = LayerIntegratedGradients(lambda ids: subject.scalar(subject.logits(ids)), network.base_model.embeddings)
    ids, start = torch.tensor([subject.ids]), torch.tensor([subject.start])
    theirs = method.attribute(ids, start, n_steps=200, method="gausslegendre", internal_batch_size=200)
    assert_within(np.array([subject.found.attributions]), subject.per_word(theirs), 2e-3)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6])
def test_against_the_slow_reference(subject: Subject, tolerance: float) -> None:
    """Every layer and every table, word by word."""
    embedding, components = subject.truths
    found = subject.model.explain(SENTENCE, TARGET, tag=TAG, tolerance=tolerance)
    assert found.completeness.converged
    assert_within(rows(found), np.array([subject.per_word(each) for each in embedding.attributions]), tolerance)
    assert_within(tables(found), subject.per_word(components.attributions[0]), tolerance)
    split = found.completeness.components
    assert split is not None
    ends = split.at_input, split.at_reference
    assert ends == pytest.approx((components.at_input, components.at_reference), abs=10 * subject.rounding)


@pytest.mark.parametrize("name", ["roberta", "deberta-v2", "modernbert"])
def test_a_contrast_at_the_same_positions(name: str, tmp_path: Path) -> None:
    """Another question to the slow reference: a span against another tag, as log-probability, from the mask token."""
    subject = Subject(FAMILIES[name], directory(name, tmp_path, seed=1))
    first, mask = subject.first, subject.tokenizer.mask_token_id
    start = [mask if i != j else i for i, j in zip(subject.start, subject.ids, strict=True)]

    def scalar(logits: Tensor) -> Tensor:
        scores = logits.log_softmax(-1)
        return sum(scores[:, first[word - 1], tag] - scores[:, first[word - 1], 2] for word, tag in ((4, 3), (5, 0)))

    truths = both_truths(subject.family, subject.bare, subject.ids, start, scalar, "same")
    found = subject.model.explain(
        SENTENCE,
        [4, 5],
        tag=["B-LOC", "O"],
        against="I-PER",
        output="log-probability",
        reference="mask",
        positions="same",
        tolerance=1e-4,
    )
    assert_within(rows(found), np.array([subject.per_word(each) for each in truths[0].attributions]), 1e-4)
    expected = subject.per_word(truths[1].attributions[0])
    np.testing.assert_allclose(tables(found), expected, rtol=0, atol=1e-4 * np.abs(expected).sum())


# --- tables


def test_tables_that_are_not_there_are_absent(subject: Subject) -> None:
    """Tables of the family have values; others are None, null in a document, and have a reason."""
    missing = [name for name in ("word", "position", "token_type") if name not in subject.family.tables]
    assert subject.found.components is not None
    assert tuple(subject.found.components.present) == subject.family.tables
    assert set(subject.found.absent) == {f"components.{name}" for name in missing}
    assert all(subject.found.absent.values())
    document = to_document([subject.found])["explanations"][0]
    parts = document["attributions"]["components"]
    assert [name for name, values in parts.items() if values is None] == missing
    assert document["absent"] == dict(subject.found.absent)
    assert any(subject.found.components.word or [])


@pytest.mark.parametrize("positions", get_args(Positions))
def test_the_reference_of_the_tables_by_hand(subject: Subject, positions: Positions) -> None:
    """Padding where its positions put it, and the input where it stands; RoBERTa's first two rows are for nobody."""
    (asked,) = prepare(subject.model.tagger, [Question(SENTENCE, TARGET, tag=TAG, positions=positions)])
    path = build_path(subject.model.tagger, [asked], tables=True)
    with torch.no_grad():
        end = subject.family.table_outputs(subject.bare, subject.ids, subject.family.places(len(subject.ids)))
        start = subject.family.reference_outputs(subject.bare, subject.start, positions)
    assert path.input.shape == path.reference.shape == end.shape
    torch.testing.assert_close(path.input, end, rtol=0, atol=1e-12)
    torch.testing.assert_close(path.reference, start, rtol=0, atol=1e-12)


def test_what_the_choices_of_positions_say(subject: Subject) -> None:
    """At the first position the first sub-token stands as before and gives nothing, at the same ones all do, and at
    their mean none; a model without a table of positions has the same numbers whatever is chosen.
    """
    found = {
        positions: subject.model.explain(SENTENCE, TARGET, tag=TAG, positions=positions, **LEAST)
        for positions in get_args(Positions)
    }
    shares = {name: each.components.position for name, each in found.items() if each.components is not None}
    if "position" not in subject.family.tables:
        assert shares == dict.fromkeys(found)
        assert len({each.components for each in found.values()}) == 1
        return
    assert all(shares["mean"])
    assert shares["zero"][0] == 0 and all(shares["zero"][1:])
    assert not any(shares["same"])
    assert len({each.attributions for each in found.values()}) == 1


# --- batches and targets


def test_a_batch_gives_each_what_it_gets_alone(subject: Subject) -> None:
    """Sentences of 1, 7 and 10 words, on the same panel."""
    cases = [Question(text, len(text), tag=TAG) for text in (SENTENCE, *OTHERS)]
    for case, together in zip(cases, subject.model.explain_many(cases, **LEAST), strict=True):
        (alone,) = subject.model.explain_many([case], **LEAST)
        assert_same(together, alone, subject.rounding)
        assert together.target.probabilities == pytest.approx(alone.target.probabilities, abs=subject.rounding)


def test_targets_of_one_sentence_at_once(subject: Subject) -> None:
    """Gradients of several targets in one pass (`is_grads_batched`) are those of one at a time."""
    cases = [Question(SENTENCE, target, tag=tag) for target in (1, 4, 5, 7) for tag in ("O", "B-LOC")]
    for case, together in zip(cases, subject.model.explain_many(cases, **LEAST), strict=True):
        assert_same(together, next(subject.model.explain_many([case], **LEAST)), subject.rounding)


# --- predictions


def test_tags_are_the_pipelines(subject: Subject) -> None:
    """Tag and probability of each word are those of its first sub-token in transformers' own pipeline."""
    tagging = pipeline(
        "token-classification",
        model=subject.bare,
        tokenizer=subject.tokenizer,
        aggregation_strategy="none",
        ignore_labels=[],
        device="cpu",
    )
    (tokens,) = tagging([list(SENTENCE)], is_split_into_words=True)
    theirs = {each["index"]: each for each in tokens}
    words = subject.found.words[1:-1]
    assert [word.tag for word in words] == [theirs[i]["entity"] for i in subject.first]
    expected = [float(theirs[i]["score"]) for i in subject.first]
    assert [word.probability for word in words] == pytest.approx(expected, abs=1e-6)


# --- what is left behind


def condition(network: torch.nn.Module) -> list:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return [
        [
            (name, part.training, *(len(getattr(part, kind)) for kind in kinds))
            for name, part in network.named_modules()
        ],
        [(name, p.requires_grad, p.grad, p.sum().item()) for name, p in network.named_parameters()],
    ]


def fail_later(network: torch.nn.Module, after: int) -> Any:
    """The head raises in a later call; returns the handle."""
    calls = iter(range(after))

    def burst(*_: object) -> None:
        if next(calls, None) is None:
            raise ZeroDivisionError

    return network.classifier.register_forward_hook(burst)


def test_the_model_is_left_as_it_was(subject: Subject) -> None:
    """No hook stays, and training mode and requires_grad are as before, also after an exception in the middle."""
    loaded = load(subject.path, "cpu")
    network = loaded.tagger.model
    network.train()
    network.base_model.embeddings.eval()
    network.classifier.bias.requires_grad_(False)
    before = condition(network)
    assert not any(any(hooks) for _, _, *hooks in before[0])
    trained = loaded.explain(SENTENCE, TARGET, tag=TAG, **LEAST)
    assert condition(network) == before
    for after in (1, 3):
        handle = fail_later(network, after)
        with pytest.raises(ZeroDivisionError):
            loaded.explain(SENTENCE, TARGET, tag=TAG, tolerance=1e-9, max_evaluations=100)
        handle.remove()
        assert condition(network) == before
    network.eval()
    assert trained.attributions == loaded.explain(SENTENCE, TARGET, tag=TAG, **LEAST).attributions  # no dropout


# --- how a model was saved


def save(folder: Path, model: Any, tokenizer: Any) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_read_as_float32(subject: Subject, dtype: torch.dtype, tmp_path: Path) -> None:
    """The same numbers saved in half and in single precision give the same explanation in float32."""
    model, tokenizer = build(subject.family.name)
    half = load(save(tmp_path / "half", model.to(dtype), tokenizer), "cpu")
    single = load(save(tmp_path / "single", model.float(), tokenizer), "cpu")
    assert half.tagger.dtype == torch.float32
    one, other = (each.explain(SENTENCE, TARGET, tag=TAG, **LEAST) for each in (half, single))
    assert one.run.dtype == "float32"
    assert_same(one, other, 1e-6)


def test_added_words_and_resized_embeddings(subject: Subject, tmp_path: Path) -> None:
    """A word added to the vocabulary is one sub-token, and the model has more rows than the tokeniser pieces."""
    model, tokenizer = build(subject.family.name)
    tokenizer.add_tokens(["Quisquilia"])
    model.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=64, mean_resizing=False)
    loaded = load(save(tmp_path, model, tokenizer), "cpu", "float64")
    words = ["Rob", "in", "Quisquilia"]
    assert loaded.tagger.encode(words).units.count(3) <= 2  # with "▁" before it in some
    assert len(tokenizer) - 1 in loaded.tagger.encode(words).ids
    found = loaded.explain(words, 3, tag=TAG)
    change = found.completeness.embedding.at_input - found.completeness.embedding.at_reference
    assert (np.abs(rows(found).sum(1) - change) <= 1e-3 * np.abs(rows(found)).sum(1)).all()
    assert found.words[3].attribution != 0


def test_the_padding_side_does_not_matter(subject: Subject, tmp_path: Path) -> None:
    """A tokeniser that pads on the left gives what one gives that pads on the right, in a batch too."""
    model, tokenizer = build(subject.family.name)
    cases = [Question(text, len(text), tag=TAG) for text in (SENTENCE, *OTHERS)]
    found = {}
    for side in ("left", "right"):
        folder = save(tmp_path / side, model, tokenizer)
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"padding_side": side}), encoding="utf-8")
        assert AutoTokenizer.from_pretrained(folder).padding_side == side
        found[side] = [rows(each) for each in load(folder, "cpu").explain_many(cases, **LEAST)]
    for one, other in zip(*found.values(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["modernbert", "mmbert"])
def test_without_a_pad_token(name: str, tmp_path: Path) -> None:
    """The default reference is refused with a way out; others work, in a batch of several lengths too."""
    model, tokenizer = build(name, pad_token_id=None)
    tokenizer.pad_token = None
    folder = save(tmp_path, model, tokenizer)
    assert AutoTokenizer.from_pretrained(folder).pad_token is None
    loaded = load(folder, "cpu", "float64")
    with pytest.raises(InputError, match="`reference`") as caught:
        loaded.explain(SENTENCE, TARGET)
    assert "pad" in str(caught.value) and "\n" not in str(caught.value)
    for reference in ("mask", "zero"):
        cases = [Question(text, len(text), tag=TAG, reference=reference) for text in (SENTENCE, *OTHERS)]
        for case, together in zip(cases, loaded.explain_many(cases, **LEAST), strict=True):
            (alone,) = loaded.explain_many([case], **LEAST)
            assert_within(rows(together), rows(alone), 1e-4)
            assert together.reference.kind == reference
