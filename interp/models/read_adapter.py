"""A PEFT directory: the base model that it names, with the adapter merged into its weights."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from interp.errors import ModelError
from interp.models.checkpoint import (
    Checkpoint,
    StoredConfig,
    check_base_architecture,
    check_label_order,
    has_tagging_head,
    label_names,
    naming_notices,
    read_config,
    read_tokenizer,
    read_weights,
    stored_settings,
)
from interp.models.config_files import AdapterKeys, ConfigKeys, check_keys, read_settings
from interp.models.fingerprint import fingerprint
from interp.models.locate import locate
from interp.models.stored_files import check_files
from interp.versions import install_command

__all__ = ["read_adapter"]

HEADS = ("classifier", "score")
"""What transformers calls the module that gives the logits."""

ELSEWHERE = ("base_model_name_or_path", "revision", "peft_version", "target_modules")
"""What an adapter's settings say of other things than what it does to its base; the modules show in its tensors."""


def read_adapter(source: str) -> Checkpoint:
    """The merged model, in float32. Raises ModelError where base or head are missing."""
    try:
        import peft
    except ImportError as error:
        raise ModelError(f'"{source}" is an adapter, which needs peft: {install_command("peft")}') from error
    folder = Path(source)
    settings = read_settings(folder / "adapter_config.json")
    check_keys(settings, AdapterKeys, f'adapter_config.json of "{source}"')
    base_name = str(peft.PeftConfig.from_pretrained(source).base_model_name_or_path or "")
    if not base_name:
        raise ModelError(
            f'The adapter "{source}" names no base model: write base_model_name_or_path into its settings.'
        )
    base, base_is_local, stored = _find_base(folder, base_name)
    config = stored.config
    changes = peft.load_peft_weights(source, device="cpu")
    label_counts = {head: count for head in HEADS if (count := _label_count(changes, head))}
    if not label_counts and not has_tagging_head(config):
        raise ModelError(f'Neither the adapter "{source}" nor its base "{base_name}" has a head that tags words.')
    check_base_architecture(base_name, config, has_own_head=bool(label_counts))
    labels, notices = _labels(source, config, next(iter(label_counts.values()), None))
    config.num_labels = len(labels)
    model = read_weights(stored, base, base_is_local, label_counts)
    own_tokenizer = (folder / "tokenizer_config.json").is_file()
    tokenizer = read_tokenizer(source if own_tokenizer else base, base_is_local)
    kept = {key: tensor for key, tensor in model.state_dict().items() if key.split(".")[0] not in label_counts}
    added = {f"adapter {key}": tensor for key, tensor in changes.items()}
    identity = fingerprint(
        kept | added,
        tokenizer,
        labels=labels,
        configuration=stored.settings,
        adapter=_effective_settings(settings),
    )
    return Checkpoint(
        model=_merge(peft, model, source, changes),
        tokenizer=tokenizer,
        labels=labels,
        identity=identity,
        notices=notices,
    )


def _find_base(folder: Path, name: str) -> tuple[str, bool, StoredConfig]:
    """Where the base model is, whether that is on this machine alone, and its configuration."""
    beside = folder / name
    try:
        base, is_local = locate(str(beside) if name.startswith(".") and beside.is_dir() else name)
        check_files(Path(base))
        return base, is_local, read_config(base, is_local)
    except ModelError as error:
        raise ModelError(f'The adapter "{folder}" needs its base model. {error}') from error


def _label_count(tensors: Mapping[str, Tensor], head: str) -> int:
    """Labels of a head that an adapter brings along; 0 where it does not."""
    return next((len(tensor) for key, tensor in tensors.items() if key.endswith(f".{head}.weight")), 0)


def _labels(source: str, base: PreTrainedConfig, count: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of an adapter's labels, from its own config.json or else its base's, and what to say where none fit."""
    for labels in (_own_labels(source), label_names(base.id2label)):
        if labels and (count is None or len(labels) == count):
            return labels, naming_notices(labels)
    notice = "The adapter does not name its labels: put a config.json with id2label beside it."
    return tuple(f"LABEL_{number}" for number in range(count or 0)), (notice,)


def _own_labels(source: str) -> tuple[str, ...]:
    if not (Path(source) / "config.json").is_file():
        return ()
    settings = stored_settings(source, local=True)
    check_keys(settings, ConfigKeys, f'config.json of "{source}"')
    labels = label_names(settings.get("id2label"))
    check_label_order(settings, labels)
    return labels


def _effective_settings(settings: Mapping[str, Any]) -> str:
    """Those of an adapter's settings that decide what it does to its base."""
    return json.dumps({key: value for key, value in settings.items() if key not in ELSEWHERE}, sort_keys=True)


def _merge(peft: Any, model: PreTrainedModel, source: str, changes: Mapping[str, Tensor]) -> PreTrainedModel:
    """The base with what the adapter changes. Raises ModelError where that is not all that the adapter holds, or where
    the adapter does not hold all that its settings ask for: peft would make it up.
    """
    with warnings.catch_warnings():  # peft asks transformers for what it is about to rename
        warnings.simplefilter("ignore", FutureWarning)
        warnings.filterwarnings("ignore", "Found missing adapter keys", UserWarning)  # they are refused here
        adapted: Any = peft.PeftModel.from_pretrained(nn.Module.float(model), source)
    if not hasattr(adapted, "merge_and_unload"):
        kind = adapted.active_peft_config.peft_type
        raise ModelError(f'The adapter "{source}" ({kind}) cannot be merged into its base.')
    expected = peft.get_peft_model_state_dict(adapted, save_embedding_layers=False)
    if missing := sorted(expected.keys() - changes.keys()):
        raise ModelError(f'The adapter "{source}" lacks {len(missing)} tensors ({missing[0]}): save it anew.')
    if unused := sorted(changes.keys() - expected.keys() - adapted.state_dict().keys()):
        raise ModelError(
            f'The adapter "{source}" holds {len(unused)} tensors that its base has no place for ({unused[0]}): it is '
            "of another base."
        )
    merged: PreTrainedModel = adapted.merge_and_unload()
    return merged
