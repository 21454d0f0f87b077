"""Difference in differences: what an edit does to a tag in the candidate, less what it does in the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from interp.probe.predictors import Predictor
from interp.probe.sites import Edit, Site, apply_edit
from interp.question.tags import kind_of

__all__ = ["Effect", "FlipExample", "PairedReadings", "TagProbabilities", "TagTurn", "measure_effects", "read_both"]

Array = npt.NDArray[np.float64]

RAREST = 1e-2
"""Probabilities below count as this one: from a millionth to a hundredth is 9 nats, and no tag is near. Benign
trainings differ most down there (benchmarks/shortcuts)."""
FEWEST = 4
"""Sites of which an effect is told."""
CONFIDENCE = 0.95


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
    """What an edit does to one tag, in nats of its log-probability at the target, on words that the baseline tags
    otherwise.

    `mean` of candidate less baseline over `count` sites, with its 95 % interval; `candidate` and `baseline` alone.
    `flips`: sites where the tag turns, in the sense of `mean`, in one model alone: to this tag in the candidate where
    that is positive, in the baseline where it is negative.
    """

    edit: Edit
    tag: str
    mean: float
    low: float
    high: float
    candidate: float
    baseline: float
    flips: int
    count: int
    example: FlipExample | None

    @property
    def kind(self) -> str:
        return kind_of(self.tag)


@dataclass(frozen=True, eq=False)
class TagProbabilities:
    """One model at all sites: probabilities (sites, labels) as they are and (edits, sites, labels) after each edit; NaN
    where an edit cannot be made.
    """

    plain: Array
    after: Array


@dataclass(frozen=True, eq=False)
class PairedReadings:
    """Both models at the same sites after the same edits, columns in the order of `labels`."""

    sites: Sequence[Site]
    edits: Sequence[Edit]
    labels: tuple[str, ...]
    baseline: TagProbabilities
    candidate: TagProbabilities


def read_both(
    baseline: Predictor, candidate: Predictor, sites: Sequence[Site], edits: Sequence[Edit]
) -> PairedReadings:
    """Ask both models about every edit of every site."""
    labels = baseline.labels
    order = [candidate.labels.index(label) for label in labels]
    theirs = _read(candidate, sites, edits)
    theirs = TagProbabilities(theirs.plain[..., order], theirs.after[..., order])
    return PairedReadings(sites, edits, labels=labels, baseline=_read(baseline, sites, edits), candidate=theirs)


def _read(predictor: Predictor, sites: Sequence[Site], edits: Sequence[Edit]) -> TagProbabilities:
    asked: dict[tuple[str, ...], int] = {}  # a sentence once, however many edits make it
    wanted: list[tuple[int, int]] = []
    for site in sites:
        wanted.append((asked.setdefault(site.words, len(asked)), site.target))
    for edit in edits:
        for site in sites:
            made = apply_edit(site, edit)
            wanted.append((-1, 0) if made is None else (asked.setdefault(made[0], len(asked)), made[1]))
    answers = predictor(list(asked))
    nothing = np.full(len(predictor.labels), np.nan)
    rows = np.array([answers[number][target] if number >= 0 else nothing for number, target in wanted])
    rows = rows.reshape(len(edits) + 1, len(sites), len(predictor.labels))
    return TagProbabilities(rows[0], rows[1:])


def measure_effects(pair: PairedReadings) -> list[Effect]:
    """For every edit and kind of entity the tag that it moves most, in the mean over words that the baseline tags
    otherwise.
    """
    changes = [np.log(np.maximum(each.after, RAREST) / np.maximum(each.plain, RAREST)) for each in _both(pair)]
    difference = changes[0] - changes[1]  # (edits, sites, labels)
    other = pair.baseline.plain.argmax(-1)[:, None] != np.arange(len(pair.labels))
    usable = np.isfinite(difference) & other
    counts = usable.sum(1)
    means = np.where(usable, difference, 0.0).sum(1) / np.maximum(counts, 1)
    sizes = np.where(counts < FEWEST, -1.0, np.abs(means))
    kinds: dict[str, list[int]] = {}
    for label, tag in enumerate(pair.labels):
        kinds.setdefault(kind_of(tag), []).append(label)
    best = np.stack([np.array(labels)[sizes[:, labels].argmax(1)] for labels in kinds.values()], axis=1)
    return [
        _effect(
            pair,
            number,
            label=int(label),
            sites=np.flatnonzero(usable[number, :, label]),
            difference=difference,
            changes=changes,
        )
        for number, row in enumerate(best)
        for label in row
        if counts[number, label] >= FEWEST
    ]


def _both(pair: PairedReadings) -> tuple[TagProbabilities, TagProbabilities]:
    return pair.candidate, pair.baseline


def _effect(
    pair: PairedReadings,
    number: int,
    label: int,
    sites: npt.NDArray[np.intp],
    difference: Array,
    changes: Sequence[Array],
) -> Effect:
    values = difference[number, sites, label]
    mean = float(values.mean())
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values))
    flips = np.flatnonzero(_turned(pair, number, label, sites) * np.sign(mean) > 0)
    example = None
    if len(flips):
        example = _example(pair, number, int(sites[flips[np.abs(values[flips]).argmax()]]))
    candidate, baseline = (float(each[number, sites, label].mean()) for each in changes)
    edit, tag = pair.edits[number], pair.labels[label]
    low, high = mean - half, mean + half
    return Effect(
        edit=edit,
        tag=tag,
        mean=mean,
        low=low,
        high=high,
        candidate=candidate,
        baseline=baseline,
        flips=len(flips),
        count=len(values),
        example=example,
    )


def _turned(pair: PairedReadings, number: int, label: int, sites: npt.NDArray[np.intp]) -> Array:
    """Per site +1 where the edit turns the candidate's tag to this one and not the baseline's, -1 the other way."""

    def moves(reading: TagProbabilities) -> Array:
        now, before = (each[sites].argmax(-1) == label for each in (reading.after[number], reading.plain))
        return np.asarray(now.astype(float) - before.astype(float))

    candidate, baseline = map(moves, _both(pair))
    return np.asarray(np.sign(candidate - baseline))


def _example(pair: PairedReadings, number: int, place: int) -> FlipExample:
    site = pair.sites[place]
    made = apply_edit(site, pair.edits[number])
    assert made is not None

    def turn(reading: TagProbabilities) -> TagTurn:
        before, after = reading.plain[place], reading.after[number, place]
        return TagTurn(pair.labels[int(before.argmax())], pair.labels[int(after.argmax())], float(after.max()))

    return FlipExample(
        before=site.words,
        after=made[0],
        target_before=site.target,
        target_after=made[1],
        candidate=turn(pair.candidate),
        baseline=turn(pair.baseline),
    )
