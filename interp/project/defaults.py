"""Defaults that the library and the command line share; imports nothing, as every command reads them at its start.

Those of the integration are in `interp.engine.options`.
"""

from __future__ import annotations

__all__ = ["EXPLAINED", "MOST_CUES", "PROBE_SITES", "RECORDING_TOLERANCE", "STRESS_SENTENCES"]

RECORDING_TOLERANCE = 5e-2
"""Of the integrations of a record: trainings differ by a quarter of the mass. On `open` the true error is then 1.3 % at
most, a tenth of a per cent in the middle."""
EXPLAINED = 100
"""Sentences of the cases that are explained; all are tagged."""
PROBE_SITES = 48
"""Sentences that a cue is put into, to be measured."""
MOST_CUES = 300
"""Cues that are tried."""
STRESS_SENTENCES = 200
"""Sentences that are written otherwise."""
