"""What a judgement is given: two sides, what they were trained on, what to probe, and what to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import date

from interp.gate.floors import Floors
from interp.gate.waivers import Waiver
from interp.probe import Cue, ProbeSettings, Unit
from interp.project.defaults import MOST_CUES
from interp.project.settings import GateSettings
from interp.records import Records
from interp.taggers import Predictor
from interp.texts import Sentence

__all__ = ["ASSUMED", "Criteria", "ProbePlan", "Side", "TrainingData"]

ASSUMED: dict[Unit, float] = {"nats": 1.0, "of tags": 0.3}
"""What benign trainings may do to a word that means something, where none are known: on `open`, trained anew, "Hobby"
in front of a word was +1.1 nats here and 0.0 there. Control words, which mean nothing, do not tell of that."""


@dataclass(frozen=True)
class Side:
    """The baseline or the candidate: its records, and the model to probe, None where there are only records."""

    records: Records
    predictor: Predictor | None = None


@dataclass(frozen=True)
class TrainingData:
    """What both models were trained on."""

    old: Sequence[Sentence]
    new: Sequence[Sentence]


@dataclass(frozen=True)
class ProbePlan:
    """What to put into which sentences."""

    texts: Sequence[Sentence] | None = None
    """None: the cases."""
    training: TrainingData | None = None
    """Nominates the cues whose association with a tag changed."""
    probing: ProbeSettings = field(default_factory=ProbeSettings)
    most: int = MOST_CUES
    """Cues at most."""


@dataclass(frozen=True)
class Criteria:
    """What a pair is judged by: limits, floors and waivers of the project, and the seed of all that is drawn."""

    gate: GateSettings = field(default_factory=GateSettings)
    floors: Floors | None = None
    waivers: Sequence[Waiver] = ()
    today: date = field(default_factory=date.today)
    seed: int = 0
    _: KW_ONLY
    costly: Sequence[str] = ()
    """Kinds of which no more words may be left untagged."""

    def least_effect(self, cue: Cue, kind: str, unit: Unit) -> float:
        """What a cue has to move a kind of tag by at least: what matters, and no less than benign trainings do."""
        threshold, floor = self.gate.cues if unit == "nats" else self.gate.cue_flips, self.floor_of(cue, kind, unit)
        return max(threshold.limit, ASSUMED[unit] if floor is None else floor)

    def floor_of(self, cue: Cue, kind: str, unit: Unit) -> float | None:
        """What benign trainings move it by at most; None where that is not known, or known in another unit."""
        return self.floors.cue(cue, kind) if self.floors and self.floors.unit == unit else None
