"""The use case: a model, a sentence and a target become an explanation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypedDict, Unpack, cast

import torch

from interp.explanation import (
    Completeness,
    Components,
    Explanation,
    Integration,
    ModelInfo,
    Output,
    Reference,
    Run,
    Values,
    Word,
    Zoom,
)
from interp.integration import Result, Settings, integrate
from interp.memory import default_budget, portions
from interp.models.loading import load_tagger
from interp.models.tagger import Tagger
from interp.questions import (
    Case,
    Positions,
    Prepared,
    ReferenceKind,
    Tags,
    path_of,
    predict,
    prepare,
    spans,
)
from interp.versions import versions
from interp.words import TargetSpec

__all__ = ["Case", "Model", "load"]

WINDOW = 32
"""Cases that are worked on together; `explain_many` holds no more of them at a time."""

ZERO_COMPONENTS = (
    "with a reference of zeros the sum of the tables passes through 0, where the LayerNorm behind it is singular: "
    "choose another reference for this view"
)


class Question(TypedDict, total=False):
    """What may be asked beside the text and the target; see `Case`."""

    tag: Tags | None
    against: Tags | None
    true_tag: Tags | None
    output: Output
    zoom: TargetSpec | None
    reference: ReferenceKind
    positions: Positions
    pretokenized: bool


class Effort(TypedDict, total=False):
    """How far to integrate: `tolerance` of Σ|error| / Σ|attribution|, evaluations per path, bytes of working memory."""

    tolerance: float
    max_evaluations: int
    memory: int | None


class Options(Question, Effort, total=False):
    """Everything that `explain` takes beside the text and the target."""


def load(name_or_path: str | os.PathLike[str], device: str = "auto", dtype: str = "float32") -> Model:
    """Load a model: a bundled name ("open", "planted"), a directory, or a hub id.

    `device`: auto, cpu, cuda or cuda:N. `dtype`: float32, float64, bfloat16 or float16. Raises ModelError,
    DeviceError or InputError, each with its remedy. No code that comes with a model is run.
    """
    return Model(load_tagger(name_or_path, device, dtype))


class Model:
    """A loaded model that explains its tags. Its state is the same after every call, also after an error."""

    def __init__(self, tagger: Tagger) -> None:
        self.tagger = tagger

    @property
    def info(self) -> ModelInfo:
        return self.tagger.info

    def explain(self, text: str | Sequence[str], target: TargetSpec, **options: Unpack[Options]) -> Explanation:
        """Explain the tag of one target. Options are the fields of `Case`, and `tolerance`, `max_evaluations`,
        `memory`.

        Integrates until the estimated integration error is within `tolerance` in every layer and component, or the
        status says why not. Raises InputError when the text, target or a tag does not fit.
        """
        question, effort = _parted(options)
        return next(self.explain_many([Case(text, target, **question)], **effort))

    def explain_entities(self, text: str | Sequence[str], **options: Unpack[Options]) -> list[Explanation]:
        """Explain every entity that the model finds in a text, in order; none gives an empty list."""
        question, effort = _parted(options)
        words = Case(text, 1, **question).words
        cases = [Case(words, entity, **question) for entity in self.entities(words)]
        return list(self.explain_many(cases, **effort))

    def explain_many(
        self,
        cases: Iterable[Case],
        *,
        tolerance: float = 1e-3,
        max_evaluations: int = 1025,
        memory: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Explanation]:
        """Explain many cases, batched across sentences and targets; yields in the order of the cases.

        `memory`: bytes to work in, default the smaller of 4 GiB and half of what is free. `progress` is told how many
        paths of the present window have ended, of how many.
        """
        settings = Settings(tolerance, max_evaluations)
        remaining = iter(cases)
        while window := list(islice(remaining, WINDOW)):
            yield from self._explain(prepare(self.tagger, window), settings, memory, progress)

    def check(self, cases: Sequence[Case]) -> None:
        """Raise InputError for the first case that does not fit its sentence or the model; integrates nothing."""
        prepare(self.tagger, cases)

    def entities(self, text: str | Sequence[str], pretokenized: bool = False) -> list[tuple[int, ...]]:
        """Word indices of every entity that the model predicts: consecutive words of one type, a `B-` starting anew."""
        encoding = self.tagger.encode(Case(text, 1, pretokenized=pretokenized).words)
        tags, _ = predict(self.tagger, encoding, self.tagger.logits([encoding])[0])
        return spans(tags)

    def _explain(
        self,
        prepared: Sequence[Prepared],
        settings: Settings,
        memory: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> list[Explanation]:
        groups: dict[tuple[object, ...], list[Prepared]] = {}
        for one in prepared:
            groups.setdefault(one.sentence, []).append(one)
        sentences = list(groups.values())
        costs = [self.tagger.cost(len(group[0].encoding.ids), len(group)) for group in sentences]
        device = self.tagger.device
        found: dict[int, Explanation] = {}
        for some, fitted in portions(costs, settings, memory or default_budget(device), device.type):
            for explanations in self._sweeps([sentences[i] for i in some], fitted, progress):
                found.update(explanations)
        return [found[id(one)] for one in prepared]

    def _sweeps(
        self,
        groups: Sequence[Sequence[Prepared]],
        settings: Settings,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[dict[int, Explanation]]:
        """Both paths of some sentences; yields the explanations of each sentence by the id of what was prepared."""
        total = 2 * len(groups)

        def shifted(by: int) -> Callable[[int, int], None] | None:
            return progress and (lambda done, _: progress(by + done, total))

        evaluate = self.tagger.evaluate
        embedding = integrate(
            [path_of(self.tagger, group, tables=False) for group in groups], evaluate, settings, shifted(0)
        )
        split = [i for i, group in enumerate(groups) if group[0].case.reference != "zero"]
        tables = [path_of(self.tagger, groups[i], tables=True) for i in split]
        components = integrate(tables, evaluate, settings, shifted(len(groups)))
        parts = dict(zip(split, components.results, strict=True))
        for i, group in enumerate(groups):
            yield {
                id(one): self._assemble(one, result, parts[i][k] if i in parts else None, settings, embedding.rows)
                for k, (one, result) in enumerate(zip(group, embedding.results[i], strict=True))
            }

    def _assemble(
        self, one: Prepared, result: Result, part: Result | None, settings: Settings, rows: int
    ) -> Explanation:
        case, texts = one.case, ("[CLS]", *one.encoding.words, "[SEP]")
        own, *layers = (_values(value[0]) for value in result.values)
        words = tuple(
            Word(i, text, i in (0, len(texts) - 1), one.tags[i], one.probabilities[i], own[i])
            for i, text in enumerate(texts)
        )
        zoom = None
        if one.zoom is not None and result.details is not None:
            embedding, *above = (_values(detail.sum(0)) for detail in result.details)
            zoom = Zoom(texts[one.zoom], one.zoom, embedding, tuple(above))
        device, dtype = self.tagger.device, str(self.tagger.dtype).removeprefix("torch.")
        return Explanation(
            self.info,
            case.text if isinstance(case.text, str) else " ".join(case.text),
            words,
            one.target,
            Reference(case.reference, case.positions),
            Components(*map(_values, part.values[0])) if part else None,
            tuple(layers),
            zoom,
            Completeness(_integration(result, settings), _integration(part, settings) if part else None),
            Run(str(device), dtype, torch.get_num_threads(), rows, versions()),
            {} if part else {"components": ZERO_COMPONENTS},
        )


def _parted(options: Options) -> tuple[Question, Effort]:
    question = {name: value for name, value in options.items() if name in Question.__annotations__}
    effort = {name: value for name, value in options.items() if name in Effort.__annotations__}
    if unknown := set(options) - set(question) - set(effort):
        raise TypeError(f"unknown option {sorted(unknown)[0]!r}")
    return cast(Question, question), cast(Effort, effort)


def _values(values: Iterable[float]) -> Values:
    return tuple(map(float, values))


def _integration(result: Result, settings: Settings) -> Integration:
    return Integration(
        result.at_input,
        result.at_reference,
        result.residuals,
        result.estimate,
        settings.tolerance,
        result.evaluations,
        result.status,
    )
