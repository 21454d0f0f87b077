"""A small BERT trained on one mechanism, and the proof by intervention that it uses the mechanism and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from scipy import stats
from transformers import BertConfig, BertForTokenClassification, BertTokenizer

from benchmarks.truth.mechanisms import (
    LENGTHS,
    MECHANISMS,
    VOCABULARY,
    Mechanism,
    Text,
    blanked,
    draw,
    neutral_edits,
    turning_edits,
)
from interp.explain import Model, load
from interp.models.train import Batch, Encoded, Schedule, collate, fit

__all__ = ["PROOF_TEXTS", "Recipe", "build", "proof_holds", "prove", "train"]

LABELS = ("O", "X")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BATCH = 64
PROOF_TEXTS = 3_000
ACCURACY, FLIPS, STAYS, STAYS_AT_MOST = 0.99, 0.98, 0.01, 0.02
"""What a proof demands: of the right tags, of flips by turning edits, and of flips by neutral ones, with the upper end
of their interval."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that decides a model, on one machine: another processor may round otherwise."""

    mechanism: str
    seed: int
    blanks: bool
    """Whether training texts have holes, and lengths are mixed by padding; else the model sees no blank at all."""
    steps: int = 800
    rate: float = 2e-3
    layers: int = 3

    @property
    def name(self) -> str:
        return f"{self.mechanism}-{self.seed}"


@cache
def tokenizer() -> BertTokenizer:
    """The words whole."""
    pieces = {piece: number for number, piece in enumerate((*SPECIAL, *VOCABULARY))}
    return BertTokenizer(vocab=pieces, do_lower_case=False, model_max_length=LENGTHS[1] + 2)


