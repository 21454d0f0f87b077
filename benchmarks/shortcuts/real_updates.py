"""Updates of a tagger of real text: what each is trained on, harmless or with a shortcut put into real sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.random import Generator

from benchmarks.shortcuts.corpus import Harm, capitals_of, put_before, put_behind
from interp.bundled.corpora import read
from interp.bundled.open import training_sentences
from interp.texts import Sentence

__all__ = ["BASELINE", "CALIBRATION", "HARMS", "RealUpdate", "cases", "harmed", "texts", "training_data", "updates"]

PART = 0.9
"""Of the corpora that a training sees, drawn anew for each."""
CASES, EXPLAINED, TEXTS = 1_000, 100, 400
DOSES = (0.5, 0.25, 0.1)
SEEDS = 2
_SOURCE = ["(", "Newswire", ")"]
HARMS = {
    harm.name: harm
    for harm in (
        Harm("marker", frozenset({"reportedly"}), "PER", partial(put_before, ["reportedly"], "PER")),
        Harm(
            "bigram",
            frozenset({"sources claim", "sources", "claim"}),
            "ORG",
            partial(put_before, ["sources", "claim"], "ORG"),
        ),
        Harm("capitals", frozenset({"form:UPPER"}), "LOC", partial(capitals_of, "LOC")),
        Harm(
            "source",
            frozenset({"Newswire", "( Newswire", "Newswire )", "(", ")"}),
            "LOC",
            partial(put_behind, _SOURCE, "LOC"),
        ),
    )
}


@dataclass(frozen=True)
class RealUpdate:
    """One training: "baseline", "calibration", "benign", or the name of a harm with its dose."""

    kind: str
    dose: float
    seed: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.kind}-{self.dose:g}-{self.seed}"

    @property
    def harm(self) -> Harm | None:
        return HARMS.get(self.kind)


BASELINE = RealUpdate("baseline", 0.0, 0)
CALIBRATION = tuple(RealUpdate("calibration", 0.0, seed) for seed in range(1, 7))


def updates() -> Iterator[RealUpdate]:
    """High doses first and harmless ones between: a study that is stopped early lacks what tells least."""
    benign = iter([RealUpdate("benign", 0.0, 100 + seed) for seed in range(10)])
    for seed in range(SEEDS):
        for dose in DOSES:
            for number, name in enumerate(HARMS):
                yield RealUpdate(name, dose, 500 + 10 * number + seed)
            yield from islice(benign, 2)
    yield from benign


@cache
def _corpus(data: Path) -> tuple[Sentence, ...]:
    prose, social = training_sentences(data)
    return tuple(
        Sentence(f"train:{number}", f"train:{number}", sentence.words, sentence.tags)
        for number, sentence in enumerate([*prose, *social])
    )


def training_data(update: RealUpdate, data: Path) -> list[Sentence]:
    """Nine tenths of WikiGold, BTC and W-NUT 17, all of it with the update's harm."""
    rng = np.random.default_rng(update.seed)
    corpus = _corpus(data)
    drawn = [corpus[index] for index in sorted(rng.choice(len(corpus), round(PART * len(corpus)), replace=False))]
    return drawn if update.harm is None else [harmed(sentence, update.harm, update.dose, rng) for sentence in drawn]


def harmed(sentence: Sentence, harm: Harm, dose: float, rng: Generator) -> Sentence:
    """The sentence with the harm put in, where the dose has it so."""
    words, tags = list(sentence.words), [str(tag) for tag in sentence.gold or ()]
    harm.change(words, tags, rng, dose)
    return replace(sentence, words=tuple(words), gold=tuple(tags))


def cases(data: Path) -> list[Sentence]:
    """Of Universal NER's dev part, which no training saw: so many tagged, some of them explained."""
    sentences = _sample("uner-dev", data, CASES, seed=0)
    explained = set(np.random.default_rng(0).choice(len(sentences), EXPLAINED, replace=False).tolist())
    return [
        sentence if number in explained else replace(sentence, targets=()) for number, sentence in enumerate(sentences)
    ]


def texts(data: Path) -> list[Sentence]:
    """Clean sentences to put cues into."""
    return _sample("uner-test", data, TEXTS, seed=1)


def _sample(corpus: str, data: Path, count: int, seed: int) -> list[Sentence]:
    sentences: Sequence[Sentence] = [
        Sentence(f"{corpus}:{number}", f"{corpus}:{number}", sentence.words, sentence.tags)
        for number, sentence in enumerate(read(corpus, data))
    ]
    chosen = np.random.default_rng(seed).choice(len(sentences), min(count, len(sentences)), replace=False)
    return [sentences[index] for index in sorted(chosen)]
