"""Attributions as the article computed them: Captum, and a forward function that reads one row of its batch.

Captum stacks all steps of a path as rows of one batch; the article's forward returned `logits[0][word].max(0)`, so only
the step next to the reference got a gradient. What was attributed, along which path and from which reference is as in
the article's notebook, with Captum's defaults of its time (50 Gauss–Legendre steps, all in one batch).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from captum.attr import IntegratedGradients, LayerConductance, LayerIntegratedGradients
from torch import Tensor, nn

from interp.engine.hooks import frozen, replacing
from interp.engine.paths import IntegrationPath
from interp.explain.prepare import PreparedQuestion, build_path
from interp.models.tagger import Tagger

__all__ = ["STEPS", "Published", "layers", "tables", "words"]

STEPS = 50


@dataclass(frozen=True, eq=False)
class Published:
    """`values` (…, sub-tokens, hidden), their `sums` per word (…, words), and by how much the article's F changes."""

    values: Tensor
    sums: Tensor
    change: float


class Forward:
    """The best logit of the target word in row 0; the rows replace what `modules` return."""

    def __init__(self, tagger: Tagger, one: PreparedQuestion, modules: Sequence[nn.Module]) -> None:
        self.model, self.modules, self.ids = tagger.model, modules, torch.tensor([one.encoding.ids])
        (self.position,) = one.objective.positions

    def of_ids(self, rows: Tensor) -> Tensor:
        return self.model(input_ids=rows).logits[0][self.position].max(0).values[None]

    def __call__(self, *states: Tensor) -> Tensor:
        with replacing(dict(zip(self.modules, states, strict=True))):
            return self.of_ids(self.ids.expand(len(states[0]), -1))

    def change(self, ends: Sequence[Tensor], starts: Sequence[Tensor]) -> float:
        with torch.no_grad():
            return float(self(*ends)) - float(self(*starts))


def words(tagger: Tagger, one: PreparedQuestion) -> Published:
    """Of the embedding block's output: the word importance line."""
    forward = Forward(tagger, one, [])
    ids, pads = forward.ids, torch.tensor([tagger.constant_reference(one.encoding, "pad")])
    engine = LayerIntegratedGradients(forward.of_ids, tagger.parts.embeddings)
    found = engine.attribute(ids, pads, n_steps=STEPS, internal_batch_size=None)
    with torch.no_grad():
        ends = [float(forward.of_ids(rows)) for rows in (ids, pads)]
    return _summed(found[0], build_path(tagger, [one], False), ends[0] - ends[1])


def tables(tagger: Tagger, one: PreparedQuestion) -> Published:
    """Of the word, position and token-type tables, which move together: the word and position table, and zeros."""
    path = build_path(tagger, [one], True)
    ends, starts = (tuple(state[:, None]) for state in (path.input, path.reference))
    forward = Forward(tagger, one, tuple(tagger.parts.tables.values()))
    with frozen(tagger.model):
        found = IntegratedGradients(forward).attribute(ends, starts, n_steps=STEPS)
    return _summed(torch.cat(found), path, forward.change(ends, starts))


def layers(tagger: Tagger, one: PreparedQuestion) -> Published:
    """Captum's conductance of every layer on the path of `words`: the heatmap, the box plot and the densities."""
    path = build_path(tagger, [one], False)
    end, start = path.input[None], path.reference[None]
    forward = Forward(tagger, one, [tagger.parts.embeddings])
    with frozen(tagger.model):
        found = [LayerConductance(forward, layer).attribute(end, start, n_steps=STEPS) for layer in tagger.parts.layers]
    return _summed(torch.cat(found), path, forward.change([end], [start]))


def _summed(values: Tensor, path: IntegrationPath, change: float) -> Published:
    values = values.detach()
    sums = path.sums(values.sum(-1).double().reshape(-1, values.shape[-2])).reshape(*values.shape[:-2], -1)
    return Published(values, sums, change)
