"""What a new model takes for a sign of a tag, found by putting words into clean sentences: forward passes alone."""

from interp.probe.association import Association, Row, associations
from interp.probe.candidates import ASKED, Candidate, frequent, merged
from interp.probe.cues import Cue, Sort, forms_and_spots
from interp.probe.effects import Effect, Example, Turn
from interp.probe.predictors import CALLABLE, Called, Predictor, Remembered, Tagged, imported
from interp.probe.probing import Found, Probed, Probing, Usual, probe
from interp.probe.sites import Place

__all__ = [
    "ASKED",
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
    "Turn",
    "Usual",
    "associations",
    "forms_and_spots",
    "frequent",
    "imported",
    "merged",
    "probe",
]
