"""Sentences to judge models by: case files, column files, JSON Lines, datasets."""

from interp.texts.corpus import Corpus, SentenceList, UnreadSentence
from interp.texts.sentences import Sentence, data_fingerprint, fully_tagged, limit_explained, sample_sentences
from interp.texts.sources import read_sentences

__all__ = [
    "Corpus",
    "Sentence",
    "SentenceList",
    "UnreadSentence",
    "data_fingerprint",
    "fully_tagged",
    "limit_explained",
    "read_sentences",
    "sample_sentences",
]
