"""How far benign checkpoints are from a baseline: the floors that a candidate's effects are held against.

The exchangeable unit is the training run (Zhang et al. 2021, arXiv 2106.16163): how much a model may differ is learnt
from models that differ in nothing but their training, not from resampled cases. Of k benign runs a statistic has k
values; its floor is what one more run stays below with 99 %, by a prediction bound of the log-normal whose spread is
drawn towards `TYPICAL` where runs are few.

Cues differ in how far trainings move them, by a factor of ten: a word that stands at the edge of names moves much, a
plain adverb little. So every cue has a level for every kind of tag, the geometric mean of its effects over the runs,
drawn towards that of all cues of its sort. A run's value is, for words, for endings, and for every form and place, its
largest effect over the level that the other runs give that cue, and a cue's floor is its level times the bound of
those values.

In tags that turn, a few dozen sentences tell no level of a single cue, and no effect is beyond 1: there all cues of a
family have one level, and the values are odds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, TypeAdapter, ValidationError
from scipy import stats

from interp.errors import FormatError
from interp.probe import Cue, Unit, forms_and_spots
from interp.project.files import write
from interp.project.strict_json import parse_document

__all__ = ["FEWEST", "SCHEMA", "BenignRun", "Floors", "Source", "bound", "find_levels", "load_floors", "save_floors"]

SCHEMA = "interp.floors/1"
CONFIDENCE = 0.99
FAMILIES = 2 + len(forms_and_spots())
"""Words, endings, and every form and place: each has a share of the one per cent of false alarms."""
TYPICAL = 0.2
"""Standard deviation of a statistic's logarithm over benign runs (as benchmarks/shortcuts measured it)."""
WEIGHT = 4
"""Runs that the typical spread, and the level of all cues, count for."""
MOST = 0.99
"""Of tags, beyond which all effects count alike: the odds of a whole one are infinite."""
FEWEST = 3
"""Runs from which a floor can be told at all; five are better."""
NOISY = 0.9
"""Of the levels of its sort, where a cue that was not measured is placed."""
LEAST = 0.1
"""Nats below which all effects count alike: a tag that hardly ever moves would else make much of very little."""

Source = Literal["retrained", "continued"]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, kw_only=True)
class BenignRun:
    """One benign checkpoint held against the baseline."""

    name: str
    source: Source
    cues: Amount
    """The largest effect of any cue, in the floors' unit."""
    ratios: Mapping[str, Amount]
    """By family of cues, the largest over its level in the other runs; the odds of the largest, of tags."""
    flips: Annotated[float, Field(ge=0, le=1)]
    """Part of the words whose tag turned."""
    f1: Annotated[float, Field(ge=-1, le=1)] | None
    """The change of F1; None without right tags."""
    f1_error: Amount | None
    """Its standard error over documents."""
    spread: Mapping[str, Amount]
    """τ of the evidence by group."""
    negative_flips: Annotated[float, Field(ge=0, le=1)] | None = None
    """Part of the entities that the baseline has right which is lost; None without right tags, and in older files."""


@dataclass(frozen=True, kw_only=True)
class Floors:
    """Benign runs of one baseline, and how far they move cues."""

    baseline: str
    """Its fingerprint."""
    data: str
    """Fingerprint of the cases."""
    cases: Count
    """Explained targets."""
    sites: Count
    """Sentences that every cue was put into."""
    runs: tuple[BenignRun, ...]
    levels: Mapping[str, Mapping[str, Amount]]
    """Nats by cue and kind of tag, of those that were measured."""
    usual: Mapping[str, Mapping[str, Amount]]
    """The same by sort of cue; 1 of tags, which have no levels."""
    unit: Unit = "nats"
    """Of cues' effects; earlier files, which do not have it, knew nats alone."""

    def of(self, source: Source) -> Floors:
        return replace(self, runs=tuple(run for run in self.runs if run.source == source))

    def level(self, cue: Cue, kind: str) -> float | None:
        """How far benign trainings usually move it. Several words move what the noisiest of them moves; a cue that was
        not measured is taken for one of the noisier ones of its sort. None where nothing is known.
        """
        parts = cue.words if cue.kind == "words" else ()
        names = {f"{cue.kind} {cue.text}", *(f"words {word}" for word in parts)}
        known = [self.levels[name][kind] for name in names if kind in self.levels.get(name, {})]
        return max(known) if known else self.usual.get(cue.kind, {}).get(kind)

    def usually(self, cue: Cue, kind: str) -> float:
        """The same, for choosing what to measure."""
        return self.level(cue, kind) or LEAST

    def cue(self, cue: Cue, kind: str) -> float | None:
        """How far benign trainings move it at most."""
        level = self.level(cue, kind)
        if level is None:
            return None
        return level * self.ratio(_family(cue)) if self.unit == "nats" else self.part(_family(cue))

    def part(self, family: str) -> float:
        """Of tags, that the cues of a family turn at most."""
        odds = self.ratio(family)
        return odds / (1 + odds)

    def ratio(self, family: str) -> float:
        """How many times their level the cues of a family move at most."""
        return bound([run.ratios[family] for run in self.runs if family in run.ratios], 1 - (1 - CONFIDENCE) / FAMILIES)

    @property
    def flips(self) -> float:
        return bound([run.flips for run in self.runs])

    @property
    def negative_flips(self) -> float | None:
        """None where no run tells."""
        values = [run.negative_flips for run in self.runs if run.negative_flips is not None]
        return bound(values) if values else None

    @property
    def f1(self) -> float:
        """Of the part that trainings differ by; what cases add, which falls with their number, is in every interval."""
        pairs = [(run.f1, run.f1_error or 0.0) for run in self.runs if run.f1 is not None]
        between = [max(change**2 - error**2, 0.0) for change, error in pairs]
        return float(stats.t.ppf(CONFIDENCE, len(between)) * np.sqrt(np.mean(between))) if between else 0.0

    @property
    def spread(self) -> dict[str, float]:
        """τ of the evidence by group: the root mean square over runs. It does not depend on the number of cases."""
        names = sorted({name for run in self.runs for name in run.spread})
        return {name: float(np.sqrt(np.mean([run.spread.get(name, 0.0) ** 2 for run in self.runs]))) for name in names}


