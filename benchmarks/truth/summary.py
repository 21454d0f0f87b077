"""Rows of texts to one row for each model, case and method: models are what intervals are over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.truth.mechanisms import MECHANISMS, Mechanism, Text
from benchmarks.truth.score import layer_shares, position_share, score_row
from benchmarks.truth.train import Recipe

__all__ = ["PLACES", "Summary", "interval", "summarise"]

PLACES = ("mechanism's words", "target", "rest")
"""Where the evidence of a layer may sit."""


@dataclass(frozen=True)
class Summary:
    """What one method says of one model."""

    rows: list[dict[str, Any]]
    """Means over the texts of each case; without what the method or the mechanism does not have."""
    layers: list[dict[str, Any]]
    """Where the evidence sits in depth, a row for each case and layer; layer 0 is the words themselves."""


def summarise(recipe: Recipe, method: str, rows: Sequence[Mapping[str, Any]]) -> Summary:
    mechanism = MECHANISMS[recipe.mechanism]
    summary = Summary([], [])
    for case, group in groupby(rows, key=lambda row: row["case"]):
        some = list(group)
        key = {"mechanism": recipe.mechanism, "seed": recipe.seed, "blanks": recipe.blanks, "case": case}
        means = _means([_numbers(mechanism, row) for row in some])
        unsettled = sum(not row["settled"] for row in some)
        summary.rows.append({**key, "method": method, "texts": len(some), **means, "unsettled": unsettled})
        if "layers" in some[0]:
            shares = np.mean([_depth(mechanism, row) for row in some], axis=0)
            summary.layers.extend(
                {**key, "layer": layer, **dict(zip(PLACES, values, strict=True))}
                for layer, values in enumerate(shares.tolist())
            )
    return summary


def _numbers(mechanism: Mechanism, row: Mapping[str, Any]) -> dict[str, float | None]:
    """All that is averaged of a text."""
    ends = {name: row[name] for name in ("at input", "at reference")}
    tables = {"position table": position_share(row["tables"])} if "tables" in row else {}
    return {**asdict(score_row(mechanism, row)), **ends, **tables}


def _depth(mechanism: Mechanism, row: Mapping[str, Any]) -> list[list[float]]:
    evidence = list(mechanism.evidence(Text(tuple(row["words"]), row["target"])))
    return layer_shares([row["values"], *row["layers"]], evidence, row["target"])


def _means(rows: Sequence[Mapping[str, float | None]]) -> dict[str, float]:
    """Of what there is; a number is there for all texts of a case, or for none."""
    return {name: float(np.mean([row[name] for row in rows])) for name, first in rows[0].items() if first is not None}


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % by Student's t over models; None for fewer than two."""
    if len(values) < 2:
        return None
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return float(np.mean(values)) - half, float(np.mean(values)) + half
