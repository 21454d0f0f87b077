"""Intervals over documents, whose sentences are not independent; over sentences where documents are too few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["CONFIDENCE", "FEWEST", "Unit", "UnitSums", "interval", "part_interval", "unit_of"]

Array = npt.NDArray[np.float64]
Unit = Literal["documents", "sentences"]
CONFIDENCE = 0.95
FEWEST = 5
"""Units whose resampling says anything."""
RESAMPLES, TOGETHER = 2_000, 100


def unit_of(documents: int) -> Unit:
    """What is resampled where there are so many documents."""
    return "documents" if documents >= FEWEST else "sentences"


class UnitSums:
    """Columns summed by document, and by sentence too for as long as documents are few."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._by_document: dict[str, Array] = defaultdict(self._zeros)
        self._by_sentence: dict[str, Array] = defaultdict(self._zeros)

    def _zeros(self) -> Array:
        return np.zeros(self._columns)

    def add(self, document: str, sentence: str, values: Sequence[float]) -> None:
        self._by_document[document] += values
        if unit_of(self.documents) == "sentences":
            self._by_sentence[sentence] += values
        else:
            self._by_sentence.clear()

    @property
    def documents(self) -> int:
        return len(self._by_document)

    @property
    def total(self) -> Array:
        return np.asarray(sum(self._by_document.values(), start=self._zeros()))

    def rows(self, unit: Unit) -> Array:
        """(units, columns); "sentences" only where `unit_of` said so of these or of more documents."""
        return np.array(list((self._by_document if unit == "documents" else self._by_sentence).values()))


def interval(
    rows: Array, statistic: Callable[[Array], Array], seed: int, bounds: tuple[float, float] = (-1.0, 1.0)
) -> tuple[float, float]:
    """Percentile bootstrap over `rows` (units, columns): `statistic` takes sums of columns (…, columns).

    Of a handful of units nothing can be told: the interval is all of `bounds`.
    """
    if len(rows) < FEWEST:
        return bounds

    def resampled(chosen: npt.NDArray[np.intp], axis: int) -> Array:
        return statistic(rows[chosen].sum(axis - 1))

    done = stats.bootstrap(
        (np.arange(len(rows)),),
        resampled,
        n_resamples=RESAMPLES,
        batch=TOGETHER,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(done.confidence_interval.low), float(done.confidence_interval.high)


def part_interval(rows: Array, *, part: int, whole: int, seed: int) -> tuple[float, float]:
    """Of Σ column `part` / Σ column `whole`, a count of some of the others: never narrower than Clopper and Pearson's
    exact one, as resampling takes what it never saw for impossible.
    """
    total = rows.sum(0) if len(rows) else np.zeros(max(part, whole) + 1)
    if not total[whole]:
        return 0.0, 1.0

    def rate(sums: Array) -> Array:
        return np.asarray(sums[..., part] / np.maximum(sums[..., whole], 1))

    low, high = interval(rows, rate, seed, bounds=(0.0, 1.0))
    exact = stats.binomtest(int(total[part]), int(total[whole])).proportion_ci(CONFIDENCE, method="exact")
    return min(low, float(exact.low)), max(high, float(exact.high))
