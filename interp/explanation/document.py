"""Explanations as JSON, `interp.explanations/1`: the form that other programs rely on, and the only one on disk.

New fields may come under /1, and readers ignore those they do not know; a changed meaning makes /2. The JSON Schema
is explanations-1.schema.json in this package. Non-finite numbers are refused, both ways.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from interp.engine.status import IntegrationStatus
from interp.errors import FormatError
from interp.explanation import (
    Completeness,
    Components,
    Explanation,
    Integration,
    Method,
    ModelInfo,
    Reference,
    Run,
    Target,
    Window,
    Word,
    Zoom,
)
from interp.explanation.agreement import method_overlaps, reference_agreements
from interp.project.files import write

__all__ = ["SCHEMA", "dumps", "load_one", "read", "save", "schema", "to_document"]

SCHEMA = "interp.explanations/1"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a document."""
    text = files("interp.explanation").joinpath("explanations-1.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def to_document(explanations: Sequence[Explanation], model: ModelInfo | None = None) -> dict[str, Any]:
    """A document of explanations by one model, which must be named where there are none."""
    models = {explanation.model for explanation in explanations} | ({model} if model else set())
    if len(models) != 1:
        raise ValueError(f"a document holds explanations by one model, not by {len(models)}")
    pairs = [{"target": list(one.target.indices), **asdict(pair)} for one, pair in reference_agreements(explanations)]
    methods = [{"target": list(one.target.indices), **asdict(pair)} for one, pair in method_overlaps(explanations)]
    return {
        "schema": SCHEMA,
        "model": asdict(models.pop()),
        "explanations": [_encode(explanation) for explanation in explanations],
        "agreement": pairs,
        "methods": methods,
    }


def dumps(explanations: Sequence[Explanation], model: ModelInfo | None = None) -> str:
    """The document as text. Raises ValueError for NaN and infinity, which are no JSON."""
    return json.dumps(to_document(explanations, model), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def save(explanations: Sequence[Explanation], path: str | os.PathLike[str]) -> None:
    """Write a document, whole or not at all. Raises OutputError."""
    write(path, dumps(explanations))


def read(path: str | os.PathLike[str]) -> list[Explanation]:
    """Every explanation of a document. Raises FormatError, which says what is wrong with the file."""
    name = os.fspath(path)
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_number, parse_float=_number)
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            found = document.get("schema") if isinstance(document, dict) else None
            raise FormatError(f'{name} is not a document of schema "{SCHEMA}" (its schema is {found!r}).')
        model = document["model"]
        notices = tuple(model.get("notices", ()))
        info = ModelInfo(
            model["name"], model["sha256"], labels=tuple(model["labels"]), layers=model["layers"], notices=notices
        )
        return [_decode(each, info) for each in document["explanations"]]
    except OSError as error:
        raise FormatError(f"Cannot read {name}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise FormatError(f"{name} is damaged ({type(error).__name__}: {error}): write it anew.") from error


def load_one(path: str | os.PathLike[str]) -> Explanation:
    """The only explanation of a document. Raises FormatError when there are more or none."""
    explanations = read(path)
    if len(explanations) != 1:
        raise FormatError(f"{os.fspath(path)} holds {len(explanations)} explanations: use interp.read.")
    return explanations[0]


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


def _encode(explanation: Explanation) -> dict[str, Any]:
    e, target = explanation, explanation.target
    return {
        "text": e.text,
        "words": [word.text for word in e.words],
        "special": [word.special for word in e.words],
        "predicted": {
            "tags": [word.tag for word in e.words],
            "probabilities": [word.probability for word in e.words],
        },
        "target": asdict(target),
        "reference": asdict(e.reference),
        "attributions": {
            "words": list(e.attributions),
            "components": e.components and asdict(e.components),
            "layers": [list(layer) for layer in e.layers],
        },
        "absent": dict(e.absent),
        "zoom": e.zoom and asdict(e.zoom),
        "window": e.window and asdict(e.window),
        "paths": {
            "embedding": e.completeness.embedding and _encode_path(e.completeness.embedding),
            "components": e.completeness.components and _encode_path(e.completeness.components),
        },
        "method": e.method and asdict(e.method),
        "ranking": e.ranking,
        "run": asdict(e.run),
    }


def _encode_path(path: Integration) -> dict[str, Any]:
    return {**asdict(path), "status": path.status.value}


def _decode(data: dict[str, Any], info: ModelInfo) -> Explanation:
    attributions, paths, target = data["attributions"], data["paths"], data["target"]
    rows = zip(
        data["words"],
        data["special"],
        data["predicted"]["tags"],
        data["predicted"]["probabilities"],
        attributions["words"],
        strict=True,
    )
    tables, zoom, method, window = attributions["components"], data["zoom"], data.get("method"), data.get("window")
    return Explanation(
        model=info,
        text=data["text"],
        words=tuple(
            Word(index=index, text=text, special=special, tag=tag, probability=probability, attribution=attribution)
            for index, (text, special, tag, probability, attribution) in enumerate(rows)
        ),
        target=Target(**{name: _frozen(target[name]) for name in Target.__dataclass_fields__}),
        reference=Reference(data["reference"]["kind"], data["reference"]["positions"], data["reference"].get("token")),
        components=tables and Components(*(_frozen(tables[name]) for name in ("word", "position", "token_type"))),
        layers=_frozen(attributions["layers"]),
        zoom=zoom and Zoom(zoom["word"], zoom["index"], _frozen(zoom["embedding"]), _frozen(zoom["layers"])),
        completeness=Completeness(
            paths["embedding"] and _decode_path(paths["embedding"]),
            paths["components"] and _decode_path(paths["components"]),
        ),
        run=Run(**{name: data["run"][name] for name in Run.__dataclass_fields__}),
        absent=data["absent"],
        window=window and Window(**{name: window[name] for name in Window.__dataclass_fields__}),
        method=method and Method(**{name: _frozen(method[name]) for name in Method.__dataclass_fields__}),
    )


def _decode_path(data: dict[str, Any]) -> Integration:
    known = {name: _frozen(data[name]) for name in Integration.__dataclass_fields__}
    return Integration(**{**known, "status": IntegrationStatus(data["status"])})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
