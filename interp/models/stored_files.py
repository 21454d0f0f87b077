"""What the files of a checkpoint are, before any library reads them: none elsewhere, and none that is all promise."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from pydantic import BaseModel
from safetensors import SafetensorError, safe_open

from interp.errors import ModelError
from interp.models.config_files import TokenizerKeys, check_keys, read_settings
from interp.project.strict_json import parse_document

__all__ = ["SMALL", "StoredSize", "check_configuration", "check_files"]

ELSEWHERE = ("transformers_weights", "quantization_config")
"""Keys of a configuration that send the reader to other files or other arithmetic than those that are looked at."""

SETTINGS: Mapping[str, type[BaseModel] | None] = {
    "config.json": None,
    "model_config.json": None,
    "adapter_config.json": None,
    "tokenizer_config.json": TokenizerKeys,
    "special_tokens_map.json": None,
    "added_tokens.json": None,
}
"""Files that are JSON objects, each where it is there, and the keys that are held to their kind here; those of models
that lie elsewhere too, or are of one form, are held where they are read."""

SIZES = ("_size", "_dim", "_heads", "_labels", "_embeddings", "layers", "n_layer", "_groups", "group_num")
"""Ends of the keys that say how large a model is."""

POSITIVE = re.compile(
    r"(layers?|heads|hidden_size|intermediate_size|hidden_dim|^dim|^vocab_size|^max_position_embeddings)$"
)
"""Keys of sizes of which there is no model of none; others, as ALBERT's gap_size, may be 0."""

MOST_LAYERS = 200
"""That are believed of any file: ALBERT's share their tensors."""

SMALL = 1_000_000
"""Sizes and numbers that do no harm whatever the file holds: 4 MB."""

UNREADABLE = (OSError, RuntimeError, SafetensorError, UnpicklingError, EOFError)
"""What reading a damaged file raises."""


@dataclass(frozen=True)
class StoredSize:
    """What is stored of a model."""

    tensors: int
    numbers: int


def check_files(folder: Path) -> None:
    """Raise ModelError for an index or a link that leads elsewhere: a model is what is in its directory."""
    if not folder.is_dir():  # a hub id
        return
    for name, keys in SETTINGS.items():
        if (folder / name).exists():
            settings = read_settings(folder / name)
            if keys is not None:
                check_keys(settings, keys, str(folder / name))
    for index in folder.glob("*.index.json"):
        _check_index(index)
    home = _home(folder)
    for path in sorted(folder.iterdir()):
        is_file_link = path.is_symlink() and not path.is_dir()
        if is_file_link and not path.resolve().is_relative_to(home):
            raise ModelError(
                f"{path} is a link that leads out of its directory, to {path.resolve()}: put the file there."
            )


def _home(folder: Path) -> Path:
    """What links may lead to: the directory itself; in the hub's cache, whose snapshots are links, all of the model."""
    home = folder.resolve()
    in_cache = home.parent.name == "snapshots" and (home.parent.parent / "blobs").is_dir()
    return home.parent.parent if in_cache else home


def _check_index(index: Path) -> None:
    try:
        names = set(parse_document(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} is no index of weights: save the model anew.") from error
    elsewhere = sorted(str(name) for name in names if Path(str(name)).name != name)
    if elsewhere:
        raise ModelError(f'{index} names "{elsewhere[0]}", which is no file beside it: put all weights there.')


def check_configuration(source: str, settings: Mapping[str, Any]) -> StoredSize | None:
    """What is stored with a configuration. Raises ModelError for one that names other files, or sizes that its weights
    cannot have: transformers would build such a model before it looks at them.
    """
    for key in ELSEWHERE:
        if settings.get(key):
            raise ModelError(
                f'config.json of "{source}" has {key}, which is not obeyed: save the model as model.safetensors, in '
                "floats."
            )
    sizes = _sizes(source, settings)
    stored = _stored_size(source)
    if stored is None:
        return None
    for key, size in sizes.items():
        of_layers = "layer" in key or "group" in key
        most = max(stored.tensors, MOST_LAYERS) if of_layers else max(stored.numbers, SMALL)
        if size > most:
            raise ModelError(
                f'config.json of "{source}" says {key} {size}, and its weights are {stored.numbers} numbers in '
                f"{stored.tensors} tensors: give the configuration that belongs to them."
            )
    return stored


def _sizes(source: str, settings: Mapping[str, Any]) -> dict[str, int]:
    """The keys that say how large a model is. Raises ModelError for what is no size."""
    sizes = {}
    for key, size in settings.items():
        positive = POSITIVE.search(key) is not None
        is_flag = isinstance(size, bool) and not positive  # as tie_word_embeddings
        if not key.endswith(SIZES) or is_flag or not isinstance(size, int | float | str):
            continue
        least = 1 if positive else 0
        if type(size) is not int or size < least:
            raise ModelError(
                f'config.json of "{source}" says {key} {size!r}, which is no whole number of at least {least}: give '
                "the configuration that belongs to the weights."
            )
        sizes[key] = size
    return sizes


def _stored_size(source: str) -> StoredSize | None:
    """What a directory holds, by the headers of its files; None for a hub id, and where nothing can be read: loading
    says why.
    """
    shapes: list[Sequence[int]] = []
    folder = Path(source)
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    for path in files if folder.is_dir() else []:
        with suppress(*UNREADABLE):
            shapes += _stored_shapes(path)
    numbers = sum(torch.Size(shape).numel() for shape in shapes)
    return StoredSize(len(shapes), numbers) if shapes else None


def _stored_shapes(path: Path) -> list[Sequence[int]]:
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as opened:
            return [opened.get_slice(name).get_shape() for name in opened.keys()]  # noqa: SIM118 - no mapping
    content = torch.load(path, map_location="meta", weights_only=True)
    return [tensor.shape for tensor in content.values() if isinstance(tensor, torch.Tensor)]
