"""Goldens: accepted explanations in files, held against new ones with tolerance."""

from interp.golden.comparison import Change, Comparison, Policy, Rule, compare
from interp.golden.document import FORMAT, SUFFIX, Golden, dumps, loads, of

__all__ = ["FORMAT", "SUFFIX", "Change", "Comparison", "Golden", "Policy", "Rule", "compare", "dumps", "loads", "of"]
