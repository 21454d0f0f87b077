"""What a user would run instead: Captum for all layers and for the article's whole analysis, transformers-interpret
for words.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from benchmarks import engines
from benchmarks.cells import Cell
from benchmarks.engines import Groups
from benchmarks.run import CostError, Other, matched, model_of
from benchmarks.shapes import SHAPES, built, groups, questions, sentence

DEFAULT_STEPS = 50  # of Captum and of transformers-interpret
ACCURATE = 2e-2
"""Relative word error beyond which bfloat16 is no choice."""


def prepared(cell: Cell) -> Groups:
    model = model_of(cell)
    return groups(model.tagger, questions(model, cell.model, cell.tokens, cell.sentences, cell.targets))


@cache
def truth(name: str, tokens: int, device: str, tables: tuple[bool, ...]) -> list[np.ndarray]:
    """Of the first sentence of a cell, in float64; its tags are those that float32 predicts."""
    model, exact = built(name, device, "float32"), built(name, device, "float64")
    (group,) = groups(model.tagger, questions(model, name, tokens, 1))
    return engines.reference(exact, group, tables)


def captum(cell: Cell, tables: tuple[bool, ...], chosen: Groups, limit: Any) -> Other:
    """At its default steps, or at the fewest that reach the tolerance on the first sentence."""
    model = model_of(cell)
    work = partial(engines.captum, model, split=True in tables)
    if not SHAPES[cell.model].trained:
        return Other(partial(work, chosen, DEFAULT_STEPS), steps=DEFAULT_STEPS)

    def error(values: Any) -> float:
        return engines.errors(values[0], truth(cell.model, cell.tokens, cell.device, tables))

    if cell.against != "captum-matched":
        missed = error(work(chosen[:1], DEFAULT_STEPS))
        return Other(partial(work, chosen, DEFAULT_STEPS), steps=DEFAULT_STEPS, error=missed)
    try:
        steps, missed, first = matched(partial(work, chosen[:1]), error, cell.device, limit.seconds, cell.sentences)
    except CostError as found:
        limit(found.seconds)
        raise
    return Other(partial(work, chosen, steps), first if len(chosen) == 1 else None, steps, missed)


def compared(cell: Cell, measure: Callable[..., None], limit: Any, tables: tuple[bool, ...]) -> None:
    chosen, model = prepared(cell), model_of(cell)

    def error(values: Any) -> float:
        missed = engines.errors(engines.values(values)[0], truth(cell.model, cell.tokens, cell.device, tables))
        if cell.precision == "bfloat16" and missed > ACCURATE:
            pytest.skip(f"bfloat16 misses by {missed:.0e}")
        return missed

    measure(
        partial(engines.ours, model, chosen, tables),
        lambda _: captum(cell, tables, chosen, limit),
        error if SHAPES[cell.model].trained else None,
    )


@pytest.mark.matrix("layers")
def test_layers(cell: Cell, measure: Callable[..., None], limit: Any) -> None:
    """All layers' conductance, words with it."""
    compared(cell, measure, limit, (False,))


@pytest.mark.matrix("analysis")
def test_analysis(cell: Cell, measure: Callable[..., None], limit: Any) -> None:
    """The article's whole analysis: words, components, all layers."""
    compared(cell, measure, limit, (False, True))


@pytest.mark.matrix("analysis-33")
def test_analysis_33(cell: Cell, measure: Callable[..., None], limit: Any) -> None:
    """The same at 33 evaluations a path, without judging, where weights are random."""
    chosen, tables = prepared(cell), (False, True)
    measure(partial(engines.sweep, model_of(cell), chosen, tables), captum(cell, tables, chosen, limit))


def against_explainer(cell: Cell, measure: Callable[..., None], every: bool) -> None:
    model = model_of(cell)
    try:
        theirs = engines.explainer(model, every)
    except ImportError as error:
        pytest.skip(f"transformers-interpret is not there ({error}): pip install --no-deps transformers-interpret")
    text = sentence(model.tagger, cell.model, cell.tokens, 0)
    measure(partial(engines.words, model, text), Other(partial(theirs, text), steps=DEFAULT_STEPS))


@pytest.mark.matrix("words")
def test_words(cell: Cell, measure: Callable[..., None]) -> None:
    """The words view of every entity in a sentence; the other is told to explain no word that is not of one."""
    against_explainer(cell, measure, every=False)


@pytest.mark.matrix("words-default")
def test_words_default(cell: Cell, measure: Callable[..., None]) -> None:
    """The same, the other as it is called without options: it explains every sub-token."""
    against_explainer(cell, measure, every=True)
