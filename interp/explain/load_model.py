"""The door to a model: by its name, or live."""

from __future__ import annotations

import os
from typing import overload

from interp.errors import InputError
from interp.explain.model import Model
from interp.models.live import LiveModel, LiveTokenizer
from interp.models.load import load_tagger, take_tagger
from interp.models.tagger import Tagger

__all__ = ["load"]


@overload
def load(model: str | os.PathLike[str], device: str, /, dtype: str = "float32") -> Model: ...


@overload
def load(model: str | os.PathLike[str], *, device: str = "auto", dtype: str = "float32") -> Model: ...


@overload
def load(model: LiveModel, tokenizer: LiveTokenizer, *, name: str | None = None) -> Model: ...


def load(
    model: str | os.PathLike[str] | LiveModel,
    tokenizer: LiveTokenizer | str | None = None,
    dtype: str = "float32",
    *,
    device: str = "auto",
    name: str | None = None,
) -> Model:
    """Load a model by its name, as in `load("open")`, or take a live one, as in `load(model, tokenizer)`.

    `model`: a bundled name ("open", "planted"), a directory, or a hub id; no code that comes with it is run. Or a
    transformers model for token classification, which is explained as it is and where it is: nothing of it is copied,
    and it is left as it was, training mode and gradients too. Once its weights change it must be loaded again.
    `tokenizer`: of a live model, fast or slow; it is copied. After a name, this place is that of `device`.
    `dtype`: in which to compute, float32 (default), float64, bfloat16 or float16. Not for a live model, which computes
    in its own.
    `device`: auto (default: CUDA where there is any), cpu, cuda or cuda:N. Not for a live model.
    `name`: of a live model, in what is said of it; default that of its class.

    Raises ModelError for a model that cannot be read or explained, DeviceError for a device that is not there, and
    InputError for arguments that do not fit, each with its remedy.
    """
    if isinstance(model, str | os.PathLike):
        return Model(_load_by_name(model, tokenizer, dtype, device=device, name=name))
    if (device, dtype) != ("auto", "float32"):
        raise InputError("A live model computes where it is, in its own type: move it first, with model.to(…).")
    return Model(take_tagger(model, tokenizer, name))


def _load_by_name(path: str | os.PathLike[str], second: object, dtype: str, *, device: str, name: str | None) -> Tagger:
    """`second`: what stands behind the name."""
    if name is not None or not (second is None or isinstance(second, str)):
        raise InputError(f'"{os.fspath(path)}" brings its own tokeniser and name: leave `tokenizer` and `name` out.')
    if second is not None and device != "auto":
        raise InputError(f"The device is given twice, as {second} and {device}: leave one of them out.")
    return load_tagger(path, second or device, dtype)
