"""Questions resolved against a model: word indices, label numbers, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interp.engine.paths import IntegrationPath
from interp.errors import InputError, bare, quoted
from interp.explain.predict import NO_PREDICTIONS, Prediction, Predictions, predict_sentences
from interp.explain.reference_texts import ReferenceTexts
from interp.explain.windows import fit_window
from interp.explanation import Target, Window
from interp.models.encoding import Encoding
from interp.models.objective import Objective
from interp.models.tagger import ReferenceIds, Tagger
from interp.question import Question, Tags
from interp.question.words import find_target

__all__ = ["ZERO_COMPONENTS", "PreparedQuestion", "build_path", "prepare"]

ZERO_COMPONENTS = (
    "with a reference of zeros the sum of the tables passes through 0, where the LayerNorm behind it is singular: "
    "choose another reference for this view"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedQuestion:
    """A question resolved against its sentence and the predictions of one model."""

    question: Question
    """As it was asked; in its window, where there is one."""
    prediction: Prediction
    objective: Objective
    target: Target
    zoom: int | None
    """The unit of the zoomed word."""
    window: Window | None
    """None where the model reads all of the text."""
    references: tuple[ReferenceIds | None, ...]
    """Those over which explanations are averaged, one where the reference is constant; None stands for zeros."""

    def __repr__(self) -> str:
        words, tags = quoted(self.target.text), bare(" ".join(self.target.tags))
        text = quoted(" ".join(self.encoding.words))
        return f"<PreparedQuestion about {words} as {tags} in {text} for {bare(self.prediction.model.name)}>"

    @property
    def encoding(self) -> Encoding:
        return self.prediction.encoding

    @property
    def logit_magnitude(self) -> float:
        """The largest |logit| of the sentence; 0 where F is a probability, which rounds as it is large itself."""
        return 0.0 if self.question.output == "probability" else float(self.prediction.logits.abs().max())

    def by_reference(self) -> list[PreparedQuestion]:
        """The same question under each of its references alone."""
        return [replace(self, references=(reference,)) for reference in self.references]

    @property
    def sentence(self) -> tuple[object, ...]:
        """Questions that agree in this share their forward passes."""
        question = self.question
        return (
            question.output == "probability",
            self.encoding.words,
            self.references,
            question.positions,
            self.zoom,
            frozenset(question.without),
        )


def prepare(
    tagger: Tagger, questions: Sequence[Question], known: Predictions = NO_PREDICTIONS
) -> list[PreparedQuestion]:
    """Resolve questions against their sentences and the model's predictions; sentences whose predictions are `known`
    are not asked again. Raises InputError where a question does not fit.
    """
    in_windows = [fit_window(tagger, question) if question.window else (question, None) for question in questions]
    sentences = [tuple(question.words) for question, _ in in_windows]
    predictions = predict_sentences(tagger, sentences, known)
    find_references = _ReferenceFinder(tagger)
    return [
        _resolve(
            tagger,
            question,
            predictions[words],
            window=window,
            references=find_references(question, predictions[words].encoding),
        )
        for (question, window), words in zip(in_windows, sentences, strict=True)
    ]


class _ReferenceFinder:
    """The references of questions; texts that several questions share are read once."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self._texts: dict[tuple[tuple[str, ...], ...], ReferenceTexts] = {}

    def __call__(self, question: Question, encoding: Encoding) -> tuple[ReferenceIds | None, ...]:
        """Raises InputError for a reference that the model cannot have."""
        if question.reference != "text":
            return (self._tagger.constant_reference(encoding, question.reference),)
        sentences = question.reference_words
        if sentences not in self._texts:
            self._texts[sentences] = ReferenceTexts(self._tagger, sentences)
        return self._texts[sentences].references_of(encoding)


