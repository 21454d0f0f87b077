"""Sentences to judge models by: case files, column files, JSON Lines, datasets."""

from interp.texts.sentences import Sentence, explained, fingerprint, sample
from interp.texts.sources import read

__all__ = ["Sentence", "explained", "fingerprint", "read", "sample"]
