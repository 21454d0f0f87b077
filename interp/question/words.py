"""Words of a text, and the words that a user means.

The splitting rule: a text is split at white space; from each piece, punctuation and symbols at either edge become
words of their own, one character (grapheme) each. So "call." is two words and "(EU)" three, while "Saint-Germain",
"don't" and "3.5" are one. A piece made of single letters that each carry a full stop ("U.N.", "e.g.") stays whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import regex

from interp.errors import InputError

__all__ = ["TargetSpec", "find_target", "place_words", "split_words", "unsplit_words"]

_EDGE = regex.compile(r"[\p{P}\p{S}]")
_SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}--\p{M}]", regex.V1)
_INITIALS = regex.compile(r"(?:\p{L}\.){2,}")

TargetSpec = str | int | Sequence[int] | Sequence[str]


def split_words(text: str, pretokenized: bool = False) -> list[str]:
    """The words of a text by the rule above, or split at white space only."""
    pieces = text.split()
    return pieces if pretokenized else [word for piece in pieces for word in _peel(piece)]


def place_words(text: str, words: Sequence[str]) -> list[tuple[int, int]] | None:
    """Where each word begins and ends in the text, in characters; None where the words are not those of the text, one
    after the other with nothing but white space between.
    """
    places = []
    end = 0
    for word in words:
        start = text.find(word, end)
        if start < 0 or text[end:start].strip():
            return None
        end = start + len(word)
        places.append((start, end))
    return places


def unsplit_words(words: Sequence[str], fewest: int) -> list[str]:
    """Words that hold `fewest` or more characters of scripts that put no spaces between words: Han, Kana, Thai, Lao,
    Khmer, Myanmar.
    """
    return [word for word in words if not word.isascii() and len(_SPACELESS.findall(word)) >= fewest]


def _peel(piece: str) -> list[str]:
    if _INITIALS.fullmatch(piece):
        return [piece]
    clusters = regex.findall(r"\X", piece)
    core = [place for place, cluster in enumerate(clusters) if not _EDGE.match(cluster)]
    if not core:
        return clusters
    first, last = core[0], core[-1] + 1
    middle = "".join(clusters[first:last])
    if _INITIALS.fullmatch(f"{middle}.") and clusters[last : last + 1] == ["."]:
        middle, last = f"{middle}.", last + 1  # "(U.N.)" keeps the stop of its last letter
    return [*clusters[:first], middle, *clusters[last:]]


def find_target(words: Sequence[str], target: TargetSpec, name: str = "target") -> tuple[int, ...]:
    """Indices of the words meant, [CLS] being 0 and the first word of the sentence 1; `name` is for messages.

    `target` is a word ("Rob"), one of several ("Rob#2"), consecutive words ("Steve Tiger"), an index ("@10" or 10),
    or consecutive indices. Bare text is always a word. Raises InputError, which lists what would fit.
    """
    if isinstance(target, int):
        return _checked([target], len(words))
    if not isinstance(target, str):
        return _find_consecutive(words, target, name)
    if target.startswith("@") and _is_number(target[1:]):
        return _checked([int(target[1:])], len(words))
    spans = _occurrences(words, target)
    if len(spans) == 1:
        return spans[0]
    if spans:
        places = ", ".join(f'"{target}#{number}" (@{span[0]})' for number, span in enumerate(spans, 1))
        raise InputError(f'The {name} "{target}" occurs {len(spans)} times: say which, one of {places}.')
    numbered = _find_numbered(words, target)
    if numbered is not None:
        return numbered
    close = get_close_matches(target, words, n=1)
    hint = f' Did you mean "{close[0]}"?' if close else ""
    raise InputError(f'The {name} "{target}" is not in the sentence; its words are: {_listed(words)}.{hint}')


def _find_consecutive(words: Sequence[str], target: Sequence[object], name: str) -> tuple[int, ...]:
    """Of a list of words or of indices."""
    items = list(target) if isinstance(target, Sequence) else []
    texts = [item for item in items if isinstance(item, str)]
    indices = [item for item in items if isinstance(item, int)]
    if items and len(texts) == len(items):
        return find_target(words, " ".join(texts), name)
    if not items or len(indices) < len(items):
        raise InputError(f"The {name} must be a word, an index, or consecutive ones, not {target!r}.")
    return _checked(indices, len(words))


def _find_numbered(words: Sequence[str], target: str) -> tuple[int, ...] | None:
    """Of "Rob#2"; None for what is not of this form, or names a word that is not there."""
    base, mark, number = target.rpartition("#")
    spans = _occurrences(words, base) if mark and _is_number(number) else []
    if not spans:
        return None
    if not 1 <= int(number) <= len(spans):
        raise InputError(f'"{base}" occurs {_times(len(spans))}, so there is no "{target}".')
    return spans[int(number) - 1]


def _is_number(text: str) -> bool:
    """Of words, which no sentence has a billion of."""
    return text.isdecimal() and len(text) < 10


def _occurrences(words: Sequence[str], target: str) -> list[tuple[int, ...]]:
    """Every place where the target stands: as it is, else as words split at white space, else by the rule."""
    for target_words in ([target], target.split(), split_words(target)):
        count = len(target_words)
        starts = [
            start
            for start in range(len(words) - count + 1)
            if target_words and list(words[start : start + count]) == target_words
        ]
        if starts:
            return [tuple(range(start + 1, start + count + 1)) for start in starts]
    return []


def _checked(indices: list[int], count: int) -> tuple[int, ...]:
    for index in indices:
        if not 1 <= index <= count:
            kind = "a special token" if index in (0, count + 1) else "not in the sentence"
            raise InputError(f"@{index} is {kind}: words are @1 to @{count}.")
    if indices != list(range(indices[0], indices[0] + len(indices))):
        raise InputError(f"The target's words must be consecutive, not {', '.join(f'@{i}' for i in indices)}.")
    return tuple(indices)


def _listed(words: Sequence[str], most: int = 40) -> str:
    first_words = ", ".join(words[:most])
    return f"{first_words} and {len(words) - most} more" if len(words) > most else first_words


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
