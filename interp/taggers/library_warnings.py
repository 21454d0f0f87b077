"""What a library warns of while it loads a tagger, as notices of that tagger."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collect_warnings", "first_sentence"]


@contextmanager
def collect_warnings(name: str) -> Iterator[list[str]]:
    """Notices of the tagger `name`, there when the block ends. Warnings for developers go where warnings go."""
    notices: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notices
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            notices.append(f"{name}: {first_sentence(str(warning.message))}.")
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    notices[:] = dict.fromkeys(notices)


def first_sentence(message: str) -> str:
    """Of a library's message, which may go on for long; without its full stop."""
    return re.split(r"(?<!e\.g)\.\s", " ".join(message.split()), maxsplit=1)[0].rstrip(".")
