"""The works that are timed, by interp and by those it is held against.

Each takes the sentences of one cell, prepared (`groups`: questions of one sentence together), and is only the work:
models are loaded and targets resolved before. The number of rows per forward is the same for both engines.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerConductance, LayerIntegratedGradients
from torch import Tensor

from interp.engine.budget import MAX_TOKENS, default_budget, plan_batches
from interp.engine.hooks import frozen, replacing
from interp.engine.options import SweepOptions
from interp.engine.panel_integral import integrate_panel
from interp.engine.panels import Panel
from interp.engine.paths import Block, IntegrationPath, nodes_of
from interp.engine.sweep import Integral, integrate
from interp.explain import Model
from interp.explain.prepare import PreparedQuestion, build_path
from interp.explanation import Explanation
from interp.models.tagger import Tagger

__all__ = [
    "NODES",
    "TOLERANCE",
    "Counts",
    "Groups",
    "bare",
    "captum",
    "counted",
    "errors",
    "explainer",
    "ours",
    "reference",
    "sweep",
    "values",
    "words",
]

Groups = Sequence[Sequence[PreparedQuestion]]
Values = list[list[np.ndarray]]
"""Per sentence and state: sums per word, (units) or (groups, units)."""

TOLERANCE = 1e-3
PANELS = (Panel(0.0, 0.5, 17), Panel(0.5, 1.0, 17))
NODES = tuple(sorted({node for panel in PANELS for node in panel.nodes}))
"""The 33 nodes of a sweep without judging: what other engines' fixed numbers of steps are held against."""


@dataclass
class Counts:
    """What went through the model: counted, so the same on any machine."""

    evaluations: int = 0  # rows forward
    backward: int = 0  # rows backward, once for every target that wants them
    forwards: int = 0
    rows: int = 0  # per forward, at most


@contextmanager
def counted(tagger: Tagger) -> Iterator[Counts]:
    """Count the rows that are evaluated meanwhile."""
    counts, evaluate = Counts(), tagger.evaluate

    def counting(blocks: Sequence[Block]) -> Any:
        rows = sum(len(block.alphas) for block in blocks)
        counts.evaluations += rows
        counts.backward += sum(len(block.alphas) * len(block.targets) for block in blocks)
        counts.forwards += 1
        counts.rows = max(counts.rows, rows)
        return evaluate(blocks)

    tagger.evaluate = counting  # type: ignore[method-assign]
    try:
        yield counts
    finally:
        del tagger.evaluate


def ours(model: Model, groups: Groups, tables: Sequence[bool] = (False,)) -> list[list[Integral]]:
    """All layers' conductance on the embedding path (False) and the table split (True), as `explain_many` does it."""
    tagger = model.tagger
    costs = [tagger.cost(len(group[0].encoding.ids), len(group)) for group in groups]
    integrals: list[list[Integral]] = [[] for _ in groups]
    for batch in plan_batches(
        costs, SweepOptions(tolerance=TOLERANCE), default_budget(tagger.device), tagger.device.type
    ):
        for with_tables in tables:
            paths = [build_path(tagger, groups[i], with_tables) for i in batch.sentences]
            swept = integrate(paths, tagger.evaluate, batch.options).integrals
            for i, results in zip(batch.sentences, swept, strict=True):
                integrals[i] += results
    return integrals


def words(model: Model, sentence: Sequence[str]) -> list[Explanation]:
    """Every entity of a sentence, found and explained by its words alone."""
    return model.explain_entities(sentence, without=("components", "layers"))


def sweep(model: Model, groups: Groups, tables: Sequence[bool] = (False,)) -> list[Any]:
    """NODES of every path, without judging: both panels, all layers, word sums and what the estimate needs."""
    tagger = model.tagger
    integrals = []
    for path in (build_path(tagger, group, with_tables) for with_tables in tables for group in groups):
        targets = tuple(range(path.targets))
        nodes = nodes_of([tagger.evaluate([Block(path, own, targets)])[0] for own in _portions(tagger, path.length)])
        integrals += [integrate_panel(path, panel, nodes, target) for panel in PANELS for target in targets]
    return integrals


def bare(model: Model, groups: Groups) -> None:
    """The same rows forward and backward to the input alone; nothing is kept or integrated."""
    tagger = model.tagger
    for path in (build_path(tagger, group, False) for group in groups):
        encoding, objectives = path.context.encoding, path.context.objectives
        for nodes in _portions(tagger, path.length):
            ids = torch.tensor([encoding.ids] * len(nodes), device=tagger.device)
            state = path.at(nodes).requires_grad_(True)
            with frozen(tagger.model), replacing({tagger.parts.embeddings: state}):
                logits = tagger.model(input_ids=ids).logits
                for number, objective in enumerate(objectives, 1):
                    torch.autograd.grad(objective(logits).sum(), state, retain_graph=number < len(objectives))


def _portions(tagger: Tagger, length: int) -> list[tuple[float, ...]]:
    rows = _rows(tagger, length)
    return [NODES[i : i + rows] for i in range(0, len(NODES), rows)]


