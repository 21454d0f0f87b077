"""Sentences that a command names, read in sight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interp.cli.console import say
from interp.cli.progress import phase

if TYPE_CHECKING:
    from interp.project.settings import Settings
    from interp.texts import Sentence

__all__ = ["read_texts"]


def read_texts(
    specs: Sequence[str], settings: Settings, usual: str | None = None, labels: bool = True
) -> list[Sentence]:
    """As `interp.texts.read_sentences`; what is to be known of the files is said on stderr."""
    from interp.texts import read_sentences

    with phase(f"reading {', '.join(specs)}"):
        return read_sentences(specs, settings, usual, say=say, labels=labels)
