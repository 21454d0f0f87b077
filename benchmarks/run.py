"""One cell measured: a warm-up that counts and checks, then both engines in turn, and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks import meter
from benchmarks.cells import STEPS, Cell
from benchmarks.engines import TOLERANCE, Counts, counted
from benchmarks.meter import quartiles, timed
from benchmarks.shapes import built, flops
from interp.explain import Model

__all__ = ["SCHEMA", "CostError", "Effort", "Other", "matched", "model_of", "record", "run"]

SCHEMA = "interp.bench/1"
MOST_PAIRS = 15
SETTLED = 200
"""Steps from which on Captum's error falls as 1 / steps."""


@dataclass(frozen=True)
class Effort:
    """At least `pairs` runs of both, more while they fit `seconds`."""

    pairs: int
    seconds: float


@dataclass(frozen=True)
class Other:
    """The work that ours is held against. `first`: seconds of a run that was just made; None asks for a warm-up."""

    work: Callable[[], object]
    first: float | None = None
    steps: int | None = None
    error: float | None = None
    device: str | None = None


def model_of(cell: Cell) -> Model:
    return built(cell.model, cell.device, meter.DTYPES[cell.precision])


def run(
    benchmark: Any,
    cell: Cell,
    effort: Effort,
    ours: Callable[[], Any],
    other: Other | Callable[[Any], Other] | None = None,
    error: Callable[[Any], float] | None = None,
    burst: Callable[[], float] | None = None,
) -> dict[str, Any]:
    """The record. `other` may depend on what ours gave. `error` of what ours gave. `burst` measures the device's rate
    of matrix products before every run, where the share of it is what matters.
    """
    model = model_of(cell)
    with counted(model.tagger) as counts:
        top, (once, result) = meter.peak(lambda: timed(ours, cell.device), cell.device)
    missed = None if error is None else error(result)
    if callable(other):
        other = other(result)
    if once < effort.seconds / 5:  # what is dear is warm enough
        once, _ = timed(ours, cell.device)
    mine, theirs, rates = _turns(benchmark, cell, effort=effort, once=once, ours=ours, other=other, burst=burst)
    return record(cell, model, counts) | {
        "against_steps": other.steps if other else None,
        "peak_memory": top,
        "error": missed,
        "against_error": other.error if other else None,
        "seconds": quartiles(mine),
        "against_seconds": quartiles(theirs) if theirs else None,
        "ratio": _ratio(cell, mine, theirs),
        "matmul_share": _share(cell, counts, mine, rates),
    }


def _turns(
    benchmark: Any,
    cell: Cell,
    effort: Effort,
    once: float,
    ours: Callable[[], Any],
    other: Other | None,
    burst: Callable[[], float] | None,
) -> tuple[list[float], list[float], list[float]]:
    """Seconds of every run of ours, of the other's before it, and the device's rate before it; `once` of one run."""
    mine: list[float] = []
    theirs: list[float] = []
    rates: list[float] = []
    ready, times = [], once
    where = (other and other.device) or cell.device
    if other is not None:
        first = other.first if other.first is not None else timed(other.work, where)[0]
        times += first
        ready = [first] if first > effort.seconds else []  # what is dear warms itself up, and counts

    def before() -> None:
        if other is not None:
            theirs.append(ready.pop() if ready else timed(other.work, where)[0])
        if burst is not None:
            rates.append(burst())

    def target() -> None:
        mine.append(timed(ours, cell.device)[0])

    rounds = int(min(MOST_PAIRS, max(effort.pairs, effort.seconds // times)))
    benchmark.pedantic(target, setup=before, rounds=rounds, iterations=1, warmup_rounds=0)
    return mine, theirs, rates


def _ratio(cell: Cell, mine: Sequence[float], theirs: Sequence[float]) -> dict[str, Any] | None:
    """Pair by pair: how many times longer the other takes; for the bare rows how many times longer ours does."""
    if not theirs:
        return None
    ratios = np.divide(theirs, mine)
    return {**quartiles(1 / ratios if cell.against == "bare" else ratios), "pairs": len(theirs)}


def _share(cell: Cell, counts: Counts, mine: Sequence[float], rates: Sequence[float]) -> float:
    """Of the device's measured rate of matrix products: what the model's own came to."""
    best = np.array(rates) if rates else meter.matmul_rate(cell.device, cell.precision)
    done = (counts.evaluations + counts.backward) * flops(cell.model, cell.tokens)
    return float(np.median(done / np.array(mine) / best))


def record(cell: Cell, model: Model, counts: Counts) -> dict[str, Any]:
    """What holds on any machine, and the places of what does not."""
    names = ("work", "model", "tokens", "sentences", "targets", "precision", "against")
    measured = ("against_steps", "peak_memory", "error", "against_error", "against_seconds", "ratio", "matmul_share")
    return {
        "schema": SCHEMA,
        **{name: getattr(cell, name) for name in names},
        "sha256": model.info.sha256,
        "device": torch.device(cell.device).type,
        "threads": torch.get_num_threads(),
        "evaluations": counts.evaluations,
        "backward": counts.backward,
        "forwards": counts.forwards,
        "rows_per_forward": counts.rows,
        "bytes_per_row": model.tagger.cost(cell.tokens, cell.targets).node,
        **dict.fromkeys(measured),
    }


def matched(
    work: Callable[[int], Any],
    error: Callable[[Any], float],
    device: str,
    limit: float,
    scale: int = 1,
) -> tuple[int, float, float]:
    """The fewest of STEPS within the tolerance: steps, error and seconds of that run; `CostError` where it is too dear.

    What misses most is a left-endpoint sum: error times steps is steady, and was only ever seen to grow with the steps
    (by some 3 % from 200 on). So steps that would miss the tolerance even at the product seen are passed over. A run of
    the cell takes `scale` times as long as `work`.
    """
    least = 0.0
    for steps in STEPS:
        if steps < least:
            continue
        seconds, result = timed(lambda steps=steps: work(steps), device)
        missed = error(result)
        if missed <= TOLERANCE:
            return steps, missed, seconds
        least = steps * missed / TOLERANCE if steps >= SETTLED and missed < 0.1 else 0.0
        following = next((count for count in STEPS if count > steps and count >= least), None)
        if following is None or (cost := seconds * following / steps * scale) > limit:
            raise CostError(limit if following is None else cost)
    raise CostError(limit)


class CostError(Exception):
    """Captum at equal error would take these seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds
