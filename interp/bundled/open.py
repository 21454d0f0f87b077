"""Recipe of the bundled model `open`: all-MiniLM-L6-v2 as an English tagger of PER, LOC and ORG.

    python -m interp.bundled.open --data DIR --base DIR --out DIR

fine-tunes on CC BY corpora only, writes float16 weights with a trimmed vocabulary and scores them as written.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import click
import numpy as np
import torch
from numpy.random import Generator
from transformers import BertForTokenClassification, BertTokenizer

from interp.bundled.corpora import LABELS, alone, names_of, read, split_wikigold, swapped, tidy
from interp.bundled.recipe import export, load, span_f1, write_card
from interp.models.train import Batch, Schedule, encode, epoch, fit
from interp.question.tags import TaggedSentence

__all__ = ["MEMBERS", "Member", "scores", "train", "training_sentences", "trim"]

PIECES = 21_000
"""Vocabulary size at which the float16 weights stay below 40 MB."""
WIKIGOLD_TIMES = 3
"""How often an epoch shows WikiGold: the model is for edited prose, and the corpora are mostly tweets."""
BATCH = 32
OUTSIDE = 1.0
"""Added to O's logit: on Universal NER's dev part, false names outnumbered missed ones by six to one without it."""


@dataclass(frozen=True)
class Member:
    """One of the trainings whose weights are averaged."""

    epochs: int
    average: float
    """Decay per step of the exponential average within this training."""
    swapped: float
    """Part of the sentences whose names are replaced by others of their kind, so context has to do its share."""
    alone: float
    """Names shown on their own (as in a signature or a list), per sentence."""
    masked: float = 0.0
    """Part of the sentences that lose sub-tokens to [MASK], each sentence at a rate drawn uniformly from 0 to 1."""


# From one start, a long training on varied names and a short one on the text as it is; the mean of their weights
# is better than either (Wortsman et al. 2022, Model soups, arXiv 2203.05482).
MEMBERS = (
    Member(epochs=4, average=0.998, swapped=0.25, alone=0.03),
    Member(epochs=2, average=0.995, swapped=0.0, alone=0.0),
)


Corpora: TypeAlias = tuple[Sequence[TaggedSentence], Sequence[TaggedSentence]]
"""(edited prose, social media)."""


def training_sentences(data: Path) -> Corpora:
    """(WikiGold without the held-out part, social media), both under one tagging convention."""
    prose, _ = split_wikigold(read("wikigold", data))
    social = [*read("btc", data), *read("wnut", data)]
    return [tidy(sentence) for sentence in prose], [tidy(sentence) for sentence in social]


def trim(base: BertTokenizer, sentences: Sequence[TaggedSentence], size: int) -> tuple[BertTokenizer, list[int]]:
    """A tokenizer of about `size` pieces and, for each of them, its id in `base`.

    Kept, in the base's order: special tokens, pieces of one Latin character, what `sentences` need, then
    ASCII pieces from the front of the base's vocabulary, which is roughly sorted by frequency.
    """
    pieces = base.convert_ids_to_tokens(list(range(len(base))))
    needed = set(base.all_special_tokens)
    for row in base([list(sentence.words) for sentence in sentences], is_split_into_words=True)["input_ids"]:
        needed.update(base.convert_ids_to_tokens(row))
    # U+0250 is where Unicode's Latin blocks end.
    needed.update(piece for piece in pieces if len(piece.removeprefix("##")) == 1 and ord(piece[-1]) < 0x250)
    common = [piece for piece in pieces if piece.isascii() and "[unused" not in piece and piece not in needed]
    chosen = needed.union(common[: max(0, size - len(needed))])
    kept = [index for index, piece in enumerate(pieces) if piece in chosen]
    vocabulary = {pieces[index]: number for number, index in enumerate(kept)}
    return BertTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=512), kept


def shrink(base: Path, kept: Sequence[int]) -> BertForTokenClassification:
    """The base encoder with a fresh tagging head and only the embedding rows `kept`."""
    model = BertForTokenClassification.from_pretrained(
        base,
        dtype=torch.float32,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    rows = model.bert.embeddings.word_embeddings.weight.detach()[list(kept)]
    embedding = torch.nn.Embedding.from_pretrained(rows, freeze=False, padding_idx=0)  # type: ignore[no-untyped-call]
    model.set_input_embeddings(embedding)
    model.config.vocab_size = len(kept)
    return model


def batches(corpora: Corpora, pieces: BertTokenizer, member: Member, rng: Generator) -> Iterator[Batch]:
    """The batches of all epochs, each epoch with other names swapped and other names alone."""
    prose, social = corpora
    names = names_of([*prose, *social])
    singles = [alone(name, kind) for kind in names for name in names[kind]]
    shown = [*prose] * WIKIGOLD_TIMES + [*social]
    for _ in range(member.epochs):
        drawn = [swapped(sentence, names, rng) if rng.random() < member.swapped else sentence for sentence in shown]
        drawn += [singles[index] for index in rng.integers(len(singles), size=round(member.alone * len(shown)))]
        yield from epoch(encode(drawn, pieces, LABELS), BATCH, rng)


def masked(shown: Iterable[Batch], pieces: BertTokenizer, share: float, rng: Generator) -> Iterator[Batch]:
    """The batches with a `share` of their sentences masked as by Madsen et al. (2024, arXiv 2310.07819).

    Labels stay, those of masked words too: what is learned there is the tag's probability given the words that are
    left, and with no word left how frequent the tag is. A reference sentence masks the word that is explained as well.
    """
    fixed = torch.tensor([pieces.cls_token_id, pieces.sep_token_id, pieces.pad_token_id])
    for batch in shown:
        rates = rng.random((len(batch.ids), 1)) * (rng.random((len(batch.ids), 1)) < share)
        hidden = torch.from_numpy(rng.random(batch.ids.shape) < rates) & ~torch.isin(batch.ids, fixed)
        yield replace(batch, ids=batch.ids.masked_fill(hidden, pieces.mask_token_id))


def train_member(
    corpora: Corpora, base: Path, *, pieces: BertTokenizer, kept: Sequence[int], member: Member, seed: int
) -> BertForTokenClassification:
    """One training; the same `seed` gives every member the same start."""
    torch.manual_seed(seed)
    model = shrink(base, kept)
    count = len(corpora[0]) * WIKIGOLD_TIMES + len(corpora[1])
    steps = member.epochs * -(-(count + round(member.alone * count)) // BATCH)
    schedule = Schedule(steps=steps, rate=2e-4, average=member.average, bfloat16=True)
    shown = batches(corpora, pieces, member, np.random.default_rng(seed))
    # Masks have a stream of their own, so that every share of them masks the same batches.
    return fit(model, masked(shown, pieces, member.masked, np.random.default_rng([seed, 1])), schedule)


def mean(models: Sequence[BertForTokenClassification]) -> BertForTokenClassification:
    """The first model, its weights replaced by the mean over all, its O logit raised by `OUTSIDE`."""
    first = models[0]
    with torch.no_grad():
        for parameters in zip(*(model.parameters() for model in models), strict=True):
            parameters[0].copy_(torch.stack(parameters).mean(dim=0))
        first.classifier.bias[LABELS.index("O")] += OUTSIDE
    return first


def train(
    corpora: Corpora,
    base: Path,
    out: Path,
    *,
    seed: int,
    size: int = PIECES,
    members: Sequence[Member] = MEMBERS,
) -> None:
    """Trains on `corpora` and writes the weights folder `out` with about `size` word pieces."""
    pieces, kept = trim(BertTokenizer.from_pretrained(base), [*corpora[0], *corpora[1]], size)
    models = [train_member(corpora, base, pieces=pieces, kept=kept, member=member, seed=seed) for member in members]
    export(mean(models), pieces, out)


def scores(folder: Path, data: Path) -> Mapping[str, float]:
    """Strict span F1 of the weights in `folder` on the three evaluation sets."""
    model, pieces = load(folder)
    sets = {
        "wikigold": split_wikigold(read("wikigold", data))[1],
        "uner": read("uner-test", data),
        "conll": read("conll-test", data),
    }
    return {name: span_f1(model, pieces, sentences) for name, sentences in sets.items()}


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Has open-ner/ and conll2003/.")
@click.option("--base", type=click.Path(path_type=Path), help="Folder with all-MiniLM-L6-v2.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Weights folder to write.")
@click.option("--epochs", type=int, help="Epochs of each training.  [default: 4 and 2]")
@click.option("--seed", default=0, show_default=True)
@click.option("--masked", "share", default=0.0, show_default=True, help="Part of the sentences that are masked.")
@click.option("--limit", type=int, help="Train on this many sentences of each kind only.")
@click.option("--score-only", is_flag=True, help="Score the weights in --out instead of training.")
def main(
    data: Path,
    base: Path | None,
    out: Path,
    epochs: int | None,
    seed: int,
    share: float,
    limit: int | None,
    score_only: bool,
) -> None:
    """Trains the bundled model `open`, writes its card and prints its scores."""
    began = time.perf_counter()
    if not score_only:
        if base is None:
            raise click.UsageError("training needs --base, the folder with all-MiniLM-L6-v2")
        prose, social = training_sentences(data)
        members = [replace(member, epochs=epochs or member.epochs, masked=share) for member in MEMBERS]
        train((prose[:limit], social[:limit]), base, out, seed=seed, members=members)
    seconds = round(time.perf_counter() - began)
    printed_scores = {name: f"{score:.3f}" for name, score in scores(out, data).items()}
    for name, score in printed_scores.items():
        print(f"{name} {score}")
    if not score_only:
        changed = {"--epochs": epochs, "--masked": share, "--limit": limit}
        options = "".join(f" {option} {value}" for option, value in changed.items() if value)
        command = f"python -m interp.bundled.open --data DIR --base DIR --out DIR --seed {seed}{options}"
        write_card("open", out, printed_scores, command=command, seed=seed, seconds=seconds)


if __name__ == "__main__":
    main()