def _resolve(
    tagger: Tagger,
    question: Question,
    prediction: Prediction,
    *,
    window: Window | None,
    references: tuple[ReferenceIds | None, ...],
) -> PreparedQuestion:
    encoding = prediction.encoding
    indices = find_target(encoding.words, question.target)
    zoom = None if question.zoom is None else _single(find_target(encoding.words, question.zoom, "zoom"))
    positions = tuple(_first_position(encoding, index) for index in indices)
    if zoom is not None:
        _first_position(encoding, zoom)
    if question.output == "probability" and len(indices) > 1:
        raise InputError("A sum of probabilities means nothing for several words: use `output` log-probability.")
    target = _target(question, prediction, indices=indices, positions=positions)
    return PreparedQuestion(
        question=question,
        prediction=prediction,
        objective=Objective(
            positions=positions,
            tags=_numbers(tagger, target.tags),
            against=None if target.against is None else _numbers(tagger, target.against),
            output=question.output,
        ),
        target=target,
        zoom=zoom,
        window=window,
        references=references,
    )


def _target(
    question: Question, prediction: Prediction, *, indices: tuple[int, ...], positions: Sequence[int]
) -> Target:
    """What is explained: words at `indices`, whose first sub-tokens are at `positions`."""
    labels = prediction.model.labels
    predicted = tuple(str(prediction.tags[index]) for index in indices)
    tags = _one_per_word(labels, question.tag, len(indices)) or predicted
    against = _one_per_word(labels, question.against, len(indices))
    if against == tags:
        raise InputError(f"The tag and what it is held against are the same ({' '.join(tags)}): name another.")
    chances = prediction.logits[list(positions)].softmax(-1)
    return Target(
        words=tuple(prediction.encoding.words[index - 1] for index in indices),
        indices=indices,
        tags=tags,
        against=against,
        probabilities=tuple(float(row[labels.index(tag)]) for row, tag in zip(chances, tags, strict=True)),
        output=question.output,
        predicted=predicted,
        true=_one_per_word(labels, question.true_tag, len(indices)),
    )


def _first_position(encoding: Encoding, index: int) -> int:
    """The first sub-token of a word. Raises InputError where there is none."""
    position = encoding.first[index]
    if position is None:
        raise InputError(f"The model's tokeniser leaves nothing of word @{index} ({encoding.words[index - 1]!a}).")
    return position


def _numbers(tagger: Tagger, tags: Sequence[str]) -> tuple[int, ...]:
    return tuple(map(tagger.info.labels.index, tags))


def _one_per_word(labels: Sequence[str], tags: Tags | None, count: int) -> tuple[str, ...] | None:
    """One label per target word; a single label stands for all of them."""
    if tags is None:
        return None
    if isinstance(tags, str):
        tags = [tags] if tags in labels else tags.replace(",", " ").split()
    names = tuple(tags)
    for name in names:
        if name not in labels:
            raise InputError(f'Unknown tag "{name}": this model has {", ".join(labels)}.')
    if len(names) not in (1, count):
        raise InputError(f"{len(names)} tags are given for a target of {count}: give one, or one for each word.")
    return names * count if len(names) == 1 else names


def _single(indices: tuple[int, ...]) -> int:
    if len(indices) != 1:
        raise InputError(f"The zoom takes one word, not {len(indices)}.")
    return indices[0]


def build_path(tagger: Tagger, questions: Sequence[PreparedQuestion], tables: bool) -> IntegrationPath:
    """The path that questions of one sentence and one reference share: before the LayerNorm with `tables`, or behind
    it.
    """
    first = questions[0]
    (reference,) = first.references
    objectives = [prepared.objective for prepared in questions]
    question = first.question
    if tables:
        if reference is None:
            raise ValueError(ZERO_COMPONENTS)
        path = tagger.component_path(first.encoding, objectives, reference, question.positions)
    else:
        layers = "layers" not in question.without
        path = tagger.embedding_path(first.encoding, objectives, reference, zoom=first.zoom, layers=layers)
    return replace(path, magnitude=first.logit_magnitude)
