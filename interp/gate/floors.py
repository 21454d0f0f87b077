"""How far benign checkpoints are from a baseline: the floors that a candidate's effects are held against.

The exchangeable unit is the training run (Zhang et al. 2021, arXiv 2106.16163): how much a model may differ is learnt
from models that differ in nothing but their training, not from resampled cases. Of k benign runs a statistic has k
values; its floor is what one more run stays below with 99 %, by a prediction bound of the log-normal whose spread is
drawn towards `TYPICAL` where runs are few.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from interp.errors import FormatError
from interp.files import write

__all__ = ["SCHEMA", "Floors", "Run", "Source", "bound", "load", "save"]

SCHEMA = "interp.floors/1"
CONFIDENCE = 0.99
TYPICAL = 0.35
"""Standard deviation of a statistic's logarithm over benign runs (benchmarks/shortcuts measured 0.2 to 0.4)."""
WEIGHT = 4
"""Runs that the typical spread counts for."""

Source = Literal["retrained", "continued"]


@dataclass(frozen=True)
class Run:
    """One benign checkpoint held against the baseline.

    `cues`: the largest effect of any cue, in nats. `flips`: part of the words whose tag turned. `f1`: the change of F1,
    with its standard error `f1_error` over documents, None without right tags. `spread`: τ of the evidence by group.
    """

    name: str
    source: Source
    cues: float
    flips: float
    f1: float | None
    f1_error: float | None
    spread: Mapping[str, float]


@dataclass(frozen=True)
class Floors:
    """Benign runs of one baseline (`baseline` is its fingerprint), on `cases` explained targets of `data`."""

    baseline: str
    data: str
    cases: int
    runs: tuple[Run, ...]

    def of(self, source: Source) -> Floors:
        return Floors(self.baseline, self.data, self.cases, tuple(run for run in self.runs if run.source == source))

    @property
    def cues(self) -> float:
        return bound([run.cues for run in self.runs])

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