def _rows(tagger: Tagger, length: int) -> int:
    return max(1, MAX_TOKENS[tagger.device.type] // length)


def captum(model: Model, groups: Groups, steps: int, split: bool) -> Values:
    """Integrated gradients of the embedding block and every layer's conductance by Captum; `split` adds the tables'.

    By Captum's default rule: with its Riemann rules LayerConductance needs 1.6 times fewer steps for the same error.
    Sentences of one cell are equally long, so as many share a call as fill a forward.
    """
    tagger = model.tagger
    together = max(1, _rows(tagger, len(groups[0][0].encoding.ids)) // (steps + 1))
    values: Values = []
    for start in range(0, len(groups), together):
        values += _captum(tagger, [group[0] for group in groups[start : start + together]], steps, split)
    return values


def _captum(tagger: Tagger, questions: Sequence[PreparedQuestion], steps: int, split: bool) -> Values:
    paths = [build_path(tagger, [question], False) for question in questions]
    ids = torch.tensor([question.encoding.ids for question in questions], device=tagger.device)
    pads = torch.tensor(
        [tagger.constant_reference(question.encoding, "pad") for question in questions], device=tagger.device
    )
    rows = max(_rows(tagger, ids.shape[1]), 2 * len(questions))
    wanted = [(question.objective.positions[0], question.objective.tags[0]) for question in questions]
    options: dict[str, Any] = {"target": wanted, "n_steps": steps, "internal_batch_size": rows}

    def forward(rows: Tensor) -> Tensor:
        logits: Tensor = tagger.model(input_ids=rows).logits
        return logits

    def above(state: Tensor) -> Tensor:
        with replacing({tagger.parts.embeddings: state}):
            return forward(ids[:1].expand(len(state), -1))

    def of_tables(*states: Tensor) -> Tensor:
        with replacing(dict(zip(tagger.parts.tables.values(), states, strict=True))):
            return forward(ids[:1].expand(len(states[0]), -1))

    ends = tuple(torch.stack([getattr(path, end) for path in paths]) for end in ("input", "reference"))
    states = [LayerIntegratedGradients(forward, tagger.parts.embeddings).attribute(ids, pads, **options)]
    states += [LayerConductance(above, layer).attribute(*ends, **options) for layer in tagger.parts.layers]
    values = [[_sums(path, state[i]) for state in states] for i, path in enumerate(paths)]
    if split:
        parted = [build_path(tagger, [question], True) for question in questions]
        inputs, references = (
            tuple(torch.stack([getattr(path, end)[k] for path in parted]) for k in range(3))
            for end in ("input", "reference")
        )
        tables = IntegratedGradients(of_tables).attribute(inputs, references, **options)
        for i, (path, mine) in enumerate(zip(parted, values, strict=True)):
            mine.append(_sums(path, torch.stack([table[i] for table in tables])))
    return values


def _sums(path: IntegrationPath, values: Tensor) -> np.ndarray:
    return np.asarray(path.sums(values.detach().sum(-1)[None].double())[0].cpu().numpy())


def explainer(model: Model, every: bool) -> Callable[[Sequence[str]], Any]:
    """transformers-interpret's, with its own 50 steps: of entities alone, or as called without options (`every` token).

    Raises ImportError without it: `pip install --no-deps transformers-interpret` (its pins are stale, it runs).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers_interpret import TokenClassificationExplainer
    own = TokenClassificationExplainer(model.tagger.model, model.tagger.tokenizer)
    own = own if every else partial(own, ignored_labels=["O"])

    def explain(sentence: Sequence[str]) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return own(" ".join(sentence))

    return explain


def values(results: Sequence[Sequence[Integral]]) -> Values:
    """Those of `ours` in the form of `captum`'s: a sentence's states, of all its paths (one target)."""
    return [
        [value if len(value) > 1 else value[0] for result in integrals for value in result.values]
        for integrals in results
    ]


def reference(exact: Model, group: Sequence[PreparedQuestion], tables: Sequence[bool]) -> list[np.ndarray]:
    """A sentence's states in float64, refined far beyond any run; completeness, which it does not use, vouches."""
    states = []
    for with_tables in tables:
        path = build_path(exact.tagger, group, with_tables)
        (result,) = integrate(
            [path], exact.tagger.evaluate, SweepOptions(tolerance=1e-7, max_evaluations=20_000)
        ).integrals[0]
        mass = sum(float(np.abs(value).sum()) for value in result.values)
        assert abs(result.residuals[0]) <= 1e-6 * mass, "the reference misses completeness"
        states += [value if len(value) > 1 else value[0] for value in result.values]
    return states


def errors(values: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> float:
    """Σ|error| / Σ|attribution| over words, the worst state and group; a group without any effect has none."""
    worst = 0.0
    for mine, true in zip(values, right, strict=True):
        mass = np.abs(true).sum(-1)
        missed = np.abs(mine - true).sum(-1)
        worst = max(worst, float(np.max(np.divide(missed, mass, out=np.zeros_like(missed), where=mass > 0))))
    return worst
