"""What a study keeps of a gate's findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interp.gate import CueFinding

__all__ = ["cue_rows"]

FIELDS = (
    "cue",
    "tag",
    "place",
    "source",
    "effect",
    "low",
    "high",
    "candidate",
    "baseline",
    "limit",
    "controls",
    "flips",
    "count",
)


def cue_rows(findings: Sequence[CueFinding], most: int) -> list[dict[str, Any]]:
    """The first findings, which weigh most."""
    return [
        {**{name: getattr(finding, name) for name in FIELDS}, "status": finding.status.value}
        for finding in findings[:most]
    ]
