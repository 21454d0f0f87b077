"""What a new model takes for a sign of a tag, found by putting words into clean sentences: forward passes alone."""

from interp.probe.association import Association, TrainingRow, find_associations
from interp.probe.cues import Cue, CueKind, forms_and_spots
from interp.probe.effects import Effect, FlipExample, TagTurn
from interp.probe.functions import FUNCTION_PREFIX, FunctionPredictor, import_function
from interp.probe.nominate import REQUESTED, Nomination, frequent_cues, merge_nominations
from interp.probe.predictors import CachedPredictor, Predictor, TaggerPredictor
from interp.probe.probe import MeasuredCue, ProbeResult, ProbeSettings, TypicalEffect, probe_models
from interp.probe.sites import Place

__all__ = [
    "FUNCTION_PREFIX",
    "REQUESTED",
    "Association",
    "CachedPredictor",
    "Cue",
    "CueKind",
    "Effect",
    "FlipExample",
    "FunctionPredictor",
    "MeasuredCue",
    "Nomination",
    "Place",
    "Predictor",
    "ProbeResult",
    "ProbeSettings",
    "TagTurn",
    "TaggerPredictor",
    "TrainingRow",
    "TypicalEffect",
    "find_associations",
    "forms_and_spots",
    "frequent_cues",
    "import_function",
    "merge_nominations",
    "probe_models",
]
