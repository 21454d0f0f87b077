"""The parts of one loaded model, as they show in a forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from interp.recording import first_tensor, frozen, recording_calls

__all__ = ["TABLES", "Parts", "measured", "plain_ids"]

TABLES = ("word", "position", "token_type")


@dataclass(frozen=True)
class Parts:
    """The modules of one loaded model.

    `tables` by name in the order of `TABLES`, and why others are `absent`, as in `Explanation.absent`. Each call of one
    of the `layers` ends a layer. `widths`: features of the embedding block's output and of every layer's. `longest`:
    sub-tokens that the model reads, None without a limit. `pads`: whether a sentence gives the same with padding behind
    it, under a mask.
    """

    embeddings: nn.Module
    tables: Mapping[str, nn.Module]
    absent: Mapping[str, str]
    layers: Sequence[nn.Module]
    widths: tuple[int, ...]
    longest: int | None
    pads: bool

    @property
    def count(self) -> int:
        """Layers, each call of a shared one counted."""
        return len(self.widths) - 1

    @property
    def shared(self) -> bool:
        """Whether a module is called for more than one layer."""
        return self.count > len(self.layers)


def measured(
    model: PreTrainedModel,
    embeddings: nn.Module,
    tables: Mapping[str, nn.Module],
    reasons: Mapping[str, str],
    layers: Sequence[nn.Module],
) -> Parts:
    """The parts as they show in a forward of two sub-tokens: how often layers are called, and how wide they are."""
    ids = plain_ids(model, 2)
    asked = _arguments(tables.get("position"))
    with torch.no_grad(), frozen(model), recording_calls([embeddings, *layers]) as outputs, asked as positions:
        alone = model(input_ids=ids).logits
    longest: int | None = getattr(model.config, "max_position_embeddings", None)
    if positions:  # the table's rows from the first sub-token's on
        longest = cast(nn.Embedding, tables["position"]).num_embeddings - int(positions[0].min())
    absent = {f"components.{name}": reasons[name] for name in TABLES if name not in tables}
    if not tables:
        absent = {"components": reasons["word"]}
    widths = tuple(output.shape[-1] for output in outputs)
    return Parts(embeddings, tables, absent, layers, widths, longest, _masks(model, ids, alone))


def plain_ids(model: PreTrainedModel, length: int) -> Tensor:
    """A row of sub-tokens that are no padding, to see what a forward does."""
    padding = getattr(model.config, "pad_token_id", None)
    return torch.full((1, length), 1 if padding == 0 else 0, device=model.device)


def _masks(model: PreTrainedModel, ids: Tensor, alone: Tensor) -> bool:
    """Whether padding behind a sentence leaves its logits as they are `alone`: FNet mixes it in, ConvBERT's windows
    reach into it.
    """
    length = ids.shape[1]
    mask = (torch.arange(2 * length, device=ids.device) < length).long()[None]
    try:
        with torch.no_grad(), frozen(model):
            padded = model(input_ids=ids.repeat(1, 2), attention_mask=mask).logits[:, :length]
    except Exception:  # a model that takes no mask
        return False
    allowed = max(1e-4, 4 * torch.finfo(alone.dtype).eps) * float(alone.abs().max())
    return bool((padded - alone).abs().max() <= allowed)


@contextmanager
def _arguments(table: nn.Module | None) -> Iterator[list[Tensor]]:
    """What a table is asked for."""
    asked: list[Tensor] = []
    if table is None:
        yield asked
        return
    handle = table.register_forward_pre_hook(lambda _module, args: asked.append(first_tensor(args)))
    try:
        yield asked
    finally:
        handle.remove()
