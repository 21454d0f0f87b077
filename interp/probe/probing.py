"""The probe: many cues in a few sentences, the few that matter in many others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from interp.errors import InputError
from interp.probe.candidates import Candidate
from interp.probe.cues import Cue, forms_and_spots
from interp.probe.effects import Effect, effects, read_both
from interp.probe.predictors import Predictor
from interp.probe.sites import Edit, Place, Site, find_sites

__all__ = ["Found", "Probed", "Probing", "probe"]

ENOUGH = 0.7
"""Part of an effect of several words at which one of them explains it."""
TOGETHER = 32
"""Cues whose sentences are held at once."""

Texts = Sequence[tuple[str, tuple[str, ...]]]
"""Names and words of sentences."""


@dataclass(frozen=True)
class Probing:
    """Every cue is sketched at `sketched` sites; the `kept` with the largest effects are measured at `measured` others,
    which nothing was chosen by.
    """

    sketched: int = 8
    measured: int = 24
    kept: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.sketched, self.measured) < 4 or self.kept < 1:
            raise InputError("A probe needs at least 4 sentences to choose by, 4 to measure in, and 1 cue to keep.")


PROBING = Probing()


@dataclass(frozen=True)
class Found:
    """One cue, measured: its effect at the place where that is largest, and at every other. `sketch` chose it."""

    cue: Cue
    source: str
    sketch: float
    effect: Effect
    elsewhere: tuple[Effect, ...]


@dataclass(frozen=True)
class Probed:
    """What was found, the largest effect first, and in how many sentences and cues that was looked for."""

    found: tuple[Found, ...]
    cues: int
    sites: int


def probe(
    baseline: Predictor,
    candidate: Predictor,
    texts: Texts,
    candidates: Sequence[Candidate],
    probing: Probing = PROBING,
    progress: Callable[[float], None] | None = None,
) -> Probed:
    """Hold two models against each other on cues put into sentences. `progress` is told the part done, of 1.

    Raises InputError when the models have other labels, or there is not text enough.
    """
    if set(baseline.labels) != set(candidate.labels):
        odd = sorted(set(baseline.labels) ^ set(candidate.labels))
        raise InputError(f"The models have other tags ({', '.join(odd)} on one side only): they cannot be compared.")
    told = progress or (lambda _: None)
    sites = find_sites(texts, baseline, probing.sketched + probing.measured, probing.seed)
    few, rest = sites[: probing.sketched], sites[probing.sketched :]
    if len(rest) < probing.measured:
        raise InputError(
            f"{len(texts)} sentences are too few to probe in: give at least {probing.sketched + probing.measured}."
        )
    every = {each.cue: each for each in [*(Candidate(cue, "always") for cue in forms_and_spots()), *candidates]}
    sketches: dict[Cue, float] = {}
    for some in _portions(list(every), TOGETHER):
        sketches |= _sketched(baseline, candidate, few, some)
        told(0.6 * len(sketches) / len(every))
    apart = [cue for cue in sketches if not _explained(cue, sketches)]
    leaders = sorted(apart, key=lambda cue: -sketches[cue])[: probing.kept]
    found = []
    for number, cue in enumerate(leaders, 1):
        measured = _measured(baseline, candidate, rest, cue, texts, probing)
        if measured:
            best, *others = sorted(measured, key=lambda effect: -abs(effect.mean))
            found.append(Found(cue, every[cue].source, sketches[cue], best, tuple(others)))
        told(0.6 + 0.4 * number / len(leaders))
    sizes = {each.cue: abs(each.effect.mean) for each in found}
    found = [each for each in found if not _explained(each.cue, sizes)]
    found.sort(key=lambda each: -each.effect.least)
    return Probed(tuple(found), len(every), len(sites))


def _explained(cue: Cue, sizes: Mapping[Cue, float]) -> bool:
    """Whether one word of several does most of what they do: then it is the cue, and they are not."""
    if cue.kind != "words" or len(cue.words) == 1:
        return False
    return any(sizes.get(Cue("words", word), 0.0) >= ENOUGH * sizes[cue] for word in cue.words)


def _portions(cues: Sequence[Cue], size: int) -> Iterator[Sequence[Cue]]:
    for start in range(0, len(cues), size):
        yield cues[start : start + size]


def _sketched(
    baseline: Predictor, candidate: Predictor, sites: Sequence[Site], cues: Sequence[Cue]
) -> dict[Cue, float]:
    """Per cue the largest mean effect of its sketch."""
    edits = [edit for cue in cues for edit in cue.sketch]
    found = dict.fromkeys(cues, 0.0)
    by_edit = {edit: cue for cue in cues for edit in cue.sketch}
    for effect in effects(read_both(baseline, candidate, sites, edits)):
        cue = by_edit[effect.edit]
        found[cue] = max(found[cue], abs(effect.mean))
    return found


def _measured(
    baseline: Predictor, candidate: Predictor, sites: Sequence[Site], cue: Cue, texts: Texts, probing: Probing
) -> list[Effect]:
    """Its effects at every place; taken out of sentences that have it, where enough of them do."""
    put = [edit for edit in cue.edits if edit.place is not Place.GONE]
    found = effects(read_both(baseline, candidate, sites, put))
    used = {site.words for site in sites}
    having = (
        [each for each in texts if each[1] not in used and _holds(each[1], cue.words)] if cue.kind == "words" else []
    )
    if len(having) >= probing.measured // 2:
        own = find_sites(having, baseline, probing.measured, probing.seed)
        found += effects(read_both(baseline, candidate, own, [Edit(Place.GONE, cue.words)]))
    return found


def _holds(words: Sequence[str], wanted: Sequence[str]) -> bool:
    size = len(wanted)
    return any(tuple(words[i : i + size]) == tuple(wanted) for i in range(len(words) - size + 1))
