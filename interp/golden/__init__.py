"""Goldens: accepted explanations in files, held against new ones with tolerance."""

from interp.golden.compare import Change, Comparison, Policy, Promise, compare_goldens
from interp.golden.document import FORMAT, GOLDEN_SUFFIX, Golden, dumps, golden_of, loads

__all__ = [
    "FORMAT",
    "GOLDEN_SUFFIX",
    "Change",
    "Comparison",
    "Golden",
    "Policy",
    "Promise",
    "compare_goldens",
    "dumps",
    "golden_of",
    "loads",
]
