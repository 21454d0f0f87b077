"""The benchmarks as pytest runs them: options, the matrix as parameters, what is recorded with each result.

    pytest benchmarks --interp-device cpu --interp-device cuda --benchmark-json results.json

Not with pytest-xdist: processes would disturb each other, and `--benchmark-json` writes nothing then. Threads are
torch's default or $INTERP_BENCH_THREADS.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.append(str(Path(__file__).resolve().parent.parent))  # for benchmarks.*; an installed interp goes before

from benchmarks import meter
from benchmarks.cells import LIMIT, Cell, matrix, predicted
from interp.errors import DeviceError
from interp.models.device import find_device

FULL_PAIRS, DEFAULT_PAIRS = 3, 1
NOT_RUN = pytest.StashKey[list[tuple[str, float]]]()
PLANNED = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("benchmark")
    group.addoption("--benchmark-full", action="store_true", help="The whole matrix, not what ends within 5 minutes.")
    group.addoption(
        "--benchmark-pairs",
        type=int,
        metavar="N",
        help=f"Runs of both engines in turn, at least (default {DEFAULT_PAIRS}; with --benchmark-full {FULL_PAIRS}).",
    )
    group.addoption(
        "--benchmark-limit",
        type=float,
        default=LIMIT,
        metavar="SECONDS",
        help="What is predicted to take longer is listed and not run (default %(default)s).",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "matrix(work): runs on the cells of this work")
    config.stash[NOT_RUN] = []
    if threads := os.environ.get("INTERP_BENCH_THREADS"):
        torch.set_num_threads(int(threads))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("matrix")
    if mark is None:
        return
    option = metafunc.config.option
    devices = dict.fromkeys(_named(name) for name in option.interp_device or ["cpu"])
    if mark.args[0] == "devices":  # the CPU's time is what the others are held against
        devices = dict.fromkeys([device for device in devices if device != "cpu"] or ["cuda"])
    cells = matrix(mark.args[0], list(devices), option.benchmark_full)
    chosen = [pytest.param(cell, id=cell.id) for cell in cells]
    none = pytest.param(None, id="none", marks=pytest.mark.skip(reason="only with --benchmark-full"))
    metafunc.parametrize("cell", chosen or [none])


def _named(device: str) -> str:
    return find_device(device).type if device == "auto" else device


def _missing(device: str) -> str | None:
    """Why nothing can be measured there."""
    try:
        find_device(device)
    except DeviceError as error:
        return str(error).partition(": use --device")[0] + "."
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Predict what every chosen cell costs, and leave out those beyond the limit."""
    kept, left = [], []
    total = 0.0
    for item in items:
        cell = item.callspec.params.get("cell") if hasattr(item, "callspec") else None
        if not isinstance(cell, Cell):
            kept.append(item)
            continue
        if why := _missing(cell.device):
            item.add_marker(pytest.mark.skip(reason=why))
            kept.append(item)
            continue
        seconds = predicted(cell, _pairs(config), meter.matmul_rate)
        if seconds > config.option.benchmark_limit:
            config.stash[NOT_RUN].append((item.nodeid, seconds))
            left.append(item)
        else:
            total += seconds
            kept.append(item)
    config.stash[PLANNED] = total
    if left:
        config.hook.pytest_deselected(items=left)
    items[:] = kept


def _pairs(config: pytest.Config) -> int:
    return config.option.benchmark_pairs or (FULL_PAIRS if config.option.benchmark_full else DEFAULT_PAIRS)


def pytest_report_collectionfinish(config: pytest.Config) -> str:
    return f"benchmarks: about {config.stash.get(PLANNED, 0.0):.0f} s predicted, {torch.get_num_threads()} threads"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if left := config.stash[NOT_RUN]:
        terminalreporter.section(f"benchmarks not run: beyond {config.option.benchmark_limit:.0f} s")
        for name, seconds in left:
            terminalreporter.line(f"{name}  predicted {seconds:.0f} s")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish() -> Iterator[None]:
    """Where every chosen cell was skipped there is nothing to save: pytest-benchmark warns, which is no error here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Not saving anything")
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info.get("cpu", {}).pop("flags", None)
    machine_info |= meter.machine() | {
        "threads": torch.get_num_threads(),
        "matmul": meter.measured_rates(),
    }


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Raw timings go: the quartiles stay, and what was not run is named."""
    for result in output_json["benchmarks"]:
        result["stats"].pop("data", None)
    left = config.stash[NOT_RUN]
    output_json["interp"] = {"not_run": [{"id": name, "predicted_seconds": round(s, 1)} for name, s in left]}


@pytest.fixture(autouse=True)
def _precision(request: pytest.FixtureRequest) -> Iterator[None]:
    if "cell" not in request.fixturenames:
        yield
        return
    with meter.arithmetic(request.getfixturevalue("cell").precision):
        yield


@pytest.fixture
def measure(benchmark: Any, cell: Cell, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Run a work against another, in turns, and record it; see `benchmarks.run.run`."""
    from benchmarks.run import Effort, run

    config = request.config
    seconds = 30.0 if config.option.benchmark_full else 4.0
    effort = Effort(_pairs(config), seconds)

    def measured(*args: Any, **options: Any) -> None:
        benchmark.extra_info |= run(benchmark, cell, effort, *args, **options)

    return measured


class Limit:
    """What a cell may take; calling it gives a cell up whose cost turned out to be beyond."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.seconds: float = request.config.option.benchmark_limit
        self._request = request

    def __call__(self, seconds: float) -> None:
        self._request.config.stash[NOT_RUN].append((self._request.node.nodeid, seconds))
        pytest.skip(f"about {seconds:.0f} s: beyond the limit")


@pytest.fixture
def limit(request: pytest.FixtureRequest) -> Limit:
    return Limit(request)
