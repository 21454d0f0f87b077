"""What a new model takes for a sign of a tag, found by putting words into clean sentences: forward passes alone."""

from interp.probe.association import Association, Row, associations
from interp.probe.candidates import Candidate, frequent, merged
from interp.probe.cues import Cue, Sort
from interp.probe.effects import Effect, Example
from interp.probe.predictors import CALLABLE, Called, Predictor, Remembered, Tagged, imported
from interp.probe.probing import Found, Probed, Probing, Usual, probe
from interp.probe.sites import Place

__all__ = [
    "CALLABLE",
    "Association",
    "Called",
    "Candidate",
    "Cue",
    "Effect",
    "Example",
    "Found",
    "Place",
    "Predictor",
    "Probed",
    "Probing",
    "Remembered",
    "Row",
    "Sort",
    "Tagged",
    "Usual",
    "associations",
    "frequent",
    "imported",
    "merged",
    "probe",
]
