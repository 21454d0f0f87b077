"""Difference in differences: what an edit does to a tag in the candidate, less what it does in the baseline.

Where both give probabilities it is told in nats of the tag's log-probability; else in tags that turn, as a part of the
sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from interp.probe.controls import Controls
from interp.probe.sites import Edit, Site, apply_edit
from interp.question.tags import kind_of
from interp.taggers import Predictor

__all__ = [
    "Effect",
    "FlipExample",
    "PairedReadings",
    "TagProbabilities",
    "TagTurn",
    "Unit",
    "measure_effects",
    "measure_tag",
    "read_both",
    "unit_of",
]

Array = npt.NDArray[np.float64]

RAREST = 1e-2
"""Probabilities below count as this one: from a millionth to a hundredth is 9 nats, and no tag is near. Benign
trainings differ most down there (benchmarks/shortcuts)."""
FEWEST = 4
"""Sites of which an effect is told."""
CONFIDENCE = 0.95

Unit = Literal["nats", "of tags"]


@dataclass(frozen=True)
class TagTurn:
    """What one model says of the target before and after the edit, with the probability after."""

    before: str
    after: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class FlipExample:
    """One sentence in which a tag turns: the words before and after the edit, the target's place in each, and what both
    models say of it.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    target_before: int
    target_after: int
    candidate: TagTurn
    baseline: TagTurn


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What an edit does to one tag at the target, on words that the baseline tags otherwise."""

    edit: Edit
    tag: str
    unit: Unit
    mean: float
    """Of candidate less baseline."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    candidate: float
    """The candidate's own mean."""
    baseline: float
    flips: int
    """Sites where the tag turns, in the sense of `mean`, in one model alone: to this tag in the candidate where that is
    positive, in the baseline where it is negative."""
    count: int
    """Sites."""
    example: FlipExample | None
    controls: Controls | None = None
    """What words that mean nothing do; None where none were put in."""

    @property
    def kind(self) -> str:
        return kind_of(self.tag)

    @property
    def shared(self) -> float:
        """The size of what both models have of it; 0 where they go different ways."""
        return min(abs(self.candidate), abs(self.baseline)) if self.candidate * self.baseline > 0 else 0.0


@dataclass(frozen=True, eq=False)
class TagProbabilities:
    """One model at all sites: probabilities (sites, labels) as they are and (edits, sites, labels) after each edit; NaN
    where an edit cannot be made.
    """

    plain: Array
    after: Array

    @property
    def tags(self) -> TagProbabilities:
        """1 for the likeliest tag and 0 for the others."""
        return TagProbabilities(_likeliest(self.plain), _likeliest(self.after))


def _likeliest(probabilities: Array) -> Array:
    best = np.nan_to_num(probabilities).argmax(-1, keepdims=True) == np.arange(probabilities.shape[-1])
    return np.where(np.isfinite(probabilities), best, np.nan)


@dataclass(frozen=True, eq=False, kw_only=True)
class PairedReadings:
    """Both models at the same sites after the same edits, columns in the order of `labels`."""

    sites: Sequence[Site]
    edits: Sequence[Edit]
    labels: tuple[str, ...]
    baseline: TagProbabilities
    candidate: TagProbabilities
    unit: Unit = "nats"


def read_both(
    baseline: Predictor, candidate: Predictor, sites: Sequence[Site], edits: Sequence[Edit]
) -> PairedReadings:
    """Ask both models about every edit of every site."""
    labels = baseline.labels
    order = [candidate.labels.index(label) for label in labels]
    of_candidate = _read_probabilities(candidate, sites, edits)
    readings = PairedReadings(
        sites=sites,
        edits=edits,
        labels=labels,
        baseline=_read_probabilities(baseline, sites, edits),
        candidate=TagProbabilities(of_candidate.plain[..., order], of_candidate.after[..., order]),
    )
    unit = unit_of(baseline, candidate)
    if unit == "nats":
        return readings
    return replace(readings, baseline=readings.baseline.tags, candidate=readings.candidate.tags, unit=unit)


def unit_of(baseline: Predictor, candidate: Predictor) -> Unit:
    """What effects on this pair are told in."""
    return "nats" if baseline.gives_probabilities and candidate.gives_probabilities else "of tags"


def _read_probabilities(predictor: Predictor, sites: Sequence[Site], edits: Sequence[Edit]) -> TagProbabilities:
    numbers: dict[tuple[str, ...], int] = {}  # a sentence once, however many edits make it
    places: list[tuple[int, int] | None] = []  # sentence and target
    for site in sites:
        places.append((numbers.setdefault(site.words, len(numbers)), site.target))
    for edit in edits:
        for site in sites:
            edited = apply_edit(site, edit)
            places.append(None if edited is None else (numbers.setdefault(edited[0], len(numbers)), edited[1]))
    probabilities = predictor(list(numbers))
    nothing = np.full(len(predictor.labels), np.nan)
    rows = np.array([nothing if place is None else probabilities[place[0]][place[1]] for place in places])
    rows = rows.reshape(len(edits) + 1, len(sites), len(predictor.labels))
    return TagProbabilities(rows[0], rows[1:])


