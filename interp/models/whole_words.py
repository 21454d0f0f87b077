"""The words of letters that a tokeniser has as one piece."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

__all__ = ["whole_words"]


def whole_words(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Their ids, in the order of the vocabulary. Pieces that continue a word do not count, nor single letters."""
    words = {}
    for piece, number in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):  # else in a random order
        word = tokenizer.convert_tokens_to_string([piece]).strip()
        if len(word) > 1 and word.isalpha() and word in (piece, piece[1:]):  # a mark before it: where words begin
            words[word] = number
    return words
