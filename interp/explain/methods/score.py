"""F of one question, at any embedding-block outputs and for any words switched to the reference."""

from __future__ import annotations

import torch
from torch import Tensor

from interp.explain.prepare import PreparedQuestion
from interp.models.tagger import Tagger

__all__ = ["Scorer"]


class Scorer:
    """F of one question at any embedding-block outputs, and how many rows went through the model."""

    def __init__(self, tagger: Tagger, prepared: PreparedQuestion, rows: int) -> None:
        encoding = prepared.encoding
        (reference,) = prepared.references
        path = tagger.embedding_path(encoding, [prepared.objective], reference, layers=False)
        self.input, self.reference, self.rows = path.input, path.reference, rows
        self.tagger, self.prepared, self.evaluations = tagger, prepared, 0
        self._sums = path.sums
        self._units = torch.tensor(encoding.units, device=tagger.device)
        moved = (self.input != self.reference).any(-1)
        self.switches = torch.unique(self._units[moved])  # of what is as in the reference, nothing can be switched
        self._slot_of_unit = torch.zeros(len(encoding.first), dtype=torch.long, device=tagger.device)
        self._slot_of_unit[self.switches] = torch.arange(len(self.switches), device=tagger.device)

    @property
    def unit_count(self) -> int:
        return len(self._slot_of_unit)

    def __call__(self, states: Tensor) -> Tensor:
        """F (rows,) in float64 of states (rows, sub-tokens, hidden)."""
        self.evaluations += len(states)
        return self.tagger.scores(self.prepared.encoding, self.prepared.objective, states).double()

    def switched(self, on: Tensor) -> Tensor:
        """F (rows,) of rows of switches (rows, switches), 1 for on and 0 for off."""
        token_is_on = on.bool()[:, self._slot_of_unit[self._units], None]
        return self(torch.where(token_is_on, self.input, self.reference))

    def per_word(self, states: Tensor) -> Tensor:
        """Values (…, sub-tokens, hidden) to their sums per word (…, units), in float64."""
        return self._sums(states.detach().double().sum(-1))

    def spread(self, switches: Tensor) -> Tensor:
        """Values (…, switches) to (…, units): 0 for what no switch moves, as it moves nothing in F."""
        values = switches.detach().double()
        units = values.new_zeros(*values.shape[:-1], self.unit_count)
        return units.index_copy_(-1, self.switches, values)

    def leaf(self, count: int = 1) -> Tensor:
        """The input as a batch of `count` equal rows that gradients are taken to."""
        return self.input.detach().expand(count, -1, -1).clone().requires_grad_(True)

    def all_on(self) -> Tensor:
        return torch.ones(1, len(self.switches), device=self.input.device)
