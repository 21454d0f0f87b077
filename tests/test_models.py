"""Loading: what a directory must hold, what is refused and how, the fingerprint, and BERT-NER's own predictions."""

from __future__ import annotations

import json
import math
import os
import pickle
import re
import shutil
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import HfApi
from safetensors.torch import load_file, save_file
from tiny import LABELS, SENTENCE, VOCABULARY, bert_ner_directory, config, model, tagger_directory
from transformers import (
    BertForSequenceClassification,
    BertForTokenClassification,
    BertTokenizer,
    RobertaConfig,
    RobertaForTokenClassification,
)

from interp.errors import DeviceError, InputError, InterpError, ModelError, TooLongError
from interp.explain import Model, load
from interp.models.device import find_device
from interp.question import Question

torch.set_num_threads(1)
DATA = Path(os.environ.get("INTERP_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """The tiny tagger's directory, to be changed."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hub cannot be reached; who asks is noted."""
    asked: list[str] = []

    def refuse(_api: HfApi, name: str, **_options: object) -> None:
        asked.append(name)
        raise ConnectionError("no network in tests")

    monkeypatch.setattr(HfApi, "model_info", refuse)
    return asked


# --- good directories


def test_what_is_loaded(tiny: Path, model32: Model, no_network: list[str]) -> None:
    assert model32.info.labels == LABELS
    assert (model32.info.name, model32.info.layers) == (str(tiny), 3)
    assert re.fullmatch("[0-9a-f]{64}", model32.info.sha256)
    tagger = model32.tagger
    assert (tagger.dtype, tagger.device) == (torch.float32, torch.device("cpu"))
    assert not tagger.model.training
    assert not no_network  # a directory asks nobody


def test_sub_tokens_units_and_special_tokens(model32: Model) -> None:
    encoding = model32.tagger.encode(SENTENCE.split())
    pieces = [VOCABULARY[i] for i in encoding.ids]
    assert pieces == ["[CLS]", "Rob", "win", "##s", "in", "Lon", "##don", ",", "Rob", "[SEP]"]
    assert encoding.units == (0, 1, 2, 2, 3, 4, 4, 5, 6, 7)
    assert encoding.first == (0, 1, 2, 4, 5, 7, 8, 9)
    assert [i for i, special in enumerate(encoding.special) if special] == [0, 9]


def test_logits_are_the_models_own_in_a_batch_as_alone(tiny: Path, model64: Model) -> None:
    bare = BertForTokenClassification.from_pretrained(tiny, dtype=torch.float64).eval()
    encodings = [model64.tagger.encode(text.split()) for text in (SENTENCE, "Steve", "the German Rob gets a call")]
    for encoding, logits in zip(encodings, model64.tagger.logits(encodings), strict=True):
        with torch.no_grad():
            alone = bare(input_ids=torch.tensor([encoding.ids])).logits[0]
        torch.testing.assert_close(logits, alone, rtol=1e-10, atol=1e-10)


def test_labels_without_architectures_prefix_and_pickled_weights(copy: Path, model32: Model) -> None:
    """The same weights as pytorch_model.bin: one model, one fingerprint."""
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    assert load(copy, "cpu").info.sha256 == model32.info.sha256


def test_safetensors_are_preferred(copy: Path, model32: Model) -> None:
    (copy / "pytorch_model.bin").write_bytes(b"not a pickle")
    assert load(copy, "cpu").info.sha256 == model32.info.sha256


# --- the fingerprint


def test_the_fingerprint_is_of_what_is_stored(tiny: Path, model32: Model, model64: Model) -> None:
    half = load(tiny, "cpu", "bfloat16")
    assert model32.info.sha256 == model64.info.sha256 == half.info.sha256


def test_the_fingerprint_changes_with_one_weight(copy: Path, model32: Model) -> None:
    weights = load_file(copy / "model.safetensors")
    weights["classifier.bias"][2] += 1e-4
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    assert load(copy, "cpu").info.sha256 != model32.info.sha256


def test_the_fingerprint_changes_with_the_stored_precision(copy: Path, model32: Model) -> None:
    weights = {name: tensor.bfloat16() for name, tensor in load_file(copy / "model.safetensors").items()}
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    settings = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(settings | {"dtype": "bfloat16"}))
    assert load(copy, "cpu").info.sha256 != model32.info.sha256


def configured(folder: Path, **changes: Any) -> Path:
    """The same directory with other keys in config.json; None takes one away."""
    settings = json.loads((folder / "config.json").read_text()) | changes
    kept = {key: value for key, value in settings.items() if key not in changes or value is not None}
    (folder / "config.json").write_text(json.dumps(kept))
    return folder


def test_the_fingerprint_changes_with_the_vocabulary(copy: Path, model32: Model) -> None:
    tokenizer = (copy / "tokenizer.json").read_text()
    assert '"lucky"' in tokenizer
    (copy / "tokenizer.json").write_text(tokenizer.replace('"lucky"', '"plucky"'))
    assert load(copy, "cpu").info.sha256 != model32.info.sha256


@pytest.mark.parametrize(
    "changes",
    [
        {"layer_norm_eps": 5.0},
        {"num_attention_heads": 1},
        {"hidden_act": "relu"},
        {"id2label": dict(enumerate(["O", "B-LOC", "I-PER", "B-PER"])), "label2id": None},
        {"id2label": dict(enumerate(["O", "B-PER", "I-PER", "B-PLACE"])), "label2id": None},
        {"a_key_of_a_later_release": 1},
    ],
    ids=str,
)
def test_the_fingerprint_changes_with_what_decides_the_answer(
    changes: dict[str, Any], copy: Path, model32: Model
) -> None:
    info = load(configured(copy, **changes), "cpu").info
    assert info.sha256 != model32.info.sha256
    assert info.former_sha256 == model32.info.former_sha256  # tensors and tokeniser are the same


@pytest.mark.parametrize(
    "changes",
    [
        {"transformers_version": "9.9"},
        {"_name_or_path": "elsewhere"},
        {"use_cache": False},
        {"finetuning_task": "ner"},
        {"dtype": None},
    ],
    ids=str,
)
def test_the_fingerprint_stays_where_nothing_can_change(changes: dict[str, Any], copy: Path, model32: Model) -> None:
    assert load(configured(copy, **changes), "cpu").info.sha256 == model32.info.sha256


def test_the_fingerprint_changes_with_the_class_that_computes(tmp_path: Path) -> None:
    """CamemBERT's and RoBERTa's tensors have the same names; decoders' do too, and compute otherwise."""
    folder = tagger_directory(tmp_path / "roberta")
    (folder / "config.json").unlink()
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
    settings = RobertaConfig(vocab_size=len(VOCABULARY), max_position_embeddings=40, **small)
    RobertaForTokenClassification(settings).save_pretrained(folder)
    first = load(folder, "cpu").info
    configured(folder, model_type="camembert", architectures=["CamembertForTokenClassification"])
    second = load(folder, "cpu").info
    assert first.former_sha256 == second.former_sha256 and first.sha256 != second.sha256


def test_the_fingerprint_changes_with_the_tokens_that_references_are_made_of(copy: Path, model32: Model) -> None:
    settings = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps(settings | {"mask_token": "lucky"}))
    loaded = load(copy, "cpu")
    assert loaded.info.sha256 != model32.info.sha256
    words = ["Rob", "wins"]
    before, after = (model.explain(words, 1, reference="mask", max_evaluations=17) for model in (model32, loaded))
    assert before.reference.token == "[MASK]" and after.reference.token == "lucky"
    assert before.attributions != after.attributions


