"""Questions resolved against a model: word indices, label numbers, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from interp.engine.paths import IntegrationPath
from interp.errors import InputError
from interp.explain.windows import fit_window
from interp.explanation import Target, Window
from interp.models.tagger import Encoding, Objective, Tagger
from interp.question import Question, Tags
from interp.question.words import find_target

__all__ = ["PreparedQuestion", "build_path", "predict", "prepare"]


@dataclass(frozen=True, kw_only=True)
class PreparedQuestion:
    """A case resolved against its sentence: unit indices, label numbers, predictions."""

    case: Question
    encoding: Encoding
    objective: Objective
    zoom: int | None
    target: Target
    tags: tuple[str | None, ...]
    probabilities: tuple[float | None, ...]
    window: Window | None

    @property
    def sentence(self) -> tuple[object, ...]:
        """Cases that agree in this share their forward passes."""
        return (self.encoding.words, self.case.reference, self.case.positions, self.zoom, frozenset(self.case.without))


def prepare(tagger: Tagger, cases: Sequence[Question]) -> list[PreparedQuestion]:
    """Resolve cases against their sentences and the model's predictions. Raises InputError where one does not fit."""
    if not cases:
        return []
    cut = [fit_window(tagger, case) if case.window else (case, None) for case in cases]
    words = [tuple(case.words) for case, _ in cut]
    encodings = {sentence: tagger.encode(sentence) for sentence in dict.fromkeys(words)}
    logits = dict(zip(encodings, tagger.logits(list(encodings.values())), strict=True))
    return [
        _resolve(tagger, case, encoding=encodings[w], logits=logits[w], window=window)
        for (case, window), w in zip(cut, words, strict=True)
    ]


def _resolve(
    tagger: Tagger, case: Question, encoding: Encoding, logits: Tensor, window: Window | None
) -> PreparedQuestion:
    if case.reference not in tagger.references:
        raise tagger.no_reference(case.reference)
    indices = find_target(encoding.words, case.target)
    zoom = None if case.zoom is None else _one(find_target(encoding.words, case.zoom, "zoom"))
    for index in (*indices, *([] if zoom is None else [zoom])):
        if encoding.first[index] is None:
            raise InputError(f"The model's tokeniser leaves nothing of word @{index} ({encoding.words[index - 1]!a}).")
    if case.output == "probability" and len(indices) > 1:
        raise InputError("A sum of probabilities means nothing for several words: use `output` log-probability.")
    tags, probabilities = predict(tagger, encoding, logits)
    predicted = tuple(str(tags[index]) for index in indices)
    wanted = _tags(tagger.info.labels, case.tag, len(indices)) or predicted
    against = _tags(tagger.info.labels, case.against, len(indices))
    if against == wanted:
        raise InputError(f"The tag and what it is held against are the same ({' '.join(wanted)}): name another.")

    def number(tags: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(map(tagger.info.labels.index, tags))

    places = tuple(place for place in (encoding.first[index] for index in indices) if place is not None)
    objective = Objective(places, number(wanted), number(against) if against else None, case.output)
    chances = logits[list(places)].softmax(-1)
    target = Target(
        words=tuple(encoding.words[index - 1] for index in indices),
        indices=indices,
        tags=wanted,
        against=against,
        probabilities=tuple(float(row[i]) for row, i in zip(chances, number(wanted), strict=True)),
        output=case.output,
        predicted=predicted,
        true=_tags(tagger.info.labels, case.true_tag, len(indices)),
    )
    return PreparedQuestion(
        case=case,
        encoding=encoding,
        objective=objective,
        zoom=zoom,
        target=target,
        tags=tags,
        probabilities=probabilities,
        window=window,
    )


def predict(
    tagger: Tagger, encoding: Encoding, logits: Tensor
) -> tuple[tuple[str | None, ...], tuple[float | None, ...]]:
    """Tag and probability of every unit, from its first sub-token; None where there is none to ask."""
    best = logits.softmax(-1).max(-1)
    asked = [None if i in (0, len(encoding.words) + 1) else first for i, first in enumerate(encoding.first)]
    tags = tuple(None if at is None else tagger.info.labels[int(best.indices[at])] for at in asked)
    return tags, tuple(None if at is None else float(best.values[at]) for at in asked)


def _tags(labels: Sequence[str], tags: Tags | None, count: int) -> tuple[str, ...] | None:
    """One label per target word; one label alone stands for all of them."""
    if tags is None:
        return None
    if isinstance(tags, str):
        tags = [tags] if tags in labels else tags.replace(",", " ").split()
    given = tuple(tags)
    for tag in given:
        if tag not in labels:
            raise InputError(f'Unknown tag "{tag}": this model has {", ".join(labels)}.')
    if len(given) not in (1, count):
        raise InputError(f"{len(given)} tags are given for a target of {count}: give one, or one for each word.")
    return given * count if len(given) == 1 else given


def build_path(tagger: Tagger, group: Sequence[PreparedQuestion], tables: bool) -> IntegrationPath:
    """The path that questions of one sentence share: before the LayerNorm with `tables`, else behind it."""
    case, encoding = group[0].case, group[0].encoding
    objectives = [one.objective for one in group]
    if tables:
        return tagger.component_path(encoding, objectives, case.reference, case.positions)
    return tagger.embedding_path(
        encoding, objectives, reference=case.reference, zoom=group[0].zoom, layers="layers" not in case.without
    )


def _one(indices: tuple[int, ...]) -> int:
    if len(indices) != 1:
        raise InputError(f"The zoom takes one word, not {len(indices)}.")
    return indices[0]
