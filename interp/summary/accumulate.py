"""Sums over the targets of parts, by kind, word, shape, distance and layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from interp.question.shapes import shape
from interp.summary.columns import Columns, Ints
from interp.summary.sums import Key, Sums

__all__ = ["Accumulator", "KindSums"]

Floats = npt.NDArray[np.float64]

MOST_WORDS = 1_000_000
"""Kinds times words of which sums are kept: 100 MB or so."""
FARTHEST = 4
"""Words from the target that are told apart."""
LEADING = 0.5
"""Part of Σ|attribution| with which a context word carries a target alone."""


@dataclass(kw_only=True)
class KindSums:
    """Of one kind, beside what is summed by word."""

    targets: int = 0
    documents: int = 0
    """One that lies in parts that are not read together counts twice."""
    change: float = 0.0
    mass: float = 0.0
    own: float = 0.0
    led: int = 0
    layer_mass: Floats = field(default_factory=lambda: np.zeros(0))
    layer_own: Floats = field(default_factory=lambda: np.zeros(0))


class Accumulator:
    """Takes the columns of parts one by one; keeps sums, so that billions of rows need no memory."""

    def __init__(self) -> None:
        self.kinds: dict[str, KindSums] = {}
        self.words = Sums(MOST_WORDS)
        self.shapes = Sums(MOST_WORDS)
        self.places = Sums(MOST_WORDS)
        self.leads: dict[Key, int] = {}

    def add(self, columns: Columns) -> None:
        kinds, kind_of_target = np.unique(np.array(columns.kinds, dtype=object), return_inverse=True)
        for code, kind in enumerate(kinds.tolist()):
            self._add_kind(columns, kind, kind_of_target == code)

    def _add_kind(self, columns: Columns, kind: str, is_target_of_kind: npt.NDArray[np.bool_]) -> None:
        chosen = is_target_of_kind[columns.row]
        row, values = columns.row[chosen], columns.attributions[chosen]
        distance, codes = columns.distance[chosen], columns.codes[chosen]
        own = distance == 0
        size = np.abs(values)
        sums = self.kinds.setdefault(kind, KindSums())
        sums.targets += int(is_target_of_kind.sum())
        sums.documents += len(np.unique(columns.documents[is_target_of_kind]))
        sums.change += float(values.sum())
        sums.mass += float(size.sum())
        sums.own += float(size[own].sum())
        _add_layers(sums, np.abs(columns.layers[:, chosen]), own)

        context = ~own
        words = columns.words.dictionary.to_pylist()
        documents = columns.documents[row]
        keys = [(kind, word) for word in words]
        self.words.add(keys, codes[context], documents[context], values[context])
        shapes, shape_of_word = np.unique([shape(word) for word in words], return_inverse=True)
        keys = [(kind, name) for name in shapes.tolist()]
        self.shapes.add(keys, shape_of_word[codes[context]], documents[context], values[context])
        places = np.clip(distance[context], -FARTHEST, FARTHEST)
        place_keys = [(kind, str(place)) for place in range(-FARTHEST, FARTHEST + 1)]
        self.places.add(place_keys, places + FARTHEST, documents[context], values[context])
        self._add_leads(kind, words, codes, leading=context & (size > LEADING * _mass_of_targets(row, size)))

    def _add_leads(self, kind: str, words: list[str], codes: Ints, *, leading: npt.NDArray[np.bool_]) -> None:
        self.kinds[kind].led += int(leading.sum())
        for code, count in zip(*np.unique(codes[leading], return_counts=True), strict=True):
            key = kind, words[code]
            self.leads[key] = self.leads.get(key, 0) + int(count)


def _mass_of_targets(row: Ints, size: Floats) -> Floats:
    """Σ|attribution| of the target of each word."""
    mass: Floats = np.bincount(row, size, minlength=1).astype(np.float64)[row]
    return mass


def _add_layers(sums: KindSums, sizes: Floats, own: npt.NDArray[np.bool_]) -> None:
    if not len(sizes):
        return
    if not len(sums.layer_mass):
        sums.layer_mass, sums.layer_own = np.zeros(len(sizes)), np.zeros(len(sizes))
    sums.layer_mass += sizes.sum(1)
    sums.layer_own += sizes[:, own].sum(1)