# --- more, or other, than what is computed


@pytest.mark.parametrize(
    "name", ["crf.transitions", "bilstm.weight_ih_l0", "bert.encoder.layer.3.output.dense.weight", "dense.weight"]
)
def test_tensors_that_would_not_be_used_are_refused_by_name(name: str, copy: Path) -> None:
    extended(copy, name)
    message = refusal(ModelError, lambda: load(copy, "cpu"))
    assert f"holds 1 tensor that BertForTokenClassification does not use ({name})" in message


def extended(folder: Path, name: str) -> None:
    weights = load_file(folder / "model.safetensors") | {name: torch.ones(2, 2)}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("name", ["bert.pooler.dense.weight", "bert.embeddings.position_ids", "x.rotary.inv_freq"])
def test_tensors_that_nothing_depends_on_are_left_alone(name: str, copy: Path, model32: Model) -> None:
    extended(copy, name)
    assert load(copy, "cpu").info.sha256 == model32.info.sha256


@pytest.mark.parametrize(
    "architectures",
    [["BertCrfForTokenClassification"], ["RobertaForTokenClassification"], ["MyForTokenClassification"]],
)
def test_another_architecture_is_not_read_as_this_one(architectures: list[str], copy: Path) -> None:
    message = refusal(ModelError, lambda: load(configured(copy, architectures=architectures), "cpu"))
    assert f"is a {architectures[0]}, and transformers would read it as BertForTokenClassification" in message


