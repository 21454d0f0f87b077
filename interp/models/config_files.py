"""The settings that come with a checkpoint: JSON of somebody else, held to what is relied upon before it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from interp.errors import ModelError
from interp.project.strict import validation_problems
from interp.project.strict_json import parse_json

__all__ = ["AdapterKeys", "BertNerKeys", "ConfigKeys", "TokenizerKeys", "check_keys", "read_settings"]

MOST_BYTES = 64 * 2**20
"""Of a file of settings; the largest known, with a label for every word of a dictionary, have a hundredth."""
MOST_LABELS = 1_000_000

Count = Annotated[int, Field(ge=1, le=MOST_LABELS)]
Number = Annotated[int, Field(ge=0, le=MOST_LABELS)]


def _check_number(text: str) -> str:
    if not re.fullmatch(r"\d{1,7}", text):
        raise PydanticCustomError("logit_number", "should be the number of a logit")
    return text


NumberText = Annotated[str, AfterValidator(_check_number)]


class _Keys(BaseModel):
    """Some keys of a file that has many."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class ConfigKeys(_Keys):
    """config.json, as transformers writes it."""

    model_type: str | None = None
    architectures: list[str] | None = None
    num_labels: Count | None = None
    id2label: dict[NumberText, Any] | None = None
    """What a name may be is told with the labels."""
    label2id: dict[str, Number] | None = None


class TokenizerKeys(_Keys):
    """tokenizer_config.json, as transformers writes it."""

    tokenizer_class: str | None = None
    model_max_length: int | float | None = None
    added_tokens_decoder: dict[NumberText, dict[str, Any]] | None = None


class AdapterKeys(_Keys):
    """adapter_config.json, as PEFT writes it."""

    peft_type: str
    base_model_name_or_path: str | None = None


class BertNerKeys(_Keys):
    """model_config.json, as kamalkraj/BERT-NER writes it."""

    label_map: dict[NumberText, str]
    num_labels: Count
    do_lower: bool


def read_settings(path: Path) -> dict[str, Any]:
    """A file of settings, which is one JSON object. Raises ModelError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"{path} is too long for settings: save the model anew.")
        settings = parse_json(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ModelError(f"{path} is no JSON ({error}): save the model anew.") from error
    if not isinstance(settings, dict):
        raise ModelError(f"{path} holds no JSON object: save the model anew.")
    return settings


def check_keys(settings: Mapping[str, Any], keys: type[BaseModel], file: str) -> None:
    """Raise ModelError for a key of another kind; `file` is for messages."""
    try:
        keys.model_validate(dict(settings))
    except ValidationError as error:
        key, sentence = validation_problems(error, keys)[0]
        raise ModelError(f"{file}, key {key}: {sentence} Save the model anew, or mend it.") from error
