"""Results of the benchmarks: read, held against committed ones, shown across machines.

Seconds belong to one machine; ratios and counts can be compared between machines.
"""

from interp.bench.entries import Entry, comparable, entries
from interp.bench.gate import SLACK, WIDE, Finding, Gate, Status, Verdict, check
from interp.bench.records import SCHEMA, Cell, Machine, NotRun, Pairs, Place, Record, Results, Spread, read

__all__ = [
    "SCHEMA",
    "SLACK",
    "WIDE",
    "Cell",
    "Entry",
    "Finding",
    "Gate",
    "Machine",
    "NotRun",
    "Pairs",
    "Place",
    "Record",
    "Results",
    "Spread",
    "Status",
    "Verdict",
    "check",
    "comparable",
    "entries",
    "read",
]