def test_a_configuration_of_fewer_layers_than_the_weights_hold_is_refused(copy: Path) -> None:
    message = refusal(ModelError, lambda: load(configured(copy, num_hidden_layers=2), "cpu"))
    assert "does not use (bert.encoder.layer.2." in message


def test_a_configuration_of_more_layers_than_the_weights_hold_is_refused(copy: Path) -> None:
    message = refusal(ModelError, lambda: load(configured(copy, num_hidden_layers=4), "cpu"))
    assert "lack 16 tensors (bert.encoder.layer.3." in message


def test_shapes_that_are_not_those_of_the_configuration_are_refused_by_name(copy: Path) -> None:
    message = refusal(ModelError, lambda: load(configured(copy, intermediate_size=20), "cpu"))
    assert "bert.encoder.layer.0.intermediate.dense.bias" in message and "other shapes" in message


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"0": "O", "1": "B-PER", "2": "B-PER", "3": "B-LOC"}, 'calls two logits "B-PER"'),
        ({"1": "O", "2": "B-PER", "3": "I-PER", "4": "B-LOC"}, "names the logits 1, 2, 3, 4: name those from 0 to 3"),
        ({"0": "O", "1": "B-PER", "2": "I-PER", "7": "B-LOC"}, "names the logits 0, 1, 2, 7"),
    ],
)
def test_labels_that_are_not_one_a_logit_are_refused(labels: dict[str, str], message: str, copy: Path) -> None:
    assert message in refusal(ModelError, lambda: load(configured(copy, id2label=labels, label2id=None), "cpu"))


@pytest.mark.parametrize("name", [None, "", "  ", 3])
def test_a_label_without_a_name_is_refused(name: object, copy: Path) -> None:
    labels = {"0": "O", "1": "B-PER", "2": name, "3": "B-LOC"}
    assert "logit 2 no name" in refusal(ModelError, lambda: load(configured(copy, id2label=labels), "cpu"))


def test_labels_in_two_orders_are_refused(copy: Path) -> None:
    numbers = {"O": 0, "B-PER": 2, "I-PER": 1, "B-LOC": 3}
    assert "other numbers" in refusal(ModelError, lambda: load(configured(copy, label2id=numbers), "cpu"))


def test_labels_that_were_never_named_are_noted(copy: Path) -> None:
    unnamed = {str(number): f"LABEL_{number}" for number in range(4)}
    (notice,) = load(configured(copy, id2label=unnamed, label2id=None), "cpu").info.notices
    assert "LABEL_0" in notice and "id2label" in notice


def test_one_label_that_was_never_named_is_noted_among_others(copy: Path) -> None:
    labels = {"0": "O", "1": "B-PER", "2": "LABEL_2", "3": "B-LOC"}
    (notice,) = load(configured(copy, id2label=labels, label2id=None), "cpu").info.notices
    assert "never named (LABEL_2)" in notice


@pytest.mark.parametrize(
    ("key", "size"),
    [
        ("hidden_size", 10**9),
        ("num_hidden_layers", 10**6),
        ("vocab_size", 10**12),
        ("max_position_embeddings", 10**10),
        ("intermediate_size", 10**9),
    ],
)
@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "bin"])
def test_sizes_that_the_weights_cannot_have_are_refused_before_a_model_is_built(
    key: str, size: int, pickled: bool, copy: Path
) -> None:
    if pickled:
        torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
        (copy / "model.safetensors").unlink()
    message = refusal(ModelError, lambda: load(configured(copy, **{key: size}), "cpu"))
    assert f"says {key} {size}, and its weights are" in message and "in 55 tensors" in message


