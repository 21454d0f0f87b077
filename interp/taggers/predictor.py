"""Any tagger, forward only: words in, a probability for every tag of every word out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from interp.errors import InputError, ModelError

if TYPE_CHECKING:
    from interp.explain import Model
    from interp.models.word_gradients import WordGradients

__all__ = ["Array", "CachedPredictor", "ModelPredictor", "Predictor", "Words", "word_gradients_of"]

Array = npt.NDArray[np.float64]
Words = Sequence[str]


class Predictor(Protocol):
    """`labels` in the order of the columns that a call gives: probabilities (words, labels) of every sentence, NaN for
    a word of which nothing can be said.
    """

    @property
    def name(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Every tag that it can give, in IOB2 or the scheme that it was trained in."""

    @property
    def sha256(self) -> str:
        """Of all that decides its answers; empty where that cannot be known, and then nothing is kept of it."""

    @property
    def gives_probabilities(self) -> bool:
        """False: a word's tag has 1 and all others 0, so that what moves it is told in tags that turn, not in nats."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What whoever reads its tags should know, as sentences: of all that was asked so far."""

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]: ...


class ModelPredictor:
    """A loaded transformers model. Words that its tokeniser drops, and sentences too long for it, have NaN."""

    gives_probabilities = True

    def __init__(self, model: Model) -> None:
        self._tagger, info = model.tagger, model.info
        self.name, self.labels, self.sha256, self.notices = info.name, info.labels, info.sha256, info.notices

    @property
    def word_gradients(self) -> WordGradients:
        from interp.models.word_gradients import WordGradients

        return WordGradients(self._tagger)

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
        self.sha256, self.gives_probabilities = predictor.sha256, predictor.gives_probabilities
        self.word_gradients = word_gradients_of(predictor)
        self._known: dict[tuple[str, ...], Array] = {}

    @property
    def notices(self) -> tuple[str, ...]:
        return self._predictor.notices

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]:
        keys = [tuple(words) for words in sentences]
        new = [words for words in dict.fromkeys(keys) if words not in self._known]
        self._known |= zip(new, self._predictor(new), strict=True)
        return [self._known[words] for words in keys]


def word_gradients_of(predictor: Predictor) -> WordGradients | None:
    """What the words of a model's vocabulary would do, to first order; None of a tagger without gradients."""
    gradients: WordGradients | None = getattr(predictor, "word_gradients", None)
    return gradients
