"""The benchmarks' engines do the same work: what is timed side by side gives the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

import interp
from benchmarks import engines
from benchmarks.cells import Cell, matrix, predicted
from benchmarks.convergence import reference, runs
from benchmarks.shapes import SHAPES, groups, questions
from interp.explain import Model
from interp.explain.prepare import build_path

WORKS = ("layers", "words", "words-default", "analysis", "analysis-33", "sweep", "share", "devices", "memory")


@pytest.fixture(scope="module")
def planted() -> Model:
    return interp.load("planted", device="cpu")


@pytest.fixture(scope="module")
def chosen(planted: Model) -> engines.Groups:
    return groups(planted.tagger, questions(planted, "planted", 15, 2))


@pytest.mark.slow  # 400 of Captum's steps; tests of methods and families hold words to Captum
def test_captum_converges_to_what_ours_says(planted: Model, chosen: engines.Groups) -> None:
    both = (False, True)
    ours = engines.values(engines.ours(planted, chosen, both))
    exact = interp.load("planted", device="cpu", dtype="float64")
    for tables, right in zip(ours, (engines.reference(exact, group, both) for group in chosen), strict=True):
        assert engines.errors(tables, right) <= engines.TOLERANCE
    coarse, fine = (engines.captum(planted, chosen, steps, split=True) for steps in (100, 400))
    for near, nearer, own in zip(coarse, fine, ours, strict=True):
        assert engines.errors(nearer, own) < 0.5 * engines.errors(near, own) < 0.2


def test_a_sweep_counts_the_rows_that_it_evaluates(planted: Model, chosen: engines.Groups) -> None:
    with engines.counted(planted.tagger) as counts:
        parts = engines.sweep(planted, chosen)
    engines.bare(planted, chosen)
    assert (counts.evaluations, counts.backward) == (33 * len(chosen),) * 2
    assert len(parts) == len(engines.PANELS) * len(chosen)
    assert all(np.isfinite(part.values).all() for part in parts)


def test_every_method_of_the_convergence_study(planted: Model, chosen: engines.Groups) -> None:
    (one,), path = chosen[0], None
    found = {run.method: run for run in runs(planted, one, index=10**6) if run.method != "captum"}
    path = build_path(planted.tagger, [one], tables=False)
    right, bound = reference(path, planted.tagger.evaluate, 16)
    assert bound < 1e-4
    assert set(found) == {"one panel", "adaptive"}
    for run in found.values():
        assert engines.errors([value[0] for value in run.values], [value[0] for value in right]) < 1e-2


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("full", [False, True])
def test_the_cost_of_every_cell_is_predicted(work: str, full: bool) -> None:
    for cell in matrix(work, ["cpu"], full):
        assert isinstance(cell, Cell) and cell.tokens <= SHAPES[cell.model].longest
        assert 0 < predicted(cell, 1, lambda *_: 1e11) < 1e7
