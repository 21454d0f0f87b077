"""The identity of a model: a hash of all that decides its answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from interp.models.tokenizer import special_tokens, tokenizer_definition

__all__ = ["Fingerprint", "fingerprint"]

INERT = frozenset(
    {
        # names of things that are hashed themselves, or checked
        "architectures",
        "auto_map",
        "id2label",
        "label2id",
        "num_labels",
        "_num_labels",
        "name_or_path",
        "_name_or_path",
        "_commit_hash",
        # chosen by interp itself
        "_attn_implementation",
        "_attn_implementation_autoset",
        "_attn_implementation_internal",
        # where and by what it was written, and in which type, which shows in the tensors
        "transformers_version",
        "torch_dtype",
        "dtype",
        "custom_pipelines",
        # of training, or of generating text
        "finetuning_task",
        "gradient_checkpointing",
        "problem_type",
        "torchscript",
        "use_cache",
    }
)
"""Keys of a configuration that cannot reach what a tagger answers; any other may."""


@dataclass(frozen=True)
class Fingerprint:
    """One model's; the same on every device and in every precision."""

    sha256: str
    former: str
    """As releases made it that left the configuration and the names of labels out."""


def fingerprint(
    tensors: Mapping[str, Tensor],
    tokenizer: PreTrainedTokenizerBase,
    *,
    labels: Sequence[str],
    configuration: Mapping[str, Any],
    adapter: str = "",
) -> Fingerprint:
    """sha256 over every tensor's name, shape and bytes (in the type they were stored in), the tokeniser's definition,
    its special tokens, the labels in their order, the configuration as it is stored but for `INERT` keys, and an
    adapter's settings.

    Taken before any conversion. A key that is written out hashes otherwise than one left to its default: two that
    answer alike may differ, two that answer otherwise never agree.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    digest.update(tokenizer_definition(tokenizer))
    digest.update(adapter.encode())
    former = digest.hexdigest()
    decisive = {
        "configuration": {key: value for key, value in configuration.items() if key not in INERT},
        "labels": list(labels),
        "special tokens": special_tokens(tokenizer),
    }
    digest.update(json.dumps(decisive, sort_keys=True, default=str).encode())
    return Fingerprint(digest.hexdigest(), former)
