"""F: what is explained, as a function of a model's logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from interp.question import Output

__all__ = ["Objective"]


@dataclass(frozen=True)
class Objective:
    """The sum over sub-tokens at `positions` of the output for `tags`, minus that for `against`."""

    positions: tuple[int, ...]
    tags: tuple[int, ...]
    against: tuple[int, ...] | None
    output: Output

    def __call__(self, logits: Tensor) -> Tensor:
        """Values (rows,) from logits (rows, sub-tokens, labels)."""
        scores = _OUTPUTS[self.output](logits[:, list(self.positions)])
        words = range(len(self.positions))
        value = scores[:, words, list(self.tags)].sum(-1)
        return value if self.against is None else value - scores[:, words, list(self.against)].sum(-1)


_OUTPUTS: dict[Output, Callable[[Tensor], Tensor]] = {
    "logit": lambda logits: logits,
    "centred-logit": lambda logits: logits - logits.mean(-1, keepdim=True),
    "log-probability": lambda logits: logits.log_softmax(-1),
    "probability": lambda logits: logits.softmax(-1),
}
