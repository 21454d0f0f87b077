"""How numbers are written in every report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from interp.explanation import Explanation

__all__ = ["largest", "per_cent", "probability", "signed", "unsigned"]


def largest(values: Iterable[float]) -> float:
    """The largest absolute value, 0 for none."""
    return max(map(abs, values), default=0.0)


def signed(values: Iterable[float], digits: int = 4) -> Callable[[float], str]:
    """One signed number format for values read together: `digits` significant ones in the largest."""
    top = largest(value for value in values if math.isfinite(value))
    power = math.floor(math.log10(top)) if top else 0
    form = f"+.{max(digits - 1 - power, 0)}f" if -4 <= power < 6 else f"+.{digits - 1}e"

    def number(value: float) -> str:
        text = format(value, form)
        mantissa = text.split("e")[0]
        return text[1:] if math.isfinite(value) and _is_zero(mantissa) else text

    return number


def _is_zero(digits: str) -> bool:
    """Whether a number was rounded to nothing, so that a sign would lie."""
    return not any(digit in "123456789" for digit in digits)


def per_cent(share: float, decimals: int = 0) -> str:
    """A signed share, without a sign where it rounds to none."""
    text = f"{100 * share:+.{decimals}f}"
    return f"{text[1:] if _is_zero(text) else text} %"


def unsigned(number: Callable[[float], str], explanation: Explanation) -> Callable[[float], str]:
    """The same format, without a plus where the method gives magnitudes."""
    magnitudes = explanation.method is not None and not explanation.method.signed
    return (lambda value: number(value).lstrip("+")) if magnitudes else number


def probability(value: float | None) -> str:
    """Four decimals, never rounded up to a certainty that the model did not state; empty for None."""
    if value is None:
        return ""
    return ">.9999" if 0.99995 <= value < 1 else f"{value:.4f}"
