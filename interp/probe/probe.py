"""The probe: many cues in a few sentences, the few that matter in many others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from interp.errors import InputError
from interp.probe.cues import Cue, forms_and_spots
from interp.probe.effects import Effect, measure_effects, read_both
from interp.probe.nominate import REQUESTED, Nomination
from interp.probe.predictors import Predictor
from interp.probe.sites import LONGEST, SHORTEST, Edit, Place, Site, find_sites
from interp.project.defaults import PROBE_SITES

__all__ = ["MeasuredCue", "ProbeResult", "ProbeSettings", "TypicalEffect", "probe_models"]

ENOUGH = 0.7
"""Part of a cue's effect at which a part of it explains the whole."""
TOGETHER = 32
"""Cues whose sentences are held at once."""

Texts = Sequence[tuple[str, tuple[str, ...]]]
"""Names and words of sentences."""


TypicalEffect = Callable[[Cue, str], float]
"""How far a cue moves a kind of tag between models that differ in nothing but their training."""


@dataclass(frozen=True)
class ProbeSettings:
    """Every cue is sketched at `sketched` sites; the `kept` with the largest effects, each against what is usual for
    it, are measured at `measured` others, which nothing was chosen by. `kept` None measures all of them.
    """

    sketched: int = 8
    measured: int = PROBE_SITES
    kept: int | None = 12
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.sketched, self.measured) < 4 or (self.kept or 1) < 1:
            raise InputError("A probe needs at least 4 sentences to choose by, 4 to measure in, and 1 cue to keep.")


PROBING = ProbeSettings()


@dataclass(frozen=True)
class MeasuredCue:
    """One cue, measured: per kind of tag its effect at the place and on the tag where that is largest."""

    cue: Cue
    source: str
    effects: tuple[Effect, ...]

    @property
    def effect(self) -> Effect:
        """The largest of all."""
        return max(self.effects, key=lambda each: abs(each.mean))


@dataclass(frozen=True)
class ProbeResult:
    """What was found, the largest effect first, and how many cues were asked about at how many sites."""

    found: tuple[MeasuredCue, ...]
    cues: int
    sites: int


def probe_models(
    baseline: Predictor,
    candidate: Predictor,
    texts: Texts,
    candidates: Sequence[Nomination],
    probing: ProbeSettings = PROBING,
    progress: Callable[[float], None] | None = None,
    usual: TypicalEffect = lambda _cue, _kind: 1.0,
) -> ProbeResult:
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
        needed = probing.sketched + probing.measured
        raise InputError(
            f"{len(sites)} of {len(texts)} sentences can be probed in ({SHORTEST} to {LONGEST} words each), too few: "
            f"give at least {needed}, or ask for fewer sites."
        )
    every: dict[Cue, Nomination] = {}
    for each in [*candidates, *(Nomination(cue, "always") for cue in forms_and_spots())]:
        every.setdefault(each.cue, each)
    leaders, done = list(every), 0.0
    if probing.kept is not None:
        done = 0.6
        sketches: dict[Cue, tuple[float, float]] = {}
        for some in _portions(leaders, TOGETHER):
            sketches |= _sketched(baseline, candidate, sites=few, cues=some, usual=usual)
            told(done * len(sketches) / len(every))
        sizes = {cue: size for cue, (size, _) in sketches.items()}
        apart = [cue for cue in sketches if not _explained(cue, sizes)]
        leaders = sorted(apart, key=lambda cue: -sketches[cue][1])[: probing.kept]
        leaders += [cue for cue, each in every.items() if each.source == REQUESTED and cue not in leaders]
    found = []
    for number, cue in enumerate(leaders, 1):
        measured = _largest(_measured(baseline, candidate, sites=rest, cue=cue, texts=texts, probing=probing))
        if measured:
            found.append(MeasuredCue(cue, every[cue].source, tuple(measured.values())))
        told(done + (1 - done) * number / len(leaders))
    if probing.kept is not None:
        sizes = {each.cue: abs(each.effect.mean) for each in found}
        found = [each for each in found if each.source == REQUESTED or not _explained(each.cue, sizes)]
    found.sort(key=lambda each: -abs(each.effect.mean))
    return ProbeResult(tuple(found), len(every), len(sites))


def _explained(cue: Cue, sizes: Mapping[Cue, float]) -> bool:
    """Whether one word of several, or a shorter ending, does most of what the cue does: then that is the cue."""
    parts: list[str] = []
    if cue.kind == "words" and len(cue.words) > 1:
        parts = list(cue.words)
    elif cue.kind == "ending":
        parts = [cue.text[start:] for start in range(1, len(cue.text))]
    return any(sizes.get(Cue(cue.kind, part), 0.0) >= ENOUGH * sizes[cue] for part in parts)


def _portions(cues: Sequence[Cue], size: int) -> Iterator[Sequence[Cue]]:
    for start in range(0, len(cues), size):
        yield cues[start : start + size]


def _sketched(
    baseline: Predictor, candidate: Predictor, sites: Sequence[Site], cues: Sequence[Cue], usual: TypicalEffect
) -> dict[Cue, tuple[float, float]]:
    """Per cue the largest mean effect of its sketch, and the largest over what is usual for it."""
    by_edit = {edit: cue for cue in cues for edit in cue.sketch}
    found = dict.fromkeys(cues, (0.0, 0.0))
    for effect in measure_effects(read_both(baseline, candidate, sites, list(by_edit))):
        cue, size = by_edit[effect.edit], abs(effect.mean)
        most, ratio = found[cue]
        found[cue] = max(most, size), max(ratio, size / usual(cue, effect.kind))
    return found


def _largest(found: Sequence[Effect]) -> dict[str, Effect]:
    """Per kind of tag the largest effect."""
    kinds: dict[str, Effect] = {}
    for effect in found:
        if effect.kind not in kinds or abs(effect.mean) > abs(kinds[effect.kind].mean):
            kinds[effect.kind] = effect
    return kinds


def _measured(
    baseline: Predictor, candidate: Predictor, sites: Sequence[Site], cue: Cue, texts: Texts, probing: ProbeSettings
) -> list[Effect]:
    """Its effects at every place; taken out of sentences that have it, where enough of them do."""
    found = measure_effects(
        read_both(baseline, candidate, sites, [edit for edit in cue.edits if edit.place is not Place.GONE])
    )
    if cue.kind != "words":
        return found
    used = {site.words for site in sites}
    having = [each for each in texts if each[1] not in used and _holds(each[1], cue.words)]
    if len(having) >= probing.measured // 2:
        own = find_sites(having, baseline, probing.measured, probing.seed)
        found += measure_effects(read_both(baseline, candidate, own, [Edit(Place.GONE, cue.words)]))
    return found


def _holds(words: Sequence[str], wanted: Sequence[str]) -> bool:
    size = len(wanted)
    return any(tuple(words[i : i + size]) == tuple(wanted) for i in range(len(words) - size + 1))
