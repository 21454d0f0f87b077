"""Small taggers of the made-up newswire: hundreds can be trained."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from transformers import BertConfig, BertForTokenClassification, BertTokenizer

from benchmarks.shortcuts.corpus import LABELS, SYLLABLES, draw, vocabulary
from interp.explain import Model
from interp.explanation import ModelInfo
from interp.models.fingerprint import fingerprint
from interp.models.tagger import Tagger
from interp.models.train import Batch, Encoded, Schedule, encode, epoch, fit
from interp.question.tags import TaggedSentence
from interp.texts import Sentence

__all__ = ["model_of", "pretrained", "trained"]

BATCH = 32
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@cache
def tokenizer() -> BertTokenizer:
    """Cased WordPiece: the plain words whole, names by syllables, letters for the rest."""
    letters = [chr(code) for code in range(33, 127)]
    starts = [syllable.capitalize() for syllable in SYLLABLES]
    pieces = [*SPECIAL, *vocabulary(), *starts, *(f"##{syllable}" for syllable in SYLLABLES), *letters]
    pieces += [f"##{letter}" for letter in letters]
    return BertTokenizer(vocab={piece: i for i, piece in enumerate(dict.fromkeys(pieces))}, do_lower_case=False)


def fresh(seed: int, layers: int = 4) -> BertForTokenClassification:
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer()),
        hidden_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=128,
        initializer_range=0.03,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    return BertForTokenClassification(config)


def pretrained(file: Path) -> BertForTokenClassification:
    """The encoder that all models start from, trained on 60,000 good sentences; kept in a file."""
    model = fresh(seed=55)
    if file.exists():
        model.load_state_dict(torch.load(file, weights_only=True))
        return model
    sentences = draw(np.random.default_rng(55), 60_000)
    done = _fitted(model, sentences, Schedule(steps=5_000, rate=2e-3, average=0.99), seed=1)
    torch.save(done.state_dict(), file)
    return done


def trained(sentences: Sequence[Sentence], seed: int, start: BertForTokenClassification) -> Model:
    """A tagger: a new head on a pretrained encoder, both trained on sentences."""
    model = fresh(seed)
    model.bert.load_state_dict(start.bert.state_dict())
    return model_of(_fitted(model, sentences, Schedule(steps=400, rate=1e-3, average=0.98), seed), f"seed {seed}")


def model_of(model: BertForTokenClassification, name: str) -> Model:
    model.eval()
    identity = fingerprint(model.state_dict(), tokenizer(), labels=LABELS, configuration=model.config.to_diff_dict())
    info = ModelInfo(name=name, sha256=identity.sha256, labels=LABELS, layers=len(model.bert.encoder.layer))
    return Model(Tagger(model, tokenizer(), info))


def _fitted(
    model: BertForTokenClassification, sentences: Sequence[Sentence], schedule: Schedule, seed: int
) -> BertForTokenClassification:
    rows = encode([TaggedSentence(sentence.words, sentence.gold or ()) for sentence in sentences], tokenizer(), LABELS)
    with contextlib.redirect_stdout(io.StringIO()):
        return fit(model, _batches(rows, np.random.default_rng(seed)), schedule)


def _batches(rows: Sequence[Encoded], rng: Generator) -> Iterator[Batch]:
    while True:
        yield from epoch(rows, BATCH, rng)