Effects = Mapping[tuple[Cue, str], float]
"""The size of a run's effects, by cue and kind of tag."""


@dataclass(frozen=True)
class CueLevels:
    """How far trainings usually move cues, and how far each run went beyond that."""

    by_cue: Mapping[str, Mapping[str, Amount]]
    """By kind and text of a cue, then by kind of tag."""
    by_sort: Mapping[str, Mapping[str, Amount]]
    """Of a cue that was not measured: by kind of cue, then by kind of tag."""
    ratios: Sequence[Mapping[str, float]]
    """Of every run, by family its largest effect over the levels that the other runs give."""


def find_levels(runs: Sequence[Effects], unit: Unit = "nats") -> CueLevels:
    """The levels of what all runs measured."""
    keys = sorted(set.intersection(*(set(run) for run in runs)), key=lambda key: (key[0].kind, key[0].text, key[1]))
    sorts = [(cue.kind, kind) for cue, kind in keys]
    if unit == "of tags":
        return _flat_levels(runs, keys)
    logs = np.log(np.maximum([[run[key] for key in keys] for run in runs], LEAST))  # (runs, keys)
    levels = np.exp(_drawn(logs, sorts))
    by_cue: dict[str, dict[str, float]] = {}
    for (cue, kind), level in zip(keys, levels, strict=True):
        by_cue.setdefault(f"{cue.kind} {cue.text}", {})[kind] = round(float(level), 4)
    by_sort: dict[str, dict[str, float]] = {}
    for sort, kind in dict.fromkeys(sorts):
        levels_of_sort = [level for key, level in zip(sorts, levels, strict=True) if key == (sort, kind)]
        by_sort.setdefault(sort, {})[kind] = round(float(np.quantile(levels_of_sort, NOISY)), 4)
    ratios = []
    for number, run_logs in enumerate(logs):
        levels_of_others = _drawn(np.delete(logs, number, 0), sorts)
        ratios.append(_largest_by_family(keys, np.exp(run_logs - levels_of_others)))
    return CueLevels(by_cue, by_sort, ratios)


def _flat_levels(runs: Sequence[Effects], keys: Sequence[tuple[Cue, str]]) -> CueLevels:
    by_sort: dict[str, dict[str, float]] = {}
    for cue, kind in keys:
        by_sort.setdefault(cue.kind, {})[kind] = 1.0
    parts = np.minimum([[run[key] for key in keys] for run in runs], MOST)
    return CueLevels({}, by_sort, [_largest_by_family(keys, of_run / (1 - of_run)) for of_run in parts])


def _largest_by_family(keys: Sequence[tuple[Cue, str]], values: npt.NDArray[np.float64]) -> dict[str, float]:
    largest: dict[str, float] = {}
    for (cue, _), value in zip(keys, values, strict=True):
        family = _family(cue)
        largest[family] = max(largest.get(family, 0.0), float(value))
    return largest


def _family(cue: Cue) -> str:
    return cue.kind if cue.kind in ("words", "ending") else cue.name


def _drawn(logs: npt.NDArray[np.float64], sorts: Sequence[tuple[str, str]]) -> npt.NDArray[np.float64]:
    """Means over runs (of none: nothing), drawn towards that of all keys of one sort."""
    total = logs.sum(0) if len(logs) else np.full(len(sorts), 0.0)
    usual = np.empty(len(sorts))
    for sort in set(sorts):
        of_sort = np.array([key == sort for key in sorts])
        usual[of_sort] = logs[:, of_sort].mean() if len(logs) else np.log(LEAST)
    return np.asarray((total + WEIGHT * usual) / (len(logs) + WEIGHT))


def bound(values: Sequence[float], confidence: float = CONFIDENCE) -> float:
    """What one more value stays below with this probability; 0 where there is none."""
    positive = np.array([value for value in values if value > 0])
    if not len(positive):
        return 0.0
    logs = np.log(positive)
    free = len(logs) - 1 + WEIGHT
    spread = np.sqrt((((logs - logs.mean()) ** 2).sum() + WEIGHT * TYPICAL**2) / free)
    reach = stats.t.ppf(confidence, free) * spread * np.sqrt(1 + 1 / len(logs))
    return float(max(np.exp(logs.mean() + reach), positive.max()))


def save_floors(floors: Floors, path: Path) -> None:
    """Raises OutputError."""
    write(path, json.dumps({"schema": SCHEMA, **asdict(floors)}, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def load_floors(path: Path) -> Floors:
    """Raises FormatError, which names the file."""
    try:
        document = parse_document(path.read_text(encoding="utf-8"))
        version = document.pop("schema", None)
        if version != SCHEMA:
            raise FormatError(f"{path} has the schema {version!r}, and this release reads {SCHEMA}: calibrate anew.")
        return TypeAdapter(Floors).validate_python(document)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise FormatError(f"{path} is damaged at {key}: calibrate anew.") from error
    except ValueError as error:
        raise FormatError(f"{path} holds no floors ({error}): calibrate anew.") from error
