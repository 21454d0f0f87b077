"""Checks: what a team demands of an explanation, and what it says when that does not hold.

A check is a small frozen object, parsed once. `judge` gives the verdict on one answer; `toml_line` writes the line of a
case file that would hold for all of some answers: for one answer it is the edit that accepts it, for many the looser
form.
"""

from interp.cases.checks.base import Answer, Bound, Check, NamedWord, Verdict
from interp.cases.checks.faithful import Faithful
from interp.cases.checks.integration import Complete, Converged
from interp.cases.checks.layers import LayerBound, LayerShare
from interp.cases.checks.swap import Swap, WordSwap
from interp.cases.checks.words import Share, Sign, Tag, Top

__all__ = [
    "Answer",
    "Bound",
    "Check",
    "Complete",
    "Converged",
    "Faithful",
    "LayerBound",
    "LayerShare",
    "NamedWord",
    "Share",
    "Sign",
    "Swap",
    "Tag",
    "Top",
    "Verdict",
    "WordSwap",
]
