"""What every method says of texts whose answer is known, and how near that is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from benchmarks.truth.mechanisms import MECHANISMS, Mechanism, Text, draw
from benchmarks.truth.train import Recipe
from interp.explain import Model
from interp.explain.methods import METHODS as OTHERS
from interp.explanation import Explanation
from interp.question import INTEGRATED_GRADIENTS, MethodName, Question, ReferenceKind

__all__ = ["METHODS", "Score", "explained_texts", "layer_shares", "measure", "position_share", "score"]

METHODS: Mapping[str, tuple[str, ReferenceKind]] = {
    **{f"{INTEGRATED_GRADIENTS} ({kind})": (INTEGRATED_GRADIENTS, kind) for kind in get_args(ReferenceKind)},
    **{name: (name, "pad") for name in get_args(MethodName) if name in OTHERS},
}
"""Every method by the name of its rows, with its reference: all four for interp's own, its default for the others."""
DEPTH = f"{INTEGRATED_GRADIENTS} (pad)"
"""The method of which layers and embedding tables are kept, too."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well the attributions of one text show its mechanism, whose k words are known."""

    precision: float
    """Part of the k words with the largest |attribution| that are the mechanism's; ties count against it."""
    chance: float
    """What a random order of the words would have in the mean."""
    sign: float | None
    """Part of the mechanism's words whose attribution has the sign that it should; None for magnitudes."""
    share: float
    """Part of Σ|attribution| over the ranked words that is on the mechanism's."""
    best: int
    """Rank of the mechanism's first word, by |attribution|; 1 is the top."""
    worst: int
    """Rank of its last word."""
    target: float
    """Part of Σ|attribution| over all words that is on the target."""
    decoy: float | None
    """Part of Σ|attribution| over the ranked words that is on the decoy; None where there is none."""


def score(
    values: Sequence[float],
    *,
    evidence: Mapping[int, int],
    ranked: Sequence[int],
    target: int,
    decoy: int | None = None,
    signed: bool = True,
) -> Score:
    """The attributions of one text, special tokens left out, against its answer.

    `values`: one for each word. `evidence`: the mechanism's words by index, with their signs. `ranked`: indices of the
    words that compete. `target`, `decoy`: their indices. `signed`: False for magnitudes.
    """
    sizes = np.abs(np.asarray(values, dtype=float))
    order = sorted(ranked, key=lambda index: (-sizes[index], index in evidence))
    ranks = [place for place, index in enumerate(order, start=1) if index in evidence]
    mass, k = float(sizes[list(ranked)].sum()), len(evidence)

    def part(indices: Sequence[int], whole: float) -> float:
        return float(sizes[list(indices)].sum()) / whole if whole > 0 else 0.0

    return Score(
        precision=sum(rank <= k for rank in ranks) / k,
        chance=k / len(order),
        sign=float(np.mean([values[index] * sign > 0 for index, sign in evidence.items()])) if signed else None,
        share=part(list(evidence), mass),
        best=ranks[0],
        worst=ranks[-1],
        target=part([target], float(sizes.sum())),
        decoy=None if decoy is None else part([decoy], mass),
    )


def layer_shares(explanation: Explanation, mechanism: Sequence[int], target: int) -> list[list[float]]:
    """Parts of Σ|conductance| on the mechanism's words, on the target, and on all else, in each layer; special tokens
    are of the rest. Indices are of words, the first being 0; a target that is the mechanism's own word counts as that.
    """
    rows = []
    for layer in explanation.layers:
        sizes = np.abs(np.asarray(layer))
        of_mechanism = float(sizes[[index + 1 for index in mechanism]].sum() / sizes.sum())
        of_target = 0.0 if target in mechanism else float(sizes[target + 1] / sizes.sum())
        rows.append([of_mechanism, of_target, 1 - of_mechanism - of_target])
    return rows


def position_share(explanation: Explanation) -> float:
    """Part of Σ|share| over words and embedding tables that is of the position table."""
    assert explanation.components is not None
    sizes = {name: float(np.abs(values).sum()) for name, values in explanation.components.present.items()}
    return sizes["position"] / sum(sizes.values())


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
    if file.exists():
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        if len(rows) == count * len(mechanism.cases):
            return rows
    rows = [row for case in mechanism.cases for row in _rows(model, mechanism, case, method, count)]
    scratch = file.with_suffix(".part")
    scratch.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    scratch.replace(file)
    return rows


def _rows(model: Model, mechanism: Mechanism, case: str, method: str, count: int) -> Iterator[dict[str, Any]]:
    """A row for each text: X rather than O is explained, also where the rule says O."""
    name, reference = METHODS[method]
    texts = explained_texts(model, mechanism, case, count)
    deep = method == DEPTH
    questions = [
        Question(
            text.words,
            text.target + 1,
            tag="X",
            against="O",
            reference=reference,
            without=() if deep else ("components", "layers"),
        )
        for text in texts
    ]
    for text, explanation in zip(texts, model.explain_many(questions, method=name), strict=True):
        evidence = mechanism.evidence(text)
        result = score(
            explanation.attributions[1:-1],
            evidence=evidence,
            ranked=mechanism.ranked(text),
            target=text.target,
            decoy=text.words.index(mechanism.decoy) if mechanism.decoy in text.words else None,
            signed=explanation.method is None or explanation.method.signed,
        )
        ends = {"at input": explanation.at_input, "at reference": explanation.at_reference}
        row: dict[str, Any] = {"case": case, **asdict(result), **ends, "settled": explanation.completeness.settled}
        if deep:
            row["layers"] = layer_shares(explanation, list(evidence), text.target)
            row["position table"] = position_share(explanation)
        yield row
