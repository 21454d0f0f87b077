"""Rows through a tagger: blocks of path nodes forward once, and backward once per target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from interp.engine.hooks import frozen, recording_calls, replacing
from interp.engine.paths import Block, Samples
from interp.models.encoding import Encoding
from interp.models.objective import Objective
from interp.models.parts import Parts

__all__ = ["PathContext", "evaluate_blocks", "padded_rows"]


@dataclass(frozen=True, eq=False)
class PathContext:
    """What a tagger's path carries along: the sentence, what to explain, and which modules the state replaces."""

    encoding: Encoding
    objectives: tuple[Objective, ...]
    tables: bool
    """The state is (tables, sub-tokens, hidden), one slice each; else the embedding block's output."""
    layers: bool
    """The layers' states are wanted too."""


def evaluate_blocks(model: PreTrainedModel, parts: Parts, pad: int, blocks: Sequence[Block]) -> list[Samples]:
    """All rows of all blocks forward once, and backward once per target; sentences are padded to the longest with the
    token `pad`, where the model does not mind.
    """
    lengths = dict.fromkeys(block.path.length for block in blocks)
    if parts.pads or len(lengths) == 1:
        return _evaluate_together(model, parts, pad, blocks)
    samples: dict[int, Samples] = {}
    for length in lengths:
        numbers = [number for number, block in enumerate(blocks) if block.path.length == length]
        alike = _evaluate_together(model, parts, pad, [blocks[number] for number in numbers])
        samples |= zip(numbers, alike, strict=True)
    return [samples[number] for number in range(len(blocks))]


def _evaluate_together(model: PreTrainedModel, parts: Parts, pad: int, blocks: Sequence[Block]) -> list[Samples]:
    sentences = [(block.path.context.encoding, len(block.alphas)) for block in blocks]
    ids, mask = padded_rows(sentences, pad, model.device)
    state = _padded_states(blocks, ids.shape[1]).requires_grad_(True)
    layers = parts.layers if any(block.path.context.layers for block in blocks) else []
    with frozen(model), torch.enable_grad():
        with replacing(_replaced(parts, state, blocks[0].path.context.tables)), recording_calls(layers) as outputs:
            logits = model(input_ids=ids, attention_mask=mask).logits
        return _backward(blocks, logits, [state, *outputs])


def _replaced(parts: Parts, state: Tensor, tables: bool) -> Mapping[nn.Module, Tensor]:
    """The modules whose outputs the state takes the place of."""
    if tables:
        return {table: state[:, number] for number, table in enumerate(parts.tables.values())}
    return {parts.embeddings: state}


def _padded_states(blocks: Sequence[Block], longest: int) -> Tensor:
    states = (block.path.at(block.alphas) for block in blocks)
    return torch.cat([nn.functional.pad(state, (0, 0, 0, longest - state.shape[-2])) for state in states])


def padded_rows(
    sentences: Sequence[tuple[Encoding, int]], pad: int, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """Each sentence so many times: ids (rows, longest) and their mask, None where nothing is padded, as unmasked
    attention is the faster one.
    """
    encodings = [encoding for encoding, count in sentences for _ in range(count)]
    longest = max(len(encoding.ids) for encoding in encodings)
    padded = [[*encoding.ids, *[pad] * (longest - len(encoding.ids))] for encoding in encodings]
    ids = torch.tensor(padded, device=device)
    lengths = torch.tensor([len(encoding.ids) for encoding in encodings], device=device)
    if bool((lengths == longest).all()):
        return ids, None
    return ids, (torch.arange(longest, device=device) < lengths[:, None]).long()


def _backward(blocks: Sequence[Block], logits: Tensor, states: Sequence[Tensor]) -> list[Samples]:
    ends = list(accumulate((len(block.alphas) for block in blocks), initial=0))
    spans = [slice(start, stop) for start, stop in pairwise(ends)]
    values = [
        [objective(logits[span]) for objective in block.path.context.objectives]
        for block, span in zip(blocks, spans, strict=True)
    ]
    gradients = _gradients(_totals(blocks, values), states)
    samples = []
    for block, span, block_values in zip(blocks, spans, values, strict=True):
        context: PathContext = block.path.context
        rows = span, ..., slice(len(context.encoding.ids)), slice(None)  # the block's, without padding
        count = len(states) if context.layers else 1
        samples.append(
            Samples(
                alphas=block.alphas,
                outputs=torch.stack(block_values, -1).detach().double().cpu(),
                states=tuple(state.detach()[rows] for state in states[:count]),
                gradients={
                    target: tuple(gradient[rows] for gradient in gradients[number][:count])
                    for number, target in enumerate(block.targets)
                },
            )
        )
    return samples


def _totals(blocks: Sequence[Block], values: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """One scalar for the first target of every block, one for the second, and so on: rows do not mix."""
    wanted = [
        [block_values[target] for target in block.targets] for block, block_values in zip(blocks, values, strict=True)
    ]
    return [
        torch.cat([targets[number] for targets in wanted if number < len(targets)]).sum()
        for number in range(max(map(len, wanted)))
    ]


def _gradients(totals: Sequence[Tensor], states: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
    """Of each total to all states; of several in one pass, whose matrix products are as much larger and run faster."""
    if len(totals) == 1:
        return [torch.autograd.grad(totals[0], states)]
    choices = torch.eye(len(totals), dtype=totals[0].dtype, device=totals[0].device)
    batched = torch.autograd.grad(torch.stack(list(totals)), states, choices, is_grads_batched=True)
    return list(zip(*(gradient.unbind() for gradient in batched), strict=True))
