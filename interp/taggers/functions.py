"""`python:module:function`: a tagger that is a function of the user's. Whatever it does wrong is told as its own.

It takes the words of one sentence, and gives for each a tag, or a mapping of tags to probabilities.
"""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from traceback import extract_tb
from typing import SupportsFloat

import numpy as np

from interp.errors import InputError, ModelError
from interp.taggers.predictor import Array, Words
from interp.taggers.spec import TaggerSpec

__all__ = ["FunctionPredictor", "check", "load"]

ROUNDING = 1e-6
"""That a probability may lie beyond 0 and 1."""
SHOWN = 80
"""Characters of a sentence or an error in a message."""

WordProbabilities = Sequence[Mapping[str, float]]
"""For every word, a probability per tag; tags that are left out have none."""
TaggingFunction = Callable[[Words], Sequence[str] | WordProbabilities]


class FunctionPredictor:
    """A function of the user's. Nothing tells what decides its answers: it has no fingerprint."""

    sha256 = ""
    notices = ()

    def __init__(
        self, name: str, function: TaggingFunction, labels: Sequence[str], *, gives_probabilities: bool = True
    ) -> None:
        self.name, self._function, self.labels = name, function, tuple(labels)
        self.gives_probabilities = gives_probabilities

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]:
        return [self._probabilities(words) for words in sentences]

    def of(self, labels: Sequence[str]) -> FunctionPredictor:
        """The same function with these tags."""
        return FunctionPredictor(self.name, self._function, labels, gives_probabilities=self.gives_probabilities)

    def _probabilities(self, words: Words) -> Array:
        answer = _call_checked(self.name, self._function, words)
        probabilities = np.zeros((len(words), len(self.labels)))
        for row, chances in zip(probabilities, answer, strict=True):
            for tag, chance in chances.items():
                if tag not in self.labels:
                    raise ModelError(
                        f'{self.name} gives the tag "{tag}" on {_shown(words)}, but before it gave '
                        f"{', '.join(self.labels)} alone: let it give every tag that it knows, the unlikely with 0."
                    )
                row[self.labels.index(tag)] = chance
        return probabilities


def check(spec: TaggerSpec) -> None:
    """Raise InputError where the spec names no function; nothing is imported."""
    module, _, name = spec.location.partition(":")
    if not name or not all(part.isidentifier() for part in module.split(".")):
        raise InputError(f'"{spec}" names no function: write python:module:function.')
    spec.check_options(())


def load(spec: TaggerSpec, sentences: Sequence[Words]) -> FunctionPredictor:
    """The function, asked about the sentences to learn its tags. Raises InputError or ModelError."""
    check(spec)
    module, _, name = spec.location.partition(":")
    function = _find_function(str(spec), module, name)
    answers = [chances for words in sentences for chances in _call_checked(str(spec), function, words)]
    labels = {tag for chances in answers for tag in chances}
    if not labels:
        raise ModelError(f"{spec} gives no tags: there was no word to ask it about.")
    certain = all(max(chances.values()) == 1 for chances in answers)
    return FunctionPredictor(str(spec), function, sorted(labels), gives_probabilities=not certain)


def _find_function(spec: str, module: str, name: str) -> TaggingFunction:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        imported = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise ModelError(f'"{spec}" cannot be imported: {_describe(error)}.') from error
        raise InputError(f"There is no module {module} ({spec}) in this folder or among what is installed.") from error
    except SystemExit as error:
        raise ModelError(
            f'"{spec}" ended the program while it was imported (sys.exit): guard it by __main__.'
        ) from error
    except Exception as error:
        raise ModelError(f'"{spec}" cannot be imported: {_describe(error)}.') from error
    function: TaggingFunction | None = getattr(imported, name, None)
    if not callable(function):
        why = f"has no {name}" if function is None else f"has a {type(function).__name__} {name}, which is no function"
        raise InputError(f"The module {module} {why} ({spec}).")
    return function


def _call_checked(spec: str, function: TaggingFunction, words: Words) -> WordProbabilities:
    with _blaming(spec, words):
        answer = function(list(words))
        mistake = _find_mistake(answer, words)
    if mistake is not None:
        raise ModelError(f"{spec} gives {mistake} on {_shown(words)}.")
    return [{chances: 1.0} if isinstance(chances, str) else chances for chances in answer]


@contextmanager
def _blaming(spec: str, words: Words) -> Iterator[None]:
    try:
        yield
    except SystemExit as error:  # its status would be taken for a verdict
        raise ModelError(f"{spec} ended the program (sys.exit) instead of giving tags on {_shown(words)}.") from error
    except Exception as error:
        raise ModelError(f"{spec} fails on {_shown(words)}: {_describe(error)}.") from error


def _find_mistake(answer: object, words: Words) -> str | None:
    """What is wrong with an answer, to stand behind "gives"; None where nothing is."""
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        return (
            f"a {type(answer).__name__}, not a list with a tag, or a mapping of tags to probabilities, for each word,"
        )
    if len(answer) != len(words):
        return f"{len(answer)} answers, not a tag or a mapping of tags to probabilities for each of {len(words)} words,"
    for word, chances in zip(words, answer, strict=True):
        if isinstance(chances, str):
            continue
        if not isinstance(chances, Mapping):
            given = f'{reprlib.repr(chances)} for the word "{word}"'
            return f'{given}, not a tag, nor a mapping of tags to probabilities such as {{"O": 1.0}},'
        if not chances:
            return f'no tag for the word "{word}"'
        for tag, chance in chances.items():
            if not isinstance(tag, str):
                return f'the tag {reprlib.repr(tag)}, which is no text, for the word "{word}"'
            if not _is_probability(chance):
                return f'{tag} the probability {reprlib.repr(chance)}, which is none, for the word "{word}"'
    return None


def _is_probability(chance: object) -> bool:
    try:
        return isinstance(chance, SupportsFloat) and -ROUNDING <= float(chance) <= 1 + ROUNDING  # NaN is not
    except (TypeError, ValueError, ArithmeticError, RuntimeError):  # of arrays, tensors and huge numbers
        return False


def _describe(error: BaseException) -> str:
    """An error of the user's code, and the last line of their file that led to it, where there is one."""
    message = shorten(" ".join(str(error).splitlines()[:1]), 3 * SHOWN, placeholder="…").rstrip(".")
    kind = type(error).__name__
    frames = [
        frame
        for frame in extract_tb(error.__traceback__)
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    theirs = [frame for frame in frames if frame.filename == frames[0].filename]
    where = f" ({Path(theirs[-1].filename).name}:{theirs[-1].lineno})" if theirs else ""
    return f"{kind}: {message}{where}" if message else f"{kind}{where}"


def _shown(words: Words) -> str:
    return f'"{shorten(" ".join(words), SHOWN, placeholder="…")}"'