def test_a_configuration_of_a_far_larger_model_is_refused_before_its_tensors_are_made(copy: Path) -> None:
    sizes = {"hidden_size": 4096, "intermediate_size": 999_999}
    message = refusal(ModelError, lambda: load(configured(copy, **sizes), "cpu"))
    layer = 4096 * (4 * 4096 + 2 * 999_999)  # matrices alone
    numbers = int(re.search(r"model of ([\d,]+) numbers", message)[1].replace(",", ""))
    assert 3 * layer < numbers < 3.01 * layer


@pytest.mark.parametrize(
    "changes",
    [{"transformers_weights": "inside.safetensors"}, {"quantization_config": {"quant_method": "fp8"}}],
    ids=["transformers_weights", "quantization_config"],
)
def test_what_sends_the_reader_elsewhere_is_not_obeyed(changes: dict[str, Any], copy: Path) -> None:
    shutil.copy(copy / "model.safetensors", copy / "inside.safetensors")
    assert "which is not obeyed" in refusal(ModelError, lambda: load(configured(copy, **changes), "cpu"))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_link_out_of_the_directory_is_refused(name: str, copy: Path, tmp_path: Path) -> None:
    shutil.move(copy / name, tmp_path / name)
    (copy / name).symlink_to(f"../{name}")
    assert "is a link that leads out of its directory" in refusal(ModelError, lambda: load(copy, "cpu"))


def test_links_inside_a_directory_and_to_a_directory_are_followed(copy: Path, tmp_path: Path, model32: Model) -> None:
    (copy / "model.safetensors").rename(copy / "epoch3.bin")
    (copy / "model.safetensors").symlink_to("epoch3.bin")
    (tmp_path / "current").symlink_to(copy)
    assert load(tmp_path / "current", "cpu").info.sha256 == model32.info.sha256


def test_a_snapshot_in_the_hubs_cache_is_links_to_its_blobs(tiny: Path, tmp_path: Path, model32: Model) -> None:
    repository = tmp_path / "models--owner--name"
    snapshot = repository / "snapshots" / "0a1b"
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for file in tiny.iterdir():
        shutil.copy(file, repository / "blobs" / file.name)
        (snapshot / file.name).symlink_to(f"../../blobs/{file.name}")
    assert load(snapshot, "cpu").info.sha256 == model32.info.sha256
    shutil.move(repository / "blobs" / "model.safetensors", tmp_path / "model.safetensors")
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.safetensors").symlink_to(tmp_path / "model.safetensors")
    assert "leads out of its directory" in refusal(ModelError, lambda: load(snapshot, "cpu"))


@pytest.mark.parametrize("place", ["../outside.safetensors", "/outside.safetensors", "sub/inside.safetensors", 3])
def test_an_index_may_name_files_beside_it_alone(place: object, copy: Path, tmp_path: Path) -> None:
    names = list(load_file(copy / "model.safetensors"))
    shutil.move(copy / "model.safetensors", tmp_path / "outside.safetensors")
    shutil.copy(tmp_path / "outside.safetensors", copy / "inside.safetensors")
    index = copy / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, place)}))
    assert f'names "{place}", which is no file beside it' in refusal(ModelError, lambda: load(copy, "cpu"))
    index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, "inside.safetensors")}))
    assert load(copy, "cpu").info.labels == LABELS


# --- bad models


def refusal(kind: type[InterpError], call: Callable[[], object]) -> str:
    """The message of a refusal: one line, ending a sentence."""
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400, message
    return message


