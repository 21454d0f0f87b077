"""What a new model takes for a sign of a tag, found by putting words into clean sentences: forward passes alone."""

from interp.probe.association import Association, TrainingRow, find_associations
from interp.probe.controls import Controls
from interp.probe.cues import Cue, CueKind, forms_and_spots
from interp.probe.effects import Effect, FlipExample, TagTurn, Unit, unit_of
from interp.probe.nominate import REQUESTED, Nomination, frequent_cues, merge_nominations
from interp.probe.own_cues import own_cues
from interp.probe.probe import (
    MeasuredCue,
    ProbeResult,
    ProbeSettings,
    TypicalEffect,
    describe_odd_labels,
    probe_models,
)
from interp.probe.sites import Place, Texts

__all__ = [
    "REQUESTED",
    "Association",
    "Controls",
    "Cue",
    "CueKind",
    "Effect",
    "FlipExample",
    "MeasuredCue",
    "Nomination",
    "Place",
    "ProbeResult",
    "ProbeSettings",
    "TagTurn",
    "Texts",
    "TrainingRow",
    "TypicalEffect",
    "Unit",
    "describe_odd_labels",
    "find_associations",
    "forms_and_spots",
    "frequent_cues",
    "merge_nominations",
    "own_cues",
    "probe_models",
    "unit_of",
]
