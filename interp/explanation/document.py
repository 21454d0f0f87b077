"""Explanations as JSON, `interp.explanations/1`: the form that other programs rely on, and the only one on disk.

New fields may come under /1, and readers ignore those they do not know; a changed meaning makes /2. The JSON Schema
is explanations-1.schema.json in this package. Non-finite numbers are refused, both ways.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, fields
from importlib.resources import files as resource_files
from pathlib import Path
from typing import Any, TypeVar

from interp.engine.status import IntegrationStatus
from interp.errors import FormatError, first_line
from interp.explanation import (
    Completeness,
    Components,
    Estimate,
    Explanation,
    Explanations,
    Faithfulness,
    Integration,
    Method,
    ModelInfo,
    Reference,
    Run,
    Sampling,
    Target,
    Window,
    Word,
    Zoom,
)
from interp.explanation.agreement import method_overlaps, reference_agreements
from interp.project.files import write
from interp.project.strict_json import freeze, parse_document

__all__ = ["SCHEMA", "dumps", "load_one", "read", "save", "schema", "to_document"]

SCHEMA = "interp.explanations/1"

T = TypeVar("T")


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a document."""
    text = resource_files("interp.explanation").joinpath("explanations-1.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def to_document(explanations: Sequence[Explanation], model: ModelInfo | None = None) -> dict[str, Any]:
    """A document of explanations by one model, which must be named where there are none."""
    models = {explanation.model for explanation in explanations} | ({model} if model else set())
    if len(models) != 1:
        raise ValueError(f"a document holds explanations by one model, not by {len(models)}")
    return {
        "schema": SCHEMA,
        "model": asdict(models.pop()),
        "explanations": [_encode(explanation) for explanation in explanations],
        "agreement": [
            {"target": list(explanation.target.indices), **asdict(agreement)}
            for explanation, agreement in reference_agreements(explanations)
        ],
        "methods": [
            {"target": list(explanation.target.indices), **asdict(overlap)}
            for explanation, overlap in method_overlaps(explanations)
        ],
    }


def dumps(explanations: Sequence[Explanation], model: ModelInfo | None = None) -> str:
    """The document as text. Raises ValueError for NaN and infinity, which are no JSON."""
    return json.dumps(to_document(explanations, model), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def save(explanations: Sequence[Explanation], path: str | os.PathLike[str]) -> None:
    """Write an `interp.explanations/1` document, whole or not at all.

    `explanations`: by one model. `path`: of the file. Raises OutputError when it cannot be written, ValueError where
    the explanations are by several models or there are none.
    """
    write(path, dumps(explanations))


def read(path: str | os.PathLike[str]) -> Explanations:
    """Every explanation of a document.

    `path`: of a file that `save` or the command line wrote. Raises FormatError, which says what is wrong with it.
    """
    name = os.fspath(path)
    try:
        document = parse_document(Path(path).read_text(encoding="utf-8"))
        schema_id = document.get("schema")
        if schema_id != SCHEMA:
            raise FormatError(f'{name} is not a document of schema "{SCHEMA}" (its schema is {schema_id!r}).')
        model = _decode_model(document["model"])
        return Explanations(_decode(explanation, model) for explanation in document["explanations"])
    except OSError as error:
        raise FormatError(f"Cannot read {name}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise FormatError(f"{name} is damaged ({first_line(error)}): write it anew.") from error


def load_one(path: str | os.PathLike[str]) -> Explanation:
    """The only explanation of a document. Raises FormatError when there are more or none."""
    explanations = read(path)
    if len(explanations) != 1:
        raise FormatError(f"{os.fspath(path)} holds {len(explanations)} explanations: use interp.read.")
    return explanations[0]


def _encode(explanation: Explanation) -> dict[str, Any]:
    words, completeness = explanation.words, explanation.completeness
    return {
        "text": explanation.text,
        "words": [word.text for word in words],
        "special": [word.special for word in words],
        "predicted": {
            "tags": [word.tag for word in words],
            "probabilities": [word.probability for word in words],
        },
        "target": asdict(explanation.target),
        "reference": asdict(explanation.reference),
        "attributions": {
            "words": list(explanation.attributions),
            "components": explanation.components and asdict(explanation.components),
            "layers": [list(layer) for layer in explanation.layers],
        },
        "absent": dict(explanation.absent),
        "zoom": explanation.zoom and asdict(explanation.zoom),
        "window": explanation.window and asdict(explanation.window),
        "paths": {
            "embedding": completeness.embedding and _encode_path(completeness.embedding),
            "components": completeness.components and _encode_path(completeness.components),
        },
        "method": explanation.method and asdict(explanation.method),
        "faithfulness": explanation.faithfulness and _encode_faithfulness(explanation.faithfulness),
        "sampling": explanation.sampling and asdict(explanation.sampling),
        "ranking": explanation.ranking,
        "run": asdict(explanation.run),
    }


def _encode_faithfulness(faithfulness: Faithfulness) -> dict[str, Any]:
    return {"verdict": faithfulness.verdict, "score": faithfulness.score, **asdict(faithfulness)}


def _encode_path(path: Integration) -> dict[str, Any]:
    return {**asdict(path), "status": path.status.value}


def _decode_model(data: dict[str, Any]) -> ModelInfo:
    return ModelInfo(
        name=data["name"],
        sha256=data["sha256"],
        labels=tuple(data["labels"]),
        layers=data["layers"],
        notices=tuple(data.get("notices", ())),
        former_sha256=data.get("former_sha256", ""),
    )


def _decode(data: dict[str, Any], model: ModelInfo) -> Explanation:
    attributions, paths, reference = data["attributions"], data["paths"], data["reference"]
    components, zoom = attributions["components"], data["zoom"]
    window, method, sampling = (data.get(part) for part in ("window", "method", "sampling"))
    return Explanation(
        model=model,
        text=data["text"],
        words=_decode_words(data),
        target=_from_fields(Target, data["target"]),
        reference=Reference(reference["kind"], reference["positions"], reference.get("token")),
        components=components and _from_fields(Components, components),
        layers=freeze(attributions["layers"]),
        zoom=zoom and _from_fields(Zoom, zoom),
        completeness=Completeness(
            paths["embedding"] and _decode_path(paths["embedding"]),
            paths["components"] and _decode_path(paths["components"]),
        ),
        run=_from_fields(Run, {"loaded_dtype": None, **data["run"]}),
        absent=data["absent"],
        window=window and _from_fields(Window, window),
        method=method and _from_fields(Method, method),
        faithfulness=_decode_faithfulness(data.get("faithfulness")),
        sampling=sampling and _from_fields(Sampling, sampling),
    )


def _decode_words(data: dict[str, Any]) -> tuple[Word, ...]:
    predicted = data["predicted"]
    columns = (
        data["words"],
        data["special"],
        predicted["tags"],
        predicted["probabilities"],
        data["attributions"]["words"],
    )
    return tuple(
        Word(index=index, text=text, special=special, tag=tag, probability=probability, attribution=attribution)
        for index, (text, special, tag, probability, attribution) in enumerate(zip(*columns, strict=True))
    )


def _decode_faithfulness(data: dict[str, Any] | None) -> Faithfulness | None:
    if data is None:
        return None
    estimates = {
        name: _from_fields(Estimate, value)
        for name, value in data.items()
        if isinstance(value, dict) and "mean" in value
    }
    return _from_fields(Faithfulness, {**data, **estimates})


def _decode_path(data: dict[str, Any]) -> Integration:
    return _from_fields(Integration, {**data, "status": IntegrationStatus(data["status"])})


def _from_fields(kind: type[T], data: dict[str, Any]) -> T:
    """A dataclass from the entries of its fields; entries that this release does not know are left alone."""
    return kind(**{field.name: freeze(data[field.name]) for field in fields(kind)})  # type: ignore[arg-type]
