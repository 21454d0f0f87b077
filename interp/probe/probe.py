"""The probe: many cues in a few sentences, the few that matter in many others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from interp.errors import InputError, bare, counted, quoted
from interp.probe.confirm import Confirmation, LeastEffect
from interp.probe.controls import ControlWords
from interp.probe.cues import Cue, forms_and_spots
from interp.probe.effects import Effect, PairedReadings, measure_effects, read_both
from interp.probe.nominate import REQUESTED, Nomination
from interp.probe.sites import LONGEST, SHORTEST, Edit, Place, Site, Texts, find_sites
from interp.progress import Progress, ignore_progress
from interp.project.defaults import PROBE_SITES
from interp.taggers import Predictor, odd_labels, share_scheme

__all__ = ["MeasuredCue", "ProbeResult", "ProbeSettings", "TypicalEffect", "describe_odd_labels", "probe_models"]

ENOUGH = 0.7
"""Part of a cue's effect at which a part of it explains the whole."""
TOGETHER = 32
"""Cues whose sentences are held at once."""
SKETCHING, CONFIRMING = 0.5, 0.2
"""Parts of the work, as progress is told."""
FEWEST_CONFIRMING = 24
"""Sentences in which effects are confirmed; where fewer are left, those that they were measured in serve again."""


TypicalEffect = Callable[[Cue, str], float]
"""How far a cue moves a kind of tag between models that differ in nothing but their training."""


@dataclass(frozen=True)
class ProbeSettings:
    """Every cue is sketched at `sketched` sites; the `kept` with the largest effects, each against what is usual for
    it, are measured at `measured` others, which nothing was chosen by. `kept` None measures all of them. Effects that
    matter are confirmed at as many others again, beside `controls` words that mean nothing.
    """

    sketched: int = 8
    measured: int = PROBE_SITES
    kept: int | None = 12
    controls: int = 24
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.sketched, self.measured) < 4 or (self.kept or 1) < 1:
            raise InputError("A probe needs at least 4 sentences to choose by, 4 to measure in, and 1 cue to keep.")

    @property
    def wider(self) -> ProbeSettings:
        """The same with twice the sentences."""
        return replace(self, measured=2 * self.measured)


PROBING = ProbeSettings()


@dataclass(frozen=True)
class MeasuredCue:
    """One cue, measured: per kind of tag its effect at the place and on the tag where that is largest."""

    cue: Cue
    source: str
    effects: tuple[Effect, ...]

    def __repr__(self) -> str:
        effect = self.effect
        spread = f"{effect.mean:+.2f} {effect.unit} ({effect.low:+.2f} to {effect.high:+.2f})"
        turned = f"{effect.flips} of {counted(effect.count, 'sentence')} turned"
        return f"<MeasuredCue {quoted(self.cue.name)} on {bare(effect.tag)}: {spread}, {turned}>"

    @property
    def effect(self) -> Effect:
        """The largest of all."""
        return max(self.effects, key=lambda effect: abs(effect.mean))


@dataclass(frozen=True)
class ProbeResult:
    """What was measured, the largest effect first, and how many cues were asked about at how many sites."""

    measured: tuple[MeasuredCue, ...]
    cues: int
    sites: int

    def __repr__(self) -> str:
        first = f", first {self.measured[0].cue.name!r}" if self.measured else ""
        work = f"{len(self.measured)} of {counted(self.cues, 'cue')} measured"
        return f"<ProbeResult: {work} at {counted(self.sites, 'site')}{first}>"


