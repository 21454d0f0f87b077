"""Whether a record is what its header says: before anything is judged by it."""

from __future__ import annotations

from collections.abc import Iterator

from interp.engine.status import IntegrationStatus
from interp.records.record import Record, RecordedExplanation, RecordsHeader

__all__ = ["problems_of"]

_STATUSES = tuple(status.value for status in IntegrationStatus)


def problems_of(record: Record, header: RecordsHeader) -> Iterator[str]:
    """What does not fit together in a record, as sentences without a full stop; nothing where all does."""
    count = len(record.words)
    if not count and record.error is None:
        yield "it has no words"
    if record.gold is not None and len(record.gold) != count:
        yield f"it has {count} words and {len(record.gold)} right tags"
    if record.error is not None:
        if record.tags or record.explained:
            yield "it has both an error and tags"
        return
    for name, values in (("tags", record.tags), ("probabilities", record.probabilities), ("pieces", record.pieces)):
        if len(values) != count:
            yield f"it has {count} words and {len(values)} {name}"
    unknown = sorted({tag for tag in record.tags if tag is not None} - set(header.model.labels))
    if unknown:
        yield f'its tag "{unknown[0]}" is none of the model\'s'
    for explanation in record.explained:
        yield from _problems_of_explanation(explanation, count, header)


def _problems_of_explanation(explanation: RecordedExplanation, words: int, header: RecordsHeader) -> Iterator[str]:
    layers = header.model.layers if header.wanted.layers else 0
    if not explanation.target or not all(0 <= index < words for index in explanation.target):
        yield f"it explains words that it does not have ({', '.join(map(str, explanation.target))} of {words})"
    elif len(explanation.tags) != len(explanation.target):
        yield f"it explains {len(explanation.target)} words with {len(explanation.tags)} tags"
    if explanation.reference not in header.wanted.references:
        yield f'it is explained under the reference "{explanation.reference}", which was not asked for'
    if explanation.status not in _STATUSES:
        yield f'its integration ended "{explanation.status}", which is none of {", ".join(_STATUSES)}'
    if len(explanation.layers) != layers:
        yield f"it is explained in {len(explanation.layers)} layers, and the model has {layers}"
    if any(len(values) != words for values in (explanation.attributions, *explanation.layers)):
        yield f"an explanation does not have a number for each of {words} words"
