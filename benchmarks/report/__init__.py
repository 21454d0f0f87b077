"""Results of the benchmarks: read, held against committed ones, shown across machines.

Seconds belong to one machine; ratios and counts can be compared between machines.
"""

from benchmarks.report.check import SLACK, WIDE, CellStatus, Comparison, Finding, Verdict, check_results
from benchmarks.report.entries import Entry, comparable, entries
from benchmarks.report.results import (
    SCHEMA,
    Cell,
    Machine,
    Measurement,
    NotRun,
    Pairs,
    Platform,
    ResultFile,
    Spread,
    read_results,
)

__all__ = [
    "SCHEMA",
    "SLACK",
    "WIDE",
    "Cell",
    "CellStatus",
    "Comparison",
    "Entry",
    "Finding",
    "Machine",
    "Measurement",
    "NotRun",
    "Pairs",
    "Platform",
    "ResultFile",
    "Spread",
    "Verdict",
    "check_results",
    "comparable",
    "entries",
    "read_results",
]
