"""Records to their summary, in two passes over the parts: sums first, then examples of the words that are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from scipy import stats

from interp.errors import FormatError, InputError
from interp.progress import Progress, ignore_progress
from interp.records import Records
from interp.records.record import part_count, part_range
from interp.records.store import part_name
from interp.summary.accumulate import Accumulator, KindSums
from interp.summary.columns import COLUMNS, Columns, explained_rows
from interp.summary.examples import find_examples
from interp.summary.integrations import IntegrationCounts
from interp.summary.result import Example, KindSummary, PlaceSummary, Summary, WordSummary
from interp.summary.sums import Cluster, Key

__all__ = ["TOP", "summarise"]

FEWEST_DOCUMENTS = 5
"""In which a word must stand before its mean is tested: the interval of fewer is a guess."""
LEVEL = 0.05
"""Chance of a single false word in a kind, over all that are tested (Bonferroni)."""
NEXT_TO_NOTHING = 0.05
"""Of the mean change of F: a smaller mean is none that a model leans on, however sure it is."""
CONFIDENCE = 0.95
ROWS_TOGETHER = 16_384
TOP = 12
"""Words told of each kind, for and against."""


def summarise(
    records: Records, *, reference: str | None = None, top: int = TOP, progress: Progress = ignore_progress
) -> Summary:
    """What a model leans on over all of its records.

    `reference`: of the explanations that are summed, default the first recorded. `top`: words told of each kind.
    `progress`: told how many sentences are done, of twice as many as there are.

    Raises InputError where nothing is explained, FormatError for damaged parts.
    """
    reference = _choose_reference(records, reference)
    accumulator, integrations = Accumulator(), IntegrationCounts()
    for numbers, table in _parts(records):
        explained = explained_rows(table, reference)
        integrations.add(table, explained)
        try:
            accumulator.add(Columns.of(explained))
        except (ValueError, IndexError) as error:
            raise _damaged(records, numbers, error) from error
        progress(part_range(records.about, numbers[-1]).stop)
    if not accumulator.kinds:
        raise InputError(f"{records.folder} explains nothing under {reference}: the model found no entity in it.")
    kinds = _summarise_kinds(accumulator, top)
    keys = {(kind.kind, word.word) for kind in kinds for word in (*kind.words_for, *kind.words_against)}
    examples = find_examples(records, reference, keys, lambda done: progress(len(records) + done))
    return Summary(
        model=records.about.model.name,
        sha256=records.about.model.sha256,
        sources=records.about.sources,
        reference=reference,
        sentences=len(records),
        unread=integrations.unread,
        unread_reasons=integrations.reasons,
        integrations=integrations.result(),
        kinds=tuple(_with_examples(kind, examples) for kind in kinds),
        dropped=accumulator.words.dropped,
    )


def _choose_reference(records: Records, reference: str | None) -> str:
    references = records.about.wanted.references
    if not references:
        raise InputError(f"{records.folder} holds tags alone, of a tagger that cannot be explained.")
    chosen = reference or references[0]
    if chosen not in references:
        raise InputError(f"{records.folder} was recorded under {' and '.join(references)}: choose such a reference.")
    return chosen


def _parts(records: Records) -> Iterator[tuple[list[int], pa.Table]]:
    """Numbers of parts, and their rows together: a small part alone takes as long as a large one."""
    numbers: list[int] = []
    tables: list[pa.Table] = []
    columns = [*COLUMNS, *IntegrationCounts.COLUMNS]
    for number, table in enumerate(records.tables(columns)):
        numbers.append(number)
        tables.append(table)
        if sum(map(len, tables)) >= ROWS_TOGETHER or number == part_count(records.about) - 1:
            yield numbers, pa.concat_tables(tables)
            numbers, tables = [], []


def _damaged(records: Records, numbers: Sequence[int], error: Exception) -> FormatError:
    names = dict.fromkeys(part_name(number, records.about) for number in (numbers[0], numbers[-1]))
    return FormatError(f"{records.folder}: {' to '.join(names)} does not fit together ({error}): record anew.")


def _summarise_kinds(accumulator: Accumulator, top: int) -> list[KindSummary]:
    words, shapes, places = (sums.by_kind() for sums in (accumulator.words, accumulator.shapes, accumulator.places))
    return [
        _summarise_kind(
            kind,
            sums,
            words=_summarise_words(kind, words.get(kind, {}), sums, accumulator.leads),
            shapes=_summarise_words(kind, shapes.get(kind, {}), sums, {}),
            places=places.get(kind, {}),
            top=top,
        )
        for kind, sums in sorted(accumulator.kinds.items())
    ]


def _summarise_kind(
    kind: str,
    sums: KindSums,
    *,
    words: Sequence[WordSummary],
    shapes: Sequence[WordSummary],
    places: Mapping[str, Cluster],
    top: int,
) -> KindSummary:
    return KindSummary(
        kind=kind,
        targets=sums.targets,
        documents=sums.documents,
        change=sums.change / sums.targets,
        own_share=_part(sums.own, sums.mass),
        own_share_by_layer=tuple(map(_part, sums.layer_own.tolist(), sums.layer_mass.tolist())),
        led=sums.led,
        tested=sum(word.documents >= FEWEST_DOCUMENTS for word in words),
        words_for=_strongest([word for word in words if word.mean > 0], top),
        words_against=_strongest([word for word in words if word.mean < 0], top),
        shapes=tuple(sorted(shapes, key=lambda word: -word.share)),
        places=tuple(_summarise_place(int(place), places[place], sums) for place in sorted(places, key=int)),
    )


def _strongest(words: Sequence[WordSummary], top: int) -> tuple[WordSummary, ...]:
    """What the model leans on first, then what carries most altogether."""
    return tuple(sorted(words, key=lambda word: (not word.leaned_on, -abs(word.mean) * word.count, word.word))[:top])


def _summarise_words(
    kind: str, clusters: Mapping[str, Cluster], sums: KindSums, leads: Mapping[Key, int]
) -> list[WordSummary]:
    tested = sum(cluster.documents >= FEWEST_DOCUMENTS for cluster in clusters.values())
    floor = NEXT_TO_NOTHING * abs(sums.change) / sums.targets
    words = []
    for word, cluster in clusters.items():
        low, high = _interval(cluster, 1 - CONFIDENCE)
        words.append(
            WordSummary(
                word=word,
                count=cluster.count,
                documents=cluster.documents,
                mean=cluster.mean,
                spread=cluster.spread,
                low=low,
                high=high,
                share=_part(cluster.mass, sums.mass),
                leads=leads.get((kind, word), 0),
                leaned_on=abs(cluster.mean) > floor and _is_beyond_chance(cluster, tested),
            )
        )
    return words


def _is_beyond_chance(cluster: Cluster, tested: int) -> bool:
    if cluster.documents < FEWEST_DOCUMENTS:
        return False
    low, high = _interval(cluster, LEVEL / tested)
    return low is not None and high is not None and not low <= 0 <= high


def _summarise_place(distance: int, cluster: Cluster, sums: KindSums) -> PlaceSummary:
    low, high = _interval(cluster, 1 - CONFIDENCE)
    return PlaceSummary(
        distance=distance,
        count=cluster.count,
        mean=cluster.mean,
        low=low,
        high=high,
        share=_part(cluster.mass, sums.mass),
    )


def _interval(cluster: Cluster, level: float) -> tuple[float, float] | tuple[None, None]:
    """Student's, over documents; None where there is one document."""
    if cluster.error is None:
        return None, None
    half = float(stats.t.ppf(1 - level / 2, cluster.documents - 1)) * cluster.error
    return cluster.mean - half, cluster.mean + half


def _part(some: float, whole: float) -> float:
    return some / whole if whole > 0 else 0.0


def _with_examples(kind: KindSummary, examples: Mapping[Key, tuple[Example, ...]]) -> KindSummary:
    words_for, words_against = (
        tuple(replace(word, examples=examples.get((kind.kind, word.word), ())) for word in words)
        for words in (kind.words_for, kind.words_against)
    )
    return replace(kind, words_for=words_for, words_against=words_against)
