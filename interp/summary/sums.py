"""Sums over words, from which means and their intervals by document come."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from interp.summary.columns import Floats, Ints

__all__ = ["Cluster", "Key", "Sums"]

Key = tuple[str, str]
"""Kind, and word, shape or distance."""

FIELDS = 8
"""n, documents, Σa, Σ|a|, Σa², Σs², Σsn, Σn²: s and n are a document's sum of values a and its number of them."""
N, DOCUMENTS, SUM, MASS, SQUARES, S_S, S_N, N_N = range(FIELDS)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What is known of one key: values a in documents, which are independent of each other where words are not."""

    count: int
    documents: int
    mean: float
    spread: float
    """Standard deviation of single values."""
    error: float | None
    """Standard error of the mean, by document; None for fewer than two."""
    mass: float
    """Σ|a|."""

    @classmethod
    def of(cls, sums: Floats) -> Cluster:
        n, documents = sums[N], sums[DOCUMENTS]
        mean = sums[SUM] / n
        between = max(0.0, sums[S_S] - 2 * mean * sums[S_N] + mean**2 * sums[N_N])  # Σ (s − mean · n)²
        error = float(math.sqrt(documents / (documents - 1) * between) / n) if documents > 1 else None
        spread = math.sqrt(max(0.0, sums[SQUARES] / n - mean**2))
        return cls(
            count=int(n), documents=int(documents), mean=float(mean), spread=spread, error=error, mass=float(sums[MASS])
        )


@dataclass
class Sums:
    """Sums by key; keys of little mass are dropped once there are too many.

    `most`: keys that are kept. `dropped`: the largest Σ|a| of a key that was dropped, which is what a key that is not
    there, or came back, may lack each time; 0 where none was.
    """

    most: int
    dropped: float = 0.0
    _slots: dict[Key, int] = field(default_factory=dict)
    _sums: Floats = field(default_factory=lambda: np.zeros((1024, FIELDS)))

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, keys: Sequence[Key], codes: Ints, documents: Ints, values: Floats) -> None:
        """Values whose key is `keys[code]`, in documents that no other call knows."""
        if not len(codes):
            return
        span = int(documents.max()) + 1
        pairs, inverse, counts = np.unique(codes * span + documents, return_inverse=True, return_counts=True)
        s, n = np.bincount(inverse, values), counts.astype(float)
        code = pairs // span
        size = len(keys)
        sums = np.stack(
            [
                np.bincount(code, n, size),
                np.bincount(code, minlength=size).astype(float),
                np.bincount(code, s, size),
                np.bincount(codes, np.abs(values), size),
                np.bincount(codes, values**2, size),
                np.bincount(code, s * s, size),
                np.bincount(code, s * n, size),
                np.bincount(code, n * n, size),
            ],
            axis=1,
        )
        used = np.flatnonzero(sums[:, N])
        slots = [self._slots.setdefault(keys[index], len(self._slots)) for index in used.tolist()]
        self._make_room()
        self._sums[slots] += sums[used]  # a key has one code
        if len(self._slots) > self.most:
            self._drop()

    def by_kind(self) -> dict[str, dict[str, Cluster]]:
        clusters: dict[str, dict[str, Cluster]] = defaultdict(dict)
        for (kind, name), slot in self._slots.items():
            clusters[kind][name] = Cluster.of(self._sums[slot])
        return clusters

    def _make_room(self) -> None:
        lacking = len(self._slots) - len(self._sums)
        if lacking > 0:
            more = np.zeros((max(lacking, len(self._sums)), FIELDS))
            self._sums = np.concatenate([self._sums, more])

    def _drop(self) -> None:
        """The half with the least mass."""
        masses = self._sums[: len(self._slots), MASS]
        limit = float(np.median(masses))
        self.dropped = max(self.dropped, limit)
        kept = [(key, slot) for key, slot in self._slots.items() if masses[slot] > limit]
        self._sums = np.concatenate([self._sums[[slot for _, slot in kept]], np.zeros((1024, FIELDS))])
        self._slots = {key: number for number, (key, _) in enumerate(kept)}
