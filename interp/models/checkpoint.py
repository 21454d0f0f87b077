"""A checkpoint as it was stored, and the reading that all its forms share. No code that comes with it is run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from interp.errors import ModelError, counted
from interp.models.config_files import ConfigKeys, check_keys
from interp.models.find_parts import unsupported_model
from interp.models.fingerprint import Fingerprint
from interp.models.stored_files import SMALL, StoredSize, check_configuration

__all__ = [
    "Checkpoint",
    "StoredConfig",
    "check_architecture",
    "check_base_architecture",
    "check_label_order",
    "has_tagging_head",
    "label_names",
    "naming_notices",
    "read_config",
    "read_tokenizer",
    "read_weights",
    "stored_settings",
    "tagger_class",
]

HEAD = "ForTokenClassification"
HARMLESS = re.compile(r"(^|\.)pooler\.|(^|\.)position_ids$|\.inv_freq$|\.num_batches_tracked$")
"""Tensors that taggers are stored with and that nothing they answer depends on."""
UNNAMED = re.compile(r"LABEL_\d+")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Weights and tokeniser, the name of each logit, the fingerprint, and what to tell the user."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]
    identity: Fingerprint
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredConfig:
    """A configuration as it was stored and as transformers reads it, and how much is stored with it."""

    config: PreTrainedConfig
    settings: Mapping[str, Any]
    """config.json."""
    size: StoredSize | None
    """None where that is not known."""


def read_config(source: str, local: bool) -> StoredConfig:
    """The configuration of a model of a type that transformers can tag with. Raises ModelError for others."""
    try:
        settings = stored_settings(source, local)
        check_keys(settings, ConfigKeys, f'config.json of "{source}"')
        label_names(settings.get("id2label"))
        kind = settings.get("model_type")
        if kind is None:
            raise ModelError(f'"{source}" has no config.json that names a model_type: is it a whole model?')
        if kind not in CONFIG_MAPPING:
            raise unsupported_model(kind, f"transformers {transformers.__version__} does not know it")
        size = check_configuration(source, settings)
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
    return StoredConfig(config=config, settings=settings, size=size)


def stored_settings(source: str, local: bool) -> dict[str, Any]:
    """config.json as it was stored. Raises OSError where there is none."""
    settings, _ = PreTrainedConfig.get_config_dict(source, local_files_only=local)
    return dict(settings)


def tagger_class(config: PreTrainedConfig) -> Any:
    """transformers' own class that tags words with such a configuration."""
    return MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING[type(config)]


def has_tagging_head(config: PreTrainedConfig) -> bool:
    return any(architecture.endswith(HEAD) for architecture in config.architectures or [])


def check_architecture(source: str, config: PreTrainedConfig) -> None:
    """Raise ModelError for one that does not tag words, or that another class than transformers' own computes."""
    architectures = config.architectures or []
    if not has_tagging_head(config):
        raise ModelError(
            f'"{source}" has no head that tags words (needs …{HEAD}, has {", ".join(architectures) or "none"}): '
            "fine-tune it for tagging first."
        )
    class_name = tagger_class(config).__name__
    if class_name not in architectures:
        raise ModelError(
            f'"{source}" is a {", ".join(architectures)}, and transformers would read it as {class_name}: save it as '
            "one, if that is what it is."
        )


def check_base_architecture(source: str, config: PreTrainedConfig, has_own_head: bool) -> None:
    """The same of an adapter's base, which may be any class of transformers' where the adapter brings a head."""
    if not has_own_head:
        check_architecture(source, config)
        return
    foreign = [name for name in config.architectures or () if not _is_own_class(name)]
    if foreign:
        raise ModelError(
            f'The base "{source}" is a {foreign[0]}, which is no class of transformers: it is not computed.'
        )


def _is_own_class(name: str) -> bool:
    model_class = getattr(transformers, name, None)
    return isinstance(model_class, type) and issubclass(model_class, PreTrainedModel)


def label_names(id2label: Mapping[Any, Any] | None, file: str = "config.json") -> tuple[str, ...]:
    """The name of each logit, in their order; `file` is for messages. Raises ModelError where one has none, or two have
    the same.
    """
    names = {int(number): name for number, name in (id2label or {}).items()}
    if nameless := [number for number, name in names.items() if not isinstance(name, str) or not name.strip()]:
        raise ModelError(f"{file} gives logit {nameless[0]} no name: write what it is.")
    if sorted(names) != list(range(len(names))):
        raise ModelError(
            f"id2label of {file} names the logits {', '.join(map(str, sorted(names)))}: name those from 0 to "
            f"{len(names) - 1}, each once."
        )
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise ModelError(f'{file} calls two logits "{twice[0]}": give each label a name of its own.')
    return tuple(names[number] for number in range(len(names)))