def test_an_unknown_name_lists_the_bundled_ones(no_network: list[str]) -> None:
    message = refusal(ModelError, lambda: load("plantd", "cpu"))
    assert '"plantd"' in message
    assert "open and planted" in message
    assert 'Did you mean "planted"?' in message
    assert not no_network


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/dir", "../up/and/away", ""])
def test_a_path_that_is_not_there_asks_nobody(name: str, no_network: list[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Unknown model" in refusal(ModelError, lambda: load(name or "nothing here", "cpu"))
    assert not no_network


def test_a_file_is_no_model(tiny: Path) -> None:
    assert "is a file" in refusal(ModelError, lambda: load(tiny / "config.json", "cpu"))


def test_a_directory_without_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    assert "holds no weights" in refusal(ModelError, lambda: load(copy, "cpu"))


def test_a_directory_without_a_config(copy: Path) -> None:
    (copy / "config.json").unlink()
    refusal(ModelError, lambda: load(copy, "cpu"))


CONFIG, TOKENIZER = "config.json", "tokenizer_config.json"
NO_WHOLE_NUMBER = "which is no whole number of at least"


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (CONFIG, {"hidden_size": "abc"}, f"says hidden_size 'abc', {NO_WHOLE_NUMBER} 1"),
        (CONFIG, {"num_hidden_layers": 0}, f"says num_hidden_layers 0, {NO_WHOLE_NUMBER} 1"),
        (CONFIG, {"num_hidden_layers": -1}, f"says num_hidden_layers -1, {NO_WHOLE_NUMBER} 1"),
        (CONFIG, {"num_attention_heads": True}, f"says num_attention_heads True, {NO_WHOLE_NUMBER} 1"),
        (
            CONFIG,
            {"num_attention_heads": 3},
            "of the number of attention heads (3)): one of its files is damaged",
        ),
        (CONFIG, {"type_vocab_size": -1}, f"says type_vocab_size -1, {NO_WHOLE_NUMBER} 0"),
        (CONFIG, {"vocab_size": None}, "of its files is damaged, or not as transformers"),
        (CONFIG, {"num_labels": 10**12, "id2label": None}, "key num_labels: input should be less than or equal to"),
        (CONFIG, {"id2label": ["O", "B-PER"]}, "key id2label: input should be a valid dictionary"),
        (CONFIG, {"id2label": {"first": "O"}}, "key id2label.first: should be the number of a logit"),
        (CONFIG, {"id2label": {"9" * 5000: "O"}}, "should be the number of a logit"),
        (CONFIG, {"id2label": {"0": 1}}, "gives logit 0 no name: write what it is"),
        (CONFIG, {"id2label": {"0": None}}, "gives logit 0 no name: write what it is"),
        (CONFIG, {"id2label": {"0": ["O"]}}, "gives logit 0 no name: write what it is"),
        (CONFIG, {"id2label": {"0": "O"}}, "(classifier.bias: [4], not [1], classifier.weight: [4, 16], not [1, 16])"),
        (CONFIG, {"label2id": {"O": "zero"}}, "key label2id.O: input should be a valid integer"),
        (CONFIG, {"model_type": ["bert"]}, "key model_type: input should be a valid string"),
        (CONFIG, {"architectures": "Bert"}, "key architectures: input should be a valid list"),
        (
            CONFIG,
            {"hidden_act": "nonesuch"},
            "cannot be read ('nonesuch' is missing, or is not known there): one of",
        ),
        (CONFIG, {"layer_norm_eps": math.nan}, "answers with NaN or infinity, though its weights have none"),
        (TOKENIZER, {"model_max_length": "long"}, "key model_max_length: input should be a valid integer"),
        (TOKENIZER, {"added_tokens_decoder": []}, "key added_tokens_decoder: input should be a valid dictionary"),
        (TOKENIZER, {"pad_token": 3}, "of its files is damaged, or not as transformers"),
    ],
)
def test_settings_of_nonsense_are_told(file: str, change: dict, message: str, copy: Path) -> None:
    settings = json.loads((copy / file).read_text())
    (copy / file).write_text(json.dumps(settings | change))
    assert message in refusal(ModelError, lambda: load(copy, "cpu"))


@pytest.mark.parametrize(
    "change",
    [{"return_dict": False}, {"output_hidden_states": True}, {"chunk_size_feed_forward": 3}, {"torchscript": True}],
)
def test_how_answers_come_changes_no_answer(change: dict, copy: Path, model32: Model) -> None:
    expected = model32.explain(["Rob", "wins"], 1).attributions
    assert load(configured(copy, **change), "cpu").explain(["Rob", "wins"], 1).attributions == expected


