"""What a pair of models is asked, one file a question, in the order in which reports tell the answers."""

from collections.abc import Mapping

from interp.gate.checks.agreement import check_agreement
from interp.gate.checks.base import GateCheck
from interp.gate.checks.cues import check_cues
from interp.gate.checks.evidence import check_evidence
from interp.gate.checks.f1 import check_f1
from interp.gate.checks.flips import check_flips
from interp.gate.checks.leaks import check_leaks
from interp.gate.checks.negative_flips import check_negative_flips
from interp.gate.checks.records import check_records
from interp.gate.checks.slices import check_slices
from interp.gate.checks.stress import check_stress

__all__ = ["CHECKS"]

CHECKS: Mapping[str, GateCheck] = {
    "cues": check_cues,
    "f1": check_f1,
    "negative_flips": check_negative_flips,
    "leaks": check_leaks,
    "stress": check_stress,
    "slices": check_slices,
    "flips": check_flips,
    "evidence": check_evidence,
    "agreement": check_agreement,
    "records": check_records,
}
