"""A live model is explained as it would be saved and loaded, and is left as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from families import FAMILIES, build
from transformers import BertForSequenceClassification, BertForTokenClassification, BertModel, BertTokenizer

import interp
from interp.errors import InputError, ModelError

torch.set_num_threads(1)
TEXT = "Rob wins in London , Rob"


LIBRARIES_WARN = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
"""Of what they themselves call: torch.compile and peft."""


def tokenizer() -> BertTokenizer:
    return BertTokenizer(vocab={piece: number for number, piece in enumerate(tiny.VOCABULARY)}, do_lower_case=False)


def refusal(kind: type[Exception], call: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("family", FAMILIES)
def test_a_live_model_answers_and_is_called_as_the_same_one_saved_and_loaded(family: str, tmp_path: Path) -> None:
    model, own_tokenizer = build(family)
    model.save_pretrained(tmp_path)
    own_tokenizer.save_pretrained(tmp_path)
    live, stored = interp.load(model, own_tokenizer), interp.load(tmp_path, "cpu")
    assert (live.info.sha256, live.info.former_sha256) == (stored.info.sha256, stored.info.former_sha256)
    assert (live.info.labels, live.info.layers, live.info.notices) == (
        stored.info.labels,
        stored.info.layers,
        stored.info.notices,
    )
    first, second = (loaded.explain(TEXT, "London", tag="B-PER", tolerance=0.05) for loaded in (live, stored))
    assert (first.words, first.layers, first.components) == (second.words, second.layers, second.components)


def test_a_tokeniser_that_was_used_in_training_is_neither_misread_nor_touched(tmp_path: Path) -> None:
    model, used = tiny.model(), tokenizer()
    used([TEXT], truncation=True, max_length=5, padding="max_length")
    before = used.backend_tokenizer.to_str()
    live = interp.load(model, used)
    assert [word.text for word in live.explain(TEXT, 1, tolerance=0.1).words[1:-1]] == TEXT.split()
    assert used.backend_tokenizer.to_str() == before
    model.save_pretrained(tmp_path)
    used.save_pretrained(tmp_path)
    assert interp.load(tmp_path, "cpu").info.sha256 == live.info.sha256


def state_of(model: torch.nn.Module) -> list[object]:
    """All that a caller could find changed."""
    modules = [(part.training, len(part._forward_hooks), len(part._forward_pre_hooks)) for part in model.modules()]
    tensors = [
        (name, tensor.data_ptr(), tensor._version, tensor.dtype, tensor.requires_grad, tensor.grad is None)
        for name, tensor in model.named_parameters()
    ]
    return [modules, tensors, model.config.to_dict()]  # type: ignore[operator]


def test_a_model_in_training_is_left_as_it_was() -> None:
    model = tiny.model(hidden_dropout_prob=0.5)
    model.train()
    model.bert.embeddings.eval().requires_grad_(False)
    model(input_ids=torch.tensor([[2, 5, 6, 3]]), labels=torch.tensor([[0, 1, 2, 0]])).loss.backward()
    before = state_of(model)
    loaded = interp.load(model, tokenizer())
    assert loaded.tagger.model is model  # no second copy of the weights
    first = loaded.explain(TEXT, 1, tolerance=0.1)
    loaded.compare_methods(interp.Question("Rob wins", 1), tolerance=0.1)
    with pytest.raises(InputError):
        loaded.explain(TEXT, "nowhere")
    assert state_of(model) == before
    assert loaded.explain(TEXT, 1, tolerance=0.1).attributions == first.attributions  # no dropout


def test_a_model_that_was_trained_on_must_be_loaded_again() -> None:
    model = tiny.model()
    loaded = interp.load(model, tokenizer(), name="mine")
    (prepared,) = loaded.prepare([interp.Question("Rob wins", 1)])
    model(input_ids=torch.tensor([[2, 5, 6, 3]]), labels=torch.tensor([[0, 1, 2, 0]])).loss.backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    calls: list[Callable[[], object]] = [
        lambda: loaded.explain("Rob wins", 1),
        lambda: next(loaded.explain_many([prepared])),
        lambda: loaded.explain_entities("Rob wins"),
        lambda: loaded.entities("Rob wins"),
        lambda: loaded.prepare([]),
        lambda: loaded.compare_methods(prepared),
    ]
    for call in calls:
        assert 'The weights of "mine" were changed or moved since' in refusal(InputError, call)
    again = interp.load(model, tokenizer(), name="mine")
    assert again.info.sha256 != loaded.info.sha256
    again.explain("Rob wins", 1, tolerance=0.1)
    model.double()
    assert "changed or moved" in refusal(InputError, lambda: again.explain("Rob wins", 1))


def test_the_name_is_the_callers_or_that_of_the_class() -> None:
    model = tiny.model()
    assert interp.load(model, tokenizer()).info.name == "BertForTokenClassification"
    assert interp.load(model, tokenizer(), name="epoch 3").explain("Rob wins", 1, tolerance=0.1).model.name == "epoch 3"


class Weighted(BertForTokenClassification):
    """As a trainer with a loss of its own has it."""


class Skipping(BertForTokenClassification):
    """With a way past the layers: nothing that is seen of them sums to F(input) - F(reference)."""

    def forward(self, input_ids: Any = None, **rest: Any) -> Any:
        answer = super().forward(input_ids=input_ids, **rest)
        past = self.bert.embeddings.word_embeddings(input_ids)
        answer.logits = answer.logits + self.classifier(self.bert.embeddings(input_ids) + past) ** 2
        return answer


def own(kind: type[BertForTokenClassification]) -> BertForTokenClassification:
    built = kind(tiny.config()).eval()
    built.load_state_dict(tiny.model().state_dict())
    return built


def test_what_a_fingerprint_cannot_know_is_said() -> None:
    plain = interp.load(tiny.model(), tokenizer()).info
    assert plain.notices == ()
    hooked = tiny.model()
    hooked.bert.register_forward_hook(lambda *_: None)
    (notice,) = interp.load(hooked, tokenizer()).info.notices
    assert notice.startswith("It has 1 hook of the caller's")
    derived = interp.load(own(Weighted), tokenizer()).info
    assert derived.sha256 == plain.sha256
    assert "Its class Weighted is the caller's own, and every layer of it was complete" in derived.notices[0]
    (half,) = interp.load(tiny.model().bfloat16(), tokenizer()).info.notices
    assert half.startswith("Computed in bfloat16")
    watched = tiny.model()
    watched(input_ids=torch.tensor([[2, 5, 3]]), output_hidden_states=True)  # transformers leaves hooks for that
    assert interp.load(watched, tokenizer()).info.notices == ()
    unnamed = tiny.model(id2label=None, label2id=None, num_labels=4)
    assert "as id2label into model.config" in interp.load(unnamed, tokenizer()).info.notices[0]


def test_a_class_whose_layers_are_not_complete_is_refused() -> None:
    assert "on a probe sentence" in refusal(ModelError, lambda: interp.load(own(Skipping), tokenizer()))
    half = own(Weighted).half()
    assert "give model.float()" in refusal(ModelError, lambda: interp.load(half, tokenizer()))


def adapted() -> Any:
    peft = pytest.importorskip("peft", reason="the extra peft is not installed")
    return peft.get_peft_model(tiny.model(), peft.LoraConfig(task_type="TOKEN_CLS", target_modules=["query"]))


def changed(change: Callable[[Any], object]) -> BertForTokenClassification:
    model = tiny.model()
    change(model)
    return model


KIND: dict[str, tuple[type[Exception], str, Callable[[], object]]] = {
    "base": (ModelError, "A BertModel has no head that tags words", lambda: BertModel(tiny.config())),
    "sequences": (
        ModelError,
        "A BertForSequenceClassification has no head that tags words",
        lambda: BertForSequenceClassification(tiny.config()),
    ),
    "module": (InputError, "not a Linear", lambda: torch.nn.Linear(2, 2)),
    "nothing": (InputError, "not a NoneType", lambda: None),
    "parallel": (ModelError, "model.module", lambda: torch.nn.DataParallel(tiny.model())),
    "compiled": (ModelError, "model._orig_mod", lambda: torch.compile(tiny.model())),
    "adapter": (ModelError, "merge_and_unload()", adapted),
    "unnamed": (
        ModelError,
        "gives 4 logits a word and id2label of model.config names 2",
        lambda: changed(lambda model: setattr(model.config, "id2label", {0: "O", 1: "B-PER"})),
    ),
    "order": (
        ModelError,
        "id2label and label2id of model.config give labels other numbers",
        lambda: changed(lambda model: model.config.label2id.update({"O": 1, "B-PER": 0})),
    ),
    "tuples": (ModelError, "return_dict = True", lambda: changed(lambda m: setattr(m.config, "return_dict", False))),
    "meta": (ModelError, "lies on cpu and meta", lambda: changed(lambda model: model.classifier.to("meta"))),
    "nan": (ModelError, "holds NaN", lambda: changed(lambda m: torch.nn.init.constant_(m.classifier.bias, torch.nan))),
}


@LIBRARIES_WARN
@pytest.mark.parametrize("kind", KIND)
def test_what_cannot_be_explained_is_refused_in_one_sentence(kind: str) -> None:
    error, sentence, make = KIND[kind]
    given: Any = make()
    assert sentence in refusal(error, lambda: interp.load(given, tokenizer()))


@pytest.mark.parametrize(
    ("sentence", "call"),
    [
        ("needs its tokeniser beside it", lambda model: interp.load(model)),
        ('not the text "bert-base-cased"', lambda model: interp.load(model, "bert-base-cased")),
        ("not a dict", lambda model: interp.load(model, {})),
        ("its own type", lambda model: interp.load(model, tokenizer(), "float64")),
        ("computes where it is", lambda model: interp.load(model, tokenizer(), device="cpu")),
        ('"open" brings its own tokeniser', lambda _: interp.load("open", tokenizer())),
        ('"open" brings its own tokeniser', lambda _: interp.load("open", name="mine")),
        ("given twice", lambda _: interp.load("open", "cpu", device="cpu")),
    ],
    ids=range(8),
)
def test_arguments_that_do_not_fit_are_refused(sentence: str, call: Callable[[Any], object]) -> None:
    assert sentence in refusal(InputError, lambda: call(tiny.model()))


@LIBRARIES_WARN
def test_a_copy_of_a_merged_adapter_can_be_explained() -> None:
    merged = copy.deepcopy(adapted()).merge_and_unload()
    assert interp.load(merged, tokenizer()).info.labels == tiny.LABELS
