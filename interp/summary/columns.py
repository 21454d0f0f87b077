"""The rows of a part as flat arrays: one entry for each word of each explained target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["COLUMNS", "Columns", "Ints"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

COLUMNS = ("document", "words", "target", "kind", "reference", "attributions", "layers")


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """Targets are numbered from 0; words are those of all targets' sentences, behind one another."""

    kinds: list[str]
    """Of each target."""
    documents: Ints
    """Of each target, by a number of this part's."""
    row: Ints
    """Of each word: the target that its value speaks of."""
    words: pa.DictionaryArray
    attributions: Floats
    distance: Ints
    """Of each word from the target: −1 right before it, 1 right behind it, 0 in it."""
    codes: Ints
    """Of each word: its place in the dictionary of `words`."""
    layers: Floats
    """(layers, words) of conductance; no layers where none were recorded."""

    @classmethod
    def of(cls, table: pa.Table, reference: str) -> Columns:
        """The explained rows under one reference. Raises ValueError where lists do not fit together."""
        explained = pc.and_(pc.is_valid(table["target"]), pc.equal(table["reference"], reference))
        chosen = table.filter(pc.fill_null(explained, False)).combine_chunks()
        words, attributions, target = (_list(chosen, name) for name in ("words", "attributions", "target"))
        counts, starts = _lengths(words), _starts(words)
        if not np.array_equal(counts, _lengths(attributions)):
            raise ValueError("a row does not have one attribution for each word")
        row = np.repeat(np.arange(len(chosen)), counts)
        place = np.arange(len(row)) - np.repeat(starts, counts)
        first, last = _first_and_last(target)
        distance = np.where(place < first[row], place - first[row], np.maximum(place - last[row], 0))
        encoded = pc.dictionary_encode(words.flatten())
        return cls(
            kinds=chosen["kind"].to_pylist(),
            documents=_numbers(chosen["document"]),
            row=row,
            words=encoded,
            codes=np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64),
            attributions=_floats(attributions.flatten()),
            distance=distance,
            layers=_layers(_list(chosen, "layers"), counts),
        )


def _list(table: pa.Table, name: str) -> pa.ListArray:
    column = table[name]
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _lengths(lists: pa.ListArray) -> Ints:
    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _starts(lists: pa.ListArray) -> Ints:
    """Where each list begins in the flattened ones."""
    lengths = _lengths(lists)
    return np.cumsum(lengths) - lengths


def _first_and_last(target: pa.ListArray) -> tuple[Ints, Ints]:
    places = np.asarray(target.flatten().to_numpy(zero_copy_only=False), dtype=np.int64)
    starts, lengths = _starts(target), _lengths(target)
    if not lengths.all():
        raise ValueError("a target has no word")
    return places[starts], places[starts + lengths - 1]


def _numbers(column: pa.ChunkedArray) -> Ints:
    encoded: Any = pc.dictionary_encode(column).combine_chunks()
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def _floats(values: pa.Array) -> Floats:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _layers(layers: pa.ListArray, counts: Ints) -> Floats:
    """Every row's layers lie behind one another, each with one value a word."""
    depths = np.unique(_lengths(layers)) if len(layers) else np.zeros(1, dtype=np.int64)
    if len(depths) != 1 or not depths[0]:
        return np.empty((0, int(counts.sum())))
    depth = int(depths[0])
    inner = layers.flatten()
    values = _floats(inner.flatten())
    starts = _starts(inner).reshape(-1, depth)
    if not np.array_equal(_lengths(inner).reshape(-1, depth), np.repeat(counts[:, None], depth, axis=1)):
        raise ValueError("a layer does not have one value for each word")
    place = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([values[np.repeat(starts[:, layer], counts) + place] for layer in range(depth)])
