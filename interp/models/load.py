"""From a name, a path or a live model to a tagger: read, checked, converted, and proved where its family is new."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from logging import ERROR
from pickle import UnpicklingError
from typing import cast

import torch
import transformers
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from interp.engine.hooks import frozen
from interp.errors import InterpError, ModelError, counted, first_line
from interp.explanation import ModelInfo
from interp.models.checkpoint import Checkpoint
from interp.models.device import find_device, find_dtype
from interp.models.families import FAMILIES
from interp.models.find_parts import find_parts
from interp.models.live import check_live, is_own_class, live_checkpoint, weights_state
from interp.models.locate import locate
from interp.models.prove import prove
from interp.models.read import read_checkpoint
from interp.models.tagger import Tagger
from interp.models.tokenizer import align, reads_spaces

__all__ = ["load_tagger", "take_tagger"]

UNSPACED = (
    "The tokeniser reads words of a list without the space that stands before them in running text, as pipelines do "
    "for words: if the model was trained on running text, save its tokeniser with add_prefix_space=True."
)


def load_tagger(name: str | os.PathLike[str], device: str = "auto", dtype: str = "float32") -> Tagger:
    """Load a model to explain: a bundled name, a directory, or a hub id. No code that comes with a model is run.

    Weights are read in the type they were stored in (the fingerprint's), then converted to `dtype`. Raises
    ModelError, DeviceError or InputError, each with its remedy.
    """
    name = os.fspath(name)
    torch_dtype, torch_device = find_dtype(dtype), find_device(device)
    with _quiet_transformers():
        source, local = locate(name)
        with _failures_told(name):
            checkpoint = read_checkpoint(source, local)
            model, tokenizer = checkpoint.model, checkpoint.tokenizer
            _check_vocabulary(name, model, tokenizer)
            _check_finite(name, model)
            nn.Module.train(model, False)
    proof_dtype = torch.promote_types(torch_dtype, torch.float32)  # proofs need more than half precision
    nn.Module.to(model, device=torch_device, dtype=proof_dtype)
    with _failures_told(name):
        info = _describe(name, checkpoint)
        _check_answer(name, checkpoint)
    nn.Module.to(model, dtype=torch_dtype)
    return Tagger(model, tokenizer, info)


@contextmanager
def _failures_told(name: str) -> Iterator[None]:
    """Damaged files, and settings of other versions, end in whatever the library that reads them raises."""
    try:
        yield
    except InterpError:
        raise
    except Exception as error:
        if isinstance(error, UnpicklingError) or "weights_only" in str(error):
            raise ModelError(  # torch would advise to run what it refused
                f'The weights of "{name}" are a file that holds more than weights, which would be run: '
                "save them as model.safetensors."
            ) from error
        raise ModelError(
            f'The model "{name}" cannot be read ({first_line(error)}): one of its files is damaged, or not as '
            f"transformers {transformers.__version__} writes it; save it anew."
        ) from error


def _check_answer(name: str, checkpoint: Checkpoint) -> None:
    """Settings that do not fit may be seen only when a model runs. Raises ModelError, or what the libraries raise."""
    model, labels = checkpoint.model, checkpoint.labels
    ids, _ = align(checkpoint.tokenizer, ["a"])
    row = torch.tensor([ids], device=model.device)
    with torch.inference_mode(), frozen(model):
        logits = model(input_ids=row, attention_mask=torch.ones_like(row)).logits
    if logits.shape[-1] != len(labels):
        raise ModelError(
            f"The model gives {counted(logits.shape[-1], 'logit')} a word and id2label of model.config names "
            f"{len(labels)}: name each of them."
        )
    if not logits.isfinite().all():
        raise ModelError(
            f'The model "{name}" answers with NaN or infinity, though its weights have none: mend its configuration.'
        )


def take_tagger(given_model: object, given_tokenizer: object, name: str | None = None) -> Tagger:
    """A live model to explain, on its device and in its type. Raises ModelError or InputError, each with its remedy."""
    model, tokenizer = check_live(given_model, given_tokenizer)
    name = name or type(model).__name__
    _check_vocabulary(name, model, tokenizer)
    _check_finite(name, model)
    must_prove = is_own_class(model) or model.config.model_type not in FAMILIES
    if must_prove and torch.finfo(model.dtype).bits < 32:
        raise ModelError(f'"{name}" must prove its layers, which takes more than {model.dtype}: give model.float().')
    checkpoint = live_checkpoint(model, tokenizer)
    info = _describe(name, checkpoint)
    _check_answer(name, checkpoint)
    before = weights_state(model)
    return Tagger(model, checkpoint.tokenizer, info, is_current=lambda: weights_state(model) == before)


def _describe(name: str, checkpoint: Checkpoint) -> ModelInfo:
    """What is known of a model; one of no known family, or of a class of the caller's own, must prove its parts."""
    model, tokenizer = checkpoint.model, checkpoint.tokenizer
    parts, former = find_parts(model), checkpoint.identity.former
    if parts.shared:  # the same weights make models of any depth
        former = hashlib.sha256(f"{former} {parts.count}".encode()).hexdigest()
    info = ModelInfo(
        name=name,
        sha256=checkpoint.identity.sha256,
        labels=checkpoint.labels,
        layers=parts.count,
        former_sha256=former,
    )
    notices = list(checkpoint.notices)
    if model.config.model_type not in FAMILIES:
        notices.append(prove(Tagger(model, tokenizer, info)))
    elif is_own_class(model):
        prove(Tagger(model, tokenizer, info))
    if not reads_spaces(tokenizer):
        notices.append(UNSPACED)
    return replace(info, notices=tuple(notices))


def _check_vocabulary(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """transformers makes up an empty tokeniser where there is none, and does not compare its size with the model's."""
    pieces = max(tokenizer.get_vocab().values(), default=-1) + 1
    try:
        rows = len(cast(Tensor, model.get_input_embeddings().weight))
    except (NotImplementedError, AttributeError):  # CANINE reads characters: it is refused for lack of a word table
        return
    if pieces <= len(set(tokenizer.all_special_ids)):
        raise ModelError(f'The tokeniser of "{name}" has no vocabulary (tokenizer.json or vocab.txt).')
    if pieces > rows:
        raise ModelError(f'The tokeniser of "{name}" has {pieces} pieces and the model {rows}: they do not fit.')


def _check_finite(name: str, model: PreTrainedModel) -> None:
    for key, tensor in model.state_dict().items():
        if not tensor.isfinite().all():
            raise ModelError(
                f'The model "{name}" holds NaN or infinity in {key}: its training went wrong, or its file is damaged.'
            )


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """No progress bars or advice from transformers: what matters is raised."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(ERROR)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
