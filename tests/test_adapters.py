"""PEFT adapter directories: merged on loading, with the numbers of peft's own model."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from test_models import Malicious, refusal
from tiny import LABELS, SENTENCE, VOCABULARY, model, tagger_directory
from transformers import BertForMaskedLM, BertForTokenClassification

from interp.errors import ModelError
from interp.explain import load
from interp.versions import install_command

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")


def adapted(base: torch.nn.Module, folder: Path) -> Any:
    """A random LoRA adapter with a head of its own, saved as users save it; returns peft's model."""
    torch.manual_seed(3)
    settings = peft.LoraConfig(task_type="TOKEN_CLS", r=2, target_modules=["query", "value"], init_lora_weights=False)
    wrapped = peft.get_peft_model(base, settings)
    with torch.no_grad():
        wrapped.base_model.model.classifier.modules_to_save["default"].weight.normal_()
    wrapped.save_pretrained(folder)
    return wrapped.eval()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """An adapter directory whose base is a directory beside it, and peft's model."""
    folder = tmp_path_factory.mktemp("peft")
    base = tagger_directory(folder / "base")
    return folder / "adapter", adapted(BertForTokenClassification.from_pretrained(base), folder / "adapter")


def test_the_logits_are_pefts(made: tuple[Path, Any]) -> None:
    folder, wrapped = made
    found = load(folder, "cpu", "float64")
    encoding = found.tagger.encode(SENTENCE.split())
    with torch.no_grad():
        expected = wrapped(input_ids=torch.tensor([encoding.ids])).logits[0]
    (logits,) = found.tagger.logits([encoding])
    torch.testing.assert_close(logits.float(), expected, rtol=1e-5, atol=1e-5)
    assert found.info.labels == LABELS
    assert not found.info.notices
    assert type(found.tagger.model) is BertForTokenClassification
    assert found.explain(SENTENCE, "London").completeness.converged


def test_the_fingerprint_is_of_base_and_adapter(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = made
    first = load(folder, "cpu").info.sha256
    assert load(folder, "cpu", "float64").info.sha256 == first
    assert load(folder.parent / "base", "cpu").info.sha256 != first
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    tensors = load_file(other / "adapter_model.safetensors")
    tensors[next(iter(tensors))][0, 0] += 1e-3
    save_file(tensors, other / "adapter_model.safetensors")
    assert load(other, "cpu").info.sha256 != first


def test_settings_that_change_the_numbers_change_the_fingerprint(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made[0], tmp_path / "scaled"))
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(settings | {"lora_alpha": 40}))
    assert load(folder, "cpu").info.sha256 != load(made[0], "cpu").info.sha256
    (folder / "adapter_config.json").write_text(json.dumps(settings | {"peft_version": "0"}))
    assert load(folder, "cpu").info.sha256 == load(made[0], "cpu").info.sha256


def test_a_whole_model_beside_an_adapter_is_refused(made: tuple[Path, Any], tmp_path: Path) -> None:
    """transformers would take the adapter's base instead of the weights that are there."""
    folder = Path(shutil.copytree(made[0], tmp_path / "both"))
    shutil.copytree(made[0].parent / "base", folder, dirs_exist_ok=True)
    assert "a whole model and an adapter" in refusal(ModelError, lambda: load(folder, "cpu"))


def test_code_beside_an_adapter_is_not_run(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made[0], tmp_path / "evil"))
    labels = {str(number): f"X{number}" for number in range(4)}
    told = {"model_type": "nope", "auto_map": {"AutoConfig": "evil.Config"}, "id2label": labels}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "evil.py").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n")
    assert load(folder, "cpu").info.labels == ("X0", "X1", "X2", "X3")
    assert not (tmp_path / "ran").exists()


def test_a_base_that_is_named_from_the_adapters_directory(made: tuple[Path, Any], tmp_path: Path) -> None:
    shutil.copytree(made[0].parent, tmp_path / "both")
    folder = tmp_path / "both" / "adapter"
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": "../base"}))
    assert load(folder, "cpu").info.sha256 == load(made[0], "cpu").info.sha256


def test_a_base_without_a_head_takes_the_adapters(tmp_path: Path) -> None:
    """The common way: the base is a language model, its tagging head made when the adapter was trained."""
    built = model(1)
    folder = tagger_directory(tmp_path / "base", 1)
    bare = BertForMaskedLM(built.config)
    bare.bert.load_state_dict(built.bert.state_dict(), strict=False)
    bare.config.id2label = {0: "LABEL_0", 1: "LABEL_1"}
    bare.save_pretrained(folder)
    start = BertForTokenClassification.from_pretrained(folder, num_labels=4)
    wrapped = adapted(start, tmp_path / "adapter")
    found = load(tmp_path / "adapter", "cpu")
    assert found.info.labels == ("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3")
    assert "id2label" in found.info.notices[0]
    assert load(tmp_path / "adapter", "cpu").info.sha256 == found.info.sha256  # the made-up head is not in it
    encoding = found.tagger.encode(SENTENCE.split())
    with torch.no_grad():
        expected = wrapped(input_ids=torch.tensor([encoding.ids])).logits[0]
    torch.testing.assert_close(found.tagger.logits([encoding])[0].float(), expected, rtol=1e-5, atol=1e-5)
    model(1).config.save_pretrained(tmp_path / "adapter")
    named = load(tmp_path / "adapter", "cpu")
    assert (named.info.labels, named.info.notices) == (LABELS, ())


def test_a_base_that_is_not_there(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made[0], tmp_path / "moved"))
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": "../gone"}))
    message = refusal(ModelError, lambda: load(folder, "cpu"))
    assert "needs its base model" in message
    assert '"../gone"' in message


