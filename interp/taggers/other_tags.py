"""Predictors whose tags are told otherwise: kinds by other names, schemes as IOB2, functions with tags of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from interp.question.tags import OUTSIDE, iob2_labels, kind_of, kinds_of_labels, mark_of, scheme_of
from interp.taggers.functions import FunctionPredictor
from interp.taggers.predictor import Array, Predictor, Words, word_gradients_of

if TYPE_CHECKING:
    from interp.models.word_gradients import WordGradients

__all__ = [
    "Iob2Predictor",
    "MappedPredictor",
    "differ_in_scheme",
    "labels_to_share",
    "odd_labels",
    "share_labels",
    "share_scheme",
]

Indices = npt.NDArray[np.intp]
STARTS = frozenset("BSU")
CONTINUED = ("classes", "IO", "IOB1")
"""Schemes in which a word begins an entity where its left neighbour is of another kind."""


class _Retold:
    """All of a predictor but its tags."""

    _to_labels: Array
    """(own labels, labels): 1 where a tag is told by that name."""

    def __init__(self, predictor: Predictor, labels: Sequence[str]) -> None:
        self._predictor, self.name, self.sha256 = predictor, predictor.name, predictor.sha256
        self.gives_probabilities, self.labels = predictor.gives_probabilities, tuple(labels)

    @property
    def notices(self) -> tuple[str, ...]:
        return self._predictor.notices

    @property
    def word_gradients(self) -> WordGradients | None:
        """Of every word by itself: where a tag depends on its left neighbour's, that is left out."""
        gradients = word_gradients_of(self._predictor)
        return None if gradients is None else gradients.told_in(self._to_labels)

    def _sums(self, tags: Mapping[str, str]) -> Array:
        """(own labels, labels): 1 where a tag is told by that name."""
        sums = np.zeros((len(self._predictor.labels), len(self.labels)))
        for row, label in enumerate(self._predictor.labels):
            sums[row, self.labels.index(tags[label])] = 1
        return sums


class MappedPredictor(_Retold):
    """`tags`: names by the predictor's own. Probabilities of tags that become one are added."""

    def __init__(self, predictor: Predictor, tags: Mapping[str, str]) -> None:
        super().__init__(predictor, tuple(dict.fromkeys(tags[label] for label in predictor.labels)))
        self._to_labels = self._sums(tags)

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]:
        return [probabilities @ self._to_labels for probabilities in self._predictor(sentences)]


class Iob2Predictor(_Retold):
    """A predictor of any scheme in IOB2: probabilities of S- and U- count as B-, those of E-, L- and M- as I-.

    Where B- is left out (classes, IO) or rare (IOB1), I- is B- for a word whose left neighbour is not of the kind, by
    the neighbour's likeliest tag; neighbours of which nothing can be said are passed over.
    """

    def __init__(self, predictor: Predictor) -> None:
        own, kinds = predictor.labels, kinds_of_labels(predictor.labels)
        super().__init__(predictor, iob2_labels(own))
        self._to_labels = self._sums({label: _iob2_tag(label) if kind_of(label) in kinds else OUTSIDE for label in own})
        self._kinds = np.array([kinds.index(kind_of(label)) if kind_of(label) in kinds else -1 for label in own])
        self._continued = scheme_of(own) in CONTINUED

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]:
        return [self._tell(probabilities) for probabilities in self._predictor(sentences)]

    def _tell(self, probabilities: Array) -> Array:
        retold: Array = probabilities @ self._to_labels
        if self._continued and len(retold):
            starting = _left_kinds(probabilities, self._kinds)[:, None] != np.arange(len(self.labels) // 2)
            retold[:, 1::2] += np.where(starting, retold[:, 2::2], 0.0)
            retold[:, 2::2] = np.where(starting, 0 * retold[:, 2::2], retold[:, 2::2])
        return retold


def share_scheme(first: Predictor, second: Predictor) -> tuple[Predictor, Predictor]:
    """Both in IOB2 where they have the same kinds and other marks; as they are where they have the same tags, or other
    kinds too.
    """
    if not differ_in_scheme(first.labels, second.labels):
        return first, second
    return Iob2Predictor(first), Iob2Predictor(second)


def share_labels(predictors: Sequence[Predictor]) -> list[Predictor]:
    """Functions show the tags that they give alone: those of the others are theirs too, with probability 0."""
    labels = tuple(dict.fromkeys(label for predictor in predictors for label in predictor.labels))
    return [
        predictor.of(labels_to_share(predictor.labels, labels))
        if isinstance(predictor, FunctionPredictor)
        else predictor
        for predictor in predictors
    ]


def labels_to_share(own: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """Tags of a function that gave its `own`, beside others that have `labels` (its own among them): these, or where
    the others are in another scheme, their kinds in the function's own.
    """
    others = [label for label in labels if label not in own]
    if not kinds_of_labels(own) or not others or _is_alike(own, others):
        return tuple(labels)
    marks = dict.fromkeys(mark_of(label) for label in own if kind_of(label) in kinds_of_labels(own))
    kinds = [kind for kind in kinds_of_labels(others) if kind not in kinds_of_labels(own)]
    return (*own, *(f"{mark}-{kind}" if mark else kind for kind in kinds for mark in marks))


def _is_alike(own: Sequence[str], others: Sequence[str]) -> bool:
    """Whether all can be of one scheme: a function may never have given a tag that others have."""
    return scheme_of(own) == scheme_of([*own, *others])


def differ_in_scheme(first: Collection[str], second: Collection[str]) -> bool:
    """Whether they are tags of the same kinds with other marks."""
    return set(first) != set(second) and not odd_labels(first, second)


def odd_labels(first: Collection[str], second: Collection[str]) -> list[str]:
    """Tags whose kind is on one side only, sorted; none where only the marks differ."""
    kinds = set(kinds_of_labels(first)) ^ set(kinds_of_labels(second))
    return sorted(label for label in {*first, *second} if kind_of(label) in kinds)


def _iob2_tag(tag: str) -> str:
    return f"{'B' if mark_of(tag) in STARTS else 'I'}-{kind_of(tag)}"


def _left_kinds(probabilities: Array, kinds: Indices) -> Indices:
    """Of every word the kind of the likeliest tag of the last word in front of it that has one; -1 where none is."""
    readable = np.isfinite(probabilities).all(1)
    best = np.append(kinds[np.nan_to_num(probabilities).argmax(1)], -1)
    last = np.maximum.accumulate(np.where(readable, np.arange(len(probabilities)), -1))
    return np.asarray(best[np.append(-1, last[:-1])])
