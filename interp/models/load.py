"""From a name or a path to a loaded tagger: located, read, checked, converted, and proved where its family is new."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from logging import ERROR
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from interp.errors import DeviceError, InputError, InterpError, ModelError, first_line
from interp.explanation import ModelInfo
from interp.models.checkpoint import Checkpoint, read_checkpoint
from interp.models.families import FAMILIES
from interp.models.find_parts import find_parts
from interp.models.locate import locate
from interp.models.prove import prove
from interp.models.tagger import Tagger
from interp.models.tokenizer import reads_spaces

__all__ = ["DTYPES", "find_device", "load_tagger"]

DTYPES = ("float32", "float64", "bfloat16", "float16")
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
    if dtype not in DTYPES:
        raise InputError(f'Unknown dtype "{dtype}": choose one of {", ".join(DTYPES)}.')
    where = find_device(device)
    with _quiet():
        source, local = locate(name)
        try:
            loaded = read_checkpoint(source, local)
        except InterpError:
            raise
        except Exception as error:  # damaged files end in whatever the library that reads them raises
            raise ModelError(f'The model "{name}" cannot be read: {first_line(error)}.') from error
    _check_vocabulary(name, loaded.model, loaded.tokenizer)
    for key, tensor in loaded.model.state_dict().items():
        if not tensor.isfinite().all():
            raise ModelError(
                f'The model "{name}" holds NaN or infinity in {key}: its training went wrong, or its file is damaged.'
            )
    wanted = getattr(torch, dtype)
    nn.Module.train(loaded.model, False)
    nn.Module.to(loaded.model, device=where, dtype=torch.promote_types(wanted, torch.float32))
    info = _info(name, loaded)  # proofs need more than half precision
    nn.Module.to(loaded.model, dtype=wanted)
    return Tagger(loaded.model, loaded.tokenizer, info)


def _info(name: str, loaded: Checkpoint) -> ModelInfo:
    """What is known of a model; one of no known family must prove its parts."""
    model, tokenizer = loaded.model, loaded.tokenizer
    parts, identity = find_parts(model), loaded.identity
    if parts.shared:  # the same weights make models of any depth
        identity = hashlib.sha256(f"{identity} {parts.count}".encode()).hexdigest()
    info = ModelInfo(name, identity, loaded.labels, parts.count)
    notices = list(loaded.notices)
    if model.config.model_type not in FAMILIES:
        notices.append(prove(Tagger(model, tokenizer, info)))
    if not reads_spaces(tokenizer):
        notices.append(UNSPACED)
    return replace(info, notices=tuple(notices))


def _check_vocabulary(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """transformers makes up an empty tokeniser where there is none, and does not compare its size with the model's."""
    pieces = max(tokenizer.get_vocab().values(), default=-1) + 1
    try:
        known = len(cast(Tensor, model.get_input_embeddings().weight))
    except (NotImplementedError, AttributeError):  # CANINE reads characters: it is refused for lack of a word table
        return
    if pieces <= len(set(tokenizer.all_special_ids)):
        raise ModelError(f'The directory of "{name}" holds no vocabulary (tokenizer.json or vocab.txt).')
    if pieces > known:
        raise ModelError(f'The tokeniser of "{name}" has {pieces} pieces and the model {known}: they do not fit.')


def find_device(device: str) -> torch.device:
    """auto, cpu, cuda or cuda:N as a torch device. Raises DeviceError when it is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    match = re.fullmatch(r"cpu|cuda(?::(\d+))?", device)
    if match is None:
        raise DeviceError(f'Unknown device "{device}": choose auto, cpu, cuda or cuda:N.')
    if device != "cpu":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(match[1] or 0) >= count:
            have = f"this machine has {count}" if count else "torch sees no CUDA device here"
            raise DeviceError(f'The device "{device}" is not there ({have}): use `device` cpu or auto.')
    return torch.device(device)


@contextmanager
def _quiet() -> Iterator[None]:
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