def check_label_order(settings: Mapping[str, Any], labels: Sequence[str], file: str = "config.json") -> None:
    """Raise ModelError where label2id gives the same names other numbers: nobody can tell which is right."""
    numbers = settings.get("label2id") or {}
    same_names = isinstance(numbers, Mapping) and set(numbers) == set(labels)
    if same_names and any(int(numbers[label]) != number for number, label in enumerate(labels)):
        raise ModelError(f"id2label and label2id of {file} give labels other numbers: mend the wrong one.")


def naming_notices(labels: Sequence[str], file: str = "its config.json") -> tuple[str, ...]:
    """What to say of labels that were never named."""
    unnamed = [label for label in labels if UNNAMED.fullmatch(label)]
    if not unnamed:
        return ()
    return (f"Labels were never named ({', '.join(unnamed[:3])}): write what they are as id2label into {file}.",)


def read_tokenizer(source: str, local: bool) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        source, local_files_only=local, trust_remote_code=False
    )
    return tokenizer


def read_weights(stored: StoredConfig, source: str, local: bool, elsewhere: Collection[str] = ()) -> PreTrainedModel:
    """Read weights as they were stored; every tensor that the model needs must be there in its shape, and no other, but
    for modules whose weights come from `elsewhere`. Raises ModelError.
    """
    config = stored.config
    model_class = tagger_class(config)
    _set_how_answers_come(config)
    _check_size(source, stored)
    # Left to itself ModernBERT takes flash attention where it is installed, and flattens its batches for it.
    attention = "sdpa" if model_class._supports_sdpa else "eager"
    model, loading = model_class.from_pretrained(
        source,
        config=config,
        local_files_only=local,
        dtype="auto",
        attn_implementation=attention,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are refused here, by name
    )
    if getattr(model, "_hf_peft_config_loaded", False):  # transformers took another model, which the adapter names
        raise ModelError(f'"{source}" holds a whole model and an adapter: keep one of them there.')
    _check_tensors(source, config, loading, elsewhere)
    return cast(PreTrainedModel, model)


def _set_how_answers_come(config: PreTrainedConfig) -> None:
    """Settings that change the form of an answer, or how it is computed, and not what it is."""
    config.return_dict = True
    config.output_hidden_states = config.output_attentions = False
    config.chunk_size_feed_forward = 0
    if hasattr(config, "reference_compile"):
        config.reference_compile = False  # ModernBERT would compile parts of itself, past all hooks


def _check_size(source: str, stored: StoredConfig) -> None:
    """Raise ModelError for a configuration of a far larger model than is stored: what is not stored would be made."""
    if stored.size is None:
        return
    outline = _outline(tagger_class(stored.config), stored.config)
    numbers = sum(tensor.numel() for tensor in (*outline.parameters(), *outline.buffers()))
    if numbers > 4 * stored.size.numbers + SMALL:
        raise ModelError(
            f'config.json of "{source}" is of a model of {numbers:,} numbers, and its weights are '
            f"{stored.size.numbers:,}: give the configuration that belongs to them."
        )


def _outline(model_class: type[PreTrainedModel], config: PreTrainedConfig) -> PreTrainedModel:
    """A model without numbers: the names and shapes of its tensors."""
    with torch.device("meta"):
        return model_class(deepcopy(config))


def _check_tensors(
    source: str, config: PreTrainedConfig, loading: Mapping[str, Any], elsewhere: Collection[str]
) -> None:
    """What transformers warns of, or says nothing of, would be explained as if it were not there."""
    class_name = tagger_class(config).__name__

    def listed(keys: Iterable[str]) -> list[str]:
        return sorted(key for key in keys if key.split(".")[0] not in elsewhere)

    shapes = {key: f"{key}: {list(stored)}, not {list(wanted)}" for key, stored, wanted in loading["mismatched_keys"]}
    if misshapen := listed(shapes):
        raise ModelError(
            f'"{source}" holds {counted(len(misshapen), "tensor")} of other shapes than config.json says '
            f"({_first([shapes[key] for key in misshapen])}): give the configuration that belongs to the weights, with "
            "as many labels."
        )
    if missing := listed(loading["missing_keys"]):
        raise ModelError(
            f'The weights of "{source}" lack {counted(len(missing), "tensor")} ({_first(missing)}): is it one for '
            "tagging?"
        )
    unused = [key for key in listed(loading["unexpected_keys"]) if not HARMLESS.search(key)]
    if unused and elsewhere:  # the base of an adapter, which brings the head for tags, may still have its own
        own = _pretrained_tensors(config)
        unused = [key for key in unused if key not in own]
    if unused:
        raise ModelError(
            f'"{source}" holds {counted(len(unused), "tensor")} that {class_name} does not use ({_first(unused)}): it '
            "is of another architecture, or config.json is another model's."
        )


def _pretrained_tensors(config: PreTrainedConfig) -> set[str]:
    """Names of the tensors of the architectures that a configuration names, as far as they are transformers' own."""
    names: set[str] = set()
    for architecture in config.architectures or ():
        if _is_own_class(architecture):
            names.update(_outline(getattr(transformers, architecture), config).state_dict())
    return names


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:2])