def probe_models(
    baseline: Predictor,
    candidate: Predictor,
    *,
    texts: Texts,
    candidates: Sequence[Nomination],
    probing: ProbeSettings = PROBING,
    progress: Progress = ignore_progress,
    usual: TypicalEffect = lambda _cue, _kind: 1.0,
    least: LeastEffect | None = None,
) -> ProbeResult:
    """Hold two models against each other on cues put into sentences. `progress` is told the part done, of 1.

    Effects beyond `least` are confirmed beside control words; without it none is. Models of other schemes are told in
    IOB2. Raises InputError where they have other kinds of tags, or there is not text enough.
    """
    odd = odd_labels(baseline.labels, candidate.labels)
    if odd:
        raise InputError(f"The two sides cannot be held against each other: {describe_odd_labels(odd)}.")
    baseline, candidate = share_scheme(baseline, candidate)
    pair = _Pair(baseline, candidate)
    sites = _choose_sites(texts, baseline, probing)
    nominations: dict[Cue, Nomination] = {}
    for nomination in [*candidates, *(Nomination(cue, "always") for cue in forms_and_spots())]:
        nominations.setdefault(nomination.cue, nomination)
    leaders = list(nominations)
    sketched_until = 0.0 if probing.kept is None else SKETCHING
    measured_until = 1.0 if least is None else 1 - CONFIRMING
    if probing.kept is not None:
        sketching = partial(_tell_part, progress, 0.0, sketched_until)
        leaders = _find_leaders(
            pair, nominations, sites=sites.sketched, usual=usual, kept=probing.kept, progress=sketching
        )
    measured = []
    for number, cue in enumerate(leaders, 1):
        effects = _largest(_measure_cue(pair, cue, sites=sites.measured, texts=texts, probing=probing))
        if effects:
            measured.append(MeasuredCue(cue, nominations[cue].source, tuple(effects.values())))
        _tell_part(progress, sketched_until, measured_until, number / len(leaders))
    if probing.kept is not None:
        sizes = {result.cue: abs(result.effect.mean) for result in measured}
        measured = [result for result in measured if result.source == REQUESTED or not _explained(result.cue, sizes)]
    if least is not None:
        confirmation = Confirmation(
            read_both=pair.read,
            sites=sites.confirmed,
            control_words=_control_words(texts, nominations.values(), probing),
            alternatives=len(nominations),
            least=least,
        )
        for number, result in enumerate(measured, 1):
            measured[number - 1] = replace(result, effects=confirmation.confirm(result.cue, result.effects))
            _tell_part(progress, measured_until, 1.0, number / len(measured))
    measured.sort(key=lambda result: -abs(result.effect.mean))
    return ProbeResult(tuple(measured), len(nominations), len(sites.sketched) + len(sites.measured))


def describe_odd_labels(labels: Sequence[str]) -> str:
    """Why models cannot be compared of which one alone has these, and what to do."""
    return (
        f"the models have other tags ({', '.join(labels)} on one side only): say which are the same, and which do not "
        "count, as in --map PERSON=PER,GPE=LOC,*=O"
    )


def _tell_part(progress: Progress, start: float, stop: float, share: float) -> None:
    """The share of a stage that is done, as a part of the whole."""
    progress(start + (stop - start) * share)


class _Pair(NamedTuple):
    baseline: Predictor
    candidate: Predictor

    def read(self, sites: Sequence[Site], edits: Sequence[Edit]) -> PairedReadings:
        return read_both(self.baseline, self.candidate, sites, edits)

    def measure(self, sites: Sequence[Site], edits: Sequence[Edit]) -> list[Effect]:
        return measure_effects(self.read(sites, edits))


class _Sites(NamedTuple):
    """Sentences that cues are chosen by, others that they are measured in, and others that confirm them."""

    sketched: list[Site]
    measured: list[Site]
    confirmed: list[Site]


def _choose_sites(texts: Texts, baseline: Predictor, probing: ProbeSettings) -> _Sites:
    needed = probing.sketched + probing.measured
    sites = find_sites(texts, baseline, needed + probing.measured, probing.seed)
    if len(sites) < needed:
        raise InputError(
            f"{len(sites)} of {len(texts)} sentences can be probed in ({SHORTEST} to {LONGEST} words each), too few: "
            f"give at least {needed}, or ask for fewer sites."
        )
    sketched, measured, others = sites[: probing.sketched], sites[probing.sketched : needed], sites[needed:]
    return _Sites(sketched, measured, others if len(others) >= FEWEST_CONFIRMING else measured)


