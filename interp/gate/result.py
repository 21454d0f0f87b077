"""What a gate found, as data: one versioned document, from which every form of report is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from interp.gate.behaviour import Flip, SliceChange
from interp.gate.evidence import EvidenceAgreement, Shift
from interp.probe import FlipExample

__all__ = [
    "SCHEMA",
    "AcceptedWaiver",
    "CaseComparison",
    "CheckResult",
    "CheckStatus",
    "CueFinding",
    "DataSummary",
    "GateResult",
    "Severity",
    "SideSummary",
    "exit_status",
    "overall",
]

SCHEMA = "interp.gate/1"

Severity = Literal["critical", "advisory"]


class CheckStatus(StrEnum):
    """How a check ended, and the gate: the worst of its checks, in this order."""

    FAIL = "fail"
    ERROR = "error"
    INCOMPARABLE = "incomparable"
    INCONCLUSIVE = "inconclusive"
    WARN = "warn"
    PASS = "pass"
    SKIPPED = "skipped"

    @property
    def message(self) -> str:
        return _MESSAGES[self]


_MESSAGES = {
    CheckStatus.FAIL: "The candidate got worse.",
    CheckStatus.ERROR: "Something could not be computed, so nothing is said of it.",
    CheckStatus.INCOMPARABLE: "The two sides cannot be held against each other.",
    CheckStatus.INCONCLUSIVE: "The data is too little to tell: give more cases.",
    CheckStatus.WARN: "Worth a look; it does not stop the candidate.",
    CheckStatus.PASS: "Nothing got worse, as far as this data can tell.",
    CheckStatus.SKIPPED: "Not asked for, or nothing to judge.",
}


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One question and its answer.

    `value` with its 95 % interval in `unit`; `limit` is what it is held to, `floor` what benign models stay below;
    `smallest`: the effect that would have been seen; `count` of what it is over.
    """

    name: str
    severity: Severity
    status: CheckStatus
    sentence: str
    unit: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    floor: float | None = None
    smallest: float | None = None
    count: int | None = None


def overall(checks: Sequence[CheckResult]) -> CheckStatus:
    """The worst status; an advisory check weighs as a warning at most. Where nothing was judged, nothing passes."""
    order = list(CheckStatus)
    found = [CheckStatus.WARN if _milder(check) else check.status for check in checks]
    judged = [status for status in found if status is not CheckStatus.SKIPPED]
    return min(judged, key=order.index, default=CheckStatus.INCONCLUSIVE)


def _milder(check: CheckResult) -> bool:
    return check.severity == "advisory" and check.status in (CheckStatus.FAIL, CheckStatus.INCONCLUSIVE)


def exit_status(status: CheckStatus, fail_on: Sequence[str] = ()) -> int:
    """0 pass, 1 regression, 2 could not tell; `fail_on` counts "warn" or "inconclusive" as a regression."""
    if status is CheckStatus.FAIL or status.value in fail_on:
        return 1
    return 0 if status in (CheckStatus.PASS, CheckStatus.WARN) else 2


@dataclass(frozen=True)
class SideSummary:
    """One model, its fingerprint, and its strict span F1 where right tags are known."""

    name: str
    sha256: str
    f1: float | None = None


@dataclass(frozen=True)
class AcceptedWaiver:
    reason: str
    until: str
    expired: bool


@dataclass(frozen=True, kw_only=True)
class CueFinding:
    """A cue that the candidate takes for a sign of a tag (or no longer does), measured by intervention.

    Effects in nats of the tag's log-probability; `flips` of `count` sentences; `place` says what was done, of the word
    whose tag is watched. `rows` of the training data (`row_count` in all) bring it in, where `trained` words of
    `trained_count` bear the tag, and before `trained_before` of `trained_before_count`. `limit` is this cue's, of which
    `floor` is what benign models do. `status`: fail beyond the limit, inconclusive if its interval holds 0.
    """

    cue: str
    shown: str
    tag: str
    place: str
    source: str
    status: CheckStatus
    effect: float
    low: float
    high: float
    limit: float
    floor: float | None
    candidate: float
    baseline: float
    flips: int
    count: int
    example: FlipExample | None
    where: str = ""
    trained: int = 0
    trained_count: int = 0
    trained_before: int = 0
    trained_before_count: int = 0
    rows: tuple[str, ...] = ()
    row_count: int = 0
    waived: AcceptedWaiver | None = None

    @property
    def accepted(self) -> bool:
        return self.waived is not None and not self.waived.expired


@dataclass(frozen=True, kw_only=True)
class CaseComparison:
    """One case under both models, in logits: word attributions, and layers if they were recorded."""

    id: str
    words: tuple[str, ...]
    target: tuple[int, ...]
    tags: tuple[str, ...]
    reference: str
    distance: float
    baseline: tuple[float, ...]
    candidate: tuple[float, ...]
    baseline_layers: tuple[tuple[float, ...], ...]
    candidate_layers: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class DataSummary:
    """`unread`: sentences that neither model can read; `targets` explained by both for the same tags."""

    fingerprint: str
    sources: tuple[str, ...]
    sentences: int
    documents: int
    targets: int
    unread: int


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """`headline` says it in one sentence, `advice` what to do next; lists are in order of weight."""

    status: CheckStatus
    headline: str
    advice: tuple[str, ...]
    baseline: SideSummary
    candidate: SideSummary
    data: DataSummary
    checks: tuple[CheckResult, ...]
    cues: tuple[CueFinding, ...] = ()
    evidence: tuple[Shift, ...] = ()
    agreement: EvidenceAgreement | None = None
    slices: tuple[SliceChange, ...] = ()
    flips: tuple[Flip, ...] = ()
    cases: tuple[CaseComparison, ...] = ()
    waivers: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
