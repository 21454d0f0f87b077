"""What a gate found, as data: one versioned document, from which every form of report is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from interp.errors import bare, counted, quoted
from interp.gate.behaviour import Flip
from interp.gate.evidence import EvidenceAgreement, Shift
from interp.gate.leaks import LeakChange
from interp.gate.slices import LostEntity, SliceChange
from interp.probe import FlipExample
from interp.stress import StressResult

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
    """One question and its answer."""

    name: str
    severity: Severity
    status: CheckStatus
    sentence: str
    unit: str = ""
    value: float | None = None
    """In `unit`, as all that follows but the count."""
    low: float | None = None
    """Lower end of the value's 95 % interval."""
    high: float | None = None
    limit: float | None = None
    """What the value is held to."""
    floor: float | None = None
    """What benign models stay below."""
    smallest: float | None = None
    """The effect that would have been seen with 80 % power."""
    count: int | None = None
    """Of what it is over: entities, words, sentences, targets."""


def overall(checks: Sequence[CheckResult]) -> CheckStatus:
    """The worst status; an advisory check weighs as a warning at most. Where nothing was judged, nothing passes."""
    order = list(CheckStatus)
    weighed = [CheckStatus.WARN if _is_milder(check) else check.status for check in checks]
    judged = [status for status in weighed if status is not CheckStatus.SKIPPED]
    return min(judged, key=order.index, default=CheckStatus.INCONCLUSIVE)


def _is_milder(check: CheckResult) -> bool:
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

    Effects are in `unit`: "nats" of the tag's log-probability, or the part "of tags" that turn, where a side gives no
    probabilities.
    """

    cue: str
    """Its name: a word, -ending, form:UPPER, spot:FIRST."""
    shown: str
    """As sentences speak of it."""
    tag: str
    place: str
    """Where it was put, as seen from the word whose tag is watched."""
    source: str
    """What nominated it."""
    status: CheckStatus
    """Fail beyond the limit, inconclusive if its interval holds 0."""
    effect: float
    """Of the candidate less that of the baseline."""
    low: float
    high: float
    limit: float
    """This cue's."""
    floor: float | None
    """What benign models do."""
    unit: str = "nats"
    controls: int = 0
    """Words like it that tell what it has to stand out from; 0 where there were none, or nothing to stand out."""
    candidate: float
    """The candidate's own effect."""
    baseline: float
    flips: int
    """Sentences whose tag turns."""
    count: int
    """Sentences that it was put into."""
    example: FlipExample | None
    where: str = ""
    """Which words of the training data the counts below are of."""
    trained: int = 0
    """Words of the new training data that bear the tag there."""
    trained_count: int = 0
    """All words there."""
    trained_before: int = 0
    """The same of the old training data."""
    trained_before_count: int = 0
    rows: tuple[str, ...] = ()
    """The first new rows of the training data that bring it in."""
    row_count: int = 0
    """All of them."""
    waived: AcceptedWaiver | None = None

    @property
    def accepted(self) -> bool:
        return self.waived is not None and not self.waived.expired


@dataclass(frozen=True, kw_only=True)
class CaseComparison:
    """One case under both models, in logits."""

    id: str
    words: tuple[str, ...]
    target: tuple[int, ...]
    """Indices of its words."""
    tags: tuple[str, ...]
    """Of the target, in both models."""
    reference: str
    distance: float
    """Part of the evidence that stands on other words."""
    baseline: tuple[float, ...]
    """Attribution of every word."""
    candidate: tuple[float, ...]
    baseline_layers: tuple[tuple[float, ...], ...]
    """Conductance of every layer by word; empty if layers were not recorded."""
    candidate_layers: tuple[tuple[float, ...], ...]

    def __repr__(self) -> str:
        text, moved = quoted(" ".join(self.words)), f"{self.distance:.0%} of the evidence stands on other words"
        return f"<CaseComparison {quoted(self.id)}, reference {self.reference}, in {text}: {moved}>"


@dataclass(frozen=True, kw_only=True)
class DataSummary:
    """What both models were held against."""

    fingerprint: str
    sources: tuple[str, ...]
    sentences: int
    documents: int
    targets: int
    """Explained by both models for the same tags."""
    unread: int
    """Sentences that neither model can read."""


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """All of it; lists are in order of weight."""

    status: CheckStatus
    headline: str
    """The result in one sentence."""
    advice: tuple[str, ...]
    """What to do next."""
    baseline: SideSummary
    candidate: SideSummary
    data: DataSummary
    checks: tuple[CheckResult, ...]
    cues: tuple[CueFinding, ...] = ()
    evidence: tuple[Shift, ...] = ()
    agreement: EvidenceAgreement | None = None
    slices: tuple[SliceChange, ...] = ()
    flips: tuple[Flip, ...] = ()
    lost: tuple[LostEntity, ...] = ()
    """Examples of what the baseline alone has right, of the kinds that surely lose most."""
    leaks: LeakChange | None = None
    """Words of right entities that are left untagged; None where there are none."""
    stress: StressResult | None = None
    """The same sentences written otherwise; None where that was not tried."""
    cases: tuple[CaseComparison, ...] = ()
    waivers: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        sides = f"{bare(self.candidate.name)} against {bare(self.baseline.name)}"
        data = f"{counted(len(self.checks), 'check')} on {counted(self.data.sentences, 'sentence')}"
        return f"<GateResult of {sides}: {self.status.value}, {data}. {quoted(self.headline, 80)[1:-1]}>"
