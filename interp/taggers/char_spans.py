"""Libraries that find spans of characters in a text, as taggers of words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from interp.errors import InterpError, ModelError, counted, first_line
from interp.taggers.predictor import Array, Words

__all__ = ["CharSpan", "SpanPredictor"]


class CharSpan(NamedTuple):
    """Characters `start` to `stop` (excluded) of a text are of one kind.

    `probability` may be any score where a tagger gives tags alone: it decides between spans that overlap.
    """

    start: int
    stop: int
    kind: str
    probability: float = 1.0


FindSpans = Callable[[Sequence[str]], Iterable[Sequence[CharSpan]]]
"""The spans of every text."""


class SpanPredictor:
    """Words are joined by spaces, and a word has the tag of the span that it stands in, in IOB2.

    A span that begins or ends inside a word takes the whole word, and is counted: the library read other words than the
    data has. Of spans that overlap the likelier counts, of equally likely ones the longer.
    """

    def __init__(
        self,
        name: str,
        find_spans: FindSpans,
        *,
        kinds: Sequence[str],
        sha256: str,
        gives_probabilities: bool = False,
        notices: Sequence[str] = (),
        count_read: Callable[[str], int] = len,
    ) -> None:
        """`gives_probabilities`: a span is one where its probability is above one half. `count_read`: how many
        characters of a text the library reads; of words that end later nothing can be said.
        """
        self.name, self.sha256, self.gives_probabilities = name, sha256, gives_probabilities
        self.labels = ("O", *(f"{mark}-{kind}" for kind in dict.fromkeys(kinds) for mark in "BI"))
        self._find_spans, self._columns = find_spans, {label: column for column, label in enumerate(self.labels)}
        self._count_read, self._notices = count_read, tuple(notices)
        self._spans = self._cut = 0

    @property
    def notices(self) -> tuple[str, ...]:
        if not self._cut:
            return self._notices
        cut = f"{self.name}: {self._cut} of {counted(self._spans, 'span')} cut a word, which counts as a whole."
        return (*self._notices, cut)

    def __call__(self, sentences: Sequence[Words], /) -> list[Array]:
        texts = [" ".join(words) for words in sentences]
        try:
            spans_of_texts = list(self._find_spans(texts))
            lengths = [self._count_read(text) for text in texts]
        except InterpError:
            raise
        except Exception as error:  # whatever a library raises
            raise ModelError(f"{self.name} fails: {first_line(error)}.") from error
        return [
            self._probabilities(words, spans, length)
            for words, spans, length in zip(sentences, spans_of_texts, lengths, strict=True)
        ]

    def _probabilities(self, words: Words, spans: Sequence[CharSpan], length: int) -> Array:
        probabilities = np.zeros((len(words), len(self.labels)))
        probabilities[:, 0] = 1
        stops = np.cumsum([len(word) + 1 for word in words]) - 1
        starts = stops - [len(word) for word in words]
        for span in sorted(spans, key=lambda span: (-span.probability, span.start - span.stop, span.start)):
            first, last = int(np.searchsorted(stops, span.start, "right")), int(np.searchsorted(starts, span.stop)) - 1
            if first > last:  # between words
                continue
            self._count(cuts=bool(starts[first] < span.start or span.stop < stops[last]), span=span)
            if probabilities[first : last + 1, 0].min() < 1:
                continue
            probability = span.probability if self.gives_probabilities else 1.0
            probabilities[first : last + 1, 0] = 1 - probability
            probabilities[first, self._column("B", span.kind)] = probability
            if last > first:
                probabilities[first + 1 : last + 1, self._column("I", span.kind)] = probability
        probabilities[stops > length] = np.nan
        return probabilities

    def _count(self, *, cuts: bool, span: CharSpan) -> None:
        """Those that decide a tag."""
        if not self.gives_probabilities or span.probability > 0.5:
            self._spans += 1
            self._cut += cuts

    def _column(self, mark: str, kind: str) -> int:
        label = f"{mark}-{kind}"
        if label not in self._columns:
            raise ModelError(f'{self.name} found a "{kind}", which is none of the kinds that it says it has.')
        return self._columns[label]
