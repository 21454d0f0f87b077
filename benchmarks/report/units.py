"""Measured numbers as people read them: three digits and a unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from benchmarks.report.results import Platform, Spread

__all__ = ["change", "count", "counted", "labels", "percent", "plain", "rate", "seconds", "size", "spread", "times"]

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_RATES = ((1e12, "TFLOP/s"), (1e9, "GFLOP/s"), (1e6, "MFLOP/s"), (1.0, "FLOP/s"))
_TIMES = ((600.0, 60.0, "min"), (1.0, 1.0, "s"), (1e-3, 1e-3, "ms"), (0.0, 1e-6, "µs"))
_NOISE = re.compile(r"\((?:R|TM|C)\)|\bCPU\b|\bProcessor\b|@.*|\b\d+-Core\b", re.IGNORECASE)


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.95 else f"{value:#.3g}"


def seconds(value: float) -> str:
    size, unit = next((size, unit) for least, size, unit in _TIMES if value >= least)
    return f"{_digits(value / size)} {unit}"


def size(value: float) -> str:
    power = 0
    while value >= 1024 and power < len(_BINARY) - 1:
        value, power = value / 1024, power + 1
    return f"{_digits(value)} {_BINARY[power]}" if power else f"{value:.0f} B"


def rate(value: float) -> str:
    unit, name = next((pair for pair in _RATES if value >= pair[0]), _RATES[-1])
    return f"{_digits(value / unit)} {name}"


def times(value: float) -> str:
    return f"{_digits(value)} ×"


def count(value: float) -> str:
    return f"{value:,.0f}"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(value: float) -> str:
    return f"{100 * value:.{0 if value >= 0.0995 else 1}f} %"


def spread(value: Spread, shown: Callable[[float], str]) -> str:
    """`12.3 ms (12.1–12.8)`: the quartiles without a unit where it is the median's, none where there are none."""
    middle = shown(value.median)
    if value.q1 == value.q3:
        return middle
    unit = f" {middle.rpartition(' ')[2]}"
    ends = [shown(value.q1), shown(value.q3)]
    if all(end.endswith(unit) for end in ends):
        ends = [end.removesuffix(unit) for end in ends]
    return f"{middle} ({ends[0]}–{ends[1]})"


def change(old: float, new: float) -> str:
    """`+64 %`; of nothing there is no per cent."""
    if not old:
        return ""
    moved = 100 * (new / old - 1)
    return f"{moved:+.{0 if abs(moved) >= 9.95 else 1}f} %".replace("-", "−")


def labels(places: Iterable[Platform]) -> dict[Platform, str]:
    """Short names, different for different places: CPUs with their threads, GPUs by model where that is enough."""
    every = sorted(set(places), key=lambda place: place.order)
    for candidates in ([_short, _threaded, _hosted], [_full]):
        names: dict[Platform, str] = {}
        for place in every:
            names[place] = next(
                (name(place) for name in candidates if _only(place, name, every)), candidates[-1](place)
            )
        if len(set(names.values())) == len(every):
            return names
    return {place: f"{_full(place)} #{number}" for number, place in enumerate(every, start=1)}


def _only(place: Platform, name: Callable[[Platform], str], every: Sequence[Platform]) -> bool:
    return [name(known) for known in every].count(name(place)) == 1


def plain(model: str) -> str:
    return " ".join(_NOISE.sub(" ", model).split()) or model


def _threads(place: Platform) -> str:
    return counted(place.threads, "thread")


def _short(place: Platform) -> str:
    return plain(place.gpu) if place.gpu else _threaded(place)


def _threaded(place: Platform) -> str:
    return f"{plain(place.gpu or place.cpu)}, {_threads(place)}"


def _hosted(place: Platform) -> str:
    return f"{plain(place.gpu)} beside {plain(place.cpu)}, {_threads(place)}" if place.gpu else _threaded(place)


def _full(place: Platform) -> str:
    return f"{place.gpu} beside {place.cpu}, {_threads(place)}" if place.gpu else f"{place.cpu}, {_threads(place)}"
