"""Both taggers on sentences as they are, and as others would have written them: does the candidate lose more?

The difference of two differences of strict span F1, paired by sentence and resampled by document. Forward only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import stats

from interp.errors import InputError
from interp.progress import Progress, ignore_progress
from interp.project.defaults import STRESS_SENTENCES
from interp.records.tag import tag_sentences
from interp.scoring import (
    FEWEST,
    EntityComparison,
    UnitSums,
    compare_entities,
    count_confusions,
    f1,
    interval,
    strict_iob2,
    unit_of,
)
from interp.stress.names import NameList
from interp.stress.result import RightTags, StressExample, StressResult, VariantChange
from interp.stress.variants import VARIANTS, Variant, holds_persons, name_variants
from interp.taggers import Predictor
from interp.texts import Sentence, sample_sentences

__all__ = ["StressPlan", "stress_models", "write_otherwise"]

Array = npt.NDArray[np.float64]

SWAPS = 4_999
"""Of sides, at most: all of them where documents are few."""
TOGETHER = 100
SWAPPED = [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]
"""Columns with the sides the other way round."""
DOUBLED_SPACES = "doubled spaces, which a tagger of words does not see"
NO_PERSONS = "names, as no entity is a person"


@dataclass(frozen=True, kw_only=True)
class StressPlan:
    """`count` sentences at random are tried in every variant, people by `names` of every origin too."""

    names: Sequence[NameList]
    count: int = STRESS_SENTENCES
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError("Try at least one sentence.")

    @property
    def ways(self) -> int:
        """In which a sentence is written otherwise."""
        return len(VARIANTS) + len(self.names)


@dataclass(frozen=True)
class _Row:
    """Of the table of variants."""

    name: str
    variant: Variant
    seed: int


@dataclass(frozen=True)
class _Taggers:
    baseline: Predictor
    candidate: Predictor

    def compare(self, sentences: Sequence[Sentence]) -> list[EntityComparison]:
        """Of every sentence the right entities and those of both; right tags have to be known."""
        tagged = (tag_sentences(predictor, sentences) for predictor in (self.baseline, self.candidate))
        return [
            compare_entities(before, after, before.gold or (), self.baseline.labels)
            for before, after in zip(*tagged, strict=True)
        ]


def stress_models(
    baseline: Predictor,
    candidate: Predictor,
    sentences: Sequence[Sentence],
    plan: StressPlan,
    progress: Progress = ignore_progress,
) -> StressResult:
    """Hold two taggers against each other on every variant. Where no sentence has right tags, what the baseline says of
    the plain ones is right. `progress` is told the part done, of 1. Raises InputError where there is no sentence.
    """
    labelled = [sentence for sentence in sentences if sentence.gold is not None]
    right: RightTags = "given" if labelled else "baseline"
    drawn = sample_sentences(labelled or sentences, plan.count, plan.seed)
    if not drawn:
        raise InputError("There is no sentence to be written otherwise.")
    if right == "baseline":
        drawn = _as_tagged(baseline, drawn)
    has_persons = any(map(holds_persons, drawn))
    variants = {**VARIANTS, **(name_variants(plan.names) if has_persons else {})}
    pair = _Taggers(baseline, candidate)
    plain = pair.compare(drawn)
    changes, untried = [], [DOUBLED_SPACES] if has_persons else [DOUBLED_SPACES, NO_PERSONS]
    for number, (name, variant) in enumerate(variants.items(), 1):
        change = _measure_variant(pair, drawn, plain, _Row(name, variant, plan.seed))
        if change is None:
            untried.append(f"sentences {name}, as that changes none")
        else:
            changes.append(change)
        progress(number / len(variants))
    return StressResult(
        variants=_adjusted(changes),
        right=right,
        sentences=len(drawn),
        of=len(labelled or sentences),
        untried=tuple(untried),
    )


def write_otherwise(sentence: Sentence, name: str, variant: Variant, seed: int) -> Sentence:
    """The variant called `name` of a sentence: the same for the same seed, whatever other sentences there are."""
    return variant(sentence, np.random.default_rng([seed, crc32(name.encode()), crc32(sentence.id.encode())]))


def _as_tagged(predictor: Predictor, sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences with what the predictor says as right tags."""
    return [
        replace(sentence, gold=strict_iob2(record.tags, predictor.labels))
        for sentence, record in zip(sentences, tag_sentences(predictor, sentences), strict=True)
    ]


