"""Where the parts of each encoder family are: adding a family is adding a row.

Names are paths of modules below the encoder (`model.base_model`). Positions need no rule of their own: the first real
one, which RoBERTa's kind counts from behind its padding index, is whichever the model gives its first sub-token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["FAMILIES", "Family"]

_NO_TYPES = "this family has no token types"
_ROTARY = "positions are rotary: they turn queries and keys in every layer, there is no table of them"
_RELATIVE = "positions are relative: they enter the attention of every layer, no table is added to the words"


@dataclass(frozen=True, kw_only=True)
class Family:
    """One row: the embedding block, its tables (summed before its LayerNorm), and the list of layers.

    A table that is None, or that a model's configuration leaves out, is absent for the reason in `absent`. `closing`:
    the module behind the first layer whose output is the next one's input, where there is one.
    """

    embeddings: str = "embeddings"
    word: str = "embeddings.word_embeddings"
    position: str | None = "embeddings.position_embeddings"
    token_type: str | None = "embeddings.token_type_embeddings"
    layers: str = "encoder.layer"
    closing: str | None = None
    absent: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


FAMILIES: dict[str, Family] = {
    "albert": Family(layers="encoder.albert_layer_groups"),  # few modules, each called for many layers
    "bert": Family(),
    "camembert": Family(),
    "deberta-v2": Family(
        closing="encoder.conv",  # takes the embedding block's output too: no layer ends before it
        absent={"position": _RELATIVE, "token_type": "this model was made without token types"},
    ),
    "distilbert": Family(layers="transformer.layer", token_type=None, absent={"token_type": _NO_TYPES}),
    "electra": Family(),
    "modernbert": Family(
        word="embeddings.tok_embeddings",
        position=None,
        token_type=None,
        layers="layers",
        absent={"position": _ROTARY, "token_type": _NO_TYPES},
    ),
    "mpnet": Family(token_type=None, absent={"token_type": _NO_TYPES}),
    "roberta": Family(),
    "xlm-roberta": Family(),
}
