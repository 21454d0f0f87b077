"""A loaded model that explains its tags: the Python API."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import overload

from interp.engine.budget import return_memory
from interp.engine.options import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOLERANCE, SweepOptions
from interp.engine.size import parse_size
from interp.errors import InputError, bare, counted
from interp.explain.assemble import assemble_words
from interp.explain.integrate import integrate_questions
from interp.explain.methods import METHODS, MethodRefusedError, MethodRequest, request_method, run_method
from interp.explain.predict import Predictions, predict_sentences
from interp.explain.prepare import PreparedQuestion, prepare
from interp.explain.windows import readable_parts
from interp.explanation import Completeness, Explanation, Explanations, ModelInfo
from interp.models.live import LiveModel, LiveTokenizer
from interp.models.load import load_tagger, take_tagger
from interp.models.tagger import Tagger
from interp.progress import Progress, ignore_progress
from interp.question import INTEGRATED_GRADIENTS, Output, Part, Positions, Question, ReferenceKind, Tags
from interp.question.tags import entity_spans
from interp.question.words import TargetSpec

__all__ = ["Model", "load"]


QUESTIONS_TOGETHER = 32
"""`explain_many` works on so many together, and holds no more of them at a time."""


@overload
def load(model: str | os.PathLike[str], device: str, /, dtype: str = "float32") -> Model: ...


@overload
def load(model: str | os.PathLike[str], *, device: str = "auto", dtype: str = "float32") -> Model: ...


@overload
def load(model: LiveModel, tokenizer: LiveTokenizer, *, name: str | None = None) -> Model: ...


def load(
    model: str | os.PathLike[str] | LiveModel,
    tokenizer: LiveTokenizer | str | None = None,
    dtype: str = "float32",
    *,
    device: str = "auto",
    name: str | None = None,
) -> Model:
    """Load a model by its name, as in `load("open")`, or take a live one, as in `load(model, tokenizer)`.

    `model`: a bundled name ("open", "planted"), a directory, or a hub id; no code that comes with it is run. Or a
    transformers model for token classification, which is explained as it is and where it is: nothing of it is copied,
    and it is left as it was, training mode and gradients too. Once its weights change it must be loaded again.
    `tokenizer`: of a live model, fast or slow; it is copied. After a name, this place is that of `device`.
    `dtype`: in which to compute, float32 (default), float64, bfloat16 or float16. Not for a live model, which computes
    in its own.
    `device`: auto (default: CUDA where there is any), cpu, cuda or cuda:N. Not for a live model.
    `name`: of a live model, in what is said of it; default that of its class.

    Raises ModelError for a model that cannot be read or explained, DeviceError for a device that is not there, and
    InputError for arguments that do not fit, each with its remedy.
    """
    if isinstance(model, str | os.PathLike):
        return Model(_load_by_name(model, tokenizer, dtype, device=device, name=name))
    if (device, dtype) != ("auto", "float32"):
        raise InputError("A live model computes where it is, in its own type: move it first, with model.to(…).")
    return Model(take_tagger(model, tokenizer, name))


def _load_by_name(path: str | os.PathLike[str], second: object, dtype: str, *, device: str, name: str | None) -> Tagger:
    """`second`: what stands behind the name."""
    if name is not None or not (second is None or isinstance(second, str)):
        raise InputError(f'"{os.fspath(path)}" brings its own tokeniser and name: leave `tokenizer` and `name` out.')
    if second is not None and device != "auto":
        raise InputError(f"The device is given twice, as {second} and {device}: leave one of them out.")
    return load_tagger(path, second or device, dtype)


class Model:
    """A loaded model that explains its tags. Its state is the same after every call, also after an error."""

    def __init__(self, tagger: Tagger) -> None:
        self.tagger = tagger

    def __repr__(self) -> str:
        info, computing = self.info, f"{self.tagger.device}, {str(self.tagger.dtype).removeprefix('torch.')}"
        sizes = f"{counted(len(info.labels), 'label')}, {counted(info.layers, 'layer')}"
        return f"<Model {bare(info.name)}: {sizes}, {computing}, sha256 {info.sha256[:12]}…>"

    @property
    def info(self) -> ModelInfo:
        """Its name, fingerprint, labels, number of layers, and what to know of how it was loaded."""
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
        """Explain the tag of one target; the question is that of `Question`, method and effort those of `explain_many`.

        Integrates until the estimated integration error is within `tolerance` in every layer and component, or the
        status says why not. Raises InputError when the text, the target or a tag does not fit.
        """
        question = Question(
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
        explanations = self.explain_many(
            [question],
            method=method,
            samples=samples,
            seed=seed,
            tolerance=tolerance,
            max_evaluations=max_evaluations,
            memory=memory,
        )
        return next(explanations)

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
    ) -> Explanations:
        """Explain every entity that the model finds in a text, in order; there may be none. See `explain`."""
        any_word = Question(
            text,
            1,
            output=output,
            zoom=zoom,
            reference=reference,
            positions=positions,
            pretokenized=pretokenized,
            without=without,
            window=window,
        )
        prepared = self.prepare_entities([any_word])
        return Explanations(
            self.explain_many(prepared, tolerance=tolerance, max_evaluations=max_evaluations, memory=memory)
        )

    def explain_many(
        self,
        questions: Iterable[Question | PreparedQuestion],
        *,
        method: str = INTEGRATED_GRADIENTS,
        samples: int | None = None,
        seed: int = 0,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
        progress: Progress | None = None,
    ) -> Iterator[Explanation]:
        """Explain many questions, batched across sentences and targets; yields in their order.

        `questions`: as they are asked, or as `prepare` gives them, so that nothing is resolved twice.
        `method`: any of `interp.explain.methods.METHODS` instead gives the words alone, by Captum, one question after
        the other; `samples` and `seed` are for those that draw at random. What follows is for integrated gradients, but
        `memory`.
        `tolerance`: of the integration error, Σ|error| / Σ|attribution| over words, in every layer and component.
        `max_evaluations`: rows forward and backward, per path. `memory`: to work in, bytes or text as "2GiB";
        default the smaller of 4 GiB and half of what is free. `progress` is told how many questions are done, in parts.
        Raises InputError at once for settings that do not fit, and for a question when its turn comes.
        """
        options = SweepOptions(tolerance=tolerance, max_evaluations=max_evaluations)
        budget = parse_size(memory) if isinstance(memory, str) else memory
        progress = progress or ignore_progress
        if method == INTEGRATED_GRADIENTS:
            return self._integrate(iter(questions), options, budget, progress)
        return self._run_method(iter(questions), request_method(method, samples, seed), budget, progress)

    def compare_methods(
        self,
        question: Question | PreparedQuestion,
        *,
        samples: int | None = None,
        seed: int = 0,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
        progress: Progress | None = None,
    ) -> Explanations:
        """The words of one question by integrated gradients, then by every other method that this model can have.

        A method that it cannot have is in `absent` of the first, as "method deep-lift", with the reason. `samples`
        None: each method's own default. `progress` is told how many methods are done. How far the rankings agree is in
        `interp.explanation.agreement`.
        """
        (prepared,) = self._prepared([question])
        if prepared.zoom is not None:
            raise InputError("Methods are compared on the words, and a zoom shows layers: drop `zoom`.")
        words_alone = replace(prepared.question, without=("components", "layers"))
        questions = [replace(prepared, question=words_alone)]
        progress = progress or ignore_progress
        (integrated,) = self.explain_many(
            questions, tolerance=tolerance, max_evaluations=max_evaluations, memory=memory
        )
        opinions: list[Explanation] = []
        refused: dict[str, str] = {}
        for number, (name, method) in enumerate(METHODS.items(), start=1):
            progress(number)
            drawn = samples if method.samples else None
            try:
                opinions += self.explain_many(questions, method=name, samples=drawn, seed=seed, memory=memory)
            except MethodRefusedError as error:
                refused[f"method {name}"] = str(error)
        return Explanations([replace(integrated, absent={**integrated.absent, **refused}), *opinions])

    def prepare(self, questions: Sequence[Question]) -> list[PreparedQuestion]:
        """Resolve questions against their sentences and this model; `explain_many` takes them, and nothing is resolved
        again. Raises InputError for the first question that does not fit.
        """
        self.tagger.check_current()
        return prepare(self.tagger, questions)

    def prepare_entities(self, templates: Sequence[Question]) -> list[PreparedQuestion]:
        """Questions about one text, asked of every entity that the model finds there in place of their own targets:
        entity by entity, in order; none gives an empty list.
        """
        predictions, entities = self._find_entities(templates[0])
        questions = [replace(template, target=entity) for entity in entities for template in templates]
        return prepare(self.tagger, questions, predictions)

    def entities(
        self, text: str | Sequence[str], pretokenized: bool = False, window: bool = False
    ) -> list[tuple[int, ...]]:
        """Word indices of every entity that the model predicts: consecutive words of one type, a `B-` starting
        anew. With `window` a text longer than the model reads is tagged part by part.
        """
        _, entities = self._find_entities(Question(text, 1, pretokenized=pretokenized, window=window))
        return entities

    def _find_entities(self, question: Question) -> tuple[Predictions, list[tuple[int, ...]]]:
        """The predictions of a question's text, part by part where it may be, and the entities in it."""
        self.tagger.check_current()
        words = question.words
        parts = [tuple(part) for part in (readable_parts(self.tagger, words) if question.window else [words])]
        predictions = predict_sentences(self.tagger, parts)
        tags = chain.from_iterable(predictions[part].tags[1:-1] for part in parts)
        return predictions, entity_spans([None, *tags])

    def _prepared(self, questions: Sequence[Question | PreparedQuestion]) -> list[PreparedQuestion]:
        """All of them resolved; those that are not yet, together."""
        self.tagger.check_current()
        open_questions = [question for question in questions if isinstance(question, Question)]
        resolved = iter(prepare(self.tagger, open_questions))
        prepared = [next(resolved) if isinstance(question, Question) else question for question in questions]
        for question in prepared:
            if question.prediction.model is not self.info:
                raise InputError(
                    f"A question was prepared for {question.prediction.model.name}, and this is {self.info.name}: "
                    "prepare it with the model that explains it."
                )
        return prepared

    def _integrate(
        self,
        questions: Iterator[Question | PreparedQuestion],
        options: SweepOptions,
        budget: int | None,
        progress: Progress,
    ) -> Iterator[Explanation]:
        before = 0
        while window := list(islice(questions, QUESTIONS_TOGETHER)):

            def report_progress(done: float, before: int = before) -> None:
                progress(before + done)

            prepared = self._prepared(window)
            if before:
                return_memory()  # thousands of sentences must take no more of it than the first few
            yield from integrate_questions(self.tagger, prepared, options, budget=budget, progress=report_progress)
            before += len(window)

    def _run_method(
        self,
        questions: Iterator[Question | PreparedQuestion],
        request: MethodRequest,
        budget: int | None,
        progress: Progress,
    ) -> Iterator[Explanation]:
        """Words alone, by another method."""
        done = 0
        reason = f"{request.name} gives the words alone"
        while window := list(islice(questions, QUESTIONS_TOGETHER)):
            for prepared in self._prepared(window):
                result = run_method(self.tagger, prepared, request, budget)
                words = assemble_words(
                    self.tagger,
                    prepared,
                    result.values,
                    Completeness(None, None),
                    rows=result.rows,
                    method=result.method,
                )
                done += 1
                progress(done)
                yield replace(words, absent={"components": reason, "layers": reason})
