"""A candidate whose kinds of tags have other names than the baseline's, told in the baseline's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from interp.errors import InputError
from interp.gate.inputs import Side
from interp.probe import Predictor
from interp.question.tags import kind_of
from interp.records import Record, Records, RecordsHeader

__all__ = ["rename_kinds"]


def rename_kinds(side: Side, names: Mapping[str, str]) -> Side:
    """The side with kinds (PERSON) by other names (PER), in records and predictions. Raises InputError where it has no
    such kind, or two of its tags would become one.
    """
    labels = side.records.about.model.labels
    kinds = {kind_of(label) for label in labels}
    for kind in names:
        if kind not in kinds:
            raise InputError(f"The model has no tags of the kind {kind} to rename, but of {', '.join(sorted(kinds))}.")
    renamed = {label: _rename(label, names) for label in labels}
    if len(set(renamed.values())) < len(labels):
        raise InputError("Two tags of the model would have one name: give every kind a name of its own.")
    predictor = None if side.predictor is None else _RenamedPredictor(side.predictor, renamed)
    return Side(_RenamedRecords.of(side.records, renamed), predictor)


def _rename(tag: str, names: Mapping[str, str]) -> str:
    kind = kind_of(tag)
    return tag.removesuffix(kind) + names.get(kind, kind)


@dataclass(frozen=True)
class _RenamedRecords(Records):
    """Records whose tags are called otherwise; right tags stay what they are."""

    tags: Mapping[str, str]
    """Names by the model's own."""
    own: Records

    @classmethod
    def of(cls, records: Records, tags: Mapping[str, str]) -> _RenamedRecords:
        return cls(records.folder, _rename_header(records.about, tags), tags, records)

    def __iter__(self) -> Iterator[Record]:
        for record in self.own:
            explained = tuple(
                replace(explanation, tags=tuple(self.tags[tag] for tag in explanation.tags))
                for explanation in record.explained
            )
            tags = tuple(None if tag is None else self.tags[tag] for tag in record.tags)
            yield replace(record, tags=tags, explained=explained)


def _rename_header(header: RecordsHeader, tags: Mapping[str, str]) -> RecordsHeader:
    labels = tuple(tags[label] for label in header.model.labels)
    return replace(header, model=replace(header.model, labels=labels))


class _RenamedPredictor:
    """The same probabilities in the same columns."""

    def __init__(self, predictor: Predictor, tags: Mapping[str, str]) -> None:
        self._predictor, self.name = predictor, predictor.name
        self.labels = tuple(tags[label] for label in predictor.labels)

    def __call__(self, sentences: Sequence[Sequence[str]], /) -> list[npt.NDArray[np.float64]]:
        return self._predictor(sentences)
