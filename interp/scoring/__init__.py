"""What models say against what is right: strict spans of both, their F1, and intervals over documents."""

from interp.scoring.confusions import count_confusions, f1
from interp.scoring.resample import CONFIDENCE, FEWEST, Unit, UnitSums, interval, part_interval, unit_of
from interp.scoring.spans import EntityComparison, compare_entities, strict_iob2, strict_spans

__all__ = [
    "CONFIDENCE",
    "FEWEST",
    "EntityComparison",
    "Unit",
    "UnitSums",
    "compare_entities",
    "count_confusions",
    "f1",
    "interval",
    "part_interval",
    "strict_iob2",
    "strict_spans",
    "unit_of",
]
