"""Peak memory of a long sentence's whole analysis, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cells import Cell
from benchmarks.engines import Counts
from benchmarks.meter import matmul_rate, quartiles
from benchmarks.run import model_of, record
from benchmarks.shapes import flops
from interp.engine.budget import plan_batches
from interp.engine.options import SweepOptions
from interp.engine.size import parse_size
from interp.errors import DeviceError

ROOT = Path(__file__).resolve().parent.parent


def apart(cell: Cell, memory: str | None) -> dict[str, Any]:
    """What `python -m benchmarks.peak` tells."""
    command = [sys.executable, "-m", "benchmarks.peak", cell.model, str(cell.tokens), cell.device, cell.precision]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(ROOT)])}
    done = subprocess.run(
        [*command, *([memory] if memory else [])], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measured(benchmark: Any, cell: Cell, memory: str | None) -> int | None:
    result = benchmark.pedantic(apart, args=(cell, memory), rounds=1)
    counts = Counts(**result["counts"])
    done = (counts.evaluations + counts.backward) * flops(cell.model, cell.tokens)
    benchmark.extra_info |= record(cell, model_of(cell), counts) | {
        "peak_memory": result["peak"],
        "seconds": quartiles([result["seconds"]]),
        "matmul_share": done / result["seconds"] / matmul_rate(cell.device, cell.precision),
    }
    peak: int | None = result["peak"]
    return peak


@pytest.mark.matrix("memory")
def test_memory(benchmark: Any, cell: Cell) -> None:
    """All layers and components, default settings, above the weights."""
    measured(benchmark, cell, None)


@pytest.mark.matrix("memory-1GiB")
def test_memory_budget(benchmark: Any, cell: Cell) -> None:
    """The same with a budget, which it may never exceed."""
    cost = model_of(cell).tagger.cost(cell.tokens, cell.targets)
    try:
        list(plan_batches([cost], SweepOptions(), parse_size("1GiB"), cell.device))
    except DeviceError as refused:
        pytest.skip(str(refused))
    peak = measured(benchmark, cell, "1GiB")
    assert peak is None or peak <= parse_size("1GiB")
