"""What a model leans on over a whole folder of records: sums over rows, read part by part."""

from interp.summary.compare import compare_summaries, shorten
from interp.summary.result import Example, Integrations, KindSummary, MovedWord, PlaceSummary, Summary, WordSummary
from interp.summary.summarise import summarise

__all__ = [
    "Example",
    "Integrations",
    "KindSummary",
    "MovedWord",
    "PlaceSummary",
    "Summary",
    "WordSummary",
    "compare_summaries",
    "shorten",
    "summarise",
]
