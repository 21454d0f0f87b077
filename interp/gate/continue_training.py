"""Benign checkpoints where there are none to spare: the baseline trained on for a little while, once per seed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

from interp.errors import InputError
from interp.explain import Model
from interp.explanation import ModelInfo
from interp.models.fingerprint import fingerprint
from interp.models.tagger import Tagger
from interp.models.train import Batch, Encoded, Schedule, encode, epoch, fit
from interp.progress import Phase, unwatched_phase
from interp.texts import Sentence, fully_tagged

__all__ = ["continue_training"]

BATCH = 16
LONGEST = 512
"""Sub-tokens of a sentence to train on, where the model has no limit of its own."""


def continue_training(
    model: Model,
    sentences: Sequence[Sentence],
    *,
    seed: int,
    steps: int,
    rate: float,
    phase: Phase = unwatched_phase,
) -> Model:
    """A copy of a model, trained for `steps` batches more on tagged sentences. The given one stays as it is; `phase` is
    told how far that is.

    Raises InputError where there are no tags, or tags that the model does not have.
    """
    labels = model.info.labels
    tagged = fully_tagged(sentences)
    if not tagged:
        raise InputError("There are no tagged sentences to train on: name their column or field.")
    if any(label[:2] in ("E-", "S-", "L-", "U-", "M-") for label in labels):
        raise InputError("Continued training knows IOB2 and plain tags alone: give checkpoints instead of --continue.")
    unknown = sorted({tag for sentence in tagged for tag in sentence.tags} - set(labels))
    if unknown:
        raise InputError(f"The model has no tag {unknown[0]} of the training data, but {', '.join(labels)}.")
    tagger: Any = model.tagger
    if not (tagger.tokenizer.is_fast and tagger.parts.pads):
        raise InputError("This model cannot be trained on in batches here: give checkpoints instead of --continue.")
    rows = encode(tagged, tagger.tokenizer, labels, longest=tagger.parts.longest or LONGEST)
    torch.manual_seed(seed)
    with phase("training", steps) as progress:
        trained = fit(
            copy.deepcopy(tagger.model).float().cpu(),
            _batches(rows, np.random.default_rng(seed)),
            Schedule(steps=steps, rate=rate, average=0.98),
            report=lambda step, _steps, _loss: progress(step),
        )
    identity = fingerprint(
        trained.state_dict(), tagger.tokenizer, labels=labels, configuration=trained.config.to_diff_dict()
    )
    info = ModelInfo(
        name=f"{model.info.name}, continued {seed}",
        sha256=identity.sha256,
        labels=labels,
        layers=model.info.layers,
    )
    return Model(Tagger(trained.to(tagger.device, tagger.dtype), tagger.tokenizer, info))


def _batches(rows: Sequence[Encoded], rng: Generator) -> Iterator[Batch]:
    while True:
        yield from epoch(rows, BATCH, rng)
