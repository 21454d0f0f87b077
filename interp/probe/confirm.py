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
        readings: dict[Edit, PairedReadings] = {}
        confirmed = []
        for effect in effects:
            # Sentences that have a word cannot be had twice: what is taken out of them stays as measured.
            if effect.edit.place is Place.GONE or not self._matters(cue, effect):
                confirmed.append(effect)
                continue
            if effect.edit not in readings:
                readings[effect.edit] = self.read_both(
                    self.sites, [effect.edit, *self._control_edits(cue, effect.edit)]
                )
            confirmed.append(self._confirm(readings[effect.edit], effect))
        return tuple(confirmed)

    def _matters(self, cue: Cue, effect: Effect) -> bool:
        return abs(effect.mean) > self.least(cue, effect.kind, effect.unit)

    def _control_edits(self, cue: Cue, edit: Edit) -> list[Edit]:
        return [replace(edit, words=control.words) for control in self.control_words.controls_of(cue)]

    def _confirm(self, readings: PairedReadings, effect: Effect) -> Effect:
        again, *of_controls = measure_tag(readings, effect.tag)
        if again is None:  # no site left where the baseline says something else
            return effect
        measured = [control for control in of_controls if control is not None]
        if len(measured) < FEWEST_CONTROLS:
            return again
        controls = Controls(
            cues=tuple(" ".join(control.edit.words) for control in measured),
            effects=tuple(control.mean for control in measured),
            least_spread=LEAST_SPREAD[effect.unit],
            alternatives=self.alternatives,
        )
        return replace(again, controls=controls)
