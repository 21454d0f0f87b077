"""From a name or a path to a loaded tagger: bundled models, Hugging Face directories and hub ids, BERT-NER
directories.
"""

from __future__ import annotations

import json
import os
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from logging import ERROR
from pathlib import Path
from typing import Any, cast

import torch
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    BertForTokenClassification,
    BertTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from interp import bundled
from interp.errors import DeviceError, InputError, ModelError
from interp.explanation import ModelInfo
from interp.models.families import check_family, parts_of
from interp.models.fingerprint import fingerprint
from interp.models.tagger import Tagger

__all__ = ["DTYPES", "find_device", "load_tagger"]

DTYPES = ("float32", "float64", "bfloat16", "float16")
HEAD = "ForTokenClassification"
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    ImportError,
    SafetensorError,
    pickle.UnpicklingError,
)
Loaded = tuple[PreTrainedModel, PreTrainedTokenizerBase, tuple[str, ...]]


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
        source, local = _locate(name)
        try:
            read = _read_bert_ner if (Path(source) / "model_config.json").is_file() else _read
            model, tokenizer, labels = read(source, local)
        except UNREADABLE as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(f'The model "{name}" cannot be read: {reason}') from error
    _check_vocabulary(name, model, tokenizer)
    for key, tensor in model.state_dict().items():
        if not tensor.isfinite().all():
            raise ModelError(
                f'The model "{name}" holds NaN or infinity in {key}: its training went wrong, or its file is damaged.'
            )
    info = ModelInfo(name, fingerprint(model, tokenizer), labels, len(parts_of(model).layers))
    nn.Module.to(model, device=where, dtype=getattr(torch, dtype))
    nn.Module.train(model, False)
    return Tagger(model, tokenizer, info)


def _check_vocabulary(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """transformers makes up an empty tokeniser where there is none, and does not compare its size with the model's."""
    pieces = max(tokenizer.get_vocab().values(), default=-1) + 1
    known = len(cast(Tensor, model.get_input_embeddings().weight))
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
            raise DeviceError(f'The device "{device}" is not there ({have}): use --device cpu or auto.')
    return torch.device(device)


def _locate(name: str) -> tuple[str, bool]:
    """Where to read from, and whether that is on this machine alone."""
    if name in bundled.NAMES:
        return str(bundled.directory(name)), True
    path = Path(name).expanduser()
    known = f"The bundled models are {' and '.join(bundled.NAMES)}"
    if path.is_dir():
        if not any([*path.glob("*.safetensors"), *path.glob("*.bin")]):
            raise ModelError(f'The directory "{name}" holds no weights (model.safetensors or pytorch_model.bin).')
        return str(path), True
    if path.exists():
        raise ModelError(f'"{name}" is a file: give the directory that holds the model.')
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or name.startswith("."):
        close = get_close_matches(name, bundled.NAMES, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        raise ModelError(f'Unknown model "{name}". {known}; else give a directory or a hub id, owner/name.{hint}')
    return name, not _hub_has(name)


def _hub_has(name: str) -> bool:
    """Ask the hub once, without retries; False when it cannot be reached, so that only the cache is looked at."""
    try:
        HfApi().model_info(name, timeout=10)
    except HfHubHTTPError as error:
        if error.response is not None and error.response.status_code in (401, 403, 404):
            raise ModelError(f'The hub has no model "{name}" that you may read: check its name, or log in.') from error
        return False
    except Exception:  # offline mode, no network, no name service: each library below has its own exception for it
        return False
    return True


def _read(source: str, local: bool) -> Loaded:
    try:
        config = AutoConfig.from_pretrained(source, local_files_only=local, trust_remote_code=False)
    except OSError as error:
        if Path(source).is_dir():
            raise
        raise ModelError(
            f'The model "{source}" is not in the local cache and the hub cannot be reached: '
            "go online once, or give a directory."
        ) from error
    heads = config.architectures or []
    if not any(head.endswith(HEAD) for head in heads):
        found = ", ".join(heads) or "none"
        raise ModelError(
            f'"{source}" has no head that tags words (needs …{HEAD}, has {found}): fine-tune it for tagging first.'
        )
    check_family(config.model_type)
    model = _weights(AutoModelForTokenClassification, source, local, trust_remote_code=False)
    tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local, trust_remote_code=False)
    if not tokenizer.is_fast:
        raise ModelError(f'The tokeniser of "{source}" does not tell words from sub-tokens: save it as tokenizer.json.')
    names = model.config.id2label or {}
    return model, tokenizer, tuple(name for _, name in sorted(names.items()))


def _read_bert_ner(source: str, local: bool) -> Loaded:
    """A directory as kamalkraj/BERT-NER writes it: labels in model_config.json from "1" on, logit 0 without a name."""
    try:
        settings = json.loads((Path(source) / "model_config.json").read_text(encoding="utf-8"))
        names = {int(number): str(label) for number, label in settings["label_map"].items()}
        count, lower = int(settings["num_labels"]), bool(settings["do_lower"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f'model_config.json of "{source}" is not as BERT-NER writes it ({type(error).__name__}: {error}): mend it.'
        ) from error
    model = _weights(BertForTokenClassification, source, local, num_labels=count)
    tokenizer = BertTokenizer.from_pretrained(source, local_files_only=local, do_lower_case=lower)
    return model, tokenizer, tuple(names.get(i, f"[{i}]") for i in range(count))


def _weights(kind: Any, source: str, local: bool, **options: Any) -> PreTrainedModel:
    """Read weights as they were stored; every tensor that the model needs must be there."""
    model, loading = kind.from_pretrained(
        source, local_files_only=local, dtype="auto", output_loading_info=True, **options
    )
    if missing := sorted(loading["missing_keys"]):
        raise ModelError(
            f'The weights of "{source}" lack {len(missing)} tensors ({", ".join(missing[:3])}): is it one for tagging?'
        )
    return cast(PreTrainedModel, model)


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
