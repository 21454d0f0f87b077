"""How cost grows with sentences and with targets of one sentence: the whole analysis, as a user asks for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.cells import Cell
from benchmarks.run import model_of
from benchmarks.shapes import questions


def whole(cell: Cell, measure: Callable[..., None]) -> None:
    model = model_of(cell)
    cases = questions(model, cell.model, cell.tokens, cell.sentences, cell.targets)
    measure(lambda: list(model.explain_many(cases)))


@pytest.mark.matrix("sentences")
def test_sentences(cell: Cell, measure: Callable[..., None]) -> None:
    whole(cell, measure)


@pytest.mark.matrix("targets")
def test_targets(cell: Cell, measure: Callable[..., None]) -> None:
    whole(cell, measure)
