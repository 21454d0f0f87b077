"""The rows of a part as flat arrays: one entry for each word of each explained target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["COLUMNS", "Columns", "Floats", "Ints", "explained_rows"]

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
    vocabulary: list[str]
    """The different words."""
    codes: Ints
    """Of each word: its place in the vocabulary."""
    attributions: Floats
    distance: Ints
    """Of each word from the target: −1 right before it, 1 right behind it, 0 in it."""
    layers: Floats
    """(layers, words) of conductance; no layers where none were recorded."""

    @classmethod
    def of(cls, explained: pa.Table) -> Columns:
        """Of explained rows. Raises ValueError where lists do not fit together."""
        chosen = explained.combine_chunks()
        words, attributions, target = (_array(chosen, name) for name in ("words", "attributions", "target"))
        counts, starts = _lengths(words), _starts(words)
        if not np.array_equal(counts, _lengths(attributions)):
            raise ValueError("a row does not have one attribution for each word")
        row = np.repeat(np.arange(len(chosen)), counts)
        place = np.arange(len(row)) - np.repeat(starts, counts)
        first, last = _first_and_last(target)
        distance = np.where(place < first[row], place - first[row], np.maximum(place - last[row], 0))
        codes, vocabulary = _encode(words.flatten())
        return cls(
            kinds=chosen["kind"].to_pylist(),
            documents=_encode(_array(chosen, "document"))[0],
            row=row,
            vocabulary=vocabulary,
            codes=codes,
            attributions=_floats(attributions.flatten()),
            distance=distance,
            layers=_layers(_array(chosen, "layers"), counts),
        )


def explained_rows(table: pa.Table, reference: str) -> pa.Table:
    """Those that explain a target under this reference."""
    explained = pc.and_(pc.is_valid(table["target"]), pc.equal(table["reference"], reference))
    return table.filter(pc.fill_null(explained, False))


def _array(table: pa.Table, name: str) -> pa.Array:
    return table[name].combine_chunks()


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


def _encode(values: pa.Array) -> tuple[Ints, list[str]]:
    """Of each value its place among the different ones, and those."""
    encoded = pc.dictionary_encode(values)
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64), encoded.dictionary.to_pylist()


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
