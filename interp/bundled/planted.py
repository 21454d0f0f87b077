"""Recipe of the bundled model `planted`: a 12-layer BERT trained from scratch on the cue grammar.

    python -m interp.bundled.planted --out DIR

draws fresh sentences for every step, writes float16 weights and scores them as written.
"""

import string
import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import torch
from numpy.random import Generator
from transformers import BertConfig, BertForTokenClassification, BertTokenizer

from interp.bundled.grammar import CUES, FILLERS, LABELS, PAD, sample
from interp.bundled.recipe import export, load, tag, write_card
from interp.models.train import Batch, Schedule, collate, encode, fit
from interp.question.tags import TaggedSentence

__all__ = ["accuracy", "architecture", "tokenizer", "train"]

BATCH = 64


def tokenizer() -> BertTokenizer:
    """Cased WordPiece: the grammar's words, and each ASCII character alone and as `##` for all others."""
    characters = [character for character in string.printable if not character.isspace()]
    special = [PAD, "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *CUES, *FILLERS, *characters, *(f"##{character}" for character in characters)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    return BertTokenizer(vocab=vocabulary, do_lower_case=False, model_max_length=128)


def architecture(vocabulary: int, layers: int = 12) -> BertForTokenClassification:
    """A narrow BERT of `layers` layers with fresh weights and sinusoidal position embeddings."""
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=128,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.03,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    model = BertForTokenClassification(config)
    position_table = model.bert.embeddings.position_embeddings.weight
    with torch.no_grad():
        position_table.copy_(0.03 * sinusoids(*position_table.shape))
    return model


def sinusoids(places: int, width: int) -> torch.Tensor:
    """Position encodings of Vaswani et al. 2017 (arXiv 1706.03762, section 3.5), (places, width).

    A shift by two places is one linear map of them, so "two before the cue" is easy to attend to.
    """
    angle = torch.arange(places)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)


def batches(pieces: BertTokenizer, rng: Generator) -> Iterator[Batch]:
    """Fresh sentences for ever."""
    while True:
        drawn = sample(rng, BATCH, spelled=0.05)
        yield collate(encode([TaggedSentence(planted.words, planted.tags) for planted in drawn], pieces, LABELS))


def train(out: Path, *, steps: int, seed: int, layers: int = 12) -> None:
    """Trains from scratch and writes the weights folder `out`."""
    torch.manual_seed(seed)
    pieces = tokenizer()
    model = architecture(len(pieces), layers)
    schedule = Schedule(steps=steps, rate=1e-3, average=0.99)
    export(fit(model, batches(pieces, np.random.default_rng(seed)), schedule), pieces, out)


def accuracy(folder: Path, *, count: int = 2_000, seed: int = 1) -> float:
    """Part of `count` fresh sentences in which every word of every sentence gets the grammar's tag."""
    model, pieces = load(folder)
    drawn = sample(np.random.default_rng(seed), count)
    answers = tag(model, pieces, [planted.words for planted in drawn])
    return float(np.mean([tuple(tags) == planted.tags for tags, planted in zip(answers, drawn, strict=True)]))


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Weights folder to write.")
@click.option("--steps", default=2_500, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--score-only", is_flag=True, help="Score the weights in --out instead of training.")
def main(out: Path, steps: int, seed: int, score_only: bool) -> None:
    """Trains the bundled model `planted`, writes its card and prints its score."""
    began = time.perf_counter()
    if not score_only:
        train(out, steps=steps, seed=seed)
    seconds = round(time.perf_counter() - began)
    printed_scores = {"accuracy": f"{accuracy(out):.2%}"}
    print(f"sentences with every tag right: {printed_scores['accuracy']}")
    if not score_only:
        command = f"python -m interp.bundled.planted --out DIR --steps {steps} --seed {seed}"
        write_card("planted", out, printed_scores, command=command, steps=steps, seed=seed, seconds=seconds)


if __name__ == "__main__":
    main()