def _control_words(texts: Texts, nominations: Iterable[Nomination], probing: ProbeSettings) -> ControlWords:
    suspects = [nomination.cue for nomination in nominations if nomination.source not in ("frequent", "always")]
    return ControlWords([words for _, words in texts], suspects, count=probing.controls, seed=probing.seed)


def _find_leaders(
    pair: _Pair,
    nominations: Mapping[Cue, Nomination],
    *,
    sites: Sequence[Site],
    usual: TypicalEffect,
    kept: int,
    progress: Progress,
) -> list[Cue]:
    """The cues whose sketch shows the largest effects against what is usual for them, and all that were asked for."""
    cues = list(nominations)
    sketches: dict[Cue, _Sketch] = {}
    for start in range(0, len(cues), TOGETHER):
        sketches |= _sketch_cues(pair, cues[start : start + TOGETHER], sites, usual)
        progress(len(sketches) / len(cues))
    sizes = {cue: sketch.size for cue, sketch in sketches.items()}
    apart = [cue for cue in sketches if not _explained(cue, sizes)]
    leaders = sorted(apart, key=lambda cue: -sketches[cue].ratio)[:kept]
    return leaders + [cue for cue in cues if nominations[cue].source == REQUESTED and cue not in leaders]


def _explained(cue: Cue, sizes: Mapping[Cue, float]) -> bool:
    """Whether one word of several, or a shorter ending, does most of what the cue does: then that is the cue."""
    parts: list[str] = []
    if cue.kind == "words" and len(cue.words) > 1:
        parts = list(cue.words)
    elif cue.kind == "ending":
        parts = [cue.text[start:] for start in range(1, len(cue.text))]
    return any(sizes.get(Cue(cue.kind, part), 0.0) >= ENOUGH * sizes[cue] for part in parts)


class _Sketch(NamedTuple):
    """Of one cue at few sites."""

    size: float
    """Its largest mean effect, in nats."""
    ratio: float
    """The largest over what is usual for it."""


def _sketch_cues(pair: _Pair, cues: Sequence[Cue], sites: Sequence[Site], usual: TypicalEffect) -> dict[Cue, _Sketch]:
    by_edit = {edit: cue for cue in cues for edit in cue.sketch}
    sketches = dict.fromkeys(cues, _Sketch(0.0, 0.0))
    for effect in pair.measure(sites, list(by_edit)):
        cue, size = by_edit[effect.edit], abs(effect.mean)
        largest = sketches[cue]
        sketches[cue] = _Sketch(size=max(largest.size, size), ratio=max(largest.ratio, size / usual(cue, effect.kind)))
    return sketches


def _largest(effects: Sequence[Effect]) -> dict[str, Effect]:
    """Per kind of tag the largest effect."""
    largest: dict[str, Effect] = {}
    for effect in effects:
        if effect.kind not in largest or abs(effect.mean) > abs(largest[effect.kind].mean):
            largest[effect.kind] = effect
    return largest


def _measure_cue(pair: _Pair, cue: Cue, *, sites: Sequence[Site], texts: Texts, probing: ProbeSettings) -> list[Effect]:
    """Its effects at every place; taken out of sentences that have it, where enough of them do."""
    effects = pair.measure(sites, [edit for edit in cue.edits if edit.place is not Place.GONE])
    if cue.kind != "words":
        return effects
    used = {site.words for site in sites}
    having = [(name, words) for name, words in texts if words not in used and _has(words, cue.words)]
    if len(having) >= probing.measured // 2:
        own_sites = find_sites(having, pair.baseline, probing.measured, probing.seed)
        effects += pair.measure(own_sites, [Edit(Place.GONE, cue.words)])
    return effects


def _has(words: Sequence[str], part: Sequence[str]) -> bool:
    """Whether these words follow each other somewhere in a sentence."""
    size = len(part)
    return any(tuple(words[start : start + size]) == tuple(part) for start in range(len(words) - size + 1))
