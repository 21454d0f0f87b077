"""Schemes that differ (IOB2 and IOBES, say), told as IOB2 on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from interp.gate.inputs import Side
from interp.question.tags import OUTSIDE, iob2_labels, kind_of, kinds_of_labels, scheme_of
from interp.records import Record, Records
from interp.scoring import strict_iob2
from interp.taggers import Iob2Predictor, differ_in_scheme

__all__ = ["describe_schemes", "share_side_scheme", "tell_in_iob2"]

Tags = Sequence[str | None]


def share_side_scheme(baseline: Side, candidate: Side) -> tuple[Side, Side]:
    """Both in IOB2 where they have the same kinds and other marks; as they are where they have the same tags, or other
    kinds too.
    """
    if not differ_in_scheme(baseline.records.about.model.labels, candidate.records.about.model.labels):
        return baseline, candidate
    return _in_iob2(baseline), _in_iob2(candidate)


def describe_schemes(baseline: Side, candidate: Side) -> str:
    """How a report says that both were told in IOB2."""
    first, second = (scheme_of(side.records.about.model.labels) for side in (baseline, candidate))
    return f"told in IOB2: {first} in the baseline, {second} in the candidate"


def tell_in_iob2(tags: Tags, labels: Sequence[str]) -> tuple[str | None, ...]:
    """Strict spans of a model with these labels, in IOB2. A tag that belongs to none still says that its word is no
    `O`: it becomes an `I-` that continues nothing, but behind a span of its kind, where it would.
    """
    kinds = kinds_of_labels(labels)
    retold = list(strict_iob2(tags, labels))
    left = OUTSIDE
    for place, tag in enumerate(tags):
        if tag is None:
            continue
        kind, told_tag = kind_of(tag), retold[place]
        if told_tag == OUTSIDE and kind in kinds and kind_of(left) != kind:
            retold[place] = f"I-{kind}"
        left = told_tag or OUTSIDE
    return tuple(retold)


def _in_iob2(side: Side) -> Side:
    records, about = side.records, side.records.about
    about = replace(about, model=replace(about.model, labels=iob2_labels(about.model.labels)))
    predictor = None if side.predictor is None else Iob2Predictor(side.predictor)
    return Side(_Iob2Records(records.folder, about, records), predictor)


@dataclass(frozen=True)
class _Iob2Records(Records):
    """Records told in IOB2; right tags stay what they are. Explanations are of the tags that the records have."""

    own: Records

    def __iter__(self) -> Iterator[Record]:
        for record in self.own:
            tags = tell_in_iob2(record.tags, self.own.about.model.labels)
            explained = tuple(
                replace(explanation, tags=tuple(tags[index] or OUTSIDE for index in explanation.target))
                for explanation in record.explained
            )
            yield replace(record, tags=tags, explained=explained)
