"""Sentences to judge models by: case files, column files, JSON Lines, datasets."""

from interp.texts.sentences import Sentence, fingerprint, sample
from interp.texts.sources import read

__all__ = ["Sentence", "fingerprint", "read", "sample"]
