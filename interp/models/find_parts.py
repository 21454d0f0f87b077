"""The parts of a model: by its family's row, or by looking where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn
from transformers import PreTrainedModel

from interp.engine.hooks import frozen, recording
from interp.errors import ModelError, first_line
from interp.models.families import FAMILIES, Family
from interp.models.parts import TABLES, Parts, measure_parts, probe_ids

__all__ = ["find_parts", "unsupported_model"]

_NO_TABLES = "interp does not know the embedding tables of this type of model"


def unsupported_model(kind: str, reason: str) -> ModelError:
    """The refusal of a type of model, with those that are known."""
    return ModelError(f'Models of type "{kind}" are not supported ({reason}); known are {", ".join(FAMILIES)}.')


def find_parts(model: PreTrainedModel) -> Parts:
    """Find the parts of a model. Raises ModelError for one of no known family that shows nothing of the kind."""
    family = FAMILIES.get(model.config.model_type)
    return _look_for_parts(model) if family is None else _parts_by_family(model, family)


def _parts_by_family(model: PreTrainedModel, family: Family) -> Parts:
    encoder = model.base_model
    paths = {name: getattr(family, name) for name in TABLES}
    optional = {name: _optional_module(encoder, path) for name, path in paths.items() if path is not None}
    tables = {name: table for name, table in optional.items() if table is not None}
    layers = list(encoder.get_submodule(family.layers).children())
    closing = _optional_module(encoder, family.closing) if family.closing else None
    return measure_parts(
        model,
        embeddings=encoder.get_submodule(family.embeddings),
        tables=tables,
        reasons=family.absent,
        layers=layers if closing is None else [closing, *layers[1:]],
        kept=[table for name, table in tables.items() if name != "word"],
    )


def _optional_module(encoder: nn.Module, path: str) -> nn.Module | None:
    """A module that the configuration may have left out."""
    parent, _, name = path.rpartition(".")
    module = getattr(encoder.get_submodule(parent), name, None)
    return module if isinstance(module, nn.Module) else None


def _look_for_parts(model: PreTrainedModel) -> Parts:
    """Guess the parts: the block around the word table, and the list of modules that are called most often, one after
    the other. Raises ModelError where nothing of the kind is there.
    """
    kind, encoder = model.config.model_type, model.base_model
    if getattr(model.config, "attention_type", None) == "block_sparse":
        raise unsupported_model(
            kind, "a short sentence turns its sparse attention off for good: save it with full attention"
        )
    try:
        table_path = _word_table_path(model)
        lists = list(_module_lists(encoder))
        calls = _count_calls(model, [module for modules in lists for module in modules])
    except Exception as error:  # a model of another kind may do and raise anything
        raise unsupported_model(kind, f"looking for its layers failed, {first_line(error)}") from error
    if table_path is None or not any(calls.values()):
        raise unsupported_model(kind, "it shows no word table or no list of layers")
    layers = max(lists, key=lambda modules: sum(calls[module] for module in modules))
    block, word_table = _block_around(encoder, table_path, layers), encoder.get_submodule(table_path)
    try:
        return measure_parts(
            model,
            embeddings=block,
            tables={},
            reasons=dict.fromkeys(TABLES, _NO_TABLES),
            layers=[layer for layer in dict.fromkeys(layers) if calls[layer]],
            kept=[part for part in block.modules() if isinstance(part, nn.Embedding) and part is not word_table],
        )
    except Exception as error:
        raise unsupported_model(kind, f"its layers return no states, {first_line(error)}") from error


def _word_table_path(model: PreTrainedModel) -> str | None:
    """Where the table of words is that the model calls: T5 has several of one weight."""
    weight = model.get_input_embeddings().weight
    paths = {
        part: path
        for path, part in model.base_model.named_modules()
        if isinstance(part, nn.Embedding) and part.weight is weight
    }
    calls = _count_calls(model, list(paths))
    return next((path for part, path in paths.items() if calls[part]), None)


def _module_lists(encoder: nn.Module) -> Iterator[Sequence[nn.Module]]:
    """Lists of modules that stand in no other list."""
    for child in encoder.children():
        if isinstance(child, nn.ModuleList):
            yield list(child)
        else:
            yield from _module_lists(child)


def _count_calls(model: PreTrainedModel, modules: Sequence[nn.Module]) -> dict[nn.Module, int]:
    """How often each module is called in one forward."""
    modules = list(dict.fromkeys(modules))
    with torch.no_grad(), frozen(model), recording(modules) as calls:
        model(input_ids=probe_ids(model, 2))
    return {module: len(outputs) for module, outputs in zip(modules, calls, strict=True)}


def _block_around(encoder: nn.Module, table_path: str, layers: Sequence[nn.Module]) -> nn.Module:
    """The largest module around the word table that holds none of the layers."""
    steps = table_path.split(".")
    for count in range(1, len(steps) + 1):
        module = encoder.get_submodule(".".join(steps[:count]))
        if not set(module.modules()) & set(layers):
            return module
    return encoder.get_submodule(table_path)
