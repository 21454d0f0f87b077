"""Is the new model still right for the right reasons? Two models' records, the probe and benign floors, judged."""

from interp.gate.floors import Floors
from interp.gate.result import SCHEMA, Check, CueFinding, Result, Status, exit_status
from interp.gate.running import Asked, Judged, Opponent, Training, judge

__all__ = [
    "SCHEMA",
    "Asked",
    "Check",
    "CueFinding",
    "Floors",
    "Judged",
    "Opponent",
    "Result",
    "Status",
    "Training",
    "exit_status",
    "judge",
]
