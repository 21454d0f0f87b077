"""Effects that are worth a second look: measured again, in sentences that did not choose them, beside control words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from interp.probe.controls import FEWEST_CONTROLS, Controls, ControlWords
from interp.probe.cues import Cue
from interp.probe.effects import Effect, PairedReadings, Unit, measure_tag
from interp.probe.sites import Edit, Place, Site

__all__ = ["Confirmation", "LeastEffect"]

LeastEffect = Callable[[Cue, str, Unit], float]
"""What the effect of a cue on a kind of tag has to be beyond, to matter at all."""
ReadBoth = Callable[[Sequence[Site], Sequence[Edit]], PairedReadings]

FUTILE = 3.0
"""Spreads of the fewest controls within which a cue does not stand out, and more of them are not worth asking."""
LEAST_SPREAD: dict[Unit, float] = {"nats": 0.1, "of tags": 0.02}
"""Of controls: a tag that hardly ever moves would else make much of very little. In few sentences none may turn, which
is no proof that none ever does (one in 48 is 0.02)."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """How effects are confirmed."""

    read_both: ReadBoth
    sites: Sequence[Site]
    """Those that no cue was chosen by."""
    control_words: ControlWords
    alternatives: int
    """Cues that were looked at, of which those confirmed are the largest."""
    least: LeastEffect

    def confirm(self, cue: Cue, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        """The same effects; those that matter as they are at the other sites, with controls where there are any."""
        return tuple(self._confirm(cue, effect) if self._matters(cue, effect) else effect for effect in effects)

    def _matters(self, cue: Cue, effect: Effect) -> bool:
        return abs(effect.mean) > self.least(cue, effect.kind, effect.unit)

    def _confirm(self, cue: Cue, effect: Effect) -> Effect:
        if effect.edit.place is Place.GONE:  # sentences that have a word cannot be had twice
            return effect
        (again,) = self._measure([effect.edit], effect.tag)
        if again is None:  # no site left where the baseline says something else
            return effect
        if not self._matters(cue, again):
            return again
        edits = [replace(effect.edit, words=control.words) for control in self.control_words.controls_of(cue)]
        controls = self._controls(edits[:FEWEST_CONTROLS], again)
        if controls is None or abs(again.mean - controls.mean) < FUTILE * controls.spread:
            return replace(again, controls=controls)
        return replace(again, controls=self._controls(edits, again))

    def _controls(self, edits: Sequence[Edit], effect: Effect) -> Controls | None:
        """What these edits do to the tag of a cue's effect; None where they are too few."""
        measured = [control for control in self._measure(edits, effect.tag) if control is not None]
        if len(measured) < FEWEST_CONTROLS:
            return None
        return Controls(
            cues=tuple(" ".join(control.edit.words) for control in measured),
            effects=tuple(control.mean for control in measured),
            least_spread=LEAST_SPREAD[effect.unit],
            alternatives=self.alternatives,
            shared=effect.shared,
        )

    def _measure(self, edits: Sequence[Edit], tag: str) -> list[Effect | None]:
        return measure_tag(self.read_both(self.sites, edits), tag)
