"""Intervals over documents, whose sentences are not independent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["CONFIDENCE", "interval"]

Array = npt.NDArray[np.float64]
CONFIDENCE = 0.95
FEWEST = 5
"""Documents whose resampling says anything."""
RESAMPLES, TOGETHER = 2_000, 100


def interval(
    rows: Array, statistic: Callable[[Array], Array], seed: int, bounds: tuple[float, float] = (-1.0, 1.0)
) -> tuple[float, float]:
    """Percentile bootstrap over `rows` (documents, columns): `statistic` takes sums of columns (…, columns).

    Of a handful of documents nothing can be told: the interval is all of `bounds`.
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
