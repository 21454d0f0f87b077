"""The identity of a model: a hash of its weights, as stored, and of its tokeniser."""

from __future__ import annotations

import hashlib

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["fingerprint"]


def fingerprint(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> str:
    """sha256 over every tensor's name, shape and bytes (in the type they were stored in) and the tokeniser's
    definition.

    Taken before any conversion, so that the same checkpoint has one fingerprint on every device and in every
    precision.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    digest.update(tokenizer.backend_tokenizer.to_str().encode())
    return digest.hexdigest()
