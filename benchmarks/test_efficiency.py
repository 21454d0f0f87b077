"""How much of the device is used: over bare rows, of its rate of matrix products, and one device against another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch

from benchmarks import engines
from benchmarks.cells import Cell
from benchmarks.engines import Groups
from benchmarks.meter import SIZES, arithmetic, burst
from benchmarks.run import Other, model_of
from benchmarks.shapes import built, groups, questions


def prepared(cell: Cell, device: str) -> Groups:
    model = model_of(cell) if device == cell.device else built(cell.model, device, "float32")
    return groups(model.tagger, questions(model, cell.model, cell.tokens, cell.sentences, cell.targets))


@pytest.mark.matrix("sweep")
def test_sweep(cell: Cell, measure: Callable[..., None]) -> None:
    """33 evaluations with all that is taken from them, over the same rows forward and backward alone."""
    model, chosen = model_of(cell), prepared(cell, cell.device)
    measure(partial(engines.sweep, model, chosen), Other(partial(engines.bare, model, chosen)))


@pytest.mark.matrix("share")
def test_share(cell: Cell, measure: Callable[..., None]) -> None:
    """All layers' conductance of a batch; the device's rate is measured before every run."""
    kind = torch.device(cell.device).type
    products = burst(cell.device, cell.precision, SIZES[kind][-1], 10 if kind == "cpu" else 50)
    measure(partial(engines.ours, model_of(cell), prepared(cell, cell.device)), burst=products)


@pytest.mark.matrix("devices")
def test_devices(cell: Cell, measure: Callable[..., None]) -> None:
    """The same work on the CPU, in float32."""
    here, there = prepared(cell, cell.device), prepared(cell, "cpu")

    def on_cpu() -> None:
        with arithmetic("float32"):
            engines.ours(built(cell.model, "cpu", "float32"), there)

    measure(partial(engines.ours, model_of(cell), here), Other(on_cpu, device="cpu"))