def measure_effects(pair: PairedReadings) -> list[Effect]:
    """For every edit and kind of entity the tag that it moves most, in the mean over words that the baseline tags
    otherwise.
    """
    changes, usable = _changes(pair)
    difference = changes.candidate - changes.baseline
    counts = usable.sum(1)
    means = np.where(usable, difference, 0.0).sum(1) / np.maximum(counts, 1)
    sizes = np.where(counts < FEWEST, -1.0, np.abs(means))
    kinds: dict[str, list[int]] = {}
    for label, tag in enumerate(pair.labels):
        kinds.setdefault(kind_of(tag), []).append(label)
    best = np.stack([np.array(labels)[sizes[:, labels].argmax(1)] for labels in kinds.values()], axis=1)
    return [
        _effect(pair, changes, edit=number, label=int(label), sites=np.flatnonzero(usable[number, :, label]))
        for number, row in enumerate(best)
        for label in row
        if counts[number, label] >= FEWEST
    ]


def measure_tag(pair: PairedReadings, tag: str) -> list[Effect | None]:
    """For every edit its effect on one tag; None where too few words are tagged otherwise by the baseline."""
    changes, usable = _changes(pair)
    label = pair.labels.index(tag)
    sites = [np.flatnonzero(usable[edit, :, label]) for edit in range(len(pair.edits))]
    return [
        _effect(pair, changes, edit=edit, label=label, sites=of_edit) if len(of_edit) >= FEWEST else None
        for edit, of_edit in enumerate(sites)
    ]


class Changes(NamedTuple):
    """Of log-probabilities, or of tags, by each edit, (edits, sites, labels), in either model."""

    candidate: Array
    baseline: Array


def _changes(pair: PairedReadings) -> tuple[Changes, npt.NDArray[np.bool_]]:
    """What moves, and where that counts: (edits, sites, labels)."""
    change_of = _log_change if pair.unit == "nats" else _turn
    changes = Changes(*(change_of(reading) for reading in (pair.candidate, pair.baseline)))
    tagged_otherwise = pair.baseline.plain.argmax(-1)[:, None] != np.arange(len(pair.labels))
    return changes, np.isfinite(changes.candidate - changes.baseline) & tagged_otherwise


def _log_change(reading: TagProbabilities) -> Array:
    return np.asarray(np.log(np.maximum(reading.after, RAREST) / np.maximum(reading.plain, RAREST)))


def _turn(reading: TagProbabilities) -> Array:
    return reading.after - reading.plain


def _effect(pair: PairedReadings, changes: Changes, *, edit: int, label: int, sites: npt.NDArray[np.intp]) -> Effect:
    """Of the edit and label of these numbers, at these sites."""
    candidate, baseline = (change[edit, sites, label] for change in changes)
    values = candidate - baseline
    mean = float(values.mean())
    low, high = _interval(values, pair.unit)
    flips = np.flatnonzero(_turned(pair, edit, label, sites) * np.sign(mean) > 0)
    example = None
    if len(flips):
        example = _flip_example(pair, edit, int(sites[flips[np.abs(values[flips]).argmax()]]))
    return Effect(
        edit=pair.edits[edit],
        tag=pair.labels[label],
        unit=pair.unit,
        mean=mean,
        low=low,
        high=high,
        candidate=float(candidate.mean()),
        baseline=float(baseline.mean()),
        flips=len(flips),
        count=len(values),
        example=example,
    )


def _interval(values: Array, unit: Unit) -> tuple[float, float]:
    """Student's of a mean in nats. Of tags that turn in one model alone, a difference of paired proportions, that of
    Bonett and Price (2012, doi 10.3102/1076998611411915): Wald's with a turn more in either direction.
    """
    if unit == "of tags":
        values = np.append(values, (1.0, -1.0))
        quantile, deviation = float(ndtri((1 + CONFIDENCE) / 2)), values.std()
    else:
        quantile, deviation = _student_quantile(len(values) - 1), values.std(ddof=1)
    half = quantile * float(deviation) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


@cache  # one of few counts, in ten thousand effects
def _student_quantile(freedom: int) -> float:
    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _turned(pair: PairedReadings, edit: int, label: int, sites: npt.NDArray[np.intp]) -> Array:
    """Per site +1 where the edit turns the candidate's tag to this one and not the baseline's, -1 the other way."""

    def moves(reading: TagProbabilities) -> Array:
        now = reading.after[edit][sites].argmax(-1) == label
        before = reading.plain[sites].argmax(-1) == label
        return np.asarray(now.astype(float) - before.astype(float))

    return np.asarray(np.sign(moves(pair.candidate) - moves(pair.baseline)))


def _flip_example(pair: PairedReadings, edit: int, place: int) -> FlipExample:
    site = pair.sites[place]
    edited = apply_edit(site, pair.edits[edit])
    assert edited is not None

    def turn(reading: TagProbabilities) -> TagTurn:
        before, after = reading.plain[place], reading.after[edit, place]
        return TagTurn(pair.labels[int(before.argmax())], pair.labels[int(after.argmax())], float(after.max()))

    return FlipExample(
        before=site.words,
        after=edited[0],
        target_before=site.target,
        target_after=edited[1],
        candidate=turn(pair.candidate),
        baseline=turn(pair.baseline),
    )
