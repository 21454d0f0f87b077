"""Timing, peak memory and what the device can do at best: nothing here knows an engine."""

from __future__ import annotations

import ctypes
import gc
import platform
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import psutil
import torch

__all__ = ["DTYPES", "arithmetic", "burst", "machine", "matmul_rate", "measured_rates", "peak", "quartiles", "timed"]

T = TypeVar("T")
DTYPES = {"float32": "float32", "tf32": "float32", "bfloat16": "bfloat16"}
"""How weights are held, by precision: TF32 is float32 whose matrix products are rounded."""

SIZES = {"cpu": (1024, 2048), "cuda": (4096, 8192)}
_rates: dict[tuple[str, str], float] = {}


def synchronise(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def timed(work: Callable[[], T], device: str) -> tuple[float, T]:
    """Seconds until the device is done, and what the work gave."""
    synchronise(device)
    start = perf_counter()
    result = work()
    synchronise(device)
    return perf_counter() - start, result


def quartiles(values: Sequence[float]) -> dict[str, float]:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {"median": float(middle), "q1": float(low), "q3": float(high)}


@contextmanager
def arithmetic(precision: str) -> Iterator[None]:
    """Float32 products in full, or rounded to TF32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def burst(device: str, precision: str, size: int, repeats: int) -> Callable[[], float]:
    """Square matrix products; calling it gives their operations per second."""
    dtype = getattr(torch, DTYPES[precision])
    first, second = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    into = torch.empty_like(first)

    def run() -> float:
        with arithmetic(precision):
            seconds, _ = timed(lambda: [torch.mm(first, second, out=into) for _ in range(repeats)], device)
        return repeats * 2.0 * size**3 / seconds

    run()
    return run


def matmul_rate(device: str, precision: str) -> float:
    """The best rate of matrix products, operations per second; measured once a run."""
    if (device, precision) not in _rates:
        repeats = 5 if device == "cpu" else 50
        runs = [burst(device, precision, size, repeats) for size in SIZES[torch.device(device).type]]
        _rates[device, precision] = max(run() for run in runs for _ in range(4))
    return _rates[device, precision]


def measured_rates() -> dict[str, float]:
    """By precision, where one device was measured; the CPU's are marked where a GPU was measured too."""
    both = len({device for device, _ in _rates}) > 1
    return {f"cpu {name}" if both and device == "cpu" else name: rate for (device, name), rate in _rates.items()}


def peak(work: Callable[[], T], device: str) -> tuple[int | None, T]:
    """Bytes of memory the work took at its peak above what was held before; None where the system does not tell."""
    gc.collect()
    if device != "cpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = work()
        return torch.cuda.max_memory_allocated() - before, result
    watched = _watch()
    before = psutil.Process().memory_info().rss
    result = work()
    return (max(0, _high_water() - before) if watched else None), result


def _watch() -> bool:
    """Hand freed memory back to the system and forget its high-water mark; False where that cannot be done."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _high_water() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


@cache
def machine() -> dict[str, Any]:
    """What stands in the results about this machine."""
    there = torch.cuda.is_available()
    return {
        "cpu_model": _processor(),
        "gpu": torch.cuda.get_device_name() if there else None,
        "driver": _driver() if there else None,
        "torch": torch.__version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _driver() -> str | None:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0].strip()
    except (OSError, subprocess.CalledProcessError):
        return None
