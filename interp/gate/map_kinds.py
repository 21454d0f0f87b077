"""Kinds of tags that the models call otherwise (PERSON and PER, GPE and LOC), told in one set of names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from interp.errors import InputError
from interp.gate.inputs import Side
from interp.question.tags import OUTSIDE, kind_of
from interp.records import Record, Records, RecordsHeader
from interp.taggers import FunctionPredictor, MappedPredictor, Predictor, labels_to_share

__all__ = ["OTHERS", "map_kinds", "map_predictors", "parse_map", "share_tags"]

OTHERS = "*"
"""In place of a kind: every one that is not named, on either side of the map."""


def parse_map(texts: Sequence[str]) -> dict[str, str]:
    """Kinds by what they are called elsewhere, of PERSON=PER,GPE=LOC,*=O. Raises InputError for what names no two."""
    names: dict[str, str] = {}
    for pair in ",".join(texts).split(",") if texts else ():
        theirs, _, ours = (part.strip() for part in pair.partition("="))
        if not (theirs and ours):
            raise InputError(f'--map "{pair}" names no two kinds: write it as PERSON=PER,GPE=LOC,*=O.')
        if names.setdefault(theirs, ours) != ours:
            raise InputError(f"--map gives {theirs} two names, {names[theirs]} and {ours}: keep one.")
    return names


def map_kinds(baseline: Side, candidate: Side, names: Mapping[str, str]) -> tuple[Side, Side]:
    """Both sides with their kinds by other names; several may become one, and `O` is none at all.

    Raises InputError where neither side has a kind that is named.
    """
    sides = baseline, candidate
    first, second = _map_labels([side.records.about.model.labels for side in sides], names)
    return _map_side(baseline, first), _map_side(candidate, second)


def map_predictors(predictors: Sequence[Predictor], names: Mapping[str, str]) -> list[Predictor]:
    """The same of taggers alone."""
    tags = _map_labels([predictor.labels for predictor in predictors], names)
    return [
        MappedPredictor(predictor, of_predictor) if names else predictor
        for predictor, of_predictor in zip(predictors, tags, strict=True)
    ]


def share_tags(baseline: Side, candidate: Side, names: Mapping[str, str]) -> tuple[Side, Side]:
    """The same, where functions may be among them: those show the tags that they give alone, and what the other side
    has is theirs too, with probability 0.
    """
    labels = {label: None for side in (baseline, candidate) for label in side.records.about.model.labels}
    return map_kinds(_with_labels(baseline, tuple(labels)), _with_labels(candidate, tuple(labels)), names)


def _map_labels(labels: Sequence[Sequence[str]], names: Mapping[str, str]) -> list[dict[str, str]]:
    """Of every model the new tags by its own."""
    kinds = {kind_of(label) for of_model in labels for label in of_model}
    for kind in names.keys() - {OTHERS}:
        if kind not in kinds:
            raise InputError(f"--map {kind}: neither model has such a kind, but {', '.join(sorted(kinds))}.")
    return [{label: _map_tag(label, names) for label in of_model} for of_model in labels]


def _map_side(side: Side, tags: Mapping[str, str]) -> Side:
    if all(label == name for label, name in tags.items()):
        return side
    predictor = None if side.predictor is None else MappedPredictor(side.predictor, tags)
    return Side(_MappedRecords.of(side.records, tags), predictor)


def _map_tag(tag: str, names: Mapping[str, str]) -> str:
    kind = kind_of(tag)
    if kind == OUTSIDE or kind.startswith("["):
        return tag
    kept = kind if OTHERS not in names or kind in names.values() else names[OTHERS]
    name = names.get(kind, kept)
    return OUTSIDE if name == OUTSIDE else tag.removesuffix(kind) + name


def _with_labels(side: Side, labels: tuple[str, ...]) -> Side:
    if not isinstance(side.predictor, FunctionPredictor):
        return side
    about = side.records.about
    shared = labels_to_share(about.model.labels, labels)
    about = replace(about, model=replace(about.model, labels=shared))
    records = _MappedRecords(side.records.folder, about, {label: label for label in shared}, side.records)
    return Side(records, side.predictor.of(shared))


@dataclass(frozen=True)
class _MappedRecords(Records):
    """Records whose model has other tags: more, or the same called otherwise. Right tags stay what they are."""

    tags: Mapping[str, str]
    """Names by the model's own."""
    own: Records

    @classmethod
    def of(cls, records: Records, tags: Mapping[str, str]) -> _MappedRecords:
        return cls(records.folder, _map_header(records.about, tags), tags, records)

    def __iter__(self) -> Iterator[Record]:
        for record in self.own:
            explained = tuple(
                replace(explanation, tags=tuple(self.tags[tag] for tag in explanation.tags))
                for explanation in record.explained
            )
            tags = tuple(None if tag is None else self.tags[tag] for tag in record.tags)
            yield replace(record, tags=tags, explained=explained)


def _map_header(header: RecordsHeader, tags: Mapping[str, str]) -> RecordsHeader:
    labels = tuple(dict.fromkeys(tags[label] for label in header.model.labels))
    return replace(header, model=replace(header.model, labels=labels))
