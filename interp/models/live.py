"""A model that lives in the caller's process, explained where it is: nothing of it is copied, moved or changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from transformers import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING, PreTrainedModel, PreTrainedTokenizerBase

from interp.errors import InputError, ModelError, counted
from interp.models.checkpoint import HEAD, Checkpoint, check_label_order, label_names, naming_notices, tagger_class
from interp.models.device import dtype_name
from interp.models.find_parts import unsupported_model
from interp.models.fingerprint import fingerprint

__all__ = ["LiveModel", "LiveTokenizer", "check_live", "is_own_class", "live_checkpoint", "weights_state"]

LiveModel = PreTrainedModel
LiveTokenizer = PreTrainedTokenizerBase

CONFIG = "model.config"
KNOWN_ATTENTION = ("sdpa", "eager")
"""Others flatten a batch, or compute parts of it past all hooks."""
WRAPPED = {
    "PeftModel": "merge its adapter into a copy (copy.deepcopy(model).merge_and_unload()), or give its saved folder",
    "OptimizedModule": "give the model that was compiled, model._orig_mod",
    "DataParallel": "give the model inside, model.module",
    "DistributedDataParallel": "give the model inside, model.module",
}
"""Classes around a model, and what to give instead."""


def check_live(model: object, tokenizer: object) -> tuple[LiveModel, LiveTokenizer]:
    """Both, as what they are. Raises InputError for what is no model with its tokeniser, ModelError for a model that
    does not tag words or computes in a way that cannot be followed.
    """
    for base in type(model).__mro__:
        if base.__name__ in WRAPPED:
            raise ModelError(f"The model is wrapped as {type(model).__name__}: {WRAPPED[base.__name__]}.")
    if not isinstance(model, PreTrainedModel):
        raise InputError(f"A model is a name, a directory or a transformers model, not a {type(model).__name__}.")
    if tokenizer is None:
        raise InputError("A live model needs its tokeniser beside it: interp.load(model, tokenizer).")
    if isinstance(tokenizer, str):
        raise InputError(
            f'The tokeniser of a live model is an object, not the text "{tokenizer}": give '
            "AutoTokenizer.from_pretrained(…), and no device, for the model computes where it is."
        )
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise InputError(f"The tokeniser must be one of transformers, not a {type(tokenizer).__name__}.")
    _check_class(model)
    _check_computing(model)
    return model, tokenizer


def _check_computing(model: PreTrainedModel) -> None:
    """Raise ModelError for a model that holds what its class does not show, or computes past all hooks."""
    if getattr(model, "_hf_peft_config_loaded", False):
        raise ModelError("The model holds an adapter that is not merged into it: save it and give its folder.")
    if getattr(model, "is_quantized", False):
        raise ModelError("The model is quantized, and has no gradients to follow: give it in floats.")
    places = {str(tensor.device) for tensor in model.state_dict().values()}
    if len(places) > 1 or "meta" in places:
        raise ModelError(f"The model lies on {' and '.join(sorted(places))}: load it on one device.")
    config = model.config
    if config._attn_implementation not in (*KNOWN_ATTENTION, None) or getattr(config, "reference_compile", False):
        raise ModelError(
            f'The model computes attention by "{config._attn_implementation}", or compiles parts of itself: load it '
            'with attn_implementation="sdpa" (and reference_compile=False), in which every layer can be followed.'
        )
    if config.return_dict is False:
        raise ModelError("model.config has return_dict False: set model.config.return_dict = True.")


def _check_class(model: PreTrainedModel) -> None:
    class_name = type(model).__name__
    if type(model.config) not in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING:
        raise unsupported_model(model.config.model_type, "transformers has no tagger of this type")
    with_head = tagger_class(model.config)
    if not isinstance(model, with_head):
        raise ModelError(f"A {class_name} has no head that tags words: give a …{HEAD}, such as {with_head.__name__}.")


def is_own_class(model: PreTrainedModel) -> bool:
    """Whether a model is of a class that somebody derived from transformers' own."""
    return type(model) is not tagger_class(model.config)


def live_checkpoint(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Checkpoint:
    """The model itself and a copy of its tokeniser, with the fingerprint that it has when it is saved and loaded.

    A tokeniser remembers how it was called last, and that must not change under its owner.
    """
    labels = label_names(model.config.id2label, CONFIG)
    settings = json.loads(model.config.to_json_string())
    check_label_order(settings, labels, CONFIG)
    own_tokenizer = copy.deepcopy(tokenizer)
    return Checkpoint(
        model=model,
        tokenizer=own_tokenizer,
        labels=labels,
        identity=fingerprint(model.state_dict(), own_tokenizer, labels=labels, configuration=settings),
        notices=(*naming_notices(labels, CONFIG), *_notices(model)),
    )


def _notices(model: PreTrainedModel) -> Iterator[str]:
    """What a fingerprint cannot know of a live model, or a reader of its explanations should."""
    if is_own_class(model):
        yield (
            f"Its class {type(model).__qualname__} is the caller's own, and every layer of it was complete on a probe "
            "sentence; the fingerprint knows its weights, not its code."
        )
    if count := sum(1 for module in model.modules() for _ in _foreign_hooks(module)):
        yield (
            f"It has {counted(count, 'hook')} of the caller's, which ran with it: what they change is explained too, "
            "and the fingerprint does not know them."
        )
    if torch.finfo(model.dtype).bits < 32:
        dtype = dtype_name(model.dtype)
        yield f"Computed in {dtype}, as the live model is: errors are smaller in float32 (model.float())."


def _foreign_hooks(module: nn.Module) -> Iterator[object]:
    """Those that stay on a module, but for transformers' own, which look and change nothing."""
    for hooks in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks):
        for hook in hooks.values():
            owner = hook.func if isinstance(hook, partial) else hook
            if not str(getattr(owner, "__module__", "")).startswith("transformers."):
                yield hook


def weights_state(model: PreTrainedModel) -> tuple[tuple[int, int], ...]:
    """Where every tensor is and how often it was written: another state is another model."""

    def state(tensor: Tensor) -> tuple[int, int]:
        return tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version

    return tuple(map(state, model.state_dict().values()))
