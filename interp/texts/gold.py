"""From sentences as their file spells them to sentences with right tags in IOB2, and what has to be said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from interp.errors import InputError, counted
from interp.question.tags import OUTSIDE, Entity, find_entities
from interp.texts.sentences import RawSentence, Sentence
from interp.texts.spec import Source
from interp.texts.spelling import UNKNOWN, TagCount, Tags, read_tags

__all__ = ["understand"]


def understand(raw: Sequence[RawSentence], source: Source) -> tuple[list[Sentence], list[str]]:
    """The sentences of one source with right tags, and notes for the user. Raises InputError, with file and line."""
    _check_labelled(raw, source)
    renamed = source.renamed
    tags = read_tags(_spelled_tags(raw, source), source.shown, renamed, source.options.get("kind"))
    kinds: Counter[str] = Counter()
    sentences: list[Sentence] = []
    for sentence in raw:
        entities, unknown = _entities(sentence, tags)
        kinds.update(entity.kind for entity in entities)
        _check_numbers(sentence, entities, renamed)
        gold = _gold(entities, unknown, len(sentence.words), renamed) if sentence.labelled else None
        sentences.append(Sentence(sentence.id, sentence.document, sentence.words, gold))
    notes = [*tags.notes, *_notes(raw, sentences, source)]
    spelled = {tag for tag in tags.meanings if tag is not None}
    for name in renamed:
        if name not in kinds and name not in spelled:
            known = ", ".join(sorted(kinds)) or "none"
            notes.append(f"{source.shown}: ?map= names {name}, which does not stand there; its kinds are {known}.")
    return sentences, notes


def _check_labelled(raw: Sequence[RawSentence], source: Source) -> None:
    """Labels in some rows alone are an accident as a rule."""
    bare = [sentence for sentence in raw if not sentence.labelled]
    labelled = len(raw) - len(bare)
    if bare and labelled and source.options.get("unlabelled") != "keep":
        raise InputError(
            f"{bare[0].id}: has no labels, while {labelled} of {len(raw)} rows have: label it, take it out, or write "
            f"?unlabelled=keep to have such rows compared but not scored."
        )
    for sentence in raw:
        if sentence.tags is not None and len(sentence.tags) != len(sentence.words):
            counts = f"has {counted(len(sentence.words), 'word')} and {counted(len(sentence.tags), 'tag')}"
            raise InputError(f"{sentence.id}: {counts}: give one per word.")


def _spelled_tags(raw: Iterable[RawSentence], source: Source) -> dict[str | None, TagCount]:
    spelled: dict[str | None, TagCount] = {}
    for sentence in raw:
        for tag, line in zip(sentence.tags or (), sentence.lines, strict=False):
            spelled.setdefault(tag, TagCount(f"{source.shown}:{line}")).count += 1
    return spelled


def _entities(sentence: RawSentence, tags: Tags) -> tuple[list[Entity], frozenset[int]]:
    """What the file says of a sentence: entities, and words of which it says nothing."""
    if sentence.tags is None:
        return list(sentence.entities or ()), sentence.unknown
    meanings = [tags.meanings[tag] for tag in sentence.tags]
    known = [index for index, meaning in enumerate(meanings) if meaning is not None]
    # Unknown words neither end nor begin an entity: what stands around one may go on behind it.
    entities = find_entities([meanings[index] for index in known])
    spread = [Entity(known[entity.start], known[entity.stop - 1] + 1, entity.kind) for entity in entities]
    return spread, frozenset(range(len(meanings))) - set(known)


def _check_numbers(sentence: RawSentence, entities: Iterable[Entity], renamed: Mapping[str, str]) -> None:
    for entity in entities:
        if entity.kind.isdecimal() and entity.kind not in renamed:
            raise InputError(
                f"{sentence.id}: the label {entity.kind} is a number: say what it means, as in ?map={entity.kind}=PER."
            )


def _gold(
    entities: Iterable[Entity], unknown: frozenset[int], length: int, renamed: Mapping[str, str]
) -> tuple[str | None, ...]:
    gold: list[str | None] = [OUTSIDE] * length
    for entity in entities:
        kind = renamed.get(entity.kind, entity.kind)
        if kind == OUTSIDE:
            continue
        if kind == UNKNOWN:
            unknown |= set(range(entity.start, entity.stop))
            continue
        places = [index for index in range(entity.start, entity.stop) if index not in unknown]
        for mark, index in zip("B" + "I" * len(places), places, strict=False):
            gold[index] = f"{mark}-{kind}"
    for index in unknown:
        gold[index] = None
    return tuple(gold)


def _notes(raw: Sequence[RawSentence], sentences: Sequence[Sentence], source: Source) -> list[str]:
    notes = []
    tags = Counter(tag for sentence in sentences for tag in sentence.gold or ())
    unknown = tags.pop(None, 0)
    if unknown:
        notes.append(f"{source.shown}: {counted(unknown, 'word')} of unknown tag left out of scoring.")
    if tags and set(tags) == {OUTSIDE}:
        notes.append(
            f"{source.shown}: every right tag is O ({counted(tags[OUTSIDE], 'word')}), so that F1 cannot be told."
        )
    bare = sum(not sentence.labelled for sentence in raw)
    if 0 < bare < len(raw):
        notes.append(f"{source.shown}: {bare} of {len(raw)} rows have no labels: F1 is of the others.")
    return notes
