"""Real sentences in a text's place, as what attributions are measured from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interp.errors import InputError
from interp.models.encoding import Encoding
from interp.models.tagger import ReferenceIds, Tagger

__all__ = ["ReferenceTexts"]


class ReferenceTexts:
    """Sentences as one model reads them. Raises InputError where its tokeniser leaves nothing of them."""

    def __init__(self, tagger: Tagger, sentences: Sequence[Sequence[str]]) -> None:
        encodings = [tagger.encode_all(words) for words in sentences]
        self._rows = [_without_special(encoding) for encoding in encodings]
        if not any(self._rows):
            raise InputError("The model's tokeniser leaves nothing of the reference texts: give others.")

    def references_of(self, encoding: Encoding) -> tuple[ReferenceIds, ...]:
        """For each sentence: the text with every sub-token but the special ones replaced by the sentence's at the same
        place. What is longer than the sentence goes on with the next one, and behind the last with the first.
        """
        return tuple(self._reference(encoding, number) for number in range(len(self._rows)))

    def _reference(self, encoding: Encoding, number: int) -> ReferenceIds:
        pieces = self._from(number)
        return tuple(
            own if special else next(pieces) for own, special in zip(encoding.ids, encoding.special, strict=True)
        )

    def _from(self, number: int) -> Iterator[int]:
        """Sub-tokens of the sentence of that number and all that follow, without an end."""
        while True:
            yield from self._rows[number % len(self._rows)]
            number += 1


def _without_special(encoding: Encoding) -> list[int]:
    return [number for number, special in zip(encoding.ids, encoding.special, strict=True) if not special]
