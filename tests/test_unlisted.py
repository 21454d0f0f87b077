"""Models of families that nobody listed: explained as the slow reference has it, or refused with a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference import integrate_states
from test_explain import assert_within, per_word, rows
from test_models import refusal
from tiny import LABELS, SENTENCE, VOCABULARY
from torch import Tensor, nn
from transformers import (
    AutoModelForTokenClassification,
    BertTokenizer,
    BigBirdConfig,
    CanineConfig,
    ConvBertConfig,
    Data2VecTextConfig,
    FlaubertConfig,
    FNetConfig,
    GPT2Config,
    MegatronBertConfig,
    PreTrainedConfig,
)

from interp.errors import ModelError
from interp.explain import Model, load
from interp.models.families import FAMILIES
from interp.question import Question

torch.set_num_threads(1)
NAMES: dict[str, Any] = {"id2label": dict(enumerate(LABELS)), "label2id": {name: i for i, name in enumerate(LABELS)}}
SMALL: dict[str, Any] = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
    **NAMES,
}
CONFIGS: dict[str, PreTrainedConfig] = {
    "megatron-bert": MegatronBertConfig(**SMALL),
    "fnet": FNetConfig(**SMALL, pad_token_id=0),
    "convbert": ConvBertConfig(**SMALL, embedding_size=16, head_ratio=1, conv_kernel_size=3),
    "gpt2": GPT2Config(vocab_size=len(VOCABULARY), n_embd=16, n_layer=3, n_head=2, n_positions=32, **NAMES),
}


def directory(folder: Path, config: PreTrainedConfig) -> Path:
    """A tagger with random weights, wide enough that it bends."""
    torch.manual_seed(0)
    built = AutoModelForTokenClassification.from_config(config).eval()
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.4)
            elif name.endswith("bias"):
                parameter.normal_(std=0.1)
    built.save_pretrained(folder)
    BertTokenizer(vocab={piece: i for i, piece in enumerate(VOCABULARY)}, do_lower_case=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=list(CONFIGS))
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Model]:
    """A family that is not in the table, loaded in float64."""
    assert request.param not in FAMILIES
    return request.param, load(directory(tmp_path_factory.mktemp("m"), CONFIGS[request.param]), "cpu", "float64")


def test_they_are_accepted_with_a_notice(found: tuple[str, Model]) -> None:
    kind, model = found
    (notice,) = model.info.notices
    assert f'"{kind}" is no family that interp knows' in notice
    assert "3 layers" in notice
    explanation = model.explain(SENTENCE, "London")
    assert explanation.completeness.converged
    assert len(explanation.layers) == model.info.layers == 3
    assert explanation.components is None
    assert "does not know the embedding tables" in explanation.absent["components"]


def test_a_batch_gives_each_what_it_gets_alone(found: tuple[str, Model]) -> None:
    """FNet takes no mask, and ConvBERT's windows reach into padding: sentences of several lengths are not padded."""
    kind, model = found
    assert model.tagger.parts.pads == (kind not in ("fnet", "convbert"))
    cases = [Question(text, 1) for text in (SENTENCE, "Rob wins", "the German Steve gets a call , Rob")]
    for case, together in zip(cases, model.explain_many(cases, tolerance=1e-9), strict=True):
        (alone,) = model.explain_many([case], tolerance=1e-9)
        np.testing.assert_allclose(rows(together), rows(alone), atol=1e-8 * np.abs(rows(alone)).sum())


def test_positions_that_are_counted_from_padding_stay_with_the_reference(tmp_path: Path) -> None:
    """Data2Vec's is RoBERTa's embedding block: a sentence of padding is read at the input's positions, as RoBERTa's is,
    so that the special tokens, which stay, give nothing; and its first two positions are no places for words.
    """
    small = {**SMALL, "max_position_embeddings": 34, "pad_token_id": 0}
    model = load(directory(tmp_path, Data2VecTextConfig(**small)), "cpu", "float64")
    found = model.explain(SENTENCE, "London")
    assert found.words[0].attribution == found.words[-1].attribution == 0
    assert model.tagger.parts.longest == 33
    assert model.explain(["Rob"] * 80, 40, window=True, max_evaluations=17).window is not None


