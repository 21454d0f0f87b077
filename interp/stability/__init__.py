"""How often checks hold on checkpoints that nobody would call worse, and under several references.

A check that a harmless retraining breaks is too sharp: it will cry wolf. A trial is one checkpoint under one reference,
and a check is judged in as many as can make a difference to it: what the model says of the target is the same under
every reference, so that it is asked once per checkpoint, and a golden speaks of one reference alone.
"""

from interp.stability.judge import ProjectGoldens
from interp.stability.result import ALLOWED, CONFIDENCE, ENOUGH, PassRate, StabilityResult, Trial, dumps
from interp.stability.trials import find_case_files, measure_stability

__all__ = [
    "ALLOWED",
    "CONFIDENCE",
    "ENOUGH",
    "PassRate",
    "ProjectGoldens",
    "StabilityResult",
    "Trial",
    "dumps",
    "find_case_files",
    "measure_stability",
]