def _measure_variant(
    pair: _Taggers, sentences: Sequence[Sentence], plain: Sequence[EntityComparison], row: _Row
) -> VariantChange | None:
    """None where the variant changes no sentence."""
    written = [write_otherwise(sentence, row.name, row.variant, row.seed) for sentence in sentences]
    places = [place for place, other in enumerate(written) if other.words != sentences[place].words]
    if not places:
        return None
    sums, example = UnitSums(12), None
    for place, after in zip(places, pair.compare([written[place] for place in places]), strict=True):
        before, sentence = plain[place], sentences[place]
        counts = (
            count_confusions(entities.right, side)
            for entities in (before, after)
            for side in (entities.baseline, entities.candidate)
        )
        sums.add(sentence.document, sentence.id, tuple(chain.from_iterable(counts)))
        example = example or _find_example(sentence, before, after)
    return _change(row, sums, len(places), example)


def _find_example(sentence: Sentence, before: EntityComparison, after: EntityComparison) -> StressExample | None:
    """An entity that both find in the plain sentence, and the baseline alone in the variant."""
    for entity in sorted(after.right & after.baseline - after.candidate):
        if entity in before.baseline & before.candidate:
            return StressExample(
                id=sentence.id,
                plain=sentence.words,
                words=after.words,
                start=entity.start,
                stop=entity.stop,
                kind=entity.kind,
                candidate=after.candidate_tags[entity.start : entity.stop],
            )
    return None


def _change(row: _Row, sums: UnitSums, sentences: int, example: StressExample | None) -> VariantChange:
    rows, total = sums.rows(unit_of(sums.documents)), sums.total
    low, high = interval(rows, _difference_of_differences, row.seed, bounds=(-2.0, 2.0))
    p = _p_of_swaps(rows, row.seed)
    return VariantChange(
        variant=row.name,
        sentences=sentences,
        entities=int(total[0] + total[2]),
        baseline_plain=float(f1(total[:3])),
        candidate_plain=float(f1(total[3:6])),
        baseline=float(f1(total[6:9])),
        candidate=float(f1(total[9:])),
        change=float(_difference_of_differences(total)),
        low=low,
        high=high,
        p=p,
        q=p,
        example=example,
    )


def _difference_of_differences(sums: Array) -> Array:
    """Of columns tp, fp, fn: baseline plain, candidate plain, baseline and candidate in the variant."""
    baseline = f1(sums[..., 6:9]) - f1(sums[..., :3])
    candidate = f1(sums[..., 9:]) - f1(sums[..., 3:6])
    return np.asarray(candidate - baseline)


def _p_of_swaps(rows: Array, seed: int) -> float:
    """Whether the sides of each unit could as well be the other's: paired permutations, the candidate losing more."""
    if len(rows) < FEWEST:
        return 1.0
    sides = np.concatenate([rows, rows[:, SWAPPED]])  # a unit's other self stands as far behind it as there are units

    def statistic(own: npt.NDArray[np.intp], _other: npt.NDArray[np.intp], axis: int) -> Array:
        return _difference_of_differences(sides[own].sum(axis - 1))

    units = np.arange(len(rows))
    done = stats.permutation_test(
        (units, units + len(rows)),
        statistic,
        permutation_type="samples",
        vectorized=True,
        n_resamples=SWAPS,
        batch=TOGETHER,
        alternative="less",
        rng=np.random.default_rng(seed),
    )
    return float(done.pvalue)


def _adjusted(changes: Sequence[VariantChange]) -> tuple[VariantChange, ...]:
    """With their q, the worst first."""
    if not changes:
        return ()
    adjusted = stats.false_discovery_control([change.p for change in changes])
    changes = [replace(change, q=float(q)) for change, q in zip(changes, adjusted, strict=True)]
    return tuple(sorted(changes, key=lambda change: change.change))
