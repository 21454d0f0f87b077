"""Training taggers: tagged sentences to sub-tokens, batches and one loop, for recipes and for the gate's benign models.

A word's tag is the tag of its first sub-token; the other sub-tokens carry no label.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.random import Generator
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel
from transformers import BertForTokenClassification, BertTokenizer

from interp.question.tags import TaggedSentence

__all__ = ["IGNORED", "Batch", "Encoded", "Schedule", "collate", "encode", "epoch", "first_pieces", "fit"]

IGNORED = -100
"""Label of positions that carry no loss (torch's cross-entropy default)."""


@dataclass(frozen=True)
class Encoded:
    """One sentence as the model reads it; both tuples have one entry per sub-token."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Batch:
    """Sentences padded to one length, each tensor (sentences, sub-tokens)."""

    ids: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the weights are fitted: AdamW, linear warm-up and decay, an exponential average of the weights."""

    steps: int
    rate: float
    weight_decay: float = 0.01
    warmup: float = 0.06
    """Part of the steps over which the rate rises from 0."""
    average: float = 0.99
    """Decay of the weight average per step; the average is what is returned."""
    bfloat16: bool = False
    """Whether matrix products run in bfloat16 (weights and their average stay float32)."""


def encode(
    sentences: Sequence[TaggedSentence], tokenizer: BertTokenizer, labels: Sequence[str], *, longest: int = 128
) -> list[Encoded]:
    """Sub-token ids and label ids of each sentence, cut after `longest` sub-tokens."""
    number = {label: index for index, label in enumerate(labels)}
    texts = [list(sentence.words) for sentence in sentences]
    rows = tokenizer(texts, is_split_into_words=True, truncation=True, max_length=longest)
    encoded = []
    for row, sentence in enumerate(sentences):
        firsts = first_pieces(rows.word_ids(row))
        marks = [IGNORED if word is None else number[sentence.tags[word]] for word in firsts]
        encoded.append(Encoded(tuple(rows["input_ids"][row]), tuple(marks)))
    return encoded


def first_pieces(word_ids: Sequence[int | None]) -> list[int | None]:
    """For each sub-token the index of its word if it is that word's first, else None."""
    before: int | None = None
    firsts = []
    for word in word_ids:
        firsts.append(None if word == before else word)
        before = word
    return firsts


def collate(rows: Sequence[Encoded], pad: int = 0) -> Batch:
    """The rows as one batch, padded on the right with the token `pad`."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), longest), pad)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for index, row in enumerate(rows):
        ids[index, : len(row.ids)] = torch.tensor(row.ids)
        labels[index, : len(row.ids)] = torch.tensor(row.labels)
        mask[index, : len(row.ids)] = 1
    return Batch(ids, mask, labels)


def epoch(rows: Sequence[Encoded], size: int, rng: Generator) -> Iterator[Batch]:
    """Every row once, in batches of `size` rows of like length, the batches in random order."""
    # A jitter of two sub-tokens keeps batches from holding the same rows in every epoch.
    order = np.argsort([len(row.ids) + rng.uniform(0, 2) for row in rows], kind="stable")
    groups = [order[start : start + size] for start in range(0, len(order), size)]
    for group in rng.permutation(len(groups)):
        yield collate([rows[index] for index in groups[group]])


def print_loss(step: int, steps: int, loss: float) -> None:
    """Now and then, for who trains at a terminal."""
    if step % 100 == 1 or step == steps:
        print(f"step {step} of {steps}: loss {loss:.4f}", flush=True)


def fit(
    model: BertForTokenClassification,
    batches: Iterable[Batch],
    schedule: Schedule,
    report: Callable[[int, int, float], None] = print_loss,
) -> BertForTokenClassification:
    """Trains `model` on up to `schedule.steps` batches; returns the average of its weights, to evaluate. `report` is
    told each step, of how many, and its loss.
    """
    optimizer, rates = _optimizer(model, schedule)
    loss_of = torch.nn.CrossEntropyLoss(ignore_index=IGNORED)
    average = AveragedModel(model, avg_fn=lambda mean, new, _: torch.lerp(mean, new, 1 - schedule.average))
    model.train()
    for step, batch in zip(range(schedule.steps), batches, strict=False):
        with torch.autocast("cpu", torch.bfloat16, enabled=schedule.bfloat16):
            logits = model(input_ids=batch.ids, attention_mask=batch.mask).logits
        loss = loss_of(logits.float().flatten(0, 1), batch.labels.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        rates.step()
        average.update_parameters(model)
        report(step + 1, schedule.steps, loss.item())
    averaged = cast(BertForTokenClassification, average.module)
    averaged.train(False)
    return averaged


def _optimizer(model: BertForTokenClassification, schedule: Schedule) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """AdamW (biases and normalisation without weight decay) and its rate, step by step."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": schedule.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=schedule.rate, fused=True)
    rising = max(1, round(schedule.warmup * schedule.steps))
    falling = max(1, schedule.steps - rising)
    return optimizer, LambdaLR(
        optimizer, lambda step: min((step + 1) / rising, max(0.0, (schedule.steps - step) / falling))
    )
