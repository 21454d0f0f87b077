"""Prepared questions swept together: those of one sentence share a path, sentences share forwards where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interp.engine.budget import Cost, default_budget, plan_batches, returning_memory
from interp.engine.options import SweepOptions
from interp.engine.sweep import integrate
from interp.explain.assemble import PathIntegrals, absent_parts, assemble_integrals
from interp.explain.prepare import PreparedQuestion, build_path
from interp.explanation import Explanation
from interp.models.tagger import Tagger
from interp.progress import Progress

__all__ = ["integrate_questions"]

Sentence = Sequence[PreparedQuestion]
"""Questions that share a path."""


def integrate_questions(
    tagger: Tagger,
    questions: Sequence[PreparedQuestion],
    options: SweepOptions,
    *,
    budget: int | None,
    progress: Progress,
) -> list[Explanation]:
    """Explain questions by integrated gradients, in their order. `budget` in bytes, None for the default.

    `progress` is told how many questions are done, in parts.
    """
    sentences = _by_sentence(questions)
    costs = [_cost(tagger, sentence) for sentence in sentences]
    explanations: dict[PreparedQuestion, Explanation] = {}
    for batch in plan_batches(costs, options, budget or default_budget(tagger.device), tagger.device.type):
        batch_sentences = [sentences[number] for number in batch.sentences]
        before = len(explanations)

        def report_progress(done: float, before: int = before) -> None:
            progress(before + done)

        tight = budget is not None or not batch.options.retain
        integrals = _sweep_batch(tagger, batch_sentences, batch.options, tight=tight, progress=report_progress)
        for prepared, path_integrals in integrals.items():
            explanations[prepared] = assemble_integrals(tagger, prepared, path_integrals)
    return [explanations[prepared] for prepared in questions]


def _by_sentence(questions: Sequence[PreparedQuestion]) -> list[Sentence]:
    sentences: dict[tuple[object, ...], list[PreparedQuestion]] = {}
    for prepared in questions:
        sentences.setdefault(prepared.sentence, []).append(prepared)
    return list(sentences.values())


def _cost(tagger: Tagger, sentence: Sentence) -> Cost:
    first = sentence[0]
    return tagger.cost(len(first.encoding.ids), len(sentence), "layers" not in first.question.without)


def _sweep_batch(
    tagger: Tagger, sentences: Sequence[Sentence], options: SweepOptions, *, tight: bool, progress: Progress
) -> dict[PreparedQuestion, PathIntegrals]:
    """Sweep the embedding path of every sentence, then the component path of those that have one. `tight`: hand freed
    memory back at once.
    """
    evaluate = returning_memory(tagger.evaluate) if tight else tagger.evaluate
    half = sum(map(len, sentences)) / 2  # of the questions, per path
    embedding = integrate(
        [build_path(tagger, sentence, tables=False) for sentence in sentences],
        evaluate,
        options,
        lambda done, count: progress(half * done / count),
    )
    split = [sentence for sentence in sentences if "components" not in absent_parts(tagger, sentence[0].question)]
    components = integrate(
        [build_path(tagger, sentence, tables=True) for sentence in split],
        evaluate,
        # Rows that memory allowed there are allowed here: the states of this path are no larger.
        replace(options, rows=embedding.rows),
        lambda done, count: progress(half + half * done / count),
    )
    component_integrals = {
        prepared: integral
        for sentence, integrals in zip(split, components.integrals, strict=True)
        for prepared, integral in zip(sentence, integrals, strict=True)
    }
    return {
        prepared: PathIntegrals(integral, component_integrals.get(prepared), options.tolerance, components.rows)
        for sentence, integrals in zip(sentences, embedding.integrals, strict=True)
        for prepared, integral in zip(sentence, integrals, strict=True)
    }
