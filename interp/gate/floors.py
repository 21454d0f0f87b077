"""How far benign checkpoints are from a baseline: the floors that a candidate's effects are held against.

The exchangeable unit is the training run (Zhang et al. 2021, arXiv 2106.16163): how much a model may differ is learnt
from models that differ in nothing but their training, not from resampled cases. Of k benign runs a statistic has k
values; its floor is what one more run stays below with 99 %, by a prediction bound of the log-normal whose spread is
drawn towards `TYPICAL` where runs are few.

Cues differ in how far trainings move them, by a factor of ten: a word that stands at the edge of names moves much, a
plain adverb little. So every cue has a level for every kind of tag, the geometric mean of its effects over the runs,
drawn towards that of all cues; a run's value is its largest effect over the level that the other runs give that cue,
and a cue's floor is its level times the bound of those values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from interp.errors import FormatError
from interp.files import write
from interp.probe import Cue

__all__ = ["SCHEMA", "Floors", "Run", "Source", "bound", "levels", "load", "save"]

SCHEMA = "interp.floors/1"
CONFIDENCE = 0.99
TYPICAL = 0.35
"""Standard deviation of a statistic's logarithm over benign runs (benchmarks/shortcuts measured 0.2 to 0.4)."""
WEIGHT = 4
"""Runs that the typical spread, and the level of all cues, count for."""
LEAST = 0.02
"""Nats below which all effects count alike."""

Source = Literal["retrained", "continued"]


@dataclass(frozen=True)
class Run:
    """One benign checkpoint held against the baseline.

    `cues`: the largest effect of any cue, in nats; `ratio`: the largest over its level in the other runs. `flips`: part
    of the words whose tag turned. `f1`: the change of F1, with its standard error `f1_error` over documents, None
    without right tags. `spread`: τ of the evidence by group.
    """

    name: str
    source: Source
    cues: float
    ratio: float
    flips: float
    f1: float | None
    f1_error: float | None
    spread: Mapping[str, float]


@dataclass(frozen=True)
class Floors:
    """Benign runs of one baseline (`baseline` is its fingerprint), on `cases` explained targets of `data`.

    `levels`: nats by cue and kind of tag, of those that were measured; `usual` of all.
    """

    baseline: str
    data: str
    cases: int
    runs: tuple[Run, ...]
    levels: Mapping[str, Mapping[str, float]]
    usual: float

    def of(self, source: Source) -> Floors:
        return replace(self, runs=tuple(run for run in self.runs if run.source == source))

    def level(self, cue: Cue, kind: str) -> float:
        """How far benign trainings usually move it."""
        parts = cue.words if cue.kind == "words" else ()  # several words move what the noisiest of them moves
        names = {f"{cue.kind} {cue.text}", *(f"words {word}" for word in parts)}
        known = [self.levels[name][kind] for name in names if kind in self.levels.get(name, {})]
        return max(known, default=self.usual)

    def cue(self, cue: Cue, kind: str) -> float:
        """How far benign trainings move it at most."""
        return self.level(cue, kind) * self.ratio

    @property
    def ratio(self) -> float:
        return bound([run.ratio for run in self.runs])

    @property
    def flips(self) -> float:
        return bound([run.flips for run in self.runs])

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


Effects = Mapping[tuple[str, str], float]
"""The size of a run's effects in nats, by cue and kind of tag."""


def levels(runs: Sequence[Effects]) -> tuple[dict[str, dict[str, float]], float, list[float]]:
    """Levels by cue and kind, that of all, and of every run its largest effect over the levels of the others."""
    keys = sorted(set.intersection(*(set(run) for run in runs)))
    logs = np.log(np.maximum([[run[key] for key in keys] for run in runs], LEAST))  # (runs, keys)
    own, usual = _drawn(logs)
    found: dict[str, dict[str, float]] = {}
    for (cue, kind), level in zip(keys, np.exp(own), strict=True):
        found.setdefault(cue, {})[kind] = round(float(level), 4)
    others = [_drawn(np.delete(logs, number, 0))[0] if len(runs) > 1 else usual for number in range(len(runs))]
    ratios = [float(np.exp((row - each).max())) for row, each in zip(logs, others, strict=True)]
    return found, float(np.exp(usual)), ratios


def _drawn(logs: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """Mean over runs, drawn towards that of all keys, and that."""
    usual = float(logs.mean())
    return (logs.sum(0) + WEIGHT * usual) / (len(logs) + WEIGHT), usual


def bound(values: Sequence[float]) -> float:
    """What one more value stays below; 0 where there is none."""
    positive = np.array([value for value in values if value > 0])
    if not len(positive):
        return 0.0
    logs = np.log(positive)
    free = len(logs) - 1 + WEIGHT
    spread = np.sqrt((((logs - logs.mean()) ** 2).sum() + WEIGHT * TYPICAL**2) / free)
    reach = stats.t.ppf(CONFIDENCE, free) * spread * np.sqrt(1 + 1 / len(logs))
    return float(max(np.exp(logs.mean() + reach), positive.max()))


def save(floors: Floors, path: Path) -> None:
    """Raises OutputError."""
    write(path, json.dumps({"schema": SCHEMA, **asdict(floors)}, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def load(path: Path) -> Floors:
    """Raises FormatError, which names the file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = document.pop("schema", None)
        if version != SCHEMA:
            raise FormatError(f"{path} has the schema {version!r}, and this release reads {SCHEMA}: calibrate anew.")
        return TypeAdapter(Floors).validate_python(document)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise FormatError(f"{path} is damaged at {key}: calibrate anew.") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise FormatError(f"{path} holds no floors: calibrate anew.") from error
