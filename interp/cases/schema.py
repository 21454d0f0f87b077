"""What may stand in a case file: keys and types, before anything is looked up in a sentence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from interp.engine.options import MIN_EVALUATIONS
from interp.project.settings import Positive
from interp.project.strict import Strict
from interp.question import ConstantReference, Output, Positions

__all__ = ["CaseKeys", "DefaultKeys", "FileKeys", "LayerShareKeys", "SwapKeys"]


class LayerShareKeys(Strict):
    """One entry of layer_share."""

    word: str
    layers: int | str
    bound: str = Field(alias="is")


class SwapKeys(Strict):
    """One entry of swap."""

    word: str
    others: Annotated[list[str], Field(alias="with", min_length=1)]
    keep: Literal["top", "tag"] | list[Literal["top", "tag"]] = "top"


class DefaultKeys(Strict):
    """Keys of [defaults], which every case may also give."""

    model: str | None = None
    reference: ConstantReference = "pad"
    positions: Positions = "mean"
    output: Output = "logit"
    pretokenized: bool = False
    integration_tolerance: Positive | None = None
    max_evaluations: Annotated[int, Field(ge=MIN_EVALUATIONS)] | None = None
    golden: bool | Literal["strict"] = False
    golden_top: Annotated[int, Field(ge=1)] | None = None
    tolerance: Positive | None = None
    marks: list[str] = Field(default_factory=list)


class CaseKeys(DefaultKeys):
    """Keys of [[case]]."""

    id: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    text: str | list[str]
    target: str | int
    tag: str | None = None
    against: str | None = None
    zoom: str | int | None = None
    top: Annotated[list[str], Field(min_length=1)] | None = None
    top_context: Annotated[list[str], Field(min_length=1)] | None = None
    sign: dict[str, Literal["+", "-"]] | None = None
    share: dict[str, str] | None = None
    layer_share: list[LayerShareKeys] | None = None
    faithful: str | None = None
    swap: list[SwapKeys] | None = None
    xfail: dict[str, str] = Field(default_factory=dict)


class FileKeys(Strict):
    """A whole file."""

    defaults: DefaultKeys = DefaultKeys()
    case: Annotated[list[CaseKeys], Field(min_length=1)]
