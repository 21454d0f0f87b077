"""A loaded model that explains its tags: the Python API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

from interp.engine.budget import return_memory
from interp.engine.options import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOLERANCE, SweepOptions
from interp.engine.size import parse_size
from interp.errors import InputError, bare, counted
from interp.explain.assemble import assemble_words
from interp.explain.average import integrate_under_references
from interp.explain.faithful import FaithfulnessCheck
from interp.explain.methods import METHODS, MethodRefusedError, MethodRequest, request_method, run_method
from interp.explain.predict import Predictions, predict_sentences
from interp.explain.prepare import PreparedQuestion, prepare
from interp.explain.windows import readable_parts
from interp.explanation import Completeness, Explanation, Explanations, ModelInfo
from interp.models.device import dtype_name
from interp.models.tagger import Tagger
from interp.progress import Progress, ignore_progress
from interp.question import INTEGRATED_GRADIENTS, Output, Part, Positions, Question, ReferenceKind, Tags
from interp.question.tags import entity_spans
from interp.question.words import TargetSpec

__all__ = ["Model"]

Check = Callable[[PreparedQuestion, Explanation], Explanation]

QUESTIONS_TOGETHER = 32
"""`explain_many` works on so many together, and holds no more of them at a time."""


class Model:
    """A loaded model that explains its tags; `interp.load` gives one. Its state is the same after every call, also
    after an error.

    `tagger`: the model as the engine needs it.
    """

    def __init__(self, tagger: Tagger) -> None:
        self.tagger = tagger

    def __repr__(self) -> str:
        info, computing = self.info, f"{self.tagger.device}, {dtype_name(self.tagger.dtype)}"
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
        reference_texts: Sequence[str | Sequence[str]] = (),
        positions: Positions = "mean",
        pretokenized: bool = False,
        without: Collection[Part] = (),
        window: bool = False,
        method: str = INTEGRATED_GRADIENTS,
        samples: int | None = None,
        faithful: bool = False,
        seed: int = 0,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
    ) -> Explanation:
        """Explain the tag of one target.

        The question, as `interp.Question` has it:

        `text`: a sentence, split into words at white space and punctuation, or a list of words, taken as it is.
        `target`: whose tag: a word, "Rob#2" (its second occurrence), "@10" or 10 (word 10; 1 is the first),
        consecutive words in one text, or a list of consecutive indices.
        `tag`: what is explained, one label or one for each target word; default what the model predicts.
        `against`: explain `tag` rather than this, as `tag`; default rather than nothing.
        `true_tag`: the right tag, as `tag`, shown beside; it changes no number.
        `output`: what is attributed, and the unit of every number: "logit" (default), "centred-logit" (less the mean of
        the logits), "log-probability" (nats) or "probability" (of one word).
        `zoom`: a word, as `target`, whose hidden dimensions are wanted; default none.
        `reference`: what attributions are measured from: every sub-token "pad" (default), "mask" or "unk"; "zero",
        an embedding block's output of 0, for which there are no components; or "text", real sentences.
        `reference_texts`: with "text", two sentences at least, such as 16 of your own: each puts its sub-tokens in the
        place of the text's, and the mean over all is explained, with its standard error beside the integration error
        (`explanation.sampling`). It takes as many times as long.
        `positions`: of the reference, for components: "mean" (default; of the model's rows for all positions), "zero"
        (all at the first, as the article had it) or "same" as the text's.
        `pretokenized`: split a text at white space only; default False.
        `without`: parts that are not wanted, "components", "layers" or both; without components it is much faster.
        `window`: of a text longer than the model reads, explain the part around the target; default False, an error.

        The method and its effort:

        `method`: "integrated-gradients" (default), or for the words alone "saliency", "input-x-gradient", "deep-lift",
        "gradient-shap", "occlusion", "shapley" or "lime", by Captum, which the extra `methods` brings.
        `samples`: of methods that draw at random: how many; default the method's own.
        `faithful`: also replace words at random, those that the explanation names and others, to see whether the model
        does what it says: `explanation.faithfulness`, at most 39 rows more, forward alone; default False.
        `seed`: of all that is drawn, a whole number from 0; default 0.
        `tolerance`: of the integration error, Σ|error| / Σ|attribution| over words, in every layer and component; above
        0 and below 1, default 1e-3.
        `max_evaluations`: rows that may go forward and backward, per path; at least 17, default 1025.
        `memory`: to work in, bytes or a text such as "2GiB"; default the smaller of 4 GiB and half of what is free.

        An integration that does not reach its tolerance is no error: `explanation.integration.status` says so. Raises
        InputError when the text, the target, a tag or another argument does not fit, and DeviceError when `memory` is
        too little for one row.
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
            reference_texts=reference_texts,
            positions=positions,
            pretokenized=pretokenized,
            without=without,
            window=window,
        )
        explanations = self.explain_many(
            [question],
            method=method,
            samples=samples,
            faithful=faithful,
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
        reference_texts: Sequence[str | Sequence[str]] = (),
        positions: Positions = "mean",
        pretokenized: bool = False,
        without: Collection[Part] = (),
        window: bool = False,
        faithful: bool = False,
        seed: int = 0,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
    ) -> Explanations:
        """Explain every entity that the model finds in a text, in order; there may be none.

        `text`, `output`, `zoom`, `reference`, `reference_texts`, `positions`, `pretokenized`, `without`, `window`
        (around each entity), `faithful`, `seed`, `tolerance`, `max_evaluations` and `memory` are those of `explain`,
        and so are the errors.
        """
        any_word = Question(
            text,
            1,
            output=output,
            zoom=zoom,
            reference=reference,
            reference_texts=reference_texts,
            positions=positions,
            pretokenized=pretokenized,
            without=without,
            window=window,
        )
        prepared = self.prepare_entities([any_word])
        return Explanations(
            self.explain_many(
                prepared,
                faithful=faithful,
                seed=seed,
                tolerance=tolerance,
                max_evaluations=max_evaluations,
                memory=memory,
            )
        )

    def explain_many(
        self,
        questions: Iterable[Question | PreparedQuestion],
        *,
        method: str = INTEGRATED_GRADIENTS,
        samples: int | None = None,
        faithful: bool = False,
        seed: int = 0,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
        progress: Progress | None = None,
    ) -> Iterator[Explanation]:
        """Explain many questions, batched across sentences and targets; yields in their order.

        `questions`: as they are asked, or as `prepare` gives them, so that nothing is resolved twice.
        `method`, `samples`, `faithful`, `seed`: as in `explain`; another method than "integrated-gradients" takes one
        question after the other.
        `tolerance`, `max_evaluations`: as in `explain`, for every question; of integrated gradients alone.
        `memory`: as in `explain`, for all that is computed together.
        `progress`: called with how many questions are done, in parts; default nobody is told.

        `interp.Explanations(…)` holds together what is yielded. Raises InputError at once for settings that do not fit,
        and for a question when its turn comes; DeviceError when `memory` is too little for one row.
        """
        options = SweepOptions(tolerance=tolerance, max_evaluations=max_evaluations)
        budget = parse_size(memory) if isinstance(memory, str) else memory
        progress = progress or ignore_progress
        check = FaithfulnessCheck(self.tagger, seed).check if faithful else _unchecked
        if method == INTEGRATED_GRADIENTS:
            return self._integrate(iter(questions), options, budget=budget, progress=progress, check=check)
        request = request_method(method, samples, seed)
        return self._run_method(iter(questions), request, budget=budget, progress=progress, check=check)

    def compare_methods(
        self,
        question: Question | PreparedQuestion,
        *,
        samples: int | None = None,
        faithful: bool = False,
        seed: int = 0,
        tolerance: float = DEFAULT_TOLERANCE,
        max_evaluations: int = DEFAULT_MAX_EVALUATIONS,
        memory: int | str | None = None,
        progress: Progress | None = None,
    ) -> Explanations:
        """The words of one question by integrated gradients, then by every other method that this model can have.

        A method that it cannot have is in `absent` of the first, as "method deep-lift", with the reason. How far the
        rankings agree is in `interp.explanation.agreement`.

        `question`: a `Question`, or what `prepare` gave of it; without a zoom.
        `samples`, `faithful`, `seed`, `tolerance`, `max_evaluations`, `memory`: as in `explain`; `samples` is for all
        methods that draw, default each one's own.
        `progress`: called with how many methods are done; default nobody is told.

        Raises InputError when the question or a setting does not fit, or captum is missing.
        """
        (prepared,) = self._prepared([question])
        if prepared.zoom is not None:
            raise InputError("Methods are compared on the words, and a zoom shows layers: drop `zoom`.")
        words_alone = replace(prepared.question, without=("components", "layers"))
        questions = [replace(prepared, question=words_alone)]
        progress = progress or ignore_progress
        explain = partial(self.explain_many, questions, faithful=faithful, seed=seed, memory=memory)
        (integrated,) = explain(tolerance=tolerance, max_evaluations=max_evaluations)
        opinions: list[Explanation] = []
        refused: dict[str, str] = {}
        for number, (name, method) in enumerate(METHODS.items(), start=1):
            progress(number)
            drawn = samples if method.samples else None
            try:
                opinions += explain(method=name, samples=drawn)
            except MethodRefusedError as error:
                refused[f"method {name}"] = str(error)
        return Explanations([replace(integrated, absent={**integrated.absent, **refused}), *opinions])

    def prepare(self, questions: Sequence[Question]) -> list[PreparedQuestion]:
        """Resolve `questions` against their sentences and this model; `explain_many` takes what it gives, and nothing
        is resolved again. Raises InputError for the first question that does not fit.
        """
        self.tagger.check_current()
        return prepare(self.tagger, questions)

    def prepare_entities(self, templates: Sequence[Question]) -> list[PreparedQuestion]:
        """Questions about one text, asked of every entity that the model finds there: entity by entity, in order.

        `templates`: questions that are asked of each entity in place of their own target; at least one, and all of one
        text. No entity gives an empty list. Raises InputError where a question does not fit.
        """
        predictions, entities = self._find_entities(templates[0])
        questions = [replace(template, target=entity) for entity in entities for template in templates]
        return prepare(self.tagger, questions, predictions)

    def entities(
        self, text: str | Sequence[str], pretokenized: bool = False, window: bool = False
    ) -> list[tuple[int, ...]]:
        """Word indices, 1 being the first, of every entity that the model predicts: consecutive words of one type, a
        `B-` starting anew.

        `text`, `pretokenized`: as in `explain`. `window`: a text longer than the model reads is tagged part by part;
        default False, an error. Raises InputError when the text does not fit.
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
        *,
        budget: int | None,
        progress: Progress,
        check: Check,
    ) -> Iterator[Explanation]:
        before = 0
        while window := list(islice(questions, QUESTIONS_TOGETHER)):

            def report_progress(done: float, before: int = before) -> None:
                progress(before + done)

            prepared = self._prepared(window)
            if before:
                return_memory()  # thousands of sentences must take no more of it than the first few
            explanations = integrate_under_references(
                self.tagger, prepared, options, budget=budget, progress=report_progress
            )
            yield from map(check, prepared, explanations)
            before += len(window)

    def _run_method(
        self,
        questions: Iterator[Question | PreparedQuestion],
        request: MethodRequest,
        *,
        budget: int | None,
        progress: Progress,
        check: Check,
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
                yield check(prepared, replace(words, absent={"components": reason, "layers": reason}))


def _unchecked(_prepared: PreparedQuestion, explanation: Explanation) -> Explanation:
    """An explanation as it is."""
    return explanation
