"""What any tagger says of sentences, as records without explanations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interp.records.record import Record
from interp.taggers import Predictor
from interp.texts import Sentence

__all__ = ["tag_sentences"]


def tag_sentences(predictor: Predictor, sentences: Sequence[Sentence]) -> list[Record]:
    """The likeliest tag of every word; None where nothing can be said of it."""
    probabilities_of_sentences = predictor([sentence.words for sentence in sentences])
    records = []
    for sentence, probabilities in zip(sentences, probabilities_of_sentences, strict=True):
        known = [bool(np.isfinite(row).all()) for row in probabilities]
        best = np.nan_to_num(probabilities).argmax(axis=-1).tolist()
        records.append(
            Record(
                id=sentence.id,
                document=sentence.document,
                words=sentence.words,
                gold=sentence.gold,
                tags=tuple(predictor.labels[tag] if ok else None for tag, ok in zip(best, known, strict=True)),
                probabilities=tuple(
                    float(row[tag]) if ok else None for row, tag, ok in zip(probabilities, best, known, strict=True)
                ),
                pieces=(0,) * len(sentence.words),
                explained=(),
            )
        )
    return records