@pytest.mark.parametrize("file", [CONFIG, TOKENIZER, "special_tokens_map.json", "added_tokens.json"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is no JSON"),
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[]", "holds no JSON object"),
        (b"null", "holds no JSON object"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b"9" * 6000, "is no JSON"),
    ],
)
def test_settings_that_are_no_json_object_are_told(file: str, content: bytes, message: str, copy: Path) -> None:
    (copy / file).write_bytes(content)
    told = refusal(ModelError, lambda: load(copy, "cpu"))
    assert file in told and message in told


def test_a_model_of_few_positions(tmp_path: Path) -> None:
    loaded = load(tagger_directory(tmp_path / "short", max_position_embeddings=6), "cpu")
    assert len(loaded.explain(["Rob"], 1, max_evaluations=17).words) == 3


def test_a_reference_that_the_model_lacks_is_told_before_anything_is_computed(copy: Path) -> None:
    settings = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps(settings | {"mask_token": None}))
    loaded = load(copy, "cpu")
    with pytest.raises(InputError, match="no mask token: choose another `reference`, pad or unk or zero"):
        loaded.prepare([Question("Rob", 1, reference="mask")])


def test_a_directory_without_a_tokeniser(copy: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (copy / name).unlink(missing_ok=True)
    refusal(ModelError, lambda: load(copy, "cpu"))


def test_a_tokeniser_with_more_pieces_than_the_model(copy: Path) -> None:
    pieces = [*VOCABULARY, *(f"more{i}" for i in range(3))]
    BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}, do_lower_case=False).save_pretrained(copy)
    refusal(ModelError, lambda: load(copy, "cpu"))


def test_a_wrong_head(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "m")
    BertForSequenceClassification(config()).save_pretrained(tmp_path / "m")
    message = refusal(ModelError, lambda: load(tmp_path / "m", "cpu"))
    assert "BertForSequenceClassification" in message
    assert "ForTokenClassification" in message


@pytest.mark.parametrize(("kind", "why"), [("evil", "does not know it"), ("vit", "has no tagger of this type")])
def test_types_that_transformers_cannot_tag_with(copy: Path, kind: str, why: str) -> None:
    settings = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(settings | {"model_type": kind}))
    message = refusal(ModelError, lambda: load(copy, "cpu"))
    assert f'Models of type "{kind}" are not supported (transformers ' in message
    assert why in message
    assert "known are albert, bert, camembert" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers(copy: Path, value: float) -> None:
    weights = load_file(copy / "model.safetensors")
    weights["bert.encoder.layer.1.output.dense.weight"][0, 3] = value
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    message = refusal(ModelError, lambda: load(copy, "cpu"))
    assert "NaN or infinity in bert.encoder.layer.1.output.dense.weight" in message


