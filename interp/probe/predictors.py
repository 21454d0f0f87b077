"""What is probed: anything that gives every word of a sentence a probability for every tag. Forward only."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from interp.errors import InputError, ModelError

if TYPE_CHECKING:
    from interp.explain import Model

__all__ = ["FUNCTION_PREFIX", "CachedPredictor", "FunctionPredictor", "Predictor", "TaggerPredictor", "import_function"]

Array = npt.NDArray[np.float64]
FUNCTION_PREFIX = "python:"

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


WordProbabilities = Sequence[Mapping[str, float]]
"""For every word, a probability per tag; tags that are left out have none."""


class FunctionPredictor:
    """A function of the user's from the words of one sentence to an `WordProbabilities`."""

    def __init__(self, name: str, function: Callable[[Words], WordProbabilities], labels: Sequence[str]) -> None:
        self.name, self._function, self.labels = name, function, tuple(labels)

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]:
        return [self._probabilities(words) for words in sentences]

    def of(self, labels: Sequence[str]) -> FunctionPredictor:
        """The same function with these tags."""
        return FunctionPredictor(self.name, self._function, labels)

    def _probabilities(self, words: Words) -> Array:
        answer = _call_checked(self.name, self._function, words)
        probabilities = np.zeros((len(words), len(self.labels)))
        for row, chances in zip(probabilities, answer, strict=True):
            for tag, chance in chances.items():
                if tag not in self.labels:
                    raise ModelError(f'{self.name} gives the tag "{tag}", but {self._known()}.')
                row[self.labels.index(tag)] = chance
        return probabilities

    def _known(self) -> str:
        return f"before it gave {', '.join(self.labels)} alone"


def import_function(spec: str, sentences: Sequence[Words]) -> FunctionPredictor:
    """`python:module:function`, asked about some sentences to learn its tags. Raises InputError or ModelError."""
    module, mark, name = spec.removeprefix(FUNCTION_PREFIX).partition(":")
    if not mark or not name:
        raise InputError(f'"{spec}" names no function: write python:module:function.')
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        function = getattr(import_module(module), name)
    except SystemExit as error:
        raise ModelError(
            f'"{spec}" ended the program while it was imported (sys.exit): guard it by __main__.'
        ) from error
    except ImportError as error:
        raise InputError(f'"{spec}" cannot be imported: {error}.') from error
    except AttributeError as error:
        raise InputError(f'The module {module} has no function "{name}".') from error
    labels = {tag for words in sentences for chances in _call_checked(spec, function, words) for tag in chances}
    if not labels:
        raise ModelError(f"{spec} gives no tags.")
    return FunctionPredictor(spec, function, sorted(labels))


def _call_checked(name: str, function: Callable[[Words], WordProbabilities], words: Words) -> WordProbabilities:
    try:
        answer = function(list(words))
    except SystemExit as error:  # its status would be taken for a verdict
        raise ModelError(f"{name} ended the program (sys.exit) instead of giving tags.") from error
    if not isinstance(answer, Sequence) or len(answer) != len(words):
        raise ModelError(f"{name} must give one mapping of tags to probabilities for each of {len(words)} words.")
    for chances in answer:
        if not isinstance(chances, Mapping) or not chances:
            raise ModelError(f"{name} must give mappings of tags to probabilities, not {type(chances).__name__}.")
        if not all(math.isfinite(float(chance)) and -1e-6 <= float(chance) <= 1 + 1e-6 for chance in chances.values()):
            raise ModelError(f"{name} gives what is no probability: {dict(chances)}.")
    return answer
