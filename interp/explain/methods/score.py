"""F of one question, at any embedding-block outputs and for any words switched to the reference."""

from __future__ import annotations

import torch
from torch import Tensor

from interp.engine.budget import MAX_TOKENS, USABLE_SHARE, default_budget
from interp.errors import DeviceError
from interp.explain.prepare import PreparedQuestion
from interp.models.tagger import Tagger

__all__ = ["Scorer", "rows_within"]


class Scorer:
    """F of one question at any embedding-block outputs, and how many rows went through the model."""

    def __init__(self, tagger: Tagger, one: PreparedQuestion, rows: int) -> None:
        path = tagger.embedding_path(one.encoding, [one.objective], one.case.reference, layers=False)
        self.input, self.reference, self.sums, self.rows = path.input, path.reference, path.sums, rows
        self.tagger, self.one, self.evaluations = tagger, one, 0
        self.units = torch.tensor(one.encoding.units, device=tagger.device)
        moved = (self.input != self.reference).any(-1)
        self.switches = torch.unique(self.units[moved])  # of what is as in the reference, nothing can be switched
        self._slots = torch.zeros(len(one.encoding.first), dtype=torch.long, device=tagger.device)
        self._slots[self.switches] = torch.arange(len(self.switches), device=tagger.device)

    def __call__(self, states: Tensor) -> Tensor:
        """F (rows,) in float64 of states (rows, sub-tokens, hidden)."""
        self.evaluations += len(states)
        return self.tagger.scores(self.one.encoding, self.one.objective, states).double()

    def switched(self, on: Tensor) -> Tensor:
        """F (rows,) of rows of switches (rows, switches), 1 for on and 0 for off."""
        return self(torch.where(on.bool()[:, self._slots[self.units], None], self.input, self.reference))

    def per_word(self, states: Tensor) -> Tensor:
        """Values (…, sub-tokens, hidden) to their sums per word (…, units), in float64."""
        return self.sums(states.detach().double().sum(-1))

    def spread(self, switches: Tensor) -> Tensor:
        """Values (…, switches) to (…, units): 0 for what no switch moves, as it moves nothing in F."""
        values = switches.detach().double()
        return values.new_zeros(*values.shape[:-1], len(self._slots)).index_copy_(-1, self.switches, values)

    def leaf(self, count: int = 1) -> Tensor:
        """The input as a batch of `count` equal rows that gradients are taken to."""
        return self.input.detach().expand(count, -1, -1).clone().requires_grad_(True)

    def all_on(self) -> Tensor:
        return torch.ones(1, len(self.switches), device=self.input.device)


def rows_within(tagger: Tagger, length: int, budget: int | None, least: int) -> int:
    """Rows per forward that fit the budget. Raises DeviceError when not even `least` do."""
    device = tagger.device
    budget = budget or default_budget(device)
    row = tagger.cost(length, 1, layers=False).row
    rows = int(USABLE_SHARE * budget) // row
    if rows < least:
        raise DeviceError(
            f"A memory budget of {budget / 2**20:.3g} MiB is too small: this text needs "
            f"{least * row / USABLE_SHARE / 2**20 + 0.1:.1f} MiB (`memory`), or shorten it."
        )
    return max(least, min(rows, MAX_TOKENS[device.type] // length))
