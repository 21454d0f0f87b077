"""What a gate found, as data: one versioned document, from which every form of report is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from interp.gate.behaviour import Flip, SliceMoved
from interp.gate.evidence import Agreement, Shift
from interp.probe import Example

__all__ = [
    "SCHEMA",
    "Beside",
    "Check",
    "CueFinding",
    "Data",
    "Result",
    "Severity",
    "Side",
    "Status",
    "Waived",
    "exit_status",
    "overall",
]

SCHEMA = "interp.gate/1"

Severity = Literal["critical", "advisory"]


class Status(StrEnum):
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
    Status.FAIL: "The candidate got worse.",
    Status.ERROR: "Something could not be computed, so nothing is said of it.",
    Status.INCOMPARABLE: "The two sides cannot be held against each other.",
    Status.INCONCLUSIVE: "The data is too little to tell: give more cases.",
    Status.WARN: "Worth a look; it does not stop the candidate.",
    Status.PASS: "Nothing got worse, as far as this data can tell.",
    Status.SKIPPED: "Not asked for, or nothing to judge.",
}


@dataclass(frozen=True)
class Check:
    """One question and its answer.

    `value` with its 95 % interval in `unit`; `limit` is what it is held to, `floor` what benign models stay below;
    `smallest`: the effect that would have been seen; `count` of what it is over.
    """

    name: str
    severity: Severity
    status: Status
    sentence: str
    unit: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    floor: float | None = None
    smallest: float | None = None
    count: int | None = None


def overall(checks: Sequence[Check]) -> Status:
    """The worst status; an advisory check weighs as a warning at most. Where nothing was judged, nothing passes."""
    order = list(Status)
    found = [Status.WARN if _milder(check) else check.status for check in checks]
    judged = [status for status in found if status is not Status.SKIPPED]
    return min(judged, key=order.index, default=Status.INCONCLUSIVE)


def _milder(check: Check) -> bool:
    return check.severity == "advisory" and check.status in (Status.FAIL, Status.INCONCLUSIVE)


def exit_status(status: Status, fail_on: Sequence[str] = ()) -> int:
    """0 pass, 1 regression, 2 could not tell; `fail_on` counts "warn" or "inconclusive" as a regression."""
    if status is Status.FAIL or status.value in fail_on:
        return 1
    return 0 if status in (Status.PASS, Status.WARN) else 2


@dataclass(frozen=True)
class Side:
    """One model, its fingerprint, and its strict span F1 where right tags are known."""

    name: str
    sha256: str
    f1: float | None = None


@dataclass(frozen=True)
class Waived:
    reason: str
    until: str
    expired: bool


@dataclass(frozen=True)
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
    status: Status
    effect: float
    low: float
    high: float
    limit: float
    floor: float | None
    candidate: float
    baseline: float
    flips: int
    count: int
    example: Example | None
    where: str = ""
    trained: int = 0
    trained_count: int = 0
    trained_before: int = 0
    trained_before_count: int = 0
    rows: tuple[str, ...] = ()
    row_count: int = 0
    waived: Waived | None = None

    @property
    def accepted(self) -> bool:
        return self.waived is not None and not self.waived.expired


@dataclass(frozen=True)
class Beside:
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


@dataclass(frozen=True)
class Data:
    """`unread`: sentences that neither model can read; `targets` explained by both for the same tags."""

    fingerprint: str
    sources: tuple[str, ...]
    sentences: int
    documents: int
    targets: int
    unread: int


@dataclass(frozen=True)
class Result:
    """`headline` says it in one sentence, `advice` what to do next; lists are in order of weight."""

    status: Status
    headline: str
    advice: tuple[str, ...]
    baseline: Side
    candidate: Side
    data: Data
    checks: tuple[Check, ...]
    cues: tuple[CueFinding, ...] = ()
    evidence: tuple[Shift, ...] = ()
    agreement: Agreement | None = None
    slices: tuple[SliceMoved, ...] = ()
    flips: tuple[Flip, ...] = ()
    cases: tuple[Beside, ...] = ()
    waivers: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