def test_a_damaged_file(copy: Path) -> None:
    whole = (copy / "model.safetensors").read_bytes()
    for part in (whole[: len(whole) // 2], b"\xff" * 100, b""):
        (copy / "model.safetensors").write_bytes(part)
        assert "cannot be read" in refusal(ModelError, lambda: load(copy, "cpu"))


def test_missing_tensors_are_not_made_up(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    save_file({n: t for n, t in weights.items() if "classifier" not in n}, copy / "model.safetensors", {"format": "pt"})
    message = refusal(ModelError, lambda: load(copy, "cpu"))
    assert "classifier.bias, classifier.weight" in message


def test_tensors_of_another_shape(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    weights["classifier.weight"] = weights["classifier.weight"][:2].clone()
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    refusal(ModelError, lambda: load(copy, "cpu"))


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("plain", [True, False], ids=["pickle", "torch.save"])
def test_a_pickle_that_runs_code_is_refused_and_not_run(copy: Path, tmp_path: Path, plain: bool) -> None:
    (copy / "model.safetensors").unlink()
    content = {"classifier.bias": torch.zeros(4), "evil": Malicious(tmp_path / "ran")}
    if plain:
        (copy / "pytorch_model.bin").write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, copy / "pytorch_model.bin")
    message = refusal(ModelError, lambda: load(copy, "cpu"))
    assert "holds more than weights" in message and "weights_only" not in message
    assert not (tmp_path / "ran").exists()


class Identity(torch.nn.Module):
    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning", "ignore:.torch.load. received:UserWarning")
@pytest.mark.parametrize("kind", ["module", "script", "tar"])
def test_a_file_that_torch_would_read_as_code_is_refused_without_its_advice(kind: str, copy: Path) -> None:
    """Of each kind torch says in another way that weights_only set to False "will likely succeed"."""
    (copy / "model.safetensors").unlink()
    path = copy / "pytorch_model.bin"
    if kind == "module":
        torch.save(Identity(), path)
    elif kind == "script":
        torch.jit.save(torch.jit.script(Identity()), str(path))
    else:
        with tarfile.open(path, "w") as archive:
            for name in ("pickle", "storages", "sys_info", "tensors"):
                archive.addfile(tarfile.TarInfo(name))
    message = refusal(ModelError, lambda: load(copy, "cpu"))
    assert "holds more than weights, which would be run" in message
    assert "weights_only" not in message and "likely" not in message


def test_code_that_comes_with_a_model_is_not_run(copy: Path, tmp_path: Path) -> None:
    settings = json.loads((copy / "config.json").read_text())
    settings |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config"}}
    (copy / "config.json").write_text(json.dumps(settings))
    (copy / "evil.py").write_text(
        f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\nclass Config: pass\n"
    )
    refusal(ModelError, lambda: load(copy, "cpu"))
    assert not (tmp_path / "ran").exists()


def test_a_hub_id_while_offline(no_network: list[str]) -> None:
    started = time.monotonic()
    message = refusal(ModelError, lambda: load("nobody/there-is-no-such-model", "cpu"))
    assert time.monotonic() - started < 5
    assert "hub cannot be reached" in message
    assert no_network == ["nobody/there-is-no-such-model"]


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", "mps", ""])
def test_an_unknown_device(device: str) -> None:
    assert "auto, cpu, cuda or cuda:N" in refusal(DeviceError, lambda: find_device(device))


@pytest.mark.parametrize(("count", "device"), [(0, "cuda"), (0, "cuda:0"), (1, "cuda:1"), (2, "cuda:7")])
def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch, count: int, device: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    message = refusal(DeviceError, lambda: find_device(device))
    assert f'"{device}" is not there' in message
    assert "`device` cpu" in message
    assert find_device("auto").type == ("cuda" if count else "cpu")


def test_an_unknown_dtype(tiny: Path) -> None:
    assert "float32, float64" in refusal(InputError, lambda: load(tiny, "cpu", "float8"))


def test_longer_than_the_positions(model32: Model) -> None:
    message = refusal(TooLongError, lambda: model32.explain(["Rob"] * 31, 1))
    assert "33 sub-tokens" in message
    assert "reads 32" in message
    assert len(model32.explain(["Rob"] * 30, 1, max_evaluations=17).words) == 32


# --- BERT-NER


def ner_predict(folder: Path, words: list[str]) -> list[tuple[str, float]]:
    """What `Ner.predict` of kamalkraj/BERT-NER does, step by step, on the directory's own files."""
    told = json.loads((folder / "model_config.json").read_text())
    names = {int(number): label for number, label in told["label_map"].items()}
    network = BertForTokenClassification.from_pretrained(folder, num_labels=told["num_labels"]).eval()
    pieces = {piece: i for i, piece in enumerate((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())}
    tokenizer = BertTokenizer(vocab=pieces, do_lower_case=told["do_lower"])
    tokens, valid = ["[CLS]"], [1]
    for word in words:
        of_word = tokenizer.tokenize(word)
        tokens += of_word
        valid += [1] + [0] * (len(of_word) - 1)
    tokens, valid = [*tokens, "[SEP]"], [*valid, 1]
    room = told["max_seq_length"] - len(tokens)
    ids = [*(pieces[token] for token in tokens), *[0] * room]
    mask, valid = [1] * len(tokens) + [0] * room, valid + [0] * room
    with torch.no_grad():
        states = network.bert(torch.tensor([ids]), torch.tensor([mask]), torch.zeros(1, len(ids), dtype=torch.long))[0]
        gathered = torch.zeros_like(states)
        for to, at in enumerate(i for i, ok in enumerate(valid) if ok):
            gathered[0, to] = states[0, at]
        chances = network.classifier(gathered).softmax(2)[0]
    best = chances.argmax(1)
    return [(names.get(int(best[i]), "[0]"), float(chances[i, best[i]])) for i in range(1, len(words) + 1)]


@pytest.mark.parametrize("do_lower", [True, False])
def test_bert_ner_tags_and_probabilities(tmp_path: Path, do_lower: bool) -> None:
    folder = bert_ner_directory(tmp_path / "ner", do_lower)
    loaded = load(folder, "cpu")
    assert loaded.info.labels == ("[0]", "O", "B-PER", "I-PER", "B-LOC", "[CLS]", "[SEP]")
    seen = set()
    for text in (SENTENCE, "Soccer - Steve Tiger gets a lucky win", "the ROB of Zürich called , London surprise", "a"):
        words = text.split()
        explanation = loaded.explain(words, 1, max_evaluations=17)
        expected = ner_predict(folder, words)
        assert [word.tag for word in explanation.words[1:-1]] == [tag for tag, _ in expected]
        found = [word.probability for word in explanation.words[1:-1]]
        assert found == pytest.approx([chance for _, chance in expected], abs=2e-5)
        seen |= {tag for tag, _ in expected}
    assert len(seen) > 1  # the comparison would notice shifted labels


@pytest.mark.skipif(not (DATA / "bert-ner").is_dir(), reason=f"no BERT-NER metadata at {DATA}: set INTERP_DATA")
def test_bert_ner_with_the_real_metadata(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    shutil.copytree(DATA / "bert-ner", folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    settings = json.loads((folder / "config.json").read_text())
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    (folder / "config.json").write_text(json.dumps(settings | small))
    built = model(
        1,
        **small,
        vocab_size=settings["vocab_size"],
        max_position_embeddings=512,
        id2label={i: str(i) for i in range(12)},
    )
    torch.save(built.state_dict(), folder / "pytorch_model.bin")
    loaded = load(folder, "cpu")
    assert loaded.info.labels[:6] == ("[0]", "O", "B-MISC", "I-MISC", "B-PER", "I-PER")
    assert len(loaded.info.labels) == 12
    words = [
        "Soccer",
        "-",
        "Steve",
        "Tiger",
        "gets",
        "a",
        "lucky",
        "win",
        ",",
        "Rob",
        "in",
        "surprise",
        "defeat",
        "at",
        "Saint-Germain",
        "'s",
        "Zürich",
        ",",
        "1996-08-22",
        ".",
    ]
    expected = ner_predict(folder, words)
    explanation = loaded.explain(words, "Rob", max_evaluations=17)
    assert [word.tag for word in explanation.words[1:-1]] == [tag for tag, _ in expected]
    found = [word.probability for word in explanation.words[1:-1]]
    assert found == pytest.approx([chance for _, chance in expected], abs=2e-5)


@pytest.mark.parametrize(
    "broken",
    [
        lambda told: told.pop("label_map"),
        lambda told: told.pop("num_labels"),
        lambda told: told.update(num_labels=5),
        lambda told: told["label_map"].update({"2": "O"}),
        lambda told: told["label_map"].update({"99": "B-ORG"}),
    ],
    ids=["no label_map", "no num_labels", "num_labels too few", "one name twice", "a logit that is not there"],
)
def test_broken_bert_ner_metadata(tmp_path: Path, broken: Callable[[dict], object]) -> None:
    folder = bert_ner_directory(tmp_path / "ner")
    told = json.loads((folder / "model_config.json").read_text())
    broken(told)
    (folder / "model_config.json").write_text(json.dumps(told))
    refusal(ModelError, lambda: load(folder, "cpu"))


def test_two_seeds_are_two_models(tmp_path: Path, model32: Model) -> None:
    assert load(tagger_directory(tmp_path / "other", seed=1), "cpu").info.sha256 != model32.info.sha256
