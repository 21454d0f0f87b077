"""Models that are asked about a sentence once: what they said in earlier gates is kept beside the records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from interp.cli.console import say
from interp.errors import OutputError

if TYPE_CHECKING:
    from interp.gate import Side

__all__ = ["stored_answers"]


@contextmanager
def stored_answers(folder: Path, baseline: Side, candidate: Side) -> Iterator[tuple[Side, Side]]:
    """Both sides, to be asked inside; what is new is written at the end, whatever ends it. Taggers without a
    fingerprint are asked anew.
    """
    from interp.records.answers import StoredPredictor

    stored: dict[tuple[str, tuple[str, ...]], StoredPredictor] = {}

    def store(side: Side) -> Side:
        if side.predictor is None or not side.predictor.sha256:
            return side
        identity = side.predictor.sha256, side.predictor.labels
        if identity not in stored:
            predictor = stored[identity] = StoredPredictor(side.predictor, folder)
            if predictor.problem:
                say(predictor.problem)
        return replace(side, predictor=stored[identity])

    try:
        yield store(baseline), store(candidate)
    finally:
        for predictor in stored.values():
            try:
                predictor.write()
            except OutputError as error:  # no reason to lose a verdict
                say(*error.sentences)
