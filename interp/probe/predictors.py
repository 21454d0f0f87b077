"""What is probed: anything that gives every word of a sentence a probability for every tag. Forward only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from interp.errors import InputError, ModelError

if TYPE_CHECKING:
    from interp.explain import Model

__all__ = ["CachedPredictor", "Predictor", "TaggerPredictor"]

Array = npt.NDArray[np.float64]
Words = Sequence[str]


class Predictor(Protocol):
    """`labels` in the order of the columns that a call gives: probabilities (words, labels) of every sentence."""

    @property
    def name(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]: ...


class TaggerPredictor:
    """A loaded tagger. Words that its tokeniser drops have NaN; so has a sentence that is too long for it."""

    def __init__(self, model: Model) -> None:
        self._tagger, self.name, self.labels = model.tagger, model.info.name, model.info.labels

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]:
        probabilities = [np.full((len(words), len(self.labels)), np.nan) for words in sentences]
        encodings = {}
        for number, words in enumerate(sentences):
            try:
                encodings[number] = self._tagger.encode(words)
            except InputError:
                continue
        rows = self._tagger.logits(list(encodings.values()))
        for (number, encoding), logits in zip(encodings.items(), rows, strict=True):
            chances = logits.softmax(-1).numpy()
            if not np.isfinite(chances).all():
                raise ModelError(f"{self.name} gives logits that are no numbers: the weights are broken.")
            for place, first in enumerate(encoding.first[1:-1]):
                if first is not None:
                    probabilities[number][place] = chances[first]
        return probabilities


class CachedPredictor:
    """The same predictor, which is asked about every sentence once: for one that is held against many others."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self.name, self.labels = predictor, predictor.name, predictor.labels
        self._known: dict[tuple[str, ...], Array] = {}

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]:
        keys = [tuple(words) for words in sentences]
        new = [words for words in dict.fromkeys(keys) if words not in self._known]
        self._known |= zip(new, self._predictor(new), strict=True)
        return [self._known[words] for words in keys]
