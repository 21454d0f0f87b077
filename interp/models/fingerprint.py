"""The identity of a model: a hash of its weights, as stored, and of its tokeniser."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from interp.models.tokenizer import tokenizer_definition

__all__ = ["model_fingerprint"]


def model_fingerprint(tensors: Mapping[str, Tensor], tokenizer: PreTrainedTokenizerBase, settings: str = "") -> str:
    """sha256 over every tensor's name, shape and bytes (in the type they were stored in), the tokeniser's definition,
    and what else decides the numbers.

    Taken before any conversion, so that the same checkpoint has one fingerprint on every device and in every
    precision.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    digest.update(tokenizer_definition(tokenizer))
    digest.update(settings.encode())
    return digest.hexdigest()
