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
from interp.probe import Cue, forms_and_spots
from interp.project.files import write

__all__ = ["FEWEST", "SCHEMA", "BenignRun", "Floors", "Source", "bound", "levels", "load_floors", "save_floors"]

SCHEMA = "interp.floors/1"
CONFIDENCE = 0.99
FAMILIES = 2 + len(forms_and_spots())
"""Words, endings, and every form and place: each has a share of the one per cent of false alarms."""
TYPICAL = 0.2
"""Standard deviation of a statistic's logarithm over benign runs (as benchmarks/shortcuts measured it)."""
WEIGHT = 4
"""Runs that the typical spread, and the level of all cues, count for."""
FEWEST = 3
"""Runs from which a floor can be told at all; five are better."""
NOISY = 0.9
"""Of the levels of its sort, where a cue that was not measured is placed."""
LEAST = 0.1
"""Nats below which all effects count alike: a tag that hardly ever moves would else make much of very little."""

Source = Literal["retrained", "continued"]


@dataclass(frozen=True, kw_only=True)
class BenignRun:
    """One benign checkpoint held against the baseline.

    `cues`: the largest effect of any cue, in nats; `ratios`: by family of cues, the largest over its level in the other
    runs. `flips`: part of the words whose tag turned. `f1`: the change of F1, with its standard error `f1_error` over
    documents, None without right tags. `spread`: τ of the evidence by group.
    """

    name: str
    source: Source
    cues: float
    ratios: Mapping[str, float]
    flips: float
    f1: float | None
    f1_error: float | None
    spread: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Floors:
    """Benign runs of one baseline (`baseline` is its fingerprint), on `cases` explained targets of `data`, probed at so
    many `sites`.

    `levels`: nats by cue and kind of tag, of those that were measured; `usual` by sort of cue and kind of tag.
    """

    baseline: str
    data: str
    cases: int
    sites: int
    runs: tuple[BenignRun, ...]
    levels: Mapping[str, Mapping[str, float]]
    usual: Mapping[str, Mapping[str, float]]

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
        return None if level is None else level * self.ratio(_family(cue))

    def ratio(self, family: str) -> float:
        """How many times their level the cues of a family move at most."""
        return bound([run.ratios[family] for run in self.runs if family in run.ratios], 1 - (1 - CONFIDENCE) / FAMILIES)

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


Effects = Mapping[tuple[Cue, str], float]
"""The size of a run's effects in nats, by cue and kind of tag."""
Levels = dict[str, dict[str, float]]


def levels(runs: Sequence[Effects]) -> tuple[Levels, Levels, list[dict[str, float]]]:
    """Levels by cue and kind, those of a cue that was not measured by its sort, and of every run by family its
    largest effect over the levels that the others give.
    """
    keys = sorted(set.intersection(*(set(run) for run in runs)), key=lambda key: (key[0].kind, key[0].text, key[1]))
    sorts = [(cue.kind, kind) for cue, kind in keys]
    logs = np.log(np.maximum([[run[key] for key in keys] for run in runs], LEAST))  # (runs, keys)
    own = np.exp(_drawn(logs, sorts))
    found: Levels = {}
    usual: Levels = {}
    for (cue, kind), level in zip(keys, own, strict=True):
        found.setdefault(f"{cue.kind} {cue.text}", {})[kind] = round(float(level), 4)
    for sort, kind in dict.fromkeys(sorts):
        same = [level for each, level in zip(sorts, own, strict=True) if each == (sort, kind)]
        usual.setdefault(sort, {})[kind] = round(float(np.quantile(same, NOISY)), 4)
    ratios = []
    for number, row in enumerate(logs):
        over = np.exp(row - _drawn(np.delete(logs, number, 0), sorts))
        most: dict[str, float] = {}
        for (cue, _), value in zip(keys, over, strict=True):
            most[_family(cue)] = max(most.get(_family(cue), 0.0), float(value))
        ratios.append(most)
    return found, usual, ratios


def _family(cue: Cue) -> str:
    return cue.kind if cue.kind in ("words", "ending") else cue.name


def _drawn(logs: npt.NDArray[np.float64], sorts: Sequence[tuple[str, str]]) -> npt.NDArray[np.float64]:
    """Means over runs (of none: nothing), drawn towards that of all keys of one sort."""
    total = logs.sum(0) if len(logs) else np.full(len(sorts), 0.0)
    usual = np.empty(len(sorts))
    for sort in set(sorts):
        same = np.array([each == sort for each in sorts])
        usual[same] = logs[:, same].mean() if len(logs) else np.log(LEAST)
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
