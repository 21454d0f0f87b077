"""Is the new model still right for the right reasons? Two models' records, the probe and benign floors, judged."""

from interp.gate.floors import Floors
from interp.gate.inputs import Criteria, ProbePlan, Side, TrainingData
from interp.gate.judge import judge_candidate
from interp.gate.map_kinds import map_kinds, map_predictors, parse_map, share_tags
from interp.gate.result import SCHEMA, CheckResult, CheckStatus, CueFinding, GateResult, exit_status

__all__ = [
    "SCHEMA",
    "CheckResult",
    "CheckStatus",
    "Criteria",
    "CueFinding",
    "Floors",
    "GateResult",
    "ProbePlan",
    "Side",
    "TrainingData",
    "exit_status",
    "judge_candidate",
    "map_kinds",
    "map_predictors",
    "parse_map",
    "share_tags",
]
