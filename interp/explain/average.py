"""One explanation from those of the same question under several references: their mean, and what is uncertain in it.

With references drawn from text these are expected gradients (Erion et al. 2021, arXiv 1906.10670), each reference's
integral with an error control of its own in place of one random point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from interp.engine.options import SweepOptions
from interp.engine.status import IntegrationStatus
from interp.explain.integrate import integrate_questions
from interp.explain.prepare import PreparedQuestion
from interp.explanation import Completeness, Components, Explanation, Integration, Sampling, Values, Zoom
from interp.models.tagger import Tagger
from interp.progress import Progress

__all__ = ["average_explanations", "integrate_under_references"]

Array = npt.NDArray[np.float64]

WORST_FIRST = (
    IntegrationStatus.NOT_CONVERGED,
    IntegrationStatus.DISCONTINUOUS,
    IntegrationStatus.PRECISION_LIMITED,
    IntegrationStatus.NEGLIGIBLE,
)


def integrate_under_references(
    tagger: Tagger,
    questions: Sequence[PreparedQuestion],
    options: SweepOptions,
    *,
    budget: int | None,
    progress: Progress,
) -> Iterator[Explanation]:
    """As `integrate_questions`, those with several references as the mean of explanations under each."""
    single = [under_one for question in questions for under_one in question.by_reference()]
    part = len(questions) / len(single)
    explanations = iter(
        integrate_questions(tagger, single, options, budget=budget, progress=lambda done: progress(part * done))
    )
    for question in questions:
        of_question = [next(explanations) for _ in question.references]
        yield average_explanations(of_question) if len(of_question) > 1 else of_question[0]


def average_explanations(explanations: Sequence[Explanation]) -> Explanation:
    """The mean of explanations, two at least, that differ in the reference alone, with its standard errors."""
    first = explanations[0]
    words = _stack(explanation.attributions for explanation in explanations)
    components = _mean_components(explanations)
    layers = _stack(explanation.layers for explanation in explanations)
    mean = replace(
        first,
        words=tuple(
            replace(word, attribution=value) for word, value in zip(first.words, _values(words.mean(0)), strict=True)
        ),
        components=components,
        layers=tuple(map(_values, layers.mean(0))),
        zoom=_mean_zoom(explanations),
        sampling=Sampling(
            references=len(explanations),
            errors=_values(_standard_error(words)),
            reference_error=float(_standard_error(_stack(explanation.at_reference for explanation in explanations))),
        ),
    )
    completeness = Completeness(
        _mean_integration(explanations, mean, "embedding", _embedding_states),
        _mean_integration(explanations, mean, "components", _component_states),
    )
    return replace(mean, completeness=completeness)


def _embedding_states(explanation: Explanation) -> list[Values]:
    return [explanation.attributions, *explanation.layers]


def _component_states(explanation: Explanation) -> list[Values]:
    return [] if explanation.components is None else list(explanation.components.present.values())


def _mean_components(explanations: Sequence[Explanation]) -> Components | None:
    tables = [explanation.components.present for explanation in explanations if explanation.components is not None]
    if not tables:
        return None
    means = {name: _values(_stack(table[name] for table in tables).mean(0)) for name in tables[0]}
    return Components(means.get("word"), means.get("position"), means.get("token_type"))


def _mean_zoom(explanations: Sequence[Explanation]) -> Zoom | None:
    zooms = [explanation.zoom for explanation in explanations if explanation.zoom is not None]
    if not zooms:
        return None
    embedding, *layers = map(_values, _stack(zoom.rows for zoom in zooms).mean(0))
    return replace(zooms[0], embedding=embedding, layers=tuple(layers))


def _mean_integration(
    explanations: Sequence[Explanation],
    mean: Explanation,
    name: str,
    states_of: Callable[[Explanation], list[Values]],
) -> Integration | None:
    """What is known of the mean's integral: errors are taken to add up, none to cancel another."""
    if name not in explanations[0].completeness.paths:
        return None
    paths = [explanation.completeness.paths[name] for explanation in explanations]
    states = [states_of(explanation) for explanation in explanations]
    errors = np.mean([path.estimate * _masses(values) for path, values in zip(paths, states, strict=True)], axis=0)
    masses = _masses(states_of(mean))
    estimate = float(np.divide(errors, masses, out=np.zeros_like(errors), where=masses > 0).max())
    first = paths[0]
    return Integration(
        at_input=first.at_input,
        at_reference=float(np.mean([path.at_reference for path in paths])),
        residuals=_values(_stack(path.residuals for path in paths).mean(0)),
        estimate=estimate,
        tolerance=first.tolerance,
        evaluations=sum(path.evaluations for path in paths),
        status=_mean_status(paths, within=estimate <= first.tolerance),
    )


def _mean_status(paths: Sequence[Integration], *, within: bool) -> IntegrationStatus:
    """Parts of several references that cancel in the mean leave less for its error to be relative to, so that a mean
    of integrals that converged need not be `within` the tolerance itself, nor the other way around.
    """
    if within and all(path.status.settled for path in paths):
        return IntegrationStatus.CONVERGED
    statuses = {path.status for path in paths}
    return next((status for status in WORST_FIRST if status in statuses), IntegrationStatus.NOT_CONVERGED)


def _masses(states: Sequence[Values]) -> Array:
    """Σ|attribution| of each state."""
    return np.array([np.abs(values).sum() for values in states])


def _standard_error(samples: Array) -> Array:
    """Of the mean over the first axis."""
    error: Array = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return error


def _stack(samples: Iterable[object]) -> Array:
    return np.array(list(samples), dtype=np.float64)


def _values(values: Iterable[float]) -> Values:
    return tuple(map(float, values))
