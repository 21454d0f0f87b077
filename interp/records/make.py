"""Records of one model over many sentences, part by part: what is finished stays, whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from interp.errors import FormatError, InputError
from interp.explain import Model
from interp.explain.prepare import predict
from interp.explanation import Explanation
from interp.models.tagger import Encoding
from interp.project.files import make_folder
from interp.question import Part, Question
from interp.question.tags import find_entities
from interp.records.record import Record, RecordedExplanation, RecordSettings, RecordsHeader, same_work
from interp.records.store import SENTENCES_PER_PART, Records, part_count, part_name, read_part, write_part
from interp.texts import Sentence, data_fingerprint
from interp.versions import versions

__all__ = ["make_records"]


def make_records(
    model: Model,
    sentences: Sequence[Sentence],
    wanted: RecordSettings,
    folder: Path,
    *,
    sources: Sequence[str] = (),
    resume: bool = False,
    memory: int | str | None = None,
    progress: Callable[[float], None] | None = None,
) -> Records:
    """Record a model into a folder, which must be empty unless what is there is to be resumed.

    `progress` is told how many sentences are done. A sentence that the model cannot read (too long, say) is recorded
    with the reason. Raises InputError, OutputError, FormatError.
    """
    about = RecordsHeader(
        model=model.info,
        data=data_fingerprint(sentences),
        sentences=len(sentences),
        sources=tuple(sources),
        wanted=wanted,
        versions=versions(),
    )
    done = _done(folder, about, resume)
    for number in range(part_count(len(sentences))):
        some = sentences[number * SENTENCES_PER_PART : (number + 1) * SENTENCES_PER_PART]
        if number not in done:
            at = number * SENTENCES_PER_PART

            def told(cases: float, at: int = at, count: int = len(some)) -> None:
                if progress is not None:
                    progress(at + count * cases)

            write_part(
                folder / part_name(number, len(sentences)),
                about,
                _part(model, some, wanted=wanted, memory=memory, told=told),
            )
        if progress is not None:
            progress(number * SENTENCES_PER_PART + len(some))
    return Records(folder, about)


def _done(folder: Path, about: RecordsHeader, resume: bool) -> set[int]:
    """The parts that need not be computed again."""
    make_folder(folder)
    there = {path.name: path for path in folder.glob("part-*.parquet")}
    if there and not resume:
        raise InputError(f"{folder} holds records already: go on with --resume, or choose another folder.")
    done = set()
    for number in range(part_count(about.sentences)):
        path = there.pop(part_name(number, about.sentences), None)
        if path is None:
            continue
        known, _ = read_part(path)  # read whole: a damaged part is told now
        if not same_work(known, about):
            raise FormatError(f"{path} is of another model, other data or settings: choose another folder.")
        done.add(number)
    if there:
        raise FormatError(f"{min(there.values())} is of other records: choose another folder.")
    return done


def _part(
    model: Model,
    sentences: Sequence[Sentence],
    wanted: RecordSettings,
    memory: int | str | None,
    told: Callable[[float], None],
) -> list[Record]:
    bare = _predicted(model, sentences)
    asked = [
        (place, case)
        for place, (sentence, record) in enumerate(zip(sentences, bare, strict=True))
        for case in _cases(sentence, record, wanted)
    ]
    explanations = model.explain_many(
        [case for _, case in asked],
        tolerance=wanted.tolerance,
        memory=memory,
        progress=lambda done: told(done / len(asked)),
    )
    explained: dict[int, list[RecordedExplanation]] = {}
    for (place, _), explanation in zip(asked, explanations, strict=True):
        explained.setdefault(place, []).append(_explained(explanation))
    return [replace(record, explained=tuple(explained.get(place, ()))) for place, record in enumerate(bare)]


def _predicted(model: Model, sentences: Sequence[Sentence]) -> list[Record]:
    """What the model says of every word; nothing is explained yet."""
    encodings: dict[int, Encoding] = {}
    errors: dict[int, str] = {}
    for place, sentence in enumerate(sentences):
        try:
            encodings[place] = model.tagger.encode(sentence.words)
        except InputError as error:
            errors[place] = str(error)
    logits = dict(zip(encodings, model.tagger.logits(list(encodings.values())), strict=True))
    found = []
    for place, each in enumerate(sentences):
        record = Record(
            id=each.id,
            document=each.document,
            words=each.words,
            gold=each.gold,
            tags=(),
            probabilities=(),
            pieces=(),
            explained=(),
            error=errors.get(place),
        )
        if (encoding := encodings.get(place)) is not None:
            tags, probabilities = predict(model.tagger, encoding, logits[place])
            counts = Counter(encoding.units)
            pieces = tuple(counts[unit] for unit in range(1, len(each.words) + 1))
            record = replace(record, tags=tags[1:-1], probabilities=probabilities[1:-1], pieces=pieces)
        found.append(record)
    return found


def _cases(sentence: Sentence, record: Record, wanted: RecordSettings) -> Iterator[Question]:
    """The targets that are named, or else right entities, or where nobody says the model's; each under every
    reference. A target with a word that the tokeniser drops cannot be explained.
    """
    if record.error is not None:
        return
    targets = sentence.targets
    if targets is None:
        spans = find_entities(record.tags if sentence.gold is None else sentence.gold)
        targets = tuple(tuple(range(each.start, each.stop)) for each in spans)
    without: tuple[Part, ...] = ("components",) if wanted.layers else ("components", "layers")
    for target in targets:
        if all(record.tags[index] is not None for index in target):
            for kind in wanted.references:
                words = [index + 1 for index in target]
                yield Question(sentence.words, words, output="centred-logit", reference=kind, without=without)


def _explained(explanation: Explanation) -> RecordedExplanation:
    path = explanation.integration
    return RecordedExplanation(
        target=tuple(index - 1 for index in explanation.target.indices),
        tags=explanation.target.tags,
        reference=explanation.reference.kind,
        attributions=explanation.attributions[1:-1],
        layers=tuple(layer[1:-1] for layer in explanation.layers),
        estimate=path.estimate,
        evaluations=path.evaluations,
        status=path.status.value,
    )
