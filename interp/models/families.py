"""Where the parts of each encoder family are: adding a family is adding a row.

Names are paths of modules below the encoder (`model.base_model`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from torch import nn
from transformers import PreTrainedModel

from interp.errors import ModelError

__all__ = ["FAMILIES", "Parts", "check_family", "parts_of"]


@dataclass(frozen=True)
class Family:
    """One row: the embedding block, its tables (summed before its LayerNorm), and the list of layers."""

    embeddings: str
    word: str
    position: str
    token_type: str
    layers: str


FAMILIES: dict[str, Family] = {
    "bert": Family(
        embeddings="embeddings",
        word="embeddings.word_embeddings",
        position="embeddings.position_embeddings",
        token_type="embeddings.token_type_embeddings",
        layers="encoder.layer",
    ),
}


@dataclass(frozen=True)
class Parts:
    """The modules of one loaded model; `tables` are word, position and token type, in that order."""

    embeddings: nn.Module
    tables: tuple[nn.Module, nn.Module, nn.Module]
    layers: Sequence[nn.Module]


def check_family(kind: str) -> None:
    """Raise ModelError, which lists the known families, for a type that is not among them."""
    if kind not in FAMILIES:
        raise ModelError(f'Models of type "{kind}" are not supported yet; those that are: {", ".join(FAMILIES)}.')


def parts_of(model: PreTrainedModel) -> Parts:
    """Find the parts of a model."""
    check_family(model.config.model_type)
    family, encoder = FAMILIES[model.config.model_type], model.base_model
    word, position, token_type = (
        encoder.get_submodule(name) for name in (family.word, family.position, family.token_type)
    )
    layers = cast(nn.ModuleList, encoder.get_submodule(family.layers))
    return Parts(encoder.get_submodule(family.embeddings), (word, position, token_type), list(layers))
