"""Integrated gradients and conductance the slow, obvious way; nothing here is shared with the engine.

No hooks, no Chebyshev points, no interpolated derivative: at every α the encoder is run layer by layer in float64,
∂F/∂h_l comes from reverse-mode and dh_l/dα from forward-mode differentiation, both exact, and the products are summed
with composite Gauss–Legendre weights.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

with warnings.catch_warnings():  # torch scripts its own decompositions for forward mode, and warns of that
    warnings.simplefilter("ignore", DeprecationWarning)
    import torch._decomp.decompositions_for_jvp

__all__ = ["Truth", "bert_states", "both_paths", "gauss_legendre", "integrate_states"]

States = Callable[[Tensor], list[Tensor]]  # stacked input states (rows, …) → [h_0, …, h_L, F], F of shape (rows,)


@dataclass(frozen=True)
class Truth:
    """`attributions[l]` elementwise, and F at both ends."""

    attributions: list[Tensor]
    at_input: float
    at_reference: float


def gauss_legendre(panels: int = 33, points: int = 16) -> list[tuple[Tensor, Tensor]]:
    """Nodes and weights of every panel of [0, 1]: 528 nodes unless told otherwise."""
    nodes, weights = map(torch.from_numpy, np.polynomial.legendre.leggauss(points))
    return [((panel + (1 + nodes) / 2) / panels, weights / 2 / panels) for panel in range(panels)]


def integrate_states(states: States, input: Tensor, reference: Tensor) -> Truth:
    """A_l = Σ_i w_i ∂F/∂h_l ⊙ dh_l/dα at α_i, one panel after the other."""
    direction = input - reference
    total: list[Tensor] = []
    for alphas, weights in gauss_legendre():
        rows = torch.stack([reference + alpha * direction for alpha in alphas])
        slopes = torch.func.jvp(lambda x: tuple(states(x)), (rows,), (direction.expand_as(rows),))[1][:-1]
        *hidden, values = states(rows.requires_grad_(True))
        gradients = torch.autograd.grad(values.sum(), hidden)
        terms = [
            sum(w * g * s.detach() for w, g, s in zip(weights, gradient, slope, strict=True))
            for gradient, slope in zip(gradients, slopes, strict=True)
        ]
        total = [a + b for a, b in zip(total, terms, strict=True)] if total else terms
    with torch.no_grad():
        start, end = states(torch.stack([reference, input]))[-1].tolist()
    return Truth(total, end, start)


def bert_states(model, scalar: Callable[[Tensor], Tensor], tables: bool = False) -> States:
    """A BERT tagger from its embedding output, or from (3, sub-tokens, hidden) table outputs, to `scalar(logits)`."""

    def states(x: Tensor) -> list[Tensor]:
        h = model.bert.embeddings.LayerNorm(x.sum(1)) if tables else x
        passed = [x if tables else h]
        for layer in model.bert.encoder.layer:
            out = layer(h)
            h = out if isinstance(out, Tensor) else out[0]
            passed.append(h)
        return [*(passed[:1] if tables else passed), scalar(model.classifier(h))]

    return states


def both_paths(
    model, ids: list[int], reference: list[int], scalar: Callable[[Tensor], Tensor], positions: str = "mean"
) -> tuple[Truth, Truth]:
    """Truth on the embedding path and on the component path. `model` is eager and float64."""
    block = model.bert.embeddings
    places = torch.arange(len(ids))

    def tables(row: list[int], where: Tensor) -> Tensor:
        kinds = block.token_type_embeddings(torch.zeros(len(row), dtype=torch.long))
        return torch.stack([block.word_embeddings(torch.tensor(row)), block.position_embeddings(where), kinds])

    with torch.no_grad():
        end, start = tables(ids, places), tables(reference, places)
        moved = tables(reference, torch.zeros_like(places) if positions == "zero" else places)
        if positions == "mean":
            moved[1] = sum(block.position_embeddings.weight) / len(block.position_embeddings.weight)
        h_end, h_start = block.LayerNorm(end.sum(0)), block.LayerNorm(start.sum(0))
    embedding = integrate_states(bert_states(model, scalar), h_end, h_start)
    return embedding, integrate_states(bert_states(model, scalar, tables=True), end, moved)
