"""What both recipes share: weights folders read and written, prediction, scores and model cards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import cast

import torch
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from transformers import BertConfig, BertForTokenClassification, BertTokenizer

from interp.models.train import IGNORED, Encoded, collate, first_pieces
from interp.question.tags import TaggedSentence

__all__ = ["digest", "export", "load", "span_f1", "tag", "write_card"]


def load(folder: Path) -> tuple[BertForTokenClassification, BertTokenizer]:
    """Model (float32, evaluation mode) and tokenizer of a weights folder, read without the network."""
    model = BertForTokenClassification.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    return model.train(False), BertTokenizer.from_pretrained(folder, local_files_only=True)


@torch.inference_mode()
def tag(
    model: BertForTokenClassification,
    tokenizer: BertTokenizer,
    sentences: Sequence[Sequence[str]],
    size: int = 64,
) -> list[list[str]]:
    """The model's tag for every word of every sentence; O for words beyond the model's positions."""
    names = cast(dict[int, str], model.config.id2label)
    longest = model.config.max_position_embeddings
    tags: list[list[str]] = [["O"] * len(words) for words in sentences]
    order = sorted(range(len(sentences)), key=lambda index: len(sentences[index]))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        texts = [list(sentences[index]) for index in chosen]
        rows = tokenizer(texts, is_split_into_words=True, truncation=True, max_length=longest)
        batch = collate([Encoded(tuple(ids), (IGNORED,) * len(ids)) for ids in rows["input_ids"]])
        best = model(input_ids=batch.ids, attention_mask=batch.mask).logits.argmax(-1)
        for row, index in enumerate(chosen):
            for position, word in enumerate(first_pieces(rows.word_ids(row))):
                if word is not None:
                    tags[index][word] = names[int(best[row, position])]
    return tags


def span_f1(model: BertForTokenClassification, tokenizer: BertTokenizer, sentences: Sequence[TaggedSentence]) -> float:
    """Micro F1 of exact spans with the right kind, strict IOB2 (an `I-` that continues nothing is no span).

    By seqeval: nervaluate is better kept, but takes such an `I-` for a span, which is another score than the
    one that papers call strict.
    """
    predicted = tag(model, tokenizer, [sentence.words for sentence in sentences])
    gold = [list(sentence.tags) for sentence in sentences]
    return float(f1_score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0))


def export(model: BertForTokenClassification, tokenizer: BertTokenizer, out: Path) -> None:
    """Writes the model in float16 and its tokenizer to `out`, without the paths they were loaded from."""
    out.mkdir(parents=True, exist_ok=True)
    model.config.name_or_path = ""
    tokenizer.name_or_path = ""
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    model.half().save_pretrained(out)  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(out)


def digest(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_card(name: str, out: Path, scores: Mapping[str, str], **facts: str | int) -> None:
    """Fills the model card of `name` with `scores` and `facts` and writes it beside the weights in `out`."""
    template = Template((Path(__file__).parent / "cards" / f"{name}.md").read_text(encoding="utf-8"))
    config = BertConfig.from_pretrained(out, local_files_only=True)
    weights = digest(out / "model.safetensors")
    card = template.substitute(scores, **facts, pieces=f"{config.vocab_size:,}", sha256=weights)
    (out / "README.md").write_text(card, encoding="utf-8")
