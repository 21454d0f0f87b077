"""The numbers of explanations as numpy arrays and pandas tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, get_args

import numpy as np
import numpy.typing as npt

from interp.errors import InputError
from interp.explanation.explanation import ArrayName, Explanation, TableName
from interp.explanation.parts import Values

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["array_of", "joint_table", "table_of"]

Row = dict[str, object]


def array_of(explanation: Explanation, name: ArrayName) -> npt.NDArray[np.float64]:
    """One array of an explanation. Raises InputError for an unknown one, and where the explanation lacks it."""
    if name not in get_args(ArrayName):
        raise InputError(f'There is no array "{name}": choose one of {", ".join(get_args(ArrayName))}.')
    return np.array(_values(explanation, name), dtype=np.float64)


def table_of(explanation: Explanation, name: TableName) -> DataFrame:
    """One row per word. Raises InputError for an unknown table, and where the explanation lacks it."""
    from pandas import DataFrame

    return DataFrame(_rows(explanation, name))


def joint_table(explanations: Iterable[Explanation], name: TableName) -> DataFrame:
    """The tables of several explanations under one another, with columns that tell them apart."""
    from pandas import DataFrame

    rows: list[Row] = []
    for number, explanation in enumerate(explanations):
        target = explanation.target
        question = {
            "explanation": number,
            "target": target.text,
            "tags": " ".join(target.tags),
            "reference": explanation.reference.kind,
            "method": explanation.method_name,
        }
        rows += [question | row for row in _rows(explanation, name)]
    return DataFrame(rows)


def _rows(explanation: Explanation, name: TableName) -> list[Row]:
    if name not in get_args(TableName):
        raise InputError(f'There is no table "{name}": choose one of {", ".join(get_args(TableName))}.')
    rows: list[Row] = [{"index": word.index, "word": word.text, "special": word.special} for word in explanation.words]
    columns = _word_columns(explanation) if name == "words" else _layer_columns(explanation)
    for column, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[column] = value
    return rows


def _word_columns(explanation: Explanation) -> dict[str, Sequence[object]]:
    columns: dict[str, Sequence[object]] = {
        "tag": [word.tag for word in explanation.words],
        "probability": [word.probability for word in explanation.words],
        "attribution": explanation.attributions,
    }
    if explanation.errors is not None:
        columns["error"] = explanation.errors
    tables = {} if explanation.components is None else explanation.components.present
    return columns | {f"{table}_table": values for table, values in tables.items()}


def _layer_columns(explanation: Explanation) -> dict[str, Sequence[object]]:
    _values(explanation, "layers")  # refuses an explanation without
    return {f"layer {number}": layer for number, layer in enumerate(explanation.layers, start=1)}


def _values(explanation: Explanation, name: ArrayName) -> Sequence[float | Values]:
    """The numbers of an array, by row. Raises InputError where the explanation lacks them."""
    components, zoom = explanation.components, explanation.zoom
    parts: dict[ArrayName, Sequence[float | Values] | None] = {
        "words": explanation.attributions,
        "components": None if components is None else list(components.present.values()),
        "layers": explanation.layers or None,
        "zoom": None if zoom is None else zoom.rows,
    }
    values = parts[name]
    if values is None:
        reason = explanation.absent.get(name, "`zoom` names no word" if name == "zoom" else "none were saved")
        raise InputError(f"This explanation has no {name}: {reason}.")
    return values
