"""What one run of the benchmarks measured: pytest-benchmark's JSON, with what interp's suites put into it.

Whatever is in memory has passed: no NaN, no infinity, nothing missing but what may be (None), quartiles in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar, get_args

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from interp.errors import FormatError, InputError

__all__ = [
    "PRECISIONS",
    "SCHEMA",
    "WORKS",
    "Against",
    "Cell",
    "Device",
    "Machine",
    "Measurement",
    "NotRun",
    "Pairs",
    "Platform",
    "Precision",
    "ResultFile",
    "Spread",
    "Work",
    "holds_results",
    "read_results",
]

SCHEMA = "interp.bench/1"

Work = Literal[
    "layers",
    "words",
    "words-default",
    "analysis",
    "analysis-33",
    "sweep",
    "share",
    "devices",
    "memory",
    "memory-1GiB",
    "growth",
    "sentences",
    "targets",
]
Device = Literal["cpu", "cuda"]
Precision = Literal["float32", "tf32", "bfloat16"]
Against = Literal["captum-50", "captum-matched", "transformers-interpret", "bare", "cpu"]
WORKS: tuple[Work, ...] = get_args(Work)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_T = TypeVar("_T")
_Name = Annotated[str, Field(min_length=1)]
_Count = Annotated[int, Field(strict=True, ge=0)]
_Some = Annotated[int, Field(strict=True, ge=1)]
_Number = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


def _rates(given: object) -> object:
    """Tables in tables as one: `{"cuda": {"tf32": 1.0}}` is `{"cuda tf32": 1.0}`."""
    if not isinstance(given, dict):
        return given
    flat: dict[str, object] = {}
    for name, value in given.items():
        inner = _rates(value)
        flat |= {f"{name} {rest}": rate for rest, rate in inner.items()} if isinstance(inner, dict) else {name: inner}
    return flat


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The hardware and what drives it. `matmul`: matrix products a second (FLOP/s) measured on it, by name."""

    __pydantic_config__ = ConfigDict(extra="ignore")  # pytest-benchmark's own entries

    cpu_model: _Name
    gpu: _Name | None
    driver: _Name | None
    torch: _Name
    threads: _Some
    matmul: Annotated[Mapping[str, _Number], BeforeValidator(_rates)]


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of what was measured several times."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    median: _Number
    q1: _Number
    q3: _Number

    def __post_init__(self) -> None:
        if not self.q1 <= self.median <= self.q3:  # NaN too
            raise ValueError(f"the quartiles {self.q1:g}, {self.median:g}, {self.q3:g} are not in order")


@dataclass(frozen=True)
class Pairs(Spread):
    """The same of ratios taken pair by pair, both sides in turn."""

    pairs: _Some


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is measured, wherever that is: one cell of the benchmarks' matrix."""

    work: Work
    model: str
    tokens: int
    sentences: int
    targets: int
    precision: Precision
    against: Against | None

    @property
    def name(self) -> str:
        """One sentence and one target go without saying."""
        sizes = [f"{self.tokens} token{'' if self.tokens == 1 else 's'}"]
        sizes += [f"{self.sentences} sentences"] if self.sentences > 1 else []
        sizes += [f"{self.targets} targets"] if self.targets > 1 else []
        versus = f", against {self.against}" if self.against else ""
        return f"{self.work} of {self.model}, {' × '.join(sizes)}, {self.precision}{versus}"

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts cells as people read them: by work, then from small to large."""
        kind = (WORKS.index(self.work), self.model, PRECISIONS.index(self.precision))
        return (*kind, self.tokens, self.sentences, self.targets, self.against or "")


@dataclass(frozen=True)
class Platform:
    """Where it is measured: the device and what its speed depends on. `gpu` is None for work on the CPU."""

    device: Device
    cpu: str
    gpu: str | None
    threads: int

    @property
    def order(self) -> tuple[object, ...]:
        return self.device, self.gpu or "", self.cpu, self.threads


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One cell as it was measured in one place.

    `evaluations` are rows forward, `backward` rows backward (once for every target that wants them). `ratio` is their
    time over ours, so that larger is better; of a sweep it is ours over the bare one's. `peak_memory` is in bytes above
    the weights. `id` is the benchmark's name in pytest.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: _Name
    work: Work
    model: _Name
    sha256: _Name
    tokens: _Some
    sentences: _Some
    targets: _Some
    device: Device
    precision: Precision
    threads: _Some
    against: Against | None
    against_steps: _Some | None
    evaluations: _Count
    backward: _Count
    forwards: _Count
    rows_per_forward: _Count
    bytes_per_row: _Count
    peak_memory: _Count | None
    error: _Number | None
    against_error: _Number | None
    seconds: Spread
    against_seconds: Spread | None
    ratio: Pairs | None
    matmul_share: _Number | None

    def __post_init__(self) -> None:
        theirs = ("against_steps", "against_error", "against_seconds", "ratio")
        alone = [name for name in theirs if getattr(self, name) is not None]
        if self.against is None and alone:
            raise ValueError(f"against is null, but {' and '.join(alone)} is given")
        if self.against is not None and (self.work == "sweep") != (self.against == "bare"):
            raise ValueError("a sweep is held against bare, and nothing else is: a ratio would be read upside down")

    @property
    def cell(self) -> Cell:
        return Cell(
            work=self.work,
            model=self.model,
            tokens=self.tokens,
            sentences=self.sentences,
            targets=self.targets,
            precision=self.precision,
            against=self.against,
        )


@dataclass(frozen=True)
class NotRun:
    """A benchmark left out because it would have taken too long."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: _Name
    predicted_seconds: _Number


