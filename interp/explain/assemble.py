"""From what was computed of a question to its explanation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch

from interp.engine.sweep import Integral
from interp.explain.methods import required_packages
from interp.explain.prepare import ZERO_COMPONENTS, PreparedQuestion
from interp.explanation import (
    Completeness,
    Components,
    Explanation,
    Integration,
    Method,
    Reference,
    Run,
    Values,
    Word,
    Zoom,
)
from interp.models.device import dtype_name
from interp.models.tagger import Tagger
from interp.question import Question
from interp.versions import versions

__all__ = ["PathIntegrals", "absent_parts", "assemble_integrals", "assemble_words"]


@dataclass(frozen=True, eq=False)
class PathIntegrals:
    """The integrals of one question on both paths, how far they were to go, and the rows per forward."""

    embedding: Integral
    components: Integral | None
    tolerance: float
    rows: int


def assemble_integrals(tagger: Tagger, prepared: PreparedQuestion, integrals: PathIntegrals) -> Explanation:
    """Words, components, layers and zoom by integrated gradients and conductance."""
    embedding, components = integrals.embedding, integrals.components
    words, *layers = (_values(state[0]) for state in embedding.values)
    completeness = Completeness(
        _integration(embedding, integrals.tolerance),
        None if components is None else _integration(components, integrals.tolerance),
    )
    return replace(
        assemble_words(tagger, prepared, words, completeness, rows=integrals.rows),
        components=None if components is None else _components(tagger, components),
        layers=tuple(layers),
        zoom=_zoom(prepared, embedding),
        absent=absent_parts(tagger, prepared.question),
    )


def assemble_words(
    tagger: Tagger,
    prepared: PreparedQuestion,
    attributions: Values,
    completeness: Completeness,
    *,
    rows: int,
    method: Method | None = None,
) -> Explanation:
    """The explanation that holds these attributions of words, and no other part."""
    question, prediction, encoding = prepared.question, prepared.prediction, prepared.encoding
    words = tuple(
        Word(
            index=index,
            text=text,
            special=encoding.is_end[index],
            tag=prediction.tags[index],
            probability=prediction.probabilities[index],
            attribution=attributions[index],
        )
        for index, text in enumerate(encoding.texts)
    )
    return Explanation(
        model=tagger.info,
        text=question.text if isinstance(question.text, str) else " ".join(question.text),
        words=words,
        target=prepared.target,
        reference=_reference(tagger, question),
        components=None,
        layers=(),
        zoom=None,
        completeness=completeness,
        run=_run(tagger, rows, method),
        window=prepared.window,
        method=method,
    )


def absent_parts(tagger: Tagger, question: Question) -> dict[str, str]:
    """The parts that an explanation of this question lacks, and why."""
    absent: dict[str, str] = dict.fromkeys(sorted(question.without), "not asked for")
    if question.reference == "zero":
        absent["components"] = ZERO_COMPONENTS
    return absent if "components" in absent else {**absent, **tagger.parts.absent}


def _reference(tagger: Tagger, question: Question) -> Reference:
    token = None if question.reference == "text" else tagger.token_name(question.reference)
    return Reference(question.reference, question.positions, token)


def _run(tagger: Tagger, rows: int, method: Method | None) -> Run:
    return Run(
        device=str(tagger.device),
        dtype=dtype_name(tagger.dtype),
        threads=torch.get_num_threads(),
        rows_per_forward=rows,
        versions=versions(*required_packages(method)),
    )


def _components(tagger: Tagger, integral: Integral) -> Components:
    tables = dict(zip(tagger.parts.tables, map(_values, integral.values[0]), strict=True))
    return Components(tables.get("word"), tables.get("position"), tables.get("token_type"))


def _zoom(prepared: PreparedQuestion, integral: Integral) -> Zoom | None:
    if prepared.zoom is None or integral.details is None:
        return None
    embedding, *layers = (_values(detail.sum(0)) for detail in integral.details)
    return Zoom(prepared.encoding.words[prepared.zoom - 1], prepared.zoom, embedding, tuple(layers))


def _integration(integral: Integral, tolerance: float) -> Integration:
    return Integration(
        at_input=integral.at_input,
        at_reference=integral.at_reference,
        residuals=integral.residuals,
        estimate=integral.estimate,
        tolerance=tolerance,
        evaluations=integral.evaluations,
        status=integral.status,
    )


def _values(values: Iterable[float]) -> Values:
    return tuple(map(float, values))
