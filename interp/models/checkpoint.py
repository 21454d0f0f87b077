"""Weights, tokeniser and label names from where a model is, as they were stored. No code that comes with it is run."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import transformers
from torch import Tensor, nn
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoTokenizer,
    BertConfig,
    BertTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from interp.errors import ModelError
from interp.models.find_parts import unsupported_model
from interp.models.fingerprint import model_fingerprint
from interp.models.locate import locate

__all__ = ["Checkpoint", "read_checkpoint"]

HEAD = "ForTokenClassification"
HEADS = ("classifier", "score")
"""What transformers calls the module that gives the logits."""


ELSEWHERE = ("base_model_name_or_path", "revision", "peft_version", "target_modules")
"""What an adapter's settings say of other things than what it does to its base; the modules show in its tensors."""


@dataclass(frozen=True)
class Checkpoint:
    """What was found: weights and tokeniser, the name of each logit, the fingerprint, and what to tell the user."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]
    identity: str
    notices: tuple[str, ...] = ()


def read_checkpoint(source: str, local: bool) -> Checkpoint:
    """Read a model at `source`, a directory or a hub id; `local`: ask nobody. Raises ModelError for one that does not
    tag words, and whatever the libraries raise for one that is damaged.
    """
    folder = Path(source)
    if (folder / "model_config.json").is_file():
        return _read_bert_ner(source, local)
    if (folder / "adapter_config.json").is_file():
        if any(folder.glob("model*.safetensors")) or any(folder.glob("pytorch_model*.bin")):
            raise ModelError(f'"{source}" holds a whole model and an adapter: keep one of them there.')
        return _read_adapter(source)
    return _read_directory(source, local)


def _config(source: str, local: bool) -> PreTrainedConfig:
    """The configuration of a model of a type that transformers can tag with."""
    try:
        settings, _ = PreTrainedConfig.get_config_dict(source, local_files_only=local)
        kind = settings.get("model_type")
        if kind is None:
            raise ModelError(f'"{source}" has no config.json that names a model_type: is it a whole model?')
        if kind not in CONFIG_MAPPING:
            raise unsupported_model(kind, f"transformers {transformers.__version__} does not know it")
        config: PreTrainedConfig = AutoConfig.from_pretrained(source, local_files_only=local, trust_remote_code=False)
    except OSError as error:
        if Path(source).is_dir():
            raise
        if not local:
            raise ModelError(
                f'The hub has no config.json of "{source}": download an adapter, and give its directory.'
            ) from error
        raise ModelError(
            f'The model "{source}" is not in the local cache and the hub cannot be reached: '
            "go online once, or give a directory."
        ) from error
    if type(config) not in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING:
        raise unsupported_model(config.model_type, "transformers has no tagger of this type")
    return config


def _read_directory(source: str, local: bool) -> Checkpoint:
    config = _config(source, local)
    heads = config.architectures or []
    if not any(head.endswith(HEAD) for head in heads):
        found = ", ".join(heads) or "none"
        raise ModelError(
            f'"{source}" has no head that tags words (needs …{HEAD}, has {found}): fine-tune it for tagging first.'
        )
    model = _weights(config, source, local)
    tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local, trust_remote_code=False)
    return Checkpoint(model, tokenizer, _labels(config), model_fingerprint(model.state_dict(), tokenizer))


def _labels(config: PreTrainedConfig) -> tuple[str, ...]:
    return tuple(name for _, name in sorted((config.id2label or {}).items()))


def _read_bert_ner(source: str, local: bool) -> Checkpoint:
    """A directory as kamalkraj/BERT-NER writes it: labels in model_config.json from "1" on, logit 0 without a name."""
    try:
        settings = json.loads((Path(source) / "model_config.json").read_text(encoding="utf-8"))
        names = {int(number): str(label) for number, label in settings["label_map"].items()}
        count, lower = int(settings["num_labels"]), bool(settings["do_lower"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f'model_config.json of "{source}" is not as BERT-NER writes it ({type(error).__name__}: {error}): mend it.'
        ) from error
    config = BertConfig.from_pretrained(source, local_files_only=local, num_labels=count)
    model = _weights(config, source, local)
    pieces = (Path(source) / "vocab.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    tokenizer = BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, do_lower_case=lower)
    labels = tuple(names.get(i, f"[{i}]") for i in range(count))
    return Checkpoint(model, tokenizer, labels, model_fingerprint(model.state_dict(), tokenizer))


def _read_adapter(source: str) -> Checkpoint:
    """A PEFT directory: the base model that it names, with the adapter merged into its weights in float32."""
    try:
        import peft
    except ImportError as error:
        raise ModelError(f'"{source}" is an adapter: pip install "interp[peft]" reads it.') from error
    settings = peft.PeftConfig.from_pretrained(source)
    name = str(settings.base_model_name_or_path or "")
    beside = Path(source) / name
    try:
        base, base_local = locate(str(beside) if name.startswith(".") and beside.is_dir() else name)
        config = _config(base, base_local)
    except ModelError as error:
        raise ModelError(f'The adapter "{source}" needs its base model. {error}') from error
    changes = peft.load_peft_weights(source, device="cpu")
    heads = {head: count for head in HEADS if (count := _rows(changes, head))}
    if not heads and not any(head.endswith(HEAD) for head in config.architectures or []):
        raise ModelError(f'Neither the adapter "{source}" nor its base "{name}" has a head that tags words.')
    labels, notices = _labels_of_adapter(source, config, *heads.values())
    config.num_labels = len(labels)
    model = _weights(config, base, base_local, heads)
    plain = {key: tensor for key, tensor in model.state_dict().items() if key.split(".")[0] not in heads}
    tokenizer = AutoTokenizer.from_pretrained(
        source if (Path(source) / "tokenizer_config.json").is_file() else base,
        local_files_only=base_local,
        trust_remote_code=False,
    )
    told = json.loads((Path(source) / "adapter_config.json").read_text(encoding="utf-8"))
    told = {key: value for key, value in told.items() if key not in ELSEWHERE}
    tensors = {**plain, **{f"adapter {key}": tensor for key, tensor in changes.items()}}
    identity = model_fingerprint(tensors, tokenizer, json.dumps(told, sort_keys=True))
    with warnings.catch_warnings():  # peft asks transformers for what it is about to rename
        warnings.simplefilter("ignore", FutureWarning)
        wrapped: Any = peft.PeftModel.from_pretrained(nn.Module.float(model), source)
    if not hasattr(wrapped, "merge_and_unload"):
        raise ModelError(f'The adapter "{source}" ({settings.peft_type}) cannot be merged into its base.')
    return Checkpoint(wrapped.merge_and_unload(), tokenizer, labels=labels, identity=identity, notices=notices)


def _rows(tensors: Mapping[str, Tensor], head: str) -> int:
    """Labels of a head that an adapter brings along; 0 where it does not."""
    return next((len(tensor) for key, tensor in tensors.items() if key.endswith(f".{head}.weight")), 0)


def _labels_of_adapter(source: str, base: PreTrainedConfig, *count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of an adapter's labels, from its own config.json or else its base's, and what to say where none fit."""
    own: tuple[str, ...] = ()
    if (Path(source) / "config.json").is_file():
        settings, _ = PreTrainedConfig.get_config_dict(source, local_files_only=True)
        numbered = {int(number): str(name) for number, name in (settings.get("id2label") or {}).items()}
        own = tuple(name for _, name in sorted(numbered.items()))
    for labels in (own, _labels(base)):
        if labels and (not count or len(labels) == count[0]):
            return labels, ()
    notice = "The adapter does not name its labels: put a config.json with id2label beside it."
    return tuple(f"LABEL_{number}" for number in range(count[0])), (notice,)


def _weights(config: PreTrainedConfig, source: str, local: bool, elsewhere: Collection[str] = ()) -> PreTrainedModel:
    """Read weights as they were stored; every tensor that the model needs must be there, but those of modules whose
    weights come from `elsewhere`.
    """
    kind: Any = MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING[type(config)]
    if hasattr(config, "reference_compile"):
        config.reference_compile = False  # ModernBERT would compile parts of itself, past all hooks
    # Left to itself ModernBERT takes flash attention where it is installed, and flattens its batches for it.
    attention = "sdpa" if kind._supports_sdpa else "eager"
    model, loading = kind.from_pretrained(
        source,
        config=config,
        local_files_only=local,
        dtype="auto",
        attn_implementation=attention,
        output_loading_info=True,
    )
    if getattr(model, "_hf_peft_config_loaded", False):  # transformers took another model, which the adapter names
        raise ModelError(f'"{source}" holds a whole model and an adapter: keep one of them there.')
    if missing := sorted(key for key in loading["missing_keys"] if key.split(".")[0] not in elsewhere):
        raise ModelError(
            f'The weights of "{source}" lack {len(missing)} tensors ({", ".join(missing[:3])}): is it one for tagging?'
        )
    return cast(PreTrainedModel, model)