@pytest.mark.parametrize("base", [None, ""])
def test_an_adapter_that_names_no_base_is_not_taken_for_one_of_what_lies_here(
    base: str | None, made: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(made[0], tmp_path / "moved"))
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": base}))
    monkeypatch.chdir(made[0].parent / "base" if (made[0].parent / "base").is_dir() else made[0])
    assert "names no base model" in refusal(ModelError, lambda: load(folder, "cpu"))


LAYER = "base_model.model.bert.encoder.layer"


def test_tensors_that_the_base_has_no_place_for_are_refused_by_name(made: tuple[Path, Any], tmp_path: Path) -> None:
    for name in (f"{LAYER}.9.attention.self.query.lora_A.weight", "base_model.model.crf.transitions"):
        folder = Path(shutil.copytree(made[0], tmp_path / name))
        tensors = load_file(folder / "adapter_model.safetensors") | {name: torch.ones(2, 16)}
        save_file(tensors, folder / "adapter_model.safetensors")
        message = refusal(ModelError, lambda folder=folder: load(folder, "cpu"))
        assert f"holds 1 tensors that its base has no place for ({name})" in message


def test_tensors_that_an_adapter_lacks_are_not_made_up(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made[0], tmp_path / "less"))
    tensors = load_file(folder / "adapter_model.safetensors")
    name = f"{LAYER}.1.attention.self.query.lora_B.weight"
    del tensors[name]
    save_file(tensors, folder / "adapter_model.safetensors")
    assert f"lacks 1 tensors ({name})" in refusal(ModelError, lambda: load(folder, "cpu"))


def test_a_pickled_adapter_that_holds_more_than_weights_is_not_run(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made[0], tmp_path / "evil"))
    tensors = load_file(folder / "adapter_model.safetensors")
    (folder / "adapter_model.safetensors").unlink()
    torch.save(tensors | {"evil": Malicious(tmp_path / "ran")}, folder / "adapter_model.bin")
    message = refusal(ModelError, lambda: load(folder, "cpu"))
    assert "holds more than weights" in message and "weights_only" not in message
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("link", ["adapter", "base"])
def test_a_link_out_of_an_adapter_or_its_base_is_refused(link: str, made: tuple[Path, Any], tmp_path: Path) -> None:
    shutil.copytree(made[0].parent, tmp_path / "both")
    settings = json.loads((tmp_path / "both" / "adapter" / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = "../base"
    (tmp_path / "both" / "adapter" / "adapter_config.json").write_text(json.dumps(settings))
    file = tmp_path / "both" / link / ("adapter_model.safetensors" if link == "adapter" else "model.safetensors")
    shutil.move(file, tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    message = refusal(ModelError, lambda: load(tmp_path / "both" / "adapter", "cpu"))
    assert "is a link that leads out of its directory" in message


def test_a_base_of_a_class_that_is_not_transformers_own_is_refused(made: tuple[Path, Any], tmp_path: Path) -> None:
    shutil.copytree(made[0].parent, tmp_path / "both")
    base, folder = tmp_path / "both" / "base", tmp_path / "both" / "adapter"
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": "../base"}))
    settings = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(settings | {"architectures": ["BertWithGates"]}))
    assert "is a BertWithGates, which is no class of transformers" in refusal(ModelError, lambda: load(folder, "cpu"))


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # transformers 5.0 scripts some of its functions
def test_a_language_models_own_head_is_no_other_architecture(tmp_path: Path) -> None:
    """ModernBERT's has a bias of another name than BERT's; a vector that is nobody's is refused all the same."""
    from transformers import ModernBertConfig, ModernBertForMaskedLM, ModernBertForTokenClassification

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
    special = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    base = tagger_directory(tmp_path / "base")
    (base / "config.json").unlink()
    ModernBertForMaskedLM(ModernBertConfig(vocab_size=len(VOCABULARY), **small, **special)).save_pretrained(base)
    start = ModernBertForTokenClassification.from_pretrained(base, num_labels=4)
    settings = peft.LoraConfig(task_type="TOKEN_CLS", r=2, target_modules=["Wqkv"])
    peft.get_peft_model(start, settings).save_pretrained(tmp_path / "adapter")
    assert "decoder.bias" in load_file(base / "model.safetensors")
    assert len(load(tmp_path / "adapter", "cpu").info.labels) == 4
    save_file(load_file(base / "model.safetensors") | {"crf.start": torch.ones(4)}, base / "model.safetensors")
    assert "does not use (crf.start)" in refusal(ModelError, lambda: load(tmp_path / "adapter", "cpu"))


def test_without_peft_the_message_says_how_to_get_it(made: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    assert refusal(ModelError, lambda: load(made[0], "cpu")).endswith(f"needs peft: {install_command('peft')}")


def test_an_adapter_without_any_head(made: tuple[Path, Any], tmp_path: Path) -> None:
    base = tagger_directory(tmp_path / "base")
    BertForMaskedLM(model().config).save_pretrained(base)
    folder = Path(shutil.copytree(made[0], tmp_path / "headless"))
    settings = json.loads((folder / "adapter_config.json").read_text())
    changed = {"base_model_name_or_path": str(base), "modules_to_save": None, "task_type": None}
    (folder / "adapter_config.json").write_text(json.dumps(settings | changed))
    tensors = {key: t for key, t in load_file(folder / "adapter_model.safetensors").items() if "classifier" not in key}
    save_file(tensors, folder / "adapter_model.safetensors")
    assert "has a head that tags words" in refusal(ModelError, lambda: load(folder, "cpu"))
