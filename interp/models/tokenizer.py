"""From words to sub-tokens, by fast tokenisers, which tell whose sub-token is whose, and by slow ones, which do not."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

__all__ = ["align", "reads_spaces", "special_tokens", "tokenizer_definition"]

_OF_READING = ("name_or_path", "is_local", "local_files_only", "backend")
"""What transformers notes of how a tokeniser was read."""

_PLACE = -1
"""Stands for a sentence between its special tokens; no token has this number."""


def align(tokenizer: PreTrainedTokenizerBase, words: Sequence[str]) -> tuple[list[int], list[int | None]]:
    """Ids of a sentence's sub-tokens with their special ones, and for each the index of its word, None for special
    ones.
    """
    if tokenizer.is_fast:
        row = tokenizer(list(words), is_split_into_words=True, verbose=False)
        return list(row["input_ids"]), list(row.word_ids())
    tokens: list[str] = []
    word_of_token: list[int] = []
    for index, word in enumerate(words):
        word_tokens = tokenizer.tokenize(word)
        tokens += word_tokens
        word_of_token += [index] * len(word_tokens)
    word_ids: list[int] = tokenizer.convert_tokens_to_ids(tokens)  # type: ignore[assignment]
    ids = tokenizer.build_inputs_with_special_tokens(word_ids)
    frame = tokenizer.build_inputs_with_special_tokens([_PLACE])
    before = frame.index(_PLACE)
    behind = len(frame) - before - 1
    return list(ids), [*[None] * before, *word_of_token, *[None] * behind]


def reads_spaces(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether a word of a list is read as in running text, where a space stands before it."""
    alone, _ = align(tokenizer, ["Rob", "Rob"])
    return list(tokenizer("Rob Rob", verbose=False)["input_ids"]) == alone


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[str, int | bool | None]:
    """The number of each token that references are made of or sentences are framed with, which a fast tokeniser's
    definition does not name, and whether such a token is taken apart where it stands in a text.
    """
    roles = ("pad", "mask", "unk", "cls", "sep", "bos", "eos")
    numbers = {role: getattr(tokenizer, f"{role}_token_id") for role in roles}
    return {**numbers, "split": bool(tokenizer.split_special_tokens)}


def tokenizer_definition(tokenizer: PreTrainedTokenizerBase) -> bytes:
    """Everything that decides what a tokeniser makes of a word; the same on every machine."""
    if tokenizer.is_fast:
        return bytes(tokenizer.backend_tokenizer.to_str().encode())
    settings = {
        key: value
        for key, value in tokenizer.init_kwargs.items()
        if isinstance(value, str | int | float) and key not in _OF_READING and not key.endswith("_file")
    }
    vocabulary = sorted(tokenizer.get_vocab().items())
    parts = [type(tokenizer).__name__, repr(sorted(settings.items())), repr(vocabulary)]
    with tempfile.TemporaryDirectory() as folder:
        for file in sorted(tokenizer.save_vocabulary(folder, filename_prefix=None) or ()):
            parts.append(hashlib.sha256(Path(file).read_bytes()).hexdigest())
    return "\n".join(parts).encode()
