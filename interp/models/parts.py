"""The parts of one loaded model, as they show in a forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from interp.engine.hooks import frozen, recording_calls

__all__ = ["TABLES", "Parts", "measure_parts", "probe_ids"]

TABLES = ("word", "position", "token_type")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The modules of one loaded model."""

    embeddings: nn.Module
    """The embedding block."""
    tables: Mapping[str, nn.Module]
    """By name, in the order of `TABLES`."""
    absent: Mapping[str, str]
    """Why other tables are missing, as in `Explanation.absent`."""
    layers: Sequence[nn.Module]
    """Each call of one of them ends a layer."""
    widths: tuple[int, ...]
    """Features of the embedding block's output and of every layer's."""
    positions: range
    """Rows of the table of positions at which the sub-tokens of a text stand, in their order; empty without one."""
    longest: int | None
    """Sub-tokens that the model reads, None without a limit."""
    kept: Sequence[nn.Module]
    """Tables whose rows a reference sentence keeps from the input: all but the words'."""
    pads: bool
    """Whether a sentence gives the same with padding behind it, under a mask."""

    @property
    def count(self) -> int:
        """Layers, each call of a shared one counted."""
        return len(self.widths) - 1

    @property
    def shared(self) -> bool:
        """Whether a module is called for more than one layer."""
        return self.count > len(self.layers)


def measure_parts(
    model: PreTrainedModel,
    *,
    embeddings: nn.Module,
    tables: Mapping[str, nn.Module],
    reasons: Mapping[str, str],
    layers: Sequence[nn.Module],
    kept: Sequence[nn.Module],
) -> Parts:
    """The parts as they show in a forward of two sub-tokens: how often layers are called, and how wide they are.
    `reasons`: why tables may be missing. Raises ValueError where a layer returns anything but a row for each sub-token.
    """
    ids = probe_ids(model, 2)
    recording_rows = _recording_rows(kept)
    with torch.no_grad(), frozen(model), recording_calls([embeddings, *layers]) as outputs, recording_rows as rows:
        logits = model(input_ids=ids).logits
    positions = _positions(rows)
    if any(output.shape[:2] != ids.shape for output in outputs):
        raise ValueError("its states are not one row for each sub-token")
    return Parts(
        embeddings=embeddings,
        tables=tables,
        absent=_absent(tables, reasons),
        layers=layers,
        widths=tuple(output.shape[-1] for output in outputs),
        positions=positions,
        longest=len(positions) or getattr(model.config, "max_position_embeddings", None),
        kept=list(rows),
        pads=_masks_padding(model, ids, logits),
    )


def probe_ids(model: PreTrainedModel, length: int) -> Tensor:
    """A row of sub-tokens that are no padding, to see what a forward does."""
    padding = getattr(model.config, "pad_token_id", None)
    return torch.full((1, length), 1 if padding == 0 else 0, device=model.device)


@contextmanager
def _recording_rows(tables: Sequence[nn.Module]) -> Iterator[dict[nn.Module, Tensor]]:
    """The rows that each table is asked for, of those that are called."""
    rows: dict[nn.Module, Tensor] = {}

    def keep(table: nn.Module, args: tuple[Tensor, ...]) -> None:
        rows[table] = args[0]

    with ExitStack() as stack:
        for table in tables:
            stack.callback(table.register_forward_pre_hook(keep).remove)
        yield rows


def _absent(tables: Mapping[str, nn.Module], reasons: Mapping[str, str]) -> dict[str, str]:
    if not tables:
        return {"components": reasons["word"]}
    return {f"components.{name}": reasons[name] for name in TABLES if name not in tables}


def _positions(rows: Mapping[nn.Module, Tensor]) -> range:
    """The rows of the table of positions from the first sub-token's on: RoBERTa's kind has others before it. `rows`:
    those that each table was asked for, for two sub-tokens.
    """
    positions = range(0)
    for table, numbers in rows.items():
        first, second = map(int, numbers.flatten()[[0, -1]].tolist())
        if second == first + 1:  # a table of positions
            positions = range(first, cast(nn.Embedding, table).num_embeddings)
    return positions


def _masks_padding(model: PreTrainedModel, ids: Tensor, logits: Tensor) -> bool:
    """Whether padding behind a sentence leaves its logits as they are: FNet mixes it in, ConvBERT's windows reach into
    it.
    """
    length = ids.shape[1]
    mask = (torch.arange(2 * length, device=ids.device) < length).long()[None]
    try:
        with torch.no_grad(), frozen(model):
            padded = model(input_ids=ids.repeat(1, 2), attention_mask=mask).logits[:, :length]
    except Exception:  # a model that takes no mask
        return False
    allowed = max(1e-4, 4 * torch.finfo(logits.dtype).eps) * float(logits.abs().max())
    return bool((padded - logits).abs().max() <= allowed)
