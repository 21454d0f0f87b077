"""How much fits: from a budget in bytes to sentences worked on together and rows per forward."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import cast

import psutil
import torch

from interp.engine.options import MAX_POINTS, MIN_POINTS, SweepOptions
from interp.engine.paths import Block, Samples
from interp.engine.sweep import Evaluate
from interp.errors import DeviceError

__all__ = [
    "MAX_TOKENS",
    "Cost",
    "SentenceBatch",
    "are_nodes_kept",
    "default_budget",
    "plan_batches",
    "return_memory",
    "returning_memory",
    "rows_within",
]

DEFAULT_BUDGET = 4 * 2**30
EXPECTED_NODES = 64
"""Nodes per path that are expected to be held at once: trained taggers need 25 to 100."""

USABLE_SHARE = 0.7
"""Of a budget; the rest is for what is copied to integrate a panel, and for what the first call brings along."""

MAX_TOKENS = {"cpu": 1024, "cuda": 32768}
"""Sub-tokens per forward beyond which a device gains nothing more (the CPU's caches overflow)."""

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Cost:
    """What one sentence takes: its length in sub-tokens, bytes of one row under way, bytes kept of one evaluated
    node.
    """

    length: int
    row: int
    node: int

    @property
    def doubled(self) -> Cost:
        """Of the same sentence in a float type of twice the width."""
        return Cost(self.length, 2 * self.row, 2 * self.node)


@dataclass(frozen=True)
class SentenceBatch:
    """Sentences, by their numbers, that are worked on together, and how."""

    sentences: range
    options: SweepOptions


def return_memory() -> None:
    """Hand memory that is freed but still held by the C library back to the system.

    Blocks of every size come and go, some stay between them, and glibc holds on to the holes: they pile up with the
    sentences, and no count of live objects shows them. It takes milliseconds. Elsewhere than on glibc nothing happens.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], object] | None:
    try:
        return cast(Callable[[int], object], ctypes.CDLL(None).malloc_trim)
    except (OSError, AttributeError):  # not glibc
        return None


def returning_memory(evaluate: Evaluate) -> Evaluate:
    """The same, handing freed memory back to the system around every call.

    States that are kept lie between rows that are freed: holes of half as much again were measured on BERT-base.
    Handing them back every time takes a tenth of the time or two, so it is for tight budgets.
    """

    def evaluate_and_return(blocks: Sequence[Block]) -> Sequence[Samples]:
        return_memory()
        samples = evaluate(blocks)
        return_memory()
        return samples

    return evaluate_and_return


def default_budget(device: torch.device) -> int:
    """The smaller of 4 GiB and half of what is free."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return min(DEFAULT_BUDGET, free // 2)


def plan_batches(costs: Sequence[Cost], options: SweepOptions, budget: int, device: str) -> Iterator[SentenceBatch]:
    """Split sentences into batches that fit the budget together, each with the rows per forward that it leaves room
    for.

    Half of what is usable is for rows under way. A sentence whose nodes do not fit the other half is worked on alone,
    in small panels, and without keeping nodes. Raises DeviceError when not even that fits.
    """
    usable = _usable(budget)
    for sentences in _fitting_together(costs, usable // 2):
        batch_costs = [costs[number] for number in sentences]
        expected = sum(EXPECTED_NODES * cost.node for cost in batch_costs)
        retain = expected <= usable // 2
        points = MAX_POINTS if retain else _points_within(batch_costs[0], usable // 2)
        kept = expected if retain else points * batch_costs[0].node
        row = max(cost.row for cost in batch_costs)
        if usable - kept < row:
            raise _too_small(budget, points * batch_costs[0].node + row)
        rows = min((usable - kept) // row, _rows_at_once(max(cost.length for cost in batch_costs), device))
        yield SentenceBatch(sentences, replace(options, rows=int(rows), retain=retain, max_points=points))


def are_nodes_kept(cost: Cost, budget: int) -> bool:
    """Whether a sentence is worked on with all its nodes kept, and not in small panels that are evaluated anew."""
    return EXPECTED_NODES * cost.node <= _usable(budget) // 2


def _usable(budget: int) -> int:
    """Bytes of a budget that may be planned with."""
    return int(USABLE_SHARE * budget)


def _fitting_together(costs: Sequence[Cost], room: int) -> Iterator[range]:
    """Consecutive sentences whose nodes are expected to fit; one at least."""
    start = 0
    while start < len(costs):
        stop, expected = start + 1, EXPECTED_NODES * costs[start].node
        while stop < len(costs) and expected + EXPECTED_NODES * costs[stop].node <= room:
            expected += EXPECTED_NODES * costs[stop].node
            stop += 1
        yield range(start, stop)
        start = stop


def _points_within(cost: Cost, room: int) -> int:
    """Of a panel, where no more than its own nodes can be held: two halves of the smallest, or that itself."""
    doubled = 2 * MIN_POINTS - 1
    return doubled if doubled * cost.node <= room else MIN_POINTS


def rows_within(budget: int, length: int, row: int, *, device: str, least: int = 1) -> int:
    """Rows per forward of `length` sub-tokens and `row` bytes each that fit a budget, where nothing else is held.

    Raises DeviceError when not even `least` do.
    """
    rows = _usable(budget) // row
    if rows < least:
        raise _too_small(budget, least * row)
    return max(least, min(rows, MAX_TOKENS[device] // length))


def _rows_at_once(length: int, device: str) -> int:
    return max(1, MAX_TOKENS[device] // length)


def _too_small(budget: int, needed: int) -> DeviceError:
    """`needed`: usable bytes."""
    return DeviceError(
        f"A memory budget of {budget / MEBIBYTE:.3g} MiB is too small: this text needs "
        f"{needed / USABLE_SHARE / MEBIBYTE + 0.1:.1f} MiB (`memory`), or shorten it."
    )
