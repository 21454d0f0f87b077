"""The use case: a model, a sentence and a target become an explanation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypedDict, Unpack, cast, get_args

import torch
from torch import Tensor

from interp.errors import InputError
from interp.explanation import (
    Completeness,
    Components,
    Explanation,
    Integration,
    ModelInfo,
    Output,
    Reference,
    Run,
    Target,
    Values,
    Word,
    Zoom,
)
from interp.integration import Result, Settings, integrate
from interp.memory import default_budget, portions
from interp.models.loading import load_tagger
from interp.models.tagger import Encoding, Objective, Tagger
from interp.paths import Path
from interp.versions import versions
from interp.words import TargetSpec, find_target, split_words

__all__ = ["Case", "Model", "load"]

Tags = str | Sequence[str]
ReferenceKind = Literal["pad", "mask", "unk", "zero"]
Positions = Literal["zero", "same"]

WINDOW = 32
"""Cases that are worked on together; `explain_many` holds no more of them at a time."""

ZERO_COMPONENTS = (
    "with a reference of zeros the sum of the tables passes through 0, where the LayerNorm behind it is singular: "
    "choose another reference for this view"
)


@dataclass(frozen=True)
class Case:
    """One question: why does the model give `target` in `text` its tag?

    `text`: a sentence, split by the rule in `interp.words`, or a list of words, taken as it is. `target`: a word,
    "Rob#2", "@10", consecutive words, an index (1 is the first word), or consecutive indices. `tag`, `against`,
    `true_tag`: one label, or one per target word; `tag` defaults to what the model predicts. `zoom`: a word whose
    hidden dimensions are wanted.
    """

    text: str | Sequence[str]
    target: TargetSpec
    tag: Tags | None = None
    against: Tags | None = None
    true_tag: Tags | None = None
    output: Output = "logit"
    zoom: TargetSpec | None = None
    reference: ReferenceKind = "pad"
    positions: Positions = "zero"
    pretokenized: bool = False

    def __post_init__(self) -> None:
        for name, kind in (("output", Output), ("reference", ReferenceKind), ("positions", Positions)):
            value, choices = getattr(self, name), get_args(kind)
            if value not in choices:
                raise InputError(f'Unknown {name} "{value}": choose one of {", ".join(choices)}.')

    @property
    def words(self) -> list[str]:
        words = split_words(self.text, self.pretokenized) if isinstance(self.text, str) else list(self.text)
        if not words or not any(word.strip() for word in words):
            raise InputError("The text is empty: give a sentence with at least one word.")
        if any("\ud800" <= char <= "\udfff" for word in words for char in word):
            raise InputError("The text holds bytes that are no characters: give it as UTF-8.")
        return words


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


@dataclass(frozen=True)
class _Prepared:
    """A case resolved against its sentence: unit indices, label numbers, predictions."""

    case: Case
    encoding: Encoding
    indices: tuple[int, ...]
    objective: Objective
    zoom: int | None
    target: Target
    tags: tuple[str | None, ...]
    probabilities: tuple[float | None, ...]

    @property
    def sentence(self) -> tuple[object, ...]:
        """Cases that agree in this share their forward passes."""
        return (self.encoding.words, self.case.reference, self.case.positions, self.zoom)


class Model:
    """A loaded model that explains its tags. Its state is the same after every call, also after an error."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger

    @property
    def info(self) -> ModelInfo:
        return self._tagger.info

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
            yield from self._explain(self._prepare(window), settings, memory, progress)

    def check(self, cases: Sequence[Case]) -> None:
        """Raise InputError for the first case that does not fit its sentence or the model; integrates nothing."""
        self._prepare(cases)

    def entities(self, text: str | Sequence[str], pretokenized: bool = False) -> list[tuple[int, ...]]:
        """Word indices of every entity that the model predicts: consecutive words of one type, a `B-` starting anew."""
        encoding = self._tagger.encode(Case(text, 1, pretokenized=pretokenized).words)
        tags, _ = self._predict(encoding, self._tagger.logits([encoding])[0])
        return spans(tags)

    def _prepare(self, cases: Sequence[Case]) -> list[_Prepared]:
        if not cases:
            return []
        words = [tuple(case.words) for case in cases]
        encodings = {sentence: self._tagger.encode(sentence) for sentence in dict.fromkeys(words)}
        logits = dict(zip(encodings, self._tagger.logits(list(encodings.values())), strict=True))
        return [self._resolve(case, encodings[w], logits[w]) for case, w in zip(cases, words, strict=True)]

    def _resolve(self, case: Case, encoding: Encoding, logits: Tensor) -> _Prepared:
        indices = find_target(encoding.words, case.target)
        positions = [encoding.first[index] for index in indices]
        if None in positions:
            raise InputError("The model's tokeniser drops the target: nothing is left of it to be tagged.")
        if case.output == "probability" and len(indices) > 1:
            raise InputError("A sum of probabilities means nothing for several words: use --output log-probability.")
        tags, probabilities = self._predict(encoding, logits)
        predicted = tuple(str(tags[index]) for index in indices)
        wanted = self._tags(case.tag, len(indices)) or predicted
        against = self._tags(case.against, len(indices))
        if against == wanted:
            raise InputError(f"The tag and what it is held against are the same ({' '.join(wanted)}): name another.")

        def number(tags: tuple[str, ...]) -> tuple[int, ...]:
            return tuple(map(self.info.labels.index, tags))

        places = tuple(position for position in positions if position is not None)
        objective = Objective(places, number(wanted), number(against) if against else None, case.output)
        chances = logits[list(places)].softmax(-1)
        target = Target(
            tuple(encoding.words[index - 1] for index in indices),
            indices,
            wanted,
            against,
            tuple(float(row[i]) for row, i in zip(chances, number(wanted), strict=True)),
            case.output,
            predicted,
            self._tags(case.true_tag, len(indices)),
        )
        zoom = None if case.zoom is None else _one(find_target(encoding.words, case.zoom), "--zoom")
        return _Prepared(case, encoding, indices, objective, zoom, target, tags, probabilities)

    def _predict(self, encoding: Encoding, logits: Tensor) -> tuple[tuple[str | None, ...], tuple[float | None, ...]]:
        """Tag and probability of every unit, from its first sub-token; None where there is none to ask."""
        best = logits.softmax(-1).max(-1)
        asked = [None if i in (0, len(encoding.words) + 1) else first for i, first in enumerate(encoding.first)]
        tags = tuple(None if at is None else self.info.labels[int(best.indices[at])] for at in asked)
        return tags, tuple(None if at is None else float(best.values[at]) for at in asked)

    def _tags(self, tags: Tags | None, count: int) -> tuple[str, ...] | None:
        """One label per target word; one label alone stands for all of them."""
        if tags is None:
            return None
        given = tuple(tags.replace(",", " ").split()) if isinstance(tags, str) else tuple(tags)
        for tag in given:
            if tag not in self.info.labels:
                raise InputError(f'Unknown tag "{tag}": this model has {", ".join(self.info.labels)}.')
        if len(given) not in (1, count):
            raise InputError(
                f"The target has {count} words, but {len(given)} tags are given: give one, or one for each."
            )
        return given * count if len(given) == 1 else given

    def _explain(
        self,
        prepared: Sequence[_Prepared],
        settings: Settings,
        memory: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> list[Explanation]:
        groups: dict[tuple[object, ...], list[_Prepared]] = {}
        for one in prepared:
            groups.setdefault(one.sentence, []).append(one)
        sentences = list(groups.values())
        costs = [self._tagger.cost(len(group[0].encoding.ids), len(group)) for group in sentences]
        device = self._tagger.device
        found: dict[int, Explanation] = {}
        for some, fitted in portions(costs, settings, memory or default_budget(device), device.type):
            for explanations in self._sweeps([sentences[i] for i in some], fitted, progress):
                found.update(explanations)
        return [found[id(one)] for one in prepared]

    def _sweeps(
        self,
        groups: Sequence[Sequence[_Prepared]],
        settings: Settings,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[dict[int, Explanation]]:
        """Both paths of some sentences; yields the explanations of each sentence by the id of what was prepared."""
        total = 2 * len(groups)

        def shifted(by: int) -> Callable[[int, int], None] | None:
            return progress and (lambda done, _: progress(by + done, total))

        evaluate = self._tagger.evaluate
        embedding = integrate([self._path(group, tables=False) for group in groups], evaluate, settings, shifted(0))
        split = [i for i, group in enumerate(groups) if group[0].case.reference != "zero"]
        tables = [self._path(groups[i], tables=True) for i in split]
        components = integrate(tables, evaluate, settings, shifted(len(groups)))
        parts = dict(zip(split, components.results, strict=True))
        for i, group in enumerate(groups):
            yield {
                id(one): self._assemble(one, result, parts[i][k] if i in parts else None, settings, embedding.rows)
                for k, (one, result) in enumerate(zip(group, embedding.results[i], strict=True))
            }

    def _path(self, group: Sequence[_Prepared], tables: bool) -> Path:
        case, encoding = group[0].case, group[0].encoding
        objectives = [one.objective for one in group]
        if tables:
            return self._tagger.component_path(encoding, objectives, case.reference, case.positions)
        return self._tagger.embedding_path(encoding, objectives, case.reference, group[0].zoom)

    def _assemble(
        self, one: _Prepared, result: Result, part: Result | None, settings: Settings, rows: int
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
        device, dtype = self._tagger.device, str(self._tagger.dtype).removeprefix("torch.")
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


def _one(indices: tuple[int, ...], what: str) -> int:
    if len(indices) != 1:
        raise InputError(f"{what} takes one word, not {len(indices)}.")
    return indices[0]


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


def spans(tags: Sequence[str | None]) -> list[tuple[int, ...]]:
    """Indices of every entity: consecutive words of one type, where `B-` starts anew; tags without a scheme are
    types.
    """
    found: list[list[int]] = []
    before = None
    for index, tag in enumerate(tags):
        mark, dash, kind = (tag or "O").partition("-")
        kind = kind if dash and mark in ("B", "I") else (tag or "O")
        if kind != "O" and not kind.startswith("["):
            if kind == before and mark != "B":
                found[-1].append(index)
            else:
                found.append([index])
        before = kind
    return [tuple(span) for span in found]
