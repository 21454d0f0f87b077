"""Sums over the targets of parts, by kind, word, shape, distance and layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from interp.question.shapes import shape
from interp.summary.columns import Columns, Floats, Ints
from interp.summary.sums import Key, Sums

__all__ = ["Accumulator", "KindSums"]

MOST_WORDS = 1_000_000
"""Kinds times words of which sums are kept: 100 MB or so."""
FARTHEST = 4
"""Words from the target that are told apart."""
PLACES = range(-FARTHEST, FARTHEST + 1)
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
        shapes, shape_of_word = np.unique([shape(word) for word in columns.vocabulary], return_inverse=True)
        kinds, kind_of_target = np.unique(np.array(columns.kinds, dtype=object), return_inverse=True)
        for code, kind in enumerate(kinds.tolist()):
            is_of_kind = kind_of_target == code
            context = self._add_targets(columns, kind, is_of_kind)
            codes, values = columns.codes[context], columns.attributions[context]
            documents = columns.documents[columns.row[context]]
            places = np.clip(columns.distance[context], -FARTHEST, FARTHEST) + FARTHEST
            self.words.add([(kind, word) for word in columns.vocabulary], codes, documents, values)
            self.shapes.add([(kind, name) for name in shapes.tolist()], shape_of_word[codes], documents, values)
            self.places.add([(kind, str(place)) for place in PLACES], places, documents, values)

    def _add_targets(self, columns: Columns, kind: str, is_of_kind: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which words are beside the targets of the kind."""
        of_kind = is_of_kind[columns.row]
        row, values, own = columns.row[of_kind], columns.attributions[of_kind], columns.distance[of_kind] == 0
        size = np.abs(values)
        sums = self.kinds.setdefault(kind, KindSums())
        sums.targets += int(is_of_kind.sum())
        sums.documents += len(np.unique(columns.documents[is_of_kind]))
        sums.change += float(values.sum())
        sums.mass += float(size.sum())
        sums.own += float(size[own].sum())
        _add_layers(sums, np.abs(columns.layers[:, of_kind]), own)
        leading = ~own & (size > LEADING * _mass_of_targets(row, size))
        self._add_leads(kind, columns.vocabulary, columns.codes[of_kind][leading])
        context: npt.NDArray[np.bool_] = of_kind & (columns.distance != 0)
        return context

    def _add_leads(self, kind: str, vocabulary: list[str], codes: Ints) -> None:
        """Words that carry a target each, alone."""
        self.kinds[kind].led += len(codes)
        for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
            key = kind, vocabulary[code]
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
