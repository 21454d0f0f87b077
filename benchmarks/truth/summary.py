"""Rows of texts to one row for each model, case and method: models are what intervals are over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.truth.train import Recipe

__all__ = ["Summary", "interval", "summarise"]

MEANS = (
    *("precision", "chance", "sign", "share", "best", "worst", "target", "decoy"),
    *("position table", "at input", "at reference"),
)


@dataclass(frozen=True)
class Summary:
    """What one method says of one model."""

    rows: list[dict[str, Any]]
    """Means over the texts of each case; without what the method or the mechanism does not have."""
    layers: list[dict[str, Any]]
    """Where the evidence sits in depth, a row for each case and layer."""


def summarise(recipe: Recipe, method: str, rows: Sequence[Mapping[str, Any]]) -> Summary:
    key = {"mechanism": recipe.mechanism, "seed": recipe.seed, "blanks": recipe.blanks}
    cases = {case: list(some) for case, some in groupby(rows, key=lambda row: row["case"])}
    return Summary(
        rows=[
            {**key, "case": case, "method": method, "texts": len(some), **dict(_means(some))}
            for case, some in cases.items()
        ],
        layers=[
            {**key, "case": case, "layer": layer, "mechanism's words": words, "target": target, "rest": rest}
            for case, some in cases.items()
            if "layers" in some[0]
            for layer, (words, target, rest) in enumerate(
                np.mean([row["layers"] for row in some], axis=0).tolist(), start=1
            )
        ],
    )


def _means(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    for name in MEANS:
        values = [row[name] for row in rows if row.get(name) is not None]
        if values:
            yield name, float(np.mean(values))
    yield "unsettled", sum(not row["settled"] for row in rows)


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % by Student's t over models, clipped to nothing; None for fewer than two."""
    if len(values) < 2:
        return None
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return float(np.mean(values)) - half, float(np.mean(values)) + half