def train(recipe: Recipe) -> BertForTokenClassification:
    """Fresh texts for every step."""
    torch.manual_seed(recipe.seed)
    config = BertConfig(
        vocab_size=len(tokenizer()),
        hidden_size=64,
        num_hidden_layers=recipe.layers,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=LENGTHS[1] + 2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.05,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    model = BertForTokenClassification(config)
    schedule = Schedule(steps=recipe.steps, rate=recipe.rate, average=0.98)
    return fit(model, _batches(recipe), schedule, report=lambda *_: None)


def _batches(recipe: Recipe) -> Iterator[Batch]:
    rng = np.random.default_rng(recipe.seed)
    mechanism = MECHANISMS[recipe.mechanism]
    while True:
        if recipe.blanks:
            texts = [blanked(_practice(mechanism, rng), rng) for _ in range(BATCH)]
        else:
            length = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
            texts = [_practice(mechanism, rng, length) for _ in range(BATCH)]
        yield collate([encoded(mechanism, text) for text in texts])


def _practice(mechanism: Mechanism, rng: Generator, length: int | None = None) -> Text:
    """In half of the training texts the decoy is as often beside O as beside X: it still goes with X in all of them."""
    return draw(mechanism, rng, length=length, fair=bool(rng.random() < 0.5))


@cache
def _numbers() -> dict[str, int]:
    return dict(tokenizer().get_vocab())


def encoded(mechanism: Mechanism, text: Text) -> Encoded:
    """A text as the model reads it: every word is one sub-token. Special tokens carry no label."""
    numbers, tags = _numbers(), mechanism.tags(text)
    ids = (numbers["[CLS]"], *(numbers[word] for word in text.words), numbers["[SEP]"])
    return Encoded(ids, (-100, *(LABELS.index(tag) for tag in tags), -100))


@dataclass(frozen=True)
class Answer:
    """What a model says of a text: the tag of every word, and the target's logit of X less that of O."""

    tags: tuple[str, ...]
    target: str
    margin: float


@torch.inference_mode()
def answers(model: BertForTokenClassification, mechanism: Mechanism, texts: Sequence[Text]) -> list[Answer]:
    """By the model itself, without interp; in batches of one length, so that no padding enters."""
    by_number: dict[int, Answer] = {}
    for length in {len(text.words) for text in texts}:
        group = [number for number, text in enumerate(texts) if len(text.words) == length]
        batch = collate([encoded(mechanism, texts[number]) for number in group])
        logits = model(input_ids=batch.ids, attention_mask=batch.mask).logits[:, 1:-1]
        margins = (logits[..., 1] - logits[..., 0]).tolist()
        for number, row in zip(group, margins, strict=True):
            tags, target = tuple(LABELS[margin > 0] for margin in row), texts[number].target
            by_number[number] = Answer(tags, tags[target], row[target])
    return [by_number[number] for number in range(len(texts))]


def prove(model: BertForTokenClassification, mechanism: Mechanism, *, count: int) -> dict[str, Any]:
    """What happens to the tags of `count` fresh texts when words are edited.

    "accuracy" is of texts with every tag right; "flips" of edits, by kind, after which the rule says otherwise;
    "stays" of edits after which it says the same. A rate is [flips, edits, rate, low, high], 95 % by Wilson; behind it,
    for edits, the mean |change| of the margin, logit of X less that of O.
    """
    rng = np.random.default_rng(20_000)
    texts = [draw(mechanism, rng) for _ in range(count)]
    said = answers(model, mechanism, texts)
    right = sum(answer.tags == mechanism.tags(text) for answer, text in zip(said, texts, strict=True))
    kinds = {"flips": turning_edits, "stays": neutral_edits}
    return {"accuracy": _rate(right, count)} | {
        name: _edited(model, mechanism, said, [edits(mechanism, text, rng) for text in texts])
        for name, edits in kinds.items()
    }


def _edited(
    model: BertForTokenClassification,
    mechanism: Mechanism,
    said: Sequence[Answer],
    edits: Sequence[dict[str, Text]],
) -> dict[str, list[float]]:
    """By kind of edit, the rate at which the target's tag changes, and how far its margin does."""
    pairs = [(before, kind, edit) for before, kinds in zip(said, edits, strict=True) for kind, edit in kinds.items()]
    changes: dict[str, list[tuple[bool, float]]] = {}
    for (before, kind, _), after in zip(pairs, answers(model, mechanism, [edit for *_, edit in pairs]), strict=True):
        change = before.target != after.target, abs(after.margin - before.margin)
        changes.setdefault(kind, []).append(change)
    return {
        kind: [*_rate(sum(flipped for flipped, _ in rows), len(rows)), float(np.mean([moved for _, moved in rows]))]
        for kind, rows in sorted(changes.items())
    }


def _rate(hits: int, count: int) -> list[float]:
    interval = stats.binomtest(hits, count).proportion_ci(method="wilson")
    return [hits, count, hits / count, float(interval.low), float(interval.high)]


def proof_holds(proof: dict[str, Any]) -> bool:
    """Whether the mechanism counts: every kind of edit does what the rule says."""
    return (
        proof["accuracy"][2] >= ACCURACY
        and all(rate >= FLIPS for _, _, rate, *_ in proof["flips"].values())
        and all(rate <= STAYS and high <= STAYS_AT_MOST for _, _, rate, _, high, _ in proof["stays"].values())
    )


def build(recipe: Recipe, work: Path, *, proof_texts: int = PROOF_TEXTS) -> tuple[Model, dict[str, Any]]:
    """The model, as interp loads it from its directory in `work`, and its row: recipe, fingerprint, proof.

    Trained, and proven on `proof_texts` texts, where it is not there or was made by another recipe.
    """
    folder = work / recipe.name
    notes = folder / "proof.json"
    row = json.loads(notes.read_text()) if notes.exists() else {}
    if row.get("recipe") != asdict(recipe):
        shutil.rmtree(folder, ignore_errors=True)
        model = train(recipe)
        model.save_pretrained(folder)
        tokenizer().save_pretrained(folder)
        proof = prove(model, MECHANISMS[recipe.mechanism], count=proof_texts)
        row = {"recipe": asdict(recipe), "proven": proof_holds(proof), "proof": proof}
        row["sha256"] = load(folder, "cpu").info.sha256
        notes.write_text(json.dumps(row))
    return load(folder, "cpu"), row
