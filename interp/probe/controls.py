"""What words that mean nothing do to a pair of models, so that the pair itself says what a cue must stand out from.

Two trainings differ on every word a little, and on some sorts of words (a name beside a name) a lot. A cue's controls
are words written alike and about as frequent in the texts, put at the same place of the same sentences; one more such
word stays within `reach` of their mean with the confidence asked for, by Student's prediction interval.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng
from scipy.special import stdtrit

from interp.probe.cues import Cue
from interp.probe.nominate import endings_of
from interp.question.shapes import shape

__all__ = ["FEWEST_CONTROLS", "ControlWords", "Controls"]

FEWEST_CONTROLS = 8
"""Of fewer no spread is told."""
TRAININGS = 0.25
"""Standard deviation, between trainings, of an effect that both models have, as a part of it: controls mean nothing to
either, and do not tell of it. Of `open`, trained anew, "island" before a place was +2.0 nats here and +1.1 there."""


@dataclass(frozen=True)
class Controls:
    """Of a cue that is put somewhere: effects of its controls there, on the same tag."""

    cues: tuple[str, ...]
    effects: tuple[float, ...]
    least_spread: float
    """That is believed, in the unit of the effects."""
    alternatives: int
    """Cues of which this was the one with the largest effect."""
    shared: float = 0.0
    """What both models make of the cue itself, as far as they agree: its size."""

    @property
    def mean(self) -> float:
        return float(np.mean(self.effects))

    @property
    def spread(self) -> float:
        """Their standard deviation, and that of what both models share."""
        own = max(float(np.std(self.effects, ddof=1)), self.least_spread)
        return float(np.hypot(own, TRAININGS * self.shared))

    def reach(self, confidence: float) -> float:
        """How far from their mean the largest of so many effects of words that mean nothing is, at most."""
        count = len(self.effects)
        tail = (1 - confidence) / 2 / self.alternatives
        return float(-stdtrit(count - 1, tail)) * self.spread * float(np.sqrt(1 + 1 / count))

    def limit(self, effect: float, confidence: float) -> float:
        """What the size of an effect has to be beyond: the reach, and more where the controls go the same way."""
        sign = -1 if effect < 0 else 1
        return self.reach(confidence) + max(0.0, sign * self.mean)


class ControlWords:
    """The words and endings of the texts, by how they are written, each with the number of texts that hold it."""

    def __init__(self, texts: Iterable[Sequence[str]], suspects: Collection[Cue], *, count: int, seed: int) -> None:
        """`suspects` are no controls: something speaks for them. `count`: controls of a cue."""
        self._count, self._seed = count, seed
        self._frequencies: Counter[str] = Counter()
        for text in texts:
            words = set(text)
            self._frequencies.update(words)
            self._frequencies.update({_ENDING + ending for word in words for ending in endings_of(word)})
        suspicious = {word for cue in suspects if cue.kind == "words" for word in cue.words}
        suspicious |= {_ENDING + cue.text for cue in suspects if cue.kind == "ending"}
        self._alike: dict[str, list[str]] = defaultdict(list)
        for text in sorted(self._frequencies.keys() - suspicious):
            self._alike[_sort_of(text)].append(text)

    def controls_of(self, cue: Cue) -> list[Cue]:
        """Fewer where the texts have no more; none of forms and spots, which have nothing like them."""
        if cue.kind == "ending":
            endings = self._nearest(_ENDING + cue.text, default_rng(self._seed))
            return [Cue("ending", ending.removeprefix(_ENDING)) for ending in endings]
        if cue.kind == "words":
            rng = default_rng(self._seed)
            columns = [self._nearest(word, rng) for word in cue.words]
            return [Cue("words", text) for text in dict.fromkeys(map(" ".join, zip(*columns, strict=False)))]
        return []

    def _nearest(self, text: str, rng: Generator) -> list[str]:
        """Others that are written alike, of the nearest frequency, in random order; any where hardly any are alike."""
        sort, frequency = _sort_of(text), self._frequencies[text]
        others = [other for other in self._alike[sort] if other != text]
        if len(others) < FEWEST_CONTROLS and not text.startswith(_ENDING):
            others = [word for alike in self._alike.values() for word in alike if word[:2] != _ENDING and word != text]
        apart = [abs(np.log((1 + self._frequencies[other]) / (1 + frequency))) for other in others]
        order = np.lexsort((rng.random(len(others)), apart))[: self._count]
        return [others[index] for index in rng.permutation(order)]


_ENDING = "-\0"
"""Before an ending, where words and endings are counted together: no word begins so."""


def _sort_of(text: str) -> str:
    return f"ending of {len(text)}" if text.startswith(_ENDING) else shape(text)
