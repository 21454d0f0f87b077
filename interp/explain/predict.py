"""What a model says of every word, in one forward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor

from interp.errors import bare, quoted
from interp.explanation import ModelInfo
from interp.models.encoding import Encoding
from interp.models.tagger import Tagger

__all__ = ["NO_PREDICTIONS", "Prediction", "Predictions", "predict_encodings", "predict_sentences"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction:
    """What one model says of one sentence."""

    model: ModelInfo
    encoding: Encoding
    logits: Tensor
    """(sub-tokens, labels), float64 on the CPU."""
    tags: tuple[str | None, ...]
    """Of every unit, from its first sub-token; None where there is none to ask."""
    probabilities: tuple[float | None, ...]
    """Of those tags."""

    def __repr__(self) -> str:
        text = quoted(" ".join(self.encoding.words))
        return f"<Prediction of {text} by {bare(self.model.name)}: logits {tuple(self.logits.shape)}>"


Predictions = Mapping[tuple[str, ...], Prediction]
"""By the words of their sentences."""
NO_PREDICTIONS: Predictions = MappingProxyType({})


def predict_sentences(
    tagger: Tagger, sentences: Iterable[tuple[str, ...]], known: Predictions = NO_PREDICTIONS
) -> dict[tuple[str, ...], Prediction]:
    """Every sentence by its words; those that are `known` are not asked again. Raises InputError for one that is too
    long for the model, or of which its tokeniser leaves nothing.
    """
    sentences = list(dict.fromkeys(sentences))
    new = [words for words in sentences if words not in known]
    predictions = dict(zip(new, predict_encodings(tagger, [tagger.encode(words) for words in new]), strict=True))
    return {words: known[words] if words in known else predictions[words] for words in sentences}


def predict_encodings(tagger: Tagger, encodings: Sequence[Encoding]) -> list[Prediction]:
    """The same of sentences as sub-tokens, in their order."""
    logits_of_sentences = tagger.logits(encodings)
    return [
        _prediction(tagger.info, encoding, logits)
        for encoding, logits in zip(encodings, logits_of_sentences, strict=True)
    ]


def _prediction(model: ModelInfo, encoding: Encoding, logits: Tensor) -> Prediction:
    best = logits.softmax(-1).max(-1)
    positions = [None if end else first for first, end in zip(encoding.first, encoding.is_end, strict=True)]
    return Prediction(
        model=model,
        encoding=encoding,
        logits=logits,
        tags=tuple(None if at is None else model.labels[int(best.indices[at])] for at in positions),
        probabilities=tuple(None if at is None else float(best.values[at]) for at in positions),
    )