@dataclass(frozen=True)
class ResultFile:
    """One file. `commit` is that of the code measured, where pytest-benchmark knew it."""

    file: str
    machine: Machine
    records: tuple[Measurement, ...]
    not_run: tuple[NotRun, ...]
    commit: str | None = None

    def place(self, record: Measurement) -> Platform:
        gpu = self.machine.gpu if record.device == "cuda" else None
        return Platform(record.device, self.machine.cpu_model, gpu, record.threads)


def read_results(path: Path) -> ResultFile:
    """Read a file of results. Raises InputError when there is none, FormatError when it does not fit."""
    shown, document = str(path), _document(path)
    if not _ours(document):
        raise FormatError(f"{shown} holds no results of benchmarks: write them with pytest --benchmark-json.")
    machine = _checked(Machine, _part(document, "machine_info", dict, shown), shown, "machine_info")
    records = tuple(
        _record(benchmark, f"benchmarks[{number}]", shown)
        for number, benchmark in enumerate(_part(document, "benchmarks", list, shown))
    )
    skipped = _part(_part(document, "interp", dict, shown), "not_run", list, f"{shown}: interp")
    not_run = tuple(_checked(NotRun, entry, shown, f"interp.not_run[{number}]") for number, entry in enumerate(skipped))
    for record in records:
        if record.device == "cuda" and machine.gpu is None:
            raise FormatError(f"{shown}: {record.id} ran on cuda, but machine_info.gpu is null.")
    info = document.get("commit_info")
    commit = info.get("id") if isinstance(info, dict) else None
    return ResultFile(
        shown, machine, records=records, not_run=not_run, commit=commit if isinstance(commit, str) else None
    )


def holds_results(path: Path) -> bool:
    """Whether a file is pytest-benchmark's, rather than other data beside it. Raises as `read` for a damaged file."""
    return _ours(_document(path))


def _ours(document: object) -> bool:
    return isinstance(document, dict) and bool({"benchmarks", "machine_info"} & document.keys())


def _document(path: Path) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise FormatError(f"{path}: holds {constant}, which is no measurement: run its benchmark again.")

    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: is no JSON ({error}).") from error


def _part(document: Mapping[str, Any], key: str, kind: type[_T], shown: str) -> _T:
    if key not in document:
        raise FormatError(f'{shown}: "{key}" is missing.')
    part = document[key]
    if not isinstance(part, kind):
        raise FormatError(f'{shown}: "{key}" is no {"table" if kind is dict else "list"}.')
    return part


def _record(benchmark: object, where: str, shown: str) -> Measurement:
    name = benchmark.get("fullname") if isinstance(benchmark, dict) else None
    if not isinstance(benchmark, dict) or not isinstance(name, str):
        raise FormatError(f"{shown}: {where} has no fullname, so is no benchmark of pytest-benchmark.")
    info = dict(_part(benchmark, "extra_info", dict, f"{shown}: {name}"))
    version = info.pop("schema", None)
    if version != SCHEMA:
        fault = "has no schema" if version is None else f"has the schema {json.dumps(version)}"
        raise FormatError(f"{shown}: {name} {fault}, and this release reads {SCHEMA}: measure again.")
    return _checked(Measurement, info | {"id": name}, shown, name)


def _checked(kind: type[_T], given: object, shown: str, where: str) -> _T:
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        raise FormatError(f"{shown}: {where}: {'; '.join(_problems(error, kind))}.") from error


def _problems(error: ValidationError, kind: type[object]) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "unexpected_keyword_argument":
            close = get_close_matches(key, _fields(kind), n=1)
            yield f"{key} is an unknown key{f'; did you mean {close[0]}' if close else ''}"
        elif problem["type"] == "missing":
            yield f"{key} is missing"
        elif problem["type"] == "value_error":
            yield f"{key}: {problem['ctx']['error']}" if key else str(problem["ctx"]["error"])
        else:
            yield f"{key}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _fields(kind: type[object]) -> Sequence[str]:
    return list(getattr(kind, "__dataclass_fields__", {}))
