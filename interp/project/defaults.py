"""Defaults that the library and the command line share; imports nothing, as every command reads them at its start.

Those of the integration are in `interp.engine.options`.
"""

from __future__ import annotations

__all__ = ["MOST_CUES", "PROBE_SITES", "RECORDING_TOLERANCE", "STRESS_SENTENCES"]

RECORDING_TOLERANCE = 1e-2
"""Of the integrations of a record."""
PROBE_SITES = 48
"""Sentences that a cue is put into, to be measured."""
MOST_CUES = 300
"""Cues that are tried."""
STRESS_SENTENCES = 200
"""Sentences that are written otherwise."""
