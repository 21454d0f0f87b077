"""Which words of a labelled sentence are scored, and what is left of the entities on them.

Left out are words whose right tag is unknown, and words of which a tokeniser reads nothing (a zero-width space), about
which a model can say nothing. Neither ends an entity: of `Maria`, a zero-width space and `Keller`, all tagged as one
person, the two that are read are one person still.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from interp.question.tags import Entity, find_entities

__all__ = ["LeftOut", "count_left_out", "predicted_entities", "right_entities", "scored_words"]

GivenTags = Sequence[str | None]
"""Of each word; None where the right tag is unknown, or a model gives none."""


@dataclass(frozen=True)
class LeftOut:
    """Words of a sentence that are not scored."""

    unknown: int
    """Their right tag is unknown."""
    unread: int
    """Their right tag is known, and a model reads nothing of them."""


def scored_words(gold: GivenTags, *models: GivenTags) -> tuple[int, ...]:
    """Indices of the words that are scored: of known tag, and read by every model; `models` are their tags."""
    return tuple(
        index for index, tags in enumerate(zip(gold, *models, strict=True)) if all(tag is not None for tag in tags)
    )


def count_left_out(gold: GivenTags, *models: GivenTags) -> LeftOut:
    """The words that are not scored, by reason."""
    unknown = sum(tag is None for tag in gold)
    return LeftOut(unknown, len(gold) - unknown - len(scored_words(gold, *models)))


def right_entities(gold: GivenTags, scored: Collection[int]) -> set[Entity]:
    """Right entities as far as their words are scored, by their place in the whole sentence."""
    return _on_scored(gold, scored, find_entities)


def predicted_entities(
    tags: GivenTags, scored: Collection[int], find_spans: Callable[[Sequence[str]], Iterable[Entity]] = find_entities
) -> set[Entity]:
    """A model's entities as far as their words are scored; `find_spans` reads them from the tags of the words that the
    model reads, in its own scheme.
    """
    return _on_scored(tags, scored, find_spans)


def _on_scored(
    tags: GivenTags, scored: Collection[int], find_spans: Callable[[Sequence[str]], Iterable[Entity]]
) -> set[Entity]:
    given = {index: tag for index, tag in enumerate(tags) if tag is not None}
    places = list(given)
    kept = set(scored)
    entities = set()
    for span in find_spans(list(given.values())):
        words = [index for index in places[span.start : span.stop] if index in kept]
        if words:
            entities.add(Entity(words[0], words[-1] + 1, span.kind))
    return entities
