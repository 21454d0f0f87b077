"""A checkpoint as it was stored, and the reading that all its forms share. No code that comes with it is run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

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

from interp.errors import ModelError
from interp.models.find_parts import unsupported_model
from interp.models.fingerprint import Fingerprint

__all__ = [
    "Checkpoint",
    "has_tagging_head",
    "label_names",
    "read_config",
    "read_tokenizer",
    "read_weights",
    "stored_settings",
]

HEAD = "ForTokenClassification"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Weights and tokeniser, the name of each logit, the fingerprint, and what to tell the user."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]
    identity: Fingerprint
    notices: tuple[str, ...] = ()


def read_config(source: str, local: bool) -> PreTrainedConfig:
    """The configuration of a model of a type that transformers can tag with. Raises ModelError for others."""
    try:
        kind = stored_settings(source, local).get("model_type")
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


def stored_settings(source: str, local: bool) -> dict[str, Any]:
    """config.json as it was stored. Raises OSError where there is none."""
    settings, _ = PreTrainedConfig.get_config_dict(source, local_files_only=local)
    return dict(settings)


def has_tagging_head(config: PreTrainedConfig) -> bool:
    return any(architecture.endswith(HEAD) for architecture in config.architectures or [])


def label_names(id2label: Mapping[Any, str] | None) -> tuple[str, ...]:
    """The name of each logit, in their order."""
    return tuple(name for _, name in sorted((id2label or {}).items()))


def read_tokenizer(source: str, local: bool) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        source, local_files_only=local, trust_remote_code=False
    )
    return tokenizer


def read_weights(
    config: PreTrainedConfig, source: str, local: bool, elsewhere: Collection[str] = ()
) -> PreTrainedModel:
    """Read weights as they were stored; every tensor that the model needs must be there, but those of modules whose
    weights come from `elsewhere`. Raises ModelError.
    """
    model_class: Any = MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING[type(config)]
    if hasattr(config, "reference_compile"):
        config.reference_compile = False  # ModernBERT would compile parts of itself, past all hooks
    # Left to itself ModernBERT takes flash attention where it is installed, and flattens its batches for it.
    attention = "sdpa" if model_class._supports_sdpa else "eager"
    model, loading = model_class.from_pretrained(
        source,
        config=config,
        local_files_only=local,
        dtype="auto",
        attn_implementation=attention,
        output_loading_info=True,
    )
    if getattr(model, "_hf_peft_config_loaded", False):  # transformers took another model, which the adapter names
        raise ModelError(f'"{source}" holds a whole model and an adapter: keep one of them there.')
    missing = sorted(key for key in loading["missing_keys"] if key.split(".")[0] not in elsewhere)
    if missing:
        raise ModelError(
            f'The weights of "{source}" lack {len(missing)} tensors ({", ".join(missing[:3])}): is it one for tagging?'
        )
    return cast(PreTrainedModel, model)
