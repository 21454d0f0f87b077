"""What every method says of texts whose answer is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from benchmarks.truth.mechanisms import MECHANISMS, Mechanism, Text, draw
from benchmarks.truth.train import Recipe
from interp.explain import Model
from interp.explain.methods import METHODS as OTHERS
from interp.question import INTEGRATED_GRADIENTS, MethodName, Question, ReferenceKind

__all__ = ["METHODS", "explained_texts", "measure"]

METHODS: Mapping[str, tuple[str, ReferenceKind]] = {
    **{f"{INTEGRATED_GRADIENTS} ({kind})": (INTEGRATED_GRADIENTS, kind) for kind in get_args(ReferenceKind)},
    **{name: (name, "pad") for name in get_args(MethodName) if name in OTHERS},
}
"""Every method by the name of its rows, with its reference: all five for interp's own, its default for the others."""
REFERENCES = 16
"""Texts of the mechanism's own kind, over which the reference "text" is averaged."""
DEPTH = f"{INTEGRATED_GRADIENTS} (pad)"
"""The method of which layers and embedding tables are kept, too."""


def explained_texts(model: Model, mechanism: Mechanism, case: str, count: int) -> list[Text]:
    """Fresh texts of a case, which no proof has seen, that the model tags as the rule does."""
    rng = np.random.default_rng(30_000)
    texts: list[Text] = []
    while len(texts) < count:
        drawn = [text for text in (draw(mechanism, rng) for _ in range(4 * count)) if mechanism.cases[case](text)]
        questions = model.prepare([Question(text.words, text.target + 1) for text in drawn])
        texts += [
            text
            for text, question in zip(drawn, questions, strict=True)
            if question.target.predicted == (mechanism.tags(text)[text.target],)
        ]
    return texts[:count]


def measure(model: Model, recipe: Recipe, method: str, *, count: int, work: Path) -> list[dict[str, Any]]:
    """Rows of `count` texts of every case of a model's mechanism, kept in `work`: what is there is not done again."""
    file = work / recipe.name / f"{method}.jsonl"
    mechanism = MECHANISMS[recipe.mechanism]
    if not file.exists() or len(_read(file)) != count * len(mechanism.cases):
        rows = [row for case in mechanism.cases for row in _rows(model, mechanism, case, method, count)]
        scratch = file.with_suffix(".part")
        scratch.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        scratch.replace(file)
    return _read(file)


def _read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _rows(model: Model, mechanism: Mechanism, case: str, method: str, count: int) -> Iterator[dict[str, Any]]:
    """A row for each text, with every number as it came: X rather than O is explained, also where the rule says O."""
    name, reference = METHODS[method]
    texts = explained_texts(model, mechanism, case, count)
    rng = np.random.default_rng(40_000)
    reference_texts = [draw(mechanism, rng).words for _ in range(REFERENCES)] if reference == "text" else ()
    questions = [
        Question(
            text.words,
            text.target + 1,
            tag="X",
            against="O",
            reference=reference,
            reference_texts=reference_texts,
            without=() if method == DEPTH else ("components", "layers"),
        )
        for text in texts
    ]
    for text, explanation in zip(texts, model.explain_many(questions, method=name), strict=True):
        row: dict[str, Any] = {
            "case": case,
            "words": text.words,
            "target": text.target,
            "values": explanation.attributions,
            "signed": explanation.method is None or explanation.method.signed,
            "at input": explanation.at_input,
            "at reference": explanation.at_reference,
            "settled": explanation.completeness.settled,
        }
        if explanation.components is not None:
            row |= {"layers": explanation.layers, "tables": explanation.components.present}
        yield row
