"""Entities counted against the right ones, and strict span F1 of the counts."""

from __future__ import annotations

from collections.abc import Set

import numpy as np
import numpy.typing as npt

from interp.question.tags import Entity

__all__ = ["count_confusions", "f1"]

Array = npt.NDArray[np.float64]


def count_confusions(right: Set[Entity], predicted: Set[Entity]) -> tuple[int, int, int]:
    """True positives, false positives, misses."""
    return len(right & predicted), len(predicted - right), len(right - predicted)


def f1(sums: Array) -> Array:
    """F1 of columns tp, fp, fn; 0 where there is nothing."""
    tp, fp, fn = sums[..., 0], sums[..., 1], sums[..., 2]
    return np.asarray(2 * tp / np.maximum(2 * tp + fp + fn, 1))
