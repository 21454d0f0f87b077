"""Checks that did not hold, as every report takes them: in a terminal, on a page, in an index of pages."""

from __future__ import annotations

from dataclasses import dataclass

from interp.cases.checks import Verdict

__all__ = ["FailedCase", "Failure"]


@dataclass(frozen=True)
class Failure:
    """One check that did not hold. `accept`: sentences with the command or edit that accepts the change.

    Lines of `accept` that are indented are to be copied, and never wrapped.
    """

    check: str
    verdict: Verdict
    accept: str


@dataclass(frozen=True)
class FailedCase:
    """A case or test with its own page: where that is, what it is of, and the sentences of its failed checks."""

    page: str
    """As in a link, beside the index."""
    name: str
    sentences: tuple[str, ...]
