"""How near the attributions of a text are to its answer. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.truth.mechanisms import Mechanism, Text

__all__ = ["Score", "layer_shares", "position_share", "score", "score_row"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well the attributions of one text show its mechanism, whose k words are known."""

    precision: float
    """Part of the k words with the largest |attribution| that are the mechanism's; ties count against it."""
    chance: float
    """What a random order of the words would have in the mean."""
    sign: float | None
    """Part of the mechanism's words whose attribution has the sign that it should; None for magnitudes."""
    share: float
    """Part of Σ|attribution| over the ranked words that is on the mechanism's."""
    logits: float | None
    """Σ|attribution| on the mechanism's words; None for magnitudes. What ranks first may still be next to nothing."""
    best: int
    """Rank of the mechanism's first word, by |attribution|; 1 is the top."""
    worst: int
    """Rank of its last word."""
    balance: float | None
    """The smaller |attribution| of the mechanism's words over the larger: 1 where the rule's Shapley values agree in
    size, as they do in every rule of two words here; None for one word.
    """
    target: float
    """Part of Σ|attribution| over all words that is on the target."""
    special: float
    """Part of Σ|attribution| that is on [CLS] and [SEP]."""
    decoy: float | None
    """Part of Σ|attribution| over the ranked words that is on the decoy; None where there is none."""


def score(
    values: Sequence[float],
    *,
    evidence: Mapping[int, int],
    ranked: Sequence[int],
    target: int,
    decoy: int | None = None,
    signed: bool = True,
) -> Score:
    """The attributions of one text against its answer.

    `values`: one for each word, between those of [CLS] and [SEP]. `evidence`: the mechanism's words by index (0 is the
    first word), with their signs. `ranked`: indices of the words that compete. `target`, `decoy`: their indices.
    `signed`: False for magnitudes.
    """
    units = np.abs(np.asarray(values, dtype=float))
    sizes = units[1:-1]
    order = sorted(ranked, key=lambda index: (-sizes[index], index in evidence))
    ranks = [place for place, index in enumerate(order, start=1) if index in evidence]
    mass, words, k = float(sizes[list(ranked)].sum()), float(sizes.sum()), len(evidence)
    own = sizes[list(evidence)]
    right = [values[index + 1] * sign > 0 for index, sign in evidence.items()]
    return Score(
        precision=sum(rank <= k for rank in ranks) / k,
        chance=k / len(order),
        sign=float(np.mean(right)) if signed else None,
        share=_part(own.sum(), mass),
        logits=float(own.sum()) if signed else None,
        best=ranks[0],
        worst=ranks[-1],
        balance=_part(own.min(), own.max()) if k > 1 else None,
        target=_part(sizes[target], words),
        special=_part(units[0] + units[-1], float(units.sum())),
        decoy=None if decoy is None else _part(sizes[decoy], mass),
    )


def score_row(mechanism: Mechanism, row: Mapping[str, Any]) -> Score:
    """Of a row that `measure` gave."""
    text = Text(tuple(row["words"]), row["target"])
    return score(
        row["values"],
        evidence=mechanism.evidence(text),
        ranked=mechanism.ranked(text),
        target=text.target,
        decoy=text.words.index(mechanism.decoy) if mechanism.decoy in text.words else None,
        signed=row["signed"],
    )


def layer_shares(layers: Sequence[Sequence[float]], evidence: Sequence[int], target: int) -> list[list[float]]:
    """Parts of Σ|value| on the mechanism's words, on the target, and on all else, in each layer; special tokens are of
    the rest. A target that is the mechanism's own word counts as that.
    """
    rows = []
    for layer in layers:
        sizes = np.abs(np.asarray(layer, dtype=float))
        of_evidence = _part(sizes[[index + 1 for index in evidence]].sum(), float(sizes.sum()))
        of_target = 0.0 if target in evidence else _part(sizes[target + 1], float(sizes.sum()))
        rows.append([of_evidence, of_target, 1 - of_evidence - of_target])
    return rows


def position_share(tables: Mapping[str, Sequence[float]]) -> float:
    """Part of Σ|value| over words and embedding tables that is of the position table."""
    sizes = {name: float(np.abs(values).sum()) for name, values in tables.items()}
    return _part(sizes["position"], sum(sizes.values()))


def _part(some: float, whole: float) -> float:
    return float(some) / whole if whole > 0 else 0.0