def test_sparse_attention_that_does_not_last_is_refused(tmp_path: Path) -> None:
    folder = directory(tmp_path, BigBirdConfig(**SMALL, attention_type="original_full"))
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"attention_type": "block_sparse", "block_size": 4}))
    assert "full attention" in refusal(ModelError, lambda: load(folder, "cpu"))


def megatron(model: Any, h: Tensor) -> list[Tensor]:
    """States after each layer; LayerNorms stand before attention and feed-forward, and one behind all layers."""
    passed = [h]
    for layer in model.bert.encoder.layer:
        out = layer(passed[-1])
        passed.append(out if isinstance(out, Tensor) else out[0])
    return passed


def test_against_the_slow_reference(tmp_path: Path) -> None:
    folder = directory(tmp_path, CONFIGS["megatron-bert"])
    model = load(folder, "cpu", "float64")
    bare: Any = AutoModelForTokenClassification.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float64
    ).eval()
    ids = model.tagger.encode(SENTENCE.split()).ids
    start = [ids[0], *[0] * (len(ids) - 2), ids[-1]]

    def states(x: Tensor) -> list[Tensor]:
        passed = megatron(bare, x)
        return [*passed, bare.classifier(bare.bert.encoder.ln(passed[-1]))[:, 5, 3]]

    with torch.no_grad():
        end, origin = (bare.bert.embeddings(torch.tensor([row]))[0] for row in (ids, start))
    truth = integrate_states(states, end, origin)
    explanation = model.explain(SENTENCE, "London", tag="B-LOC", tolerance=1e-6)
    assert_within(rows(explanation), np.array([per_word(each) for each in truth.attributions]), 1e-6)


def skipping(layers: nn.ModuleList) -> None:
    """A side road: what the first layer gets reaches the third past the second."""
    first: list[Tensor] = []
    layers[0].register_forward_pre_hook(lambda _module, args: first.append(args[0]))

    def add(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (args[0] + first[-1], *args[1:])

    layers[2].register_forward_pre_hook(add)


def test_a_model_whose_layers_do_not_part_input_from_output_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers 1 and 2 miss what runs past them: their sums are not F(input) − F(reference)."""
    folder = directory(tmp_path, CONFIGS["megatron-bert"])
    kind = type(AutoModelForTokenClassification.from_config(CONFIGS["megatron-bert"]))
    made: Callable[..., None] = kind.__init__

    def with_a_side_road(self: Any, config: PreTrainedConfig) -> None:
        made(self, config)
        skipping(self.bert.encoder.layer)

    monkeypatch.setattr(kind, "__init__", with_a_side_road)
    message = refusal(ModelError, lambda: load(folder, "cpu"))
    assert '"megatron-bert"' in message
    assert "on a probe sentence layer" in message
    assert "known are albert, bert," in message


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (
            FlaubertConfig(n_words=len(VOCABULARY), emb_dim=16, n_layers=3, n_heads=2, **NAMES),
            "on a probe sentence layer",
        ),
        (CanineConfig(**SMALL), "looking for its layers failed"),
    ],
    ids=["flaubert", "canine"],
)
def test_encoders_of_another_build_are_refused(config: PreTrainedConfig, why: str, tmp_path: Path) -> None:
    """Flaubert keeps attention and feed-forward in lists of their own; CANINE reads characters and shortens them."""
    message = refusal(ModelError, lambda: load(directory(tmp_path, config), "cpu"))
    assert f'"{config.model_type}" are not supported' in message
    assert why in message
    assert all(kind in message for kind in FAMILIES)
