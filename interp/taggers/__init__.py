"""Any tagger by its name: what it says of words, forward alone. Libraries are met in adapters, a file each."""

from interp.taggers.adapters import TaggerAdapter, check_tagger, is_tagger, load_tagger
from interp.taggers.char_spans import CharSpan, SpanPredictor
from interp.taggers.functions import FunctionPredictor
from interp.taggers.other_tags import (
    Iob2Predictor,
    MappedPredictor,
    differ_in_scheme,
    labels_to_share,
    odd_labels,
    share_labels,
    share_scheme,
)
from interp.taggers.predictor import CachedPredictor, ModelPredictor, Predictor, word_gradients_of
from interp.taggers.spec import TaggerSpec

__all__ = [
    "CachedPredictor",
    "CharSpan",
    "FunctionPredictor",
    "Iob2Predictor",
    "MappedPredictor",
    "ModelPredictor",
    "Predictor",
    "SpanPredictor",
    "TaggerAdapter",
    "TaggerSpec",
    "check_tagger",
    "differ_in_scheme",
    "is_tagger",
    "labels_to_share",
    "load_tagger",
    "odd_labels",
    "share_labels",
    "share_scheme",
    "word_gradients_of",
]
