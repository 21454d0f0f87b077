"""Sentences to record, read part by part, so that there may be more than memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from interp.texts.sentences import Sentence, data_fingerprint

__all__ = ["Corpus", "SentenceList", "UnreadSentence"]


@dataclass(frozen=True)
class UnreadSentence:
    """What stands where there should be a sentence."""

    id: str
    reason: str


class Corpus(Protocol):
    """Numbered sentences; processes are handed a copy."""

    @property
    def fingerprint(self) -> str:
        """The same for the same content, wherever it stands."""
        ...

    def __len__(self) -> int: ...

    def read(self, numbers: range) -> Sequence[Sentence | UnreadSentence]:
        """Those of these numbers, 0 being the first."""
        ...


@dataclass(frozen=True)
class SentenceList:
    """A corpus in memory."""

    sentences: Sequence[Sentence]

    @cached_property
    def fingerprint(self) -> str:
        return data_fingerprint(self.sentences)

    def __len__(self) -> int:
        return len(self.sentences)

    def read(self, numbers: range) -> Sequence[Sentence]:
        return self.sentences[numbers.start : numbers.stop]
