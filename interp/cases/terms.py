"""What the library calls its parameters, as whoever writes case files knows them."""

from __future__ import annotations

import re

from interp.errors import InputError, InterpError, TooLongError

__all__ = ["error_in_case_terms", "in_case_terms"]

ELSEWHERE = {
    "tolerance": "`integration_tolerance`",
    "device": "`device` of [tool.interp]",
    "dtype": "`dtype` of [tool.interp]",
    "memory": "`memory` of [tool.interp]",
}
"""Parameters that have another name or place there; a case's `tolerance` is that of its golden."""


def in_case_terms(sentence: str) -> str:
    """The library speaks of its parameters, as in `max_evaluations`; cases have keys, and their project settings."""
    return re.sub(r"`(\w+)`", lambda match: ELSEWHERE.get(match[1], match[0]), sentence)


def error_in_case_terms(error: InterpError) -> InterpError:
    """The same of an error. A case has no window: its checks name words of the whole text."""
    if isinstance(error, TooLongError):
        return InputError(error.without_window)
    return type(error)(in_case_terms(str(error)))
