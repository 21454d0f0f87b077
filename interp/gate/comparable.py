"""Whether two sides can be held against each other at all."""

from __future__ import annotations

from interp.gate.inputs import Side
from interp.probe import describe_odd_labels
from interp.records import why_incomparable
from interp.taggers import odd_labels

__all__ = ["why_not_comparable"]


def why_not_comparable(baseline: Side, candidate: Side) -> str | None:
    """Other cases, settings or kinds of tags, as a clause; None where nothing stands in the way."""
    reason = why_incomparable(baseline.records.about, candidate.records.about)
    if reason is not None:
        return reason
    odd = odd_labels(baseline.records.about.model.labels, candidate.records.about.model.labels)
    return describe_odd_labels(odd) if odd else None
