"""Prepared questions swept together: those of one sentence share a path, sentences share forwards where they fit.

What float32 cannot resolve is swept anew in float64 where that is cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from interp.engine.budget import Cost, are_nodes_kept, default_budget, plan_batches, return_memory, returning_memory
from interp.engine.options import SweepOptions
from interp.engine.status import IntegrationStatus
from interp.engine.sweep import integrate
from interp.explain.assemble import PathIntegrals, absent_parts, assemble_integrals
from interp.explain.prepare import PreparedQuestion, build_path
from interp.explanation import Explanation
from interp.models.device import dtype_name
from interp.models.tagger import Tagger
from interp.progress import Progress, ignore_progress

__all__ = ["integrate_questions"]

Sentence = Sequence[PreparedQuestion]
"""Questions that share a path."""
ByQuestion = dict[PreparedQuestion, Explanation]

ROUNDING_LIMITS = (
    IntegrationStatus.NEGLIGIBLE,
    IntegrationStatus.PRECISION_LIMITED,
    IntegrationStatus.DISCONTINUOUS,
)
"""Ways to end in which rounding may have a part: a jump in float32 may be none in float64."""


def integrate_questions(
    tagger: Tagger,
    questions: Sequence[PreparedQuestion],
    options: SweepOptions,
    *,
    budget: int | None,
    progress: Progress,
) -> list[Explanation]:
    """Explain questions by integrated gradients, in their order. `budget` in bytes, None for the default.

    Questions that float32 limits are answered in float64, as far as that fits the same budget. `progress` is told how
    many questions are done, in parts.
    """
    room = budget or default_budget(tagger.device)
    tight = budget is not None
    explanations = _integrate_batches(tagger, questions, options, room=room, tight=tight, progress=progress)
    limited = [prepared for prepared in questions if _is_rounding_limited(explanations[prepared])]
    if tagger.dtype is torch.float32 and limited:
        explanations |= _integrate_in_float64(tagger, limited, options, room=room, tight=tight)
    return [explanations[prepared] for prepared in questions]


def _is_rounding_limited(explanation: Explanation) -> bool:
    return any(path.status in ROUNDING_LIMITS for path in explanation.completeness.paths.values())


def _integrate_in_float64(
    tagger: Tagger, questions: Sequence[PreparedQuestion], options: SweepOptions, *, room: int, tight: bool
) -> ByQuestion:
    """The same questions on a copy of the model in float64, those whose sentences fit `room` beside it.

    An evaluation takes twice the time (1.6 to 2.2 times on a CPU, on both bundled models), so what the budget holds is
    what is cheap: the weights once more, and all nodes of a sentence. The copy is made anew every time, for the cost of
    a few evaluations, and let go: between calls no memory is held, and no thread finds another model.
    """
    room -= tagger.float64_bytes
    fitting = [
        prepared
        for sentence in _by_sentence(questions)
        if are_nodes_kept(_cost(tagger, sentence).doubled, room)
        for prepared in sentence
    ]
    if not fitting:
        return {}
    return_memory()
    wide = tagger.in_float64()
    explanations = _integrate_batches(wide, fitting, options, room=room, tight=tight, progress=ignore_progress)
    loaded_dtype = dtype_name(tagger.dtype)
    return {
        prepared: replace(explanation, run=replace(explanation.run, loaded_dtype=loaded_dtype))
        for prepared, explanation in explanations.items()
    }


def _integrate_batches(
    tagger: Tagger,
    questions: Sequence[PreparedQuestion],
    options: SweepOptions,
    *,
    room: int,
    tight: bool,
    progress: Progress,
) -> ByQuestion:
    """Explain questions in batches of sentences that fit `room`, in bytes. `tight`: hand freed memory back at once."""
    sentences = _by_sentence(questions)
    costs = [_cost(tagger, sentence) for sentence in sentences]
    explanations: ByQuestion = {}
    for batch in plan_batches(costs, options, room, tagger.device.type):
        batch_sentences = [sentences[number] for number in batch.sentences]
        before = len(explanations)

        def report_progress(done: float, before: int = before) -> None:
            progress(before + done)

        is_tight = tight or not batch.options.retain
        integrals = _sweep_batch(tagger, batch_sentences, batch.options, tight=is_tight, progress=report_progress)
        for prepared, path_integrals in integrals.items():
            explanations[prepared] = assemble_integrals(tagger, prepared, path_integrals)
    return explanations


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
