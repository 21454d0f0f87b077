"""The use case: a model, a sentence and a target become an explanation."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

import torch

from interp.engine.budget import default_budget, parse_size, plan_batches, returning_memory
from interp.engine.options import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOLERANCE, SweepOptions
from interp.engine.sweep import Integral, Sweep, integrate
from interp.errors import InputError
from interp.explain.methods import (
    INTEGRATED_GRADIENTS,
    METHODS,
    MethodRefusedError,
    MethodRequest,
    request_method,
    required_packages,
    run_method,
)
from interp.explain.prepare import PreparedQuestion, build_path, predict, prepare
from interp.explain.windows import readable_parts
from interp.explanation import (
    Completeness,
    Components,
    Explanation,
    Integration,
    Method,
    ModelInfo,
    Reference,
    Run,
    Values,
    Word,
    Zoom,
)
from interp.models.load import load_tagger
from interp.models.tagger import Tagger
from interp.question import Output, Part, Positions, Question, ReferenceKind, Tags
from interp.question.tags import entity_spans
from interp.question.words import TargetSpec
from interp.versions import versions

__all__ = ["Model", "Question", "load"]

Progress = Callable[[float], None]

QUESTIONS_TOGETHER = 32
"""Cases that are worked on together; `explain_many` holds no more of them at a time."""

ZERO_COMPONENTS = (
    "with a reference of zeros the sum of the tables passes through 0, where the LayerNorm behind it is singular: "
    "choose another reference for this view"
)


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

    def explain(
        self,
        text: str | Sequence[str],
        target: TargetSpec,
        *,
        tag: Tags | None = None,
        against: Tags | None = None,
        true_tag: Tags | None = None,
        output: Output = "logit",
        zoom: TargetSpec | None = None,
        reference: ReferenceKind = "pad",
        positions: Positions = "zero",
        pretokenized: bool = False,
        without: Collection[Part] = (),
        window: bool = False,
        method: str = INTEGRATED_GRADIENTS,
        samples: int | None = None,
        seed: int = 0,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
    ) -> Explanation:
        """Explain the tag of one target; the question is that of `Case`, method and effort are those of `explain_many`.

        Integrates until the estimated integration error is within `tolerance` in every layer and component, or the
        status says why not. Raises InputError when the text, the target or a tag does not fit.
        """
        case = Question(
            text,
            target,
            tag=tag,
            against=against,
            true_tag=true_tag,
            output=output,
            zoom=zoom,
            reference=reference,
            positions=positions,
            pretokenized=pretokenized,
            without=without,
            window=window,
        )
        return next(
            self.explain_many(
                [case],
                method=method,
                samples=samples,
                seed=seed,
                tolerance=tolerance,
                max_evaluations=max_evaluations,
                memory=memory,
            )
        )

    def explain_entities(
        self,
        text: str | Sequence[str],
        *,
        output: Output = "logit",
        zoom: TargetSpec | None = None,
        reference: ReferenceKind = "pad",
        positions: Positions = "zero",
        pretokenized: bool = False,
        without: Collection[Part] = (),
        window: bool = False,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
    ) -> list[Explanation]:
        """Explain every entity that the model finds in a text, in order; none gives an empty list. See `explain`."""
        cases = [
            Question(
                text,
                entity,
                tag=None,
                against=None,
                true_tag=None,
                output=output,
                zoom=zoom,
                reference=reference,
                positions=positions,
                pretokenized=pretokenized,
                without=without,
                window=window,
            )
            for entity in self.entities(text, pretokenized, window)
        ]
        return list(self.explain_many(cases, tolerance=tolerance, max_evaluations=max_evaluations, memory=memory))

    def explain_many(
        self,
        cases: Iterable[Question],
        *,
        method: str = INTEGRATED_GRADIENTS,
        samples: int | None = None,
        seed: int = 0,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
        progress: Progress | None = None,
    ) -> Iterator[Explanation]:
        """Explain many cases, batched across sentences and targets; yields in the order of the cases.

        `method`: any of `interp.explain.methods.METHODS` instead gives the words alone, by Captum, one case after the
        other; `samples` and `seed` are for those that draw at random. What follows is for integrated gradients, but
        `memory`.
        `tolerance`: of the integration error, Σ|error| / Σ|attribution| over words, in every layer and component.
        `max_evaluations`: rows forward and backward, per path. `memory`: to work in, bytes or text as "2GiB";
        default the smaller of 4 GiB and half of what is free. `progress` is told how many cases are done, in parts.
        Raises InputError at once for settings that do not fit, and for a case when its turn comes.
        """
        settings = SweepOptions(tolerance=tolerance, max_evaluations=max_evaluations)
        budget = parse_size(memory) if isinstance(memory, str) else memory
        told = progress or (lambda _: None)
        if method == INTEGRATED_GRADIENTS:
            return self._windows(iter(cases), settings, budget, told)
        return self._opinions(iter(cases), request_method(method, samples, seed), budget, told)

    def compare_methods(
        self,
        case: Question,
        *,
        samples: int | None = None,
        seed: int = 0,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
        progress: Progress | None = None,
    ) -> list[Explanation]:
        """The words of one case by integrated gradients, then by every other method that this model can have.

        A method that it cannot have is in `absent` of the first, as "method deep-lift", with the reason. `samples`
        None: each method's own default. `progress` is told how many methods are done. How far the rankings agree is in
        `interp.explanation.agreement`.
        """
        if case.zoom is not None:
            raise InputError("Methods are compared on the words, and a zoom shows layers: drop `zoom`.")
        case, told = replace(case, without=("components", "layers")), progress or (lambda _: None)
        found = list(self.explain_many([case], tolerance=tolerance, max_evaluations=max_evaluations, memory=memory))
        refused: dict[str, str] = {}
        for number, (name, row) in enumerate(METHODS.items(), start=1):
            told(number)
            drawn = samples if row.samples else None
            try:
                found += self.explain_many([case], method=name, samples=drawn, seed=seed, memory=memory)
            except MethodRefusedError as error:
                refused[f"method {name}"] = str(error)
        return [replace(found[0], absent={**found[0].absent, **refused}), *found[1:]]

    def _opinions(
        self, cases: Iterator[Question], wanted: MethodRequest, budget: int | None, progress: Progress
    ) -> Iterator[Explanation]:
        """Words alone, by another method."""
        done = 0
        why = f"{wanted.name} gives the words alone"
        while window := list(islice(cases, QUESTIONS_TOGETHER)):
            for one in prepare(self.tagger, window):
                found = run_method(self.tagger, one, wanted, budget)
                plain = self._words_alone(
                    one, found.values, done=Completeness(None, None), rows=found.rows, method=found.method
                )
                done += 1
                progress(done)
                yield replace(plain, absent={"components": why, "layers": why})

    def _windows(
        self, cases: Iterator[Question], settings: SweepOptions, budget: int | None, progress: Progress
    ) -> Iterator[Explanation]:
        before = 0
        while window := list(islice(cases, QUESTIONS_TOGETHER)):
            start = before  # of this window, for the closure

            def told(done: float, start: int = start) -> None:
                progress(start + done)

            yield from self._explain(prepare(self.tagger, window), settings, budget, told)
            before += len(window)

    def check(self, cases: Sequence[Question]) -> None:
        """Raise InputError for the first case that does not fit its sentence or the model; integrates nothing."""
        prepare(self.tagger, cases)

    def entities(
        self, text: str | Sequence[str], pretokenized: bool = False, window: bool = False
    ) -> list[tuple[int, ...]]:
        """Word indices of every entity that the model predicts: consecutive words of one type, a `B-` starting
        anew. With `window` a text longer than the model reads is tagged part by part.
        """
        words = Question(text, 1, pretokenized=pretokenized).words
        encodings = [self.tagger.encode(part) for part in (readable_parts(self.tagger, words) if window else [words])]
        found = zip(encodings, self.tagger.logits(encodings), strict=True)
        tags = [predict(self.tagger, encoding, logits)[0][1:-1] for encoding, logits in found]
        return entity_spans([None, *chain.from_iterable(tags)])

    def _explain(
        self, prepared: Sequence[PreparedQuestion], settings: SweepOptions, budget: int | None, progress: Progress
    ) -> list[Explanation]:
        """One window: cases of one sentence share a path, and sentences share forwards as memory allows."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for number, one in enumerate(prepared):
            groups.setdefault(one.sentence, []).append(number)
        sentences = list(groups.values())
        costs = [
            self.tagger.cost(len(one.encoding.ids), len(same), "layers" not in one.case.without)
            for same in sentences
            for one in [prepared[same[0]]]
        ]
        device = self.tagger.device
        found: dict[int, Explanation] = {}
        for some, fitted in plan_batches(costs, settings, budget or default_budget(device), device.type):
            numbers = [sentences[i] for i in some]
            share = sum(map(len, numbers)) / 2  # of the cases, per path
            before = len(found)

            def told(done: int, of: int, at: float, share: float = share) -> None:
                progress(at + share * done / of)

            chosen = [[prepared[n] for n in each] for each in numbers]
            tight = budget is not None or not fitted.retain
            embedding = self._sweep(chosen, fitted, tables=False, tight=tight, progress=partial(told, at=before))
            # Rows that memory allowed there are allowed here: the states of this path are no larger.
            fitted = replace(fitted, rows=embedding.rows)
            split = [i for i, group in enumerate(chosen) if "components" not in self._absent(group[0].case)]
            components = self._sweep(
                [chosen[i] for i in split], fitted, tables=True, tight=tight, progress=partial(told, at=before + share)
            )
            parts = dict(zip(split, components.results, strict=True))
            for i, (each, group) in enumerate(zip(numbers, chosen, strict=True)):
                tables = parts.get(i) or (None,) * len(group)
                for number, one, result, part in zip(each, group, embedding.results[i], tables, strict=True):
                    found[number] = self._assemble(one, result, part=part, settings=settings, rows=components.rows)
        return [found[number] for number in range(len(prepared))]

    def _sweep(
        self,
        groups: Sequence[Sequence[PreparedQuestion]],
        settings: SweepOptions,
        tables: bool,
        tight: bool,
        progress: Callable[[int, int], None],
    ) -> Sweep:
        paths = [build_path(self.tagger, group, tables) for group in groups]
        evaluate = returning_memory(self.tagger.evaluate) if tight else self.tagger.evaluate
        return integrate(paths, evaluate, settings, progress)

    def _assemble(
        self, one: PreparedQuestion, result: Integral, part: Integral | None, settings: SweepOptions, rows: int
    ) -> Explanation:
        own, *layers = (_values(value[0]) for value in result.values)
        zoom = None
        if one.zoom is not None and result.details is not None:
            embedding, *above = (_values(detail.sum(0)) for detail in result.details)
            zoom = Zoom(one.encoding.words[one.zoom - 1], one.zoom, embedding, tuple(above))
        done = Completeness(_integration(result, settings), _integration(part, settings) if part else None)
        return replace(
            self._words_alone(one, own, done, rows),
            components=self._components(part) if part else None,
            layers=tuple(layers),
            zoom=zoom,
            absent=self._absent(one.case),
        )

    def _components(self, part: Integral) -> Components:
        found = dict(zip(self.tagger.parts.tables, map(_values, part.values[0]), strict=True))
        return Components(found.get("word"), found.get("position"), found.get("token_type"))

    def _absent(self, case: Question) -> dict[str, str]:
        """The parts that an explanation of this case lacks, and why."""
        absent: dict[str, str] = dict.fromkeys(sorted(case.without), "not asked for")
        if case.reference == "zero":
            absent["components"] = ZERO_COMPONENTS
        return absent if "components" in absent else {**absent, **self.tagger.parts.absent}

    def _words_alone(
        self, one: PreparedQuestion, attributions: Values, done: Completeness, rows: int, method: Method | None = None
    ) -> Explanation:
        """The explanation that holds these attributions; whoever has more adds it."""
        case, texts = one.case, one.encoding.texts
        words = tuple(
            Word(
                index=i,
                text=text,
                special=i in (0, len(texts) - 1),
                tag=one.tags[i],
                probability=one.probabilities[i],
                attribution=attributions[i],
            )
            for i, text in enumerate(texts)
        )
        device, dtype = self.tagger.device, str(self.tagger.dtype).removeprefix("torch.")
        return Explanation(
            model=self.info,
            text=case.text if isinstance(case.text, str) else " ".join(case.text),
            words=words,
            target=one.target,
            reference=Reference(case.reference, case.positions, self.tagger.token_name(case.reference)),
            components=None,
            layers=(),
            zoom=None,
            completeness=done,
            run=Run(str(device), dtype, torch.get_num_threads(), rows, versions(*required_packages(method))),
            window=one.window,
            method=method,
        )


def _values(values: Iterable[float]) -> Values:
    return tuple(map(float, values))


def _integration(result: Integral, settings: SweepOptions) -> Integration:
    return Integration(
        at_input=result.at_input,
        at_reference=result.at_reference,
        residuals=result.residuals,
        estimate=result.estimate,
        tolerance=settings.tolerance,
        evaluations=result.evaluations,
        status=result.status,
    )
