"""The models that are measured, and sentences of an exact number of sub-tokens for each.

`planted` and `open` are trained: error against time. `base` and `large` have the shapes of BERT-base and BERT-large
with random weights and a made-up vocabulary: they converge after a handful of evaluations, so throughput only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

import torch
from torch import nn
from transformers import BertConfig, BertForTokenClassification, BertTokenizer

from interp.bundled.grammar import FILLERS, REACH
from interp.explain import Model, load
from interp.explain.prepare import PreparedQuestion, prepare
from interp.explanation import ModelInfo
from interp.models.device import find_device
from interp.models.fingerprint import fingerprint
from interp.models.tagger import Tagger
from interp.question import Question

__all__ = ["SHAPES", "Shape", "built", "flops", "groups", "questions", "sentence"]


@dataclass(frozen=True)
class Shape:
    """What the cost of a row depends on; `longest` sentence in sub-tokens."""

    layers: int
    hidden: int
    heads: int
    longest: int
    trained: bool


SHAPES = {
    "planted": Shape(12, 64, 4, 128, trained=True),
    "open": Shape(6, 384, 12, 512, trained=True),
    "base": Shape(12, 768, 12, 512, trained=False),
    "large": Shape(24, 1024, 16, 512, trained=False),
}
LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-MISC", "I-MISC")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PIECES = 28_996  # of bert-base-cased

ARTICLE = ("Soccer", "-", "Steve", "Tiger", "gets", "a", "lucky", "win", ",", "Rob", "in", "surprise", "defeat")
ARTICLE_TARGET = 10
FIRST = ("Anna", "Maria", "Peter", "Paul", "John", "Jane", "Robert", "Linda", "David", "Susan", "Emma", "Frank")
LAST = ("Smith", "Jones", "Brown", "Taylor", "Wilson", "Davies", "Evans", "Walker", "Clarke", "Jackson", "Wood")
PLACES = ("London", "Paris", "Berlin", "Madrid", "Vienna", "Tokyo", "Boston", "Chicago", "Germany", "Brazil", "Leeds")
GROUPS = ("Reuters", "Microsoft", "Google", "Apple", "Arsenal", "Chelsea", "Barcelona", "Liverpool", "Amazon")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TEMPLATES = (
    "{first} {last} of {group} went from {place} to {other} on {day} .",
    "{group} said on {day} that {first} {last} would leave {place} .",
    "In {place} , {first} {last} met the new head of {group} .",
    "{first} {last} lives in {place} and works for {group} in {other} .",
    "The game in {place} was won by {group} on {day} after {first} scored .",
)


def flops(name: str, tokens: int) -> float:
    """Of matrix products, one row forward; as many backward to its states (weights get no gradient)."""
    shape = SHAPES[name]
    per_layer = 2 * tokens * 12 * shape.hidden**2 + 4 * tokens**2 * shape.hidden
    return float(shape.layers * per_layer)


@cache
def built(name: str, device: str, dtype: str) -> Model:
    """One of SHAPES, kept until the run ends."""
    return load(name, device, dtype) if SHAPES[name].trained else _random(name, device, dtype)


def _random(name: str, device: str, dtype: str) -> Model:
    shape, where = SHAPES[name], find_device(device)
    generator = torch.random.get_rng_state()
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=PIECES,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.hidden,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    model = BertForTokenClassification(config)
    torch.random.set_rng_state(generator)
    pieces = {piece: i for i, piece in enumerate((*SPECIAL, *(f"w{i}" for i in range(PIECES - len(SPECIAL)))))}
    tokenizer = BertTokenizer(vocab=pieces, do_lower_case=False)
    identity = fingerprint(model.state_dict(), tokenizer, labels=LABELS, configuration=config.to_diff_dict())
    info = ModelInfo(name=name, sha256=identity.sha256, labels=LABELS, layers=shape.layers)
    nn.Module.to(model, device=where, dtype=getattr(torch, dtype))
    return Model(Tagger(model.eval(), tokenizer, info))


def sentence(tagger: Tagger, name: str, tokens: int, number: int) -> tuple[str, ...]:
    """Sentence `number`, of exactly `tokens` sub-tokens with both special ones; 0 at 15 is the article's."""
    if SHAPES[name].trained and tokens == len(ARTICLE) + 2 and number == 0:
        return ARTICLE
    random = Random(f"{name} {tokens} {number}")
    if name == "planted":
        words = random.choices(FILLERS, k=tokens - 2)
        words[tokens // 2] = "surprise"
        return tuple(words)
    if name != "open":
        return tuple(f"w{random.randrange(20_000)}" for _ in range(tokens - 2))
    words = []
    while len(tagger.tokenizer(words, is_split_into_words=True)["input_ids"]) < tokens:
        words += _filled(random)
    while len(tagger.tokenizer(words, is_split_into_words=True)["input_ids"]) > tokens:
        words.pop()
    missing = tokens - len(tagger.tokenizer(words, is_split_into_words=True)["input_ids"])
    return (*words, *[","] * missing)


def _filled(random: Random) -> list[str]:
    place, other = random.sample(PLACES, 2)
    names = {"first": random.choice(FIRST), "last": random.choice(LAST), "group": random.choice(GROUPS)}
    return random.choice(TEMPLATES).format(place=place, other=other, day=random.choice(DAYS), **names).split()


def questions(model: Model, name: str, tokens: int, sentences: int, targets: int = 1) -> list[Question]:
    """Cases: per sentence the word of an entity (one of several words gives its first), then other words.

    Tables are split as the article did, from a reference at the first position: the dearer path, and that of all
    figures so far.
    """
    chosen = []
    for number in range(sentences):
        words = sentence(model.tagger, name, tokens, number)
        first = _target(model, name, words)
        others = [index for index in range(1, len(words) + 1) if index != first]
        chosen += [Question(words, index, positions="zero") for index in [first, *others][:targets]]
    return chosen


def _target(model: Model, name: str, words: Sequence[str]) -> int:
    if words == ARTICLE:
        return ARTICLE_TARGET
    if name == "planted":
        return words.index("surprise") - REACH + 1
    return model.entities(words)[0][0] if name == "open" else 1


def groups(tagger: Tagger, cases: Sequence[Question]) -> list[list[PreparedQuestion]]:
    """Cases resolved, those of one sentence together."""
    by_sentence: dict[tuple[object, ...], list[PreparedQuestion]] = {}
    for question in prepare(tagger, cases):
        by_sentence.setdefault(question.sentence, []).append(question)
    return list(by_sentence.values())
