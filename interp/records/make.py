"""Records of one model over many sentences, part by part: what is finished stays, whatever happens."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from interp.errors import InputError, TooLongError
from interp.explain import Model
from interp.explain.predict import Prediction, predict_encodings
from interp.explain.prepare import prepare
from interp.explanation import Explanation, ModelInfo
from interp.models.encoding import Encoding
from interp.progress import Progress, ignore_progress
from interp.question import Part, Question
from interp.question.tags import find_entities
from interp.records.record import TAGS_ALONE, Record, RecordedExplanation, RecordSettings
from interp.records.recording import Recording, RecordPart
from interp.records.store import Records
from interp.records.tag import tag_sentences
from interp.taggers import Predictor
from interp.texts import Sentence, SentenceList, UnreadSentence

__all__ = ["make_records", "part_recorder", "record_tags"]


def make_records(
    model: Model,
    sentences: Sequence[Sentence],
    settings: RecordSettings,
    folder: Path,
    *,
    sources: Sequence[str] = (),
    resume: bool = False,
    memory: int | str | None = None,
    progress: Progress | None = None,
) -> Records:
    """Record a model into a folder, which must be empty unless what is there is to be resumed.

    `progress` is told how many sentences are done. A sentence that the model cannot read (too long, say) is recorded
    with the reason. Raises InputError, OutputError, FormatError.
    """
    recording = Recording.of(model.info, SentenceList(sentences), settings, folder=folder, sources=sources)
    record_part = part_recorder(model, settings, memory)
    return recording.make_parts(recording.begin(resume), record_part, progress or ignore_progress)


def part_recorder(model: Model, settings: RecordSettings, memory: int | str | None = None) -> RecordPart:
    """What records sentences with this model."""
    return partial(_record_part, model, settings, memory)


def record_tags(
    predictor: Predictor,
    sentences: Sequence[Sentence],
    folder: Path,
    *,
    sources: Sequence[str] = (),
    resume: bool = False,
    progress: Progress = ignore_progress,
) -> Records:
    """The same of any tagger: what it says of every word, and nothing of why."""
    model = ModelInfo(name=predictor.name, sha256=predictor.sha256, labels=predictor.labels, layers=0)
    recording = Recording.of(model, SentenceList(sentences), TAGS_ALONE, folder=folder, sources=sources)
    return recording.make_parts(recording.begin(resume), partial(_record_tags_of_part, predictor), progress)


def _record_tags_of_part(
    predictor: Predictor, sentences: Sequence[Sentence | UnreadSentence], progress: Progress
) -> list[Record]:
    records = _record_in_place(sentences, partial(tag_sentences, predictor))
    progress(1.0)
    return records


def _record_part(
    model: Model,
    settings: RecordSettings,
    memory: int | str | None,
    sentences: Sequence[Sentence | UnreadSentence],
    progress: Progress,
) -> list[Record]:
    record = partial(_record_sentences, model, settings=settings, memory=memory, progress=progress)
    return _record_in_place(sentences, record)


def _record_in_place(
    sentences: Sequence[Sentence | UnreadSentence], record: Callable[[Sequence[Sentence]], list[Record]]
) -> list[Record]:
    """Records of the sentences, together, and of what could not be read as one, each in its place."""
    records = iter(record([sentence for sentence in sentences if isinstance(sentence, Sentence)]))
    return [next(records) if isinstance(sentence, Sentence) else _unread_record(sentence) for sentence in sentences]


def _unread_record(sentence: UnreadSentence) -> Record:
    """What could not even be read as words."""
    return Record(
        id=sentence.id,
        document=sentence.id,
        words=(),
        gold=None,
        tags=(),
        probabilities=(),
        pieces=(),
        explained=(),
        error=sentence.reason,
    )


def _record_sentences(
    model: Model,
    sentences: Sequence[Sentence],
    *,
    settings: RecordSettings,
    memory: int | str | None,
    progress: Progress,
) -> list[Record]:
    """Predict every sentence once, then explain its targets."""
    encodings, errors = _encode_readable(model, sentences)
    predictions = dict(zip(encodings, predict_encodings(model.tagger, list(encodings.values())), strict=True))
    records = [
        _predicted_record(sentence, predictions.get(place), errors.get(place))
        for place, sentence in enumerate(sentences)
    ]
    places: list[int] = []
    questions: list[Question] = []
    for place, (sentence, record) in enumerate(zip(sentences, records, strict=True)):
        sentence_questions = list(_questions_about(sentence, record, settings))
        questions += sentence_questions
        places += [place] * len(sentence_questions)
    known = {prediction.encoding.words: prediction for prediction in predictions.values()}
    explanations = model.explain_many(
        prepare(model.tagger, questions, known),
        tolerance=settings.tolerance,
        memory=memory,
        progress=lambda done: progress(done / len(questions)),
    )
    explained: dict[int, list[RecordedExplanation]] = defaultdict(list)
    for place, explanation in zip(places, explanations, strict=True):
        explained[place].append(_recorded_explanation(explanation))
    return [replace(record, explained=tuple(explained[place])) for place, record in enumerate(records)]


def _encode_readable(model: Model, sentences: Sequence[Sentence]) -> tuple[dict[int, Encoding], dict[int, str]]:
    """By place: sub-tokens of the sentences that the model can read, and why it cannot read the others."""
    encodings: dict[int, Encoding] = {}
    errors: dict[int, str] = {}
    for place, sentence in enumerate(sentences):
        try:
            encodings[place] = model.tagger.encode(sentence.words)
        except TooLongError as error:
            errors[place] = error.without_window
        except InputError as error:
            errors[place] = str(error)
    return encodings, errors


def _predicted_record(sentence: Sentence, prediction: Prediction | None, error: str | None) -> Record:
    """What the model says of every word; nothing is explained yet."""
    pieces: tuple[int, ...] = ()
    if prediction is not None:
        counts = Counter(prediction.encoding.units)
        pieces = tuple(counts[unit] for unit in range(1, len(sentence.words) + 1))
    return Record(
        id=sentence.id,
        document=sentence.document,
        words=sentence.words,
        gold=sentence.gold,
        tags=prediction.tags[1:-1] if prediction else (),
        probabilities=prediction.probabilities[1:-1] if prediction else (),
        pieces=pieces,
        explained=(),
        error=error,
    )


def _questions_about(sentence: Sentence, record: Record, settings: RecordSettings) -> Iterator[Question]:
    """The targets that are named, or else right entities, or where nobody says the model's; each under every
    reference. A target with a word that the tokeniser drops cannot be explained.
    """
    if record.error is not None:
        return
    without: tuple[Part, ...] = ("components",) if settings.layers else ("components", "layers")
    for target in _targets(sentence, record):
        if all(record.tags[index] is not None for index in target):
            words = [index + 1 for index in target]
            for reference in settings.references:
                yield Question(sentence.words, words, output="centred-logit", reference=reference, without=without)


def _targets(sentence: Sentence, record: Record) -> tuple[tuple[int, ...], ...]:
    if sentence.targets is not None:
        return sentence.targets
    entities = find_entities(record.tags if sentence.gold is None else sentence.gold)
    return tuple(tuple(range(entity.start, entity.stop)) for entity in entities)


def _recorded_explanation(explanation: Explanation) -> RecordedExplanation:
    integration = explanation.integration
    return RecordedExplanation(
        target=tuple(index - 1 for index in explanation.target.indices),
        tags=explanation.target.tags,
        reference=explanation.reference.kind,
        at_input=explanation.at_input,
        at_reference=explanation.at_reference,
        attributions=explanation.attributions[1:-1],
        layers=tuple(layer[1:-1] for layer in explanation.layers),
        estimate=integration.estimate,
        evaluations=integration.evaluations,
        status=integration.status.value,
    )
