"""The entities of a sentence: the right ones, and those of both models, over the words that can be scored.

Spans of models are seqeval's in strict mode.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities

from interp.question.tags import OUTSIDE, Entity, find_entities, kind_of, scheme_of
from interp.records import Record

__all__ = ["EntityComparison", "compare_entities", "strict_iob2", "strict_spans"]

Tags = Sequence[str | None]

_SCHEMES = {"IOB1": IOB1, "IOB2": IOB2, "IOBES": IOBES, "BILOU": BILOU}
"""Of seqeval's, where there is more to a span than words of one kind."""


@dataclass(frozen=True, kw_only=True)
class EntityComparison:
    """The entities of one sentence, by indices of the words that are scored."""

    words: tuple[str, ...]
    """Those that are scored."""
    pieces: tuple[int, ...]
    """Their sub-tokens, as the baseline reads them."""
    right: frozenset[Entity]
    baseline: frozenset[Entity]
    candidate: frozenset[Entity]
    baseline_tags: tuple[str | None, ...]
    """Of the scored words; None where the tokeniser reads nothing of a word."""
    candidate_tags: tuple[str | None, ...]
    left_out: int
    """Words that are not scored: neither tokeniser reads anything of them, or their right tag is unknown (None)."""

    @property
    def untagged_by_baseline(self) -> set[int]:
        """Words of right entities that are in no entity of the baseline, and have no tag of one either."""
        return _untagged(self.right, self.baseline, self.baseline_tags)

    @property
    def untagged_by_candidate(self) -> set[int]:
        return _untagged(self.right, self.candidate, self.candidate_tags)


def compare_entities(baseline: Record, candidate: Record, gold: Tags, labels: Sequence[str]) -> EntityComparison:
    """`labels` tell which scheme the models tag in. A word that one tokeniser alone reads nothing of is part of an
    entity of that model if the words around it are, and is scored.
    """
    scored = [
        index
        for index, right_tag in enumerate(gold)
        if right_tag is not None and not (baseline.tags[index] is None and candidate.tags[index] is None)
    ]
    right = find_entities([gold[index] for index in scored])
    return EntityComparison(
        words=tuple(baseline.words[index] for index in scored),
        pieces=tuple(baseline.pieces[index] for index in scored),
        right=frozenset(right),
        baseline=_spans_over(scored, baseline.tags, labels),
        candidate=_spans_over(scored, candidate.tags, labels),
        baseline_tags=tuple(baseline.tags[index] for index in scored),
        candidate_tags=tuple(candidate.tags[index] for index in scored),
        left_out=len(gold) - len(scored),
    )


def _spans_over(scored: Sequence[int], tags: Tags, labels: Sequence[str]) -> frozenset[Entity]:
    """A model's spans, by indices of the scored words."""
    read = [index for index, tag in enumerate(tags) if tag is not None]
    spans = set()
    for span in strict_spans([tag for tag in tags if tag is not None], labels):
        first, last = read[span.start], read[span.stop - 1]
        inside = [number for number, index in enumerate(scored) if first <= index <= last]
        if inside:
            spans.add(Entity(inside[0], inside[-1] + 1, span.kind))
    return frozenset(spans)


def strict_spans(tags: Sequence[str], labels: Sequence[str]) -> set[Entity]:
    """Strict spans in the scheme of the labels: an `I-` that continues nothing is none, but in IOB1. Tags without a
    scheme are kinds, and those that follow each other one span.
    """
    scheme = _SCHEMES.get(scheme_of(labels))
    if scheme is None:
        return set(find_entities(tags))
    clean = [tag if tag[1:2] == "-" or tag == OUTSIDE else OUTSIDE for tag in tags]  # [CLS] and the like
    clean = [f"I{tag[1:]}" if tag.startswith("M-") else tag for tag in clean]  # BMES
    (spans,) = Entities([clean], scheme).entities
    return {Entity(span.start, span.end, span.tag) for span in spans}


def strict_iob2(tags: Tags, labels: Sequence[str]) -> tuple[str | None, ...]:
    """Strict spans as IOB2 tags; None stays where a tokeniser drops a word, and spans go on over it."""
    read = [index for index, tag in enumerate(tags) if tag is not None]
    retold: list[str | None] = [None if tag is None else OUTSIDE for tag in tags]
    for span in strict_spans([tag for tag in tags if tag is not None], labels):
        for place in range(span.start, span.stop):
            retold[read[place]] = f"{'B' if place == span.start else 'I'}-{span.kind}"
    return tuple(retold)


def _untagged(right: Set[Entity], spans: Set[Entity], tags: Tags) -> set[int]:
    return {index for index in _words_of(right) - _words_of(spans) if _is_outside(tags[index])}


def _words_of(spans: Set[Entity]) -> set[int]:
    return {index for span in spans for index in range(span.start, span.stop)}


def _is_outside(tag: str | None) -> bool:
    return tag is None or kind_of(tag) == OUTSIDE or kind_of(tag).startswith("[")
