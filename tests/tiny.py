"""Tiny taggers with random weights, so large that their functions bend, saved as users have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForTokenClassification, BertTokenizer

__all__ = ["LABELS", "SENTENCE", "VOCABULARY", "bert_ner_directory", "config", "tagger_directory"]

LABELS = ("O", "B-PER", "I-PER", "B-LOC")
VOCABULARY = (
    *(
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "Rob",
        "Steve",
        "Tig",
        "##er",
        "Lon",
        "##don",
        "in",
        "sur",
        "##prise",
    ),
    *("defeat", "win", "##s", "gets", "a", "lucky", ",", ".", "-", "Soccer", "the", "of", "German", "call", "##ed"),
)
SENTENCE = "Rob wins in London , Rob"
"""With a repeated word and two words of two sub-tokens: [CLS] Rob win ##s in Lon ##don , Rob [SEP]."""


def config(**changes: Any) -> BertConfig:
    """Three narrow layers; the wide initial weights make attention and GELU far from linear."""
    settings: dict[str, Any] = {
        "vocab_size": len(VOCABULARY),
        "hidden_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 32,
        "initializer_range": 0.6,
        "id2label": dict(enumerate(LABELS)),
        "label2id": {label: i for i, label in enumerate(LABELS)},
    }
    return BertConfig(**settings | changes)


def model(seed: int = 0, **changes: Any) -> BertForTokenClassification:
    """Random weights, biases and [PAD] included (they start as zeros)."""
    torch.manual_seed(seed)
    built = BertForTokenClassification(config(**changes)).eval()
    with torch.no_grad():
        built.bert.embeddings.word_embeddings.weight[0].normal_(std=0.6)
        for name, parameter in built.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
    return built


def tagger_directory(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A Hugging Face directory with safetensors and tokenizer.json."""
    model(seed, **changes).save_pretrained(folder)
    pieces = {piece: number for number, piece in enumerate(VOCABULARY)}
    BertTokenizer(vocab=pieces, do_lower_case=False).save_pretrained(folder)
    return folder


BERT_NER_LABELS = ("O", "B-PER", "I-PER", "B-LOC", "[CLS]", "[SEP]")


def bert_ner_directory(folder: Path, do_lower: bool = True, seed: int = 0) -> Path:
    """As kamalkraj/BERT-NER writes it: label_map from "1", a logit 0 without a name, a pickled state dict."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = [piece if piece.startswith("[") else piece.lower() for piece in VOCABULARY] if do_lower else VOCABULARY
    folder.joinpath("vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    names = {str(i): label for i, label in enumerate(BERT_NER_LABELS, 1)}
    count = len(names) + 1
    told = {"bert_model": "tiny", "do_lower": do_lower, "max_seq_length": 24, "num_labels": count, "label_map": names}
    folder.joinpath("model_config.json").write_text(json.dumps(told))
    built = model(seed, id2label={i: f"[{i}]" for i in range(count)}, label2id=None)
    kept = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings")
    plain = {name: getattr(built.config, name) for name in (*kept, "vocab_size", "type_vocab_size", "layer_norm_eps")}
    folder.joinpath("config.json").write_text(json.dumps({**plain, "model_type": "bert", "num_labels": count}))
    torch.save(built.state_dict(), folder / "pytorch_model.bin")
    return folder
