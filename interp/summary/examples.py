"""Sentences in which a word carries most, found in a second pass: which words those are, the first one tells."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa

from interp.progress import Progress
from interp.records import Records
from interp.records.record import part_range
from interp.summary.columns import COLUMNS, Columns, explained_rows
from interp.summary.result import Example
from interp.summary.sums import Key

__all__ = ["find_examples"]

EXAMPLES = 3
"""Of each word."""


def find_examples(
    records: Records, reference: str, keys: Collection[Key], progress: Progress
) -> Mapping[Key, tuple[Example, ...]]:
    """Those with the largest |attribution|, the largest first."""
    best: dict[Key, list[tuple[float, int, Example]]] = defaultdict(list)
    words = {word for _, word in keys}
    order = 0
    for number, table in enumerate(records.tables([*COLUMNS, "sentence"])):
        explained = explained_rows(table, reference)
        columns = Columns.of(explained)
        for place in _candidates(columns, words):
            row = int(columns.row[place])
            key = columns.kinds[row], columns.vocabulary[columns.codes[place]]
            size = abs(float(columns.attributions[place]))
            order += 1
            if key not in keys or (len(best[key]) == EXAMPLES and size <= best[key][0][0]):
                continue
            entry = size, -order, _example(explained, columns, row, place)
            (heapq.heappushpop if len(best[key]) == EXAMPLES else heapq.heappush)(best[key], entry)
        progress(part_range(records.about, number).stop)
    return {key: tuple(example for *_, example in sorted(entries, reverse=True)) for key, entries in best.items()}


def _candidates(columns: Columns, words: Collection[str]) -> list[int]:
    """Places of these words beside targets, of each kind and word those with the largest |attribution|."""
    wanted = np.array([word in words for word in columns.vocabulary], dtype=bool)
    places = np.flatnonzero(wanted[columns.codes] & (columns.distance != 0))
    _, kinds = np.unique(np.array(columns.kinds, dtype=object), return_inverse=True)
    keys = kinds[columns.row[places]] * len(wanted) + columns.codes[places]
    order = np.lexsort((-np.abs(columns.attributions[places]), keys))
    places, keys = places[order], keys[order]
    rank = np.arange(len(keys)) - np.searchsorted(keys, keys)
    return [int(place) for place in places[rank < EXAMPLES]]


def _example(table: pa.Table, columns: Columns, row: int, place: int) -> Example:
    return Example(
        sentence=table["sentence"][row].as_py(),
        words=tuple(table["words"][row].as_py()),
        target=tuple(table["target"][row].as_py()),
        place=place - int(np.searchsorted(columns.row, row)),
        attribution=float(columns.attributions[place]),
    )
