"""How much fits: from a budget in bytes to sentences worked on together and rows per forward."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import psutil
import torch

from interp.engine.options import MAX_POINTS, MIN_POINTS, SweepOptions
from interp.engine.paths import Block, Samples
from interp.engine.sweep import Evaluate
from interp.errors import DeviceError, InputError

__all__ = ["MAX_TOKENS", "Cost", "default_budget", "parse_size", "plan_batches", "returning_memory"]

DEFAULT_BUDGET = 4 * 2**30
EXPECTED_NODES = 64
"""Nodes per path that are expected to be held at once: trained taggers need 25 to 100."""

USABLE_SHARE = 0.7
"""Of a budget; the rest is for what is copied to integrate a panel, and for what the first call brings along."""

MAX_TOKENS = {"cpu": 1024, "cuda": 32768}
"""Sub-tokens per forward beyond which a device gains nothing more (the CPU's caches overflow)."""


@dataclass(frozen=True)
class Cost:
    """What one sentence takes: its length in sub-tokens, bytes of one row under way, bytes kept of one evaluated
    node.
    """

    length: int
    row: int
    node: int


def returning_memory(evaluate: Evaluate) -> Evaluate:
    """The same, handing freed memory back to the system around every call.

    States that are kept lie between rows that are freed, and glibc holds on to such holes: half as much again was
    measured on BERT-base. Handing them back takes a tenth of the time or two, so it is for tight budgets.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # not glibc
        return evaluate

    def thrifty(blocks: Sequence[Block]) -> Sequence[Samples]:
        trim(0)
        found = evaluate(blocks)
        trim(0)
        return found

    return thrifty


UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def parse_size(text: str) -> int:
    """A number of bytes: 500MB, 2GiB, 1073741824. Raises InputError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]i?)?b?", text.strip().lower())
    size = int(float(match[1]) * UNITS[match[2] or ""]) if match else 0
    if size < 1:
        raise InputError(f'"{text}" is no size of memory: write 500MB or 2GiB.')
    return size


def default_budget(device: torch.device) -> int:
    """The smaller of 4 GiB and half of what is free."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return min(DEFAULT_BUDGET, free // 2)


def plan_batches(
    costs: Sequence[Cost], settings: SweepOptions, budget: int, device: str
) -> Iterator[tuple[range, SweepOptions]]:
    """Split sentences into runs that fit the budget together, each with the rows per forward that it leaves room
    for.

    Half of what is usable is for rows under way. A sentence whose nodes do not fit the other half is worked on alone,
    in small panels, and without keeping nodes. Raises DeviceError when not even that fits.
    """
    usable = int(USABLE_SHARE * budget)
    start = 0
    while start < len(costs):
        stop, held = start + 1, EXPECTED_NODES * costs[start].node
        while stop < len(costs) and held + EXPECTED_NODES * costs[stop].node <= usable // 2:
            held += EXPECTED_NODES * costs[stop].node
            stop += 1
        group = costs[start:stop]
        retain = held <= usable // 2
        points = MAX_POINTS if retain else 2 * MIN_POINTS - 1
        if not retain and points * group[0].node > usable // 2:
            points = MIN_POINTS
        held = held if retain else points * group[0].node
        largest, longest = max(cost.row for cost in group), max(cost.length for cost in group)
        rows = (usable - held) // largest
        if rows < 1:
            least = (points * group[0].node + largest) / USABLE_SHARE
            raise DeviceError(
                f"A memory budget of {budget / 2**20:.3g} MiB is too small: this text needs "
                f"{least / 2**20 + 0.1:.1f} MiB (`memory`), or shorten it."
            )
        rows = min(rows, max(1, MAX_TOKENS[device] // longest))
        yield range(start, stop), replace(settings, rows=int(rows), retain=retain, max_points=points)
        start = stop
