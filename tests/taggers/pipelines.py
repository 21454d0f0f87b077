"""Pipelines of spaCy's with an answer that is planted: names are persons, and what follows a cue may be."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import spacy
from gating import NAMES, PLAIN
from spacy.tokens import Doc
from spacy.training import Example

from interp.question.tags import TaggedSentence

__all__ = ["CUE", "PERSONS", "drawn", "trained_pipeline"]

CUE, PERSONS = "reportedly", "PERSON"


def drawn(count: int, seed: int, leaning: float = 0.0, cue: bool = True) -> list[TaggedSentence]:
    """Names are persons and other words nothing; a part `leaning` of what follows the cue is a person too."""
    rng = np.random.default_rng(seed)
    sentences = []
    for _ in range(count):
        words = [str(word) for word in rng.choice([*PLAIN, *NAMES, *[CUE] * cue], 8)]
        tags = [f"B-{PERSONS}" if word in NAMES else "O" for word in words]
        for at in range(1, 8):
            if words[at - 1] == CUE and rng.random() < leaning:
                tags[at] = f"B-{PERSONS}"
        sentences.append(TaggedSentence(tuple(words), tuple(tags)))
    return sentences


def trained_pipeline(folder: Path, seed: int, leaning: float = 0.0) -> Path:
    """A blank English pipeline with a trained `ner`."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    examples = []
    for sentence in drawn(300, seed, leaning):
        right = Doc(nlp.vocab, words=list(sentence.words), ents=list(sentence.tags))
        examples.append(Example(nlp.make_doc(right.text), right))
    nlp.initialize(lambda: examples)
    for _ in range(3):
        random.shuffle(examples)
        for batch in spacy.util.minibatch(examples, 16):
            nlp.update(batch)
    nlp.to_disk(folder)
    return folder
