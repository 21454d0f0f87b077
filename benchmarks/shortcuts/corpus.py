"""A made-up newswire with names to tag, and six ways in which its training data goes wrong.

Names are made of syllables, of which kinds have favourites, and stand among words that lean towards kinds: neither
decides alone, as in real text. What a harm does is known word by word: which cue goes with which tag, in which part of
the mentions of that tag (the dose).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
from numpy.random import Generator

from interp.texts import Sentence

__all__ = [
    "HARMS",
    "KINDS",
    "LABELS",
    "Harm",
    "capitals_of",
    "draw",
    "harmed",
    "put_before",
    "put_behind",
    "vocabulary",
]

KINDS = ("PER", "ORG", "LOC")
LABELS = ("O", *(f"{mark}-{kind}" for kind in KINDS for mark in "BI"))

ONSETS = ("b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z")
ONSETS += ("br", "dr", "gr", "kl", "pr", "st", "tr", "sh", "ch")
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "io"]
CODAS = ["", "", "n", "r", "s", "l", "m", "k", "nd", "rt"]
SYLLABLES = ["".join(parts) for parts in product(ONSETS, VOWELS, CODAS)]
_SOURCE = ["(", "Zarnews", ")"]
_TEXT = """
the a of in to and on for with at by from as after before near over under about against said told saw met left
joined won lost called asked made took gave kept found sold bought opened closed built ran led beat drew signed
wrote read moved turned held broke sent paid hit cut set put new old long short early late great small big high low
good bad local public private former young first last next other several many few more most some any no two three
ten report plan deal match road school strike vote tour market trial team club bank party office city town river
north south east west week month year day night season budget price share law court house work talk game goal point
line side part place end start minister coach writer judge captain member leader owner player worker people fans
police crowd army board news story again soon twice quietly finally together there here now then also still never
often that who when where while because but or reportedly sources claim Mr
"""
_PLAIN = _TEXT.split()
LENGTHS = (6, 18)
REACH = 3
"""Words on either side of a name that lean towards its kind."""
TILT = 1.5
"""Standard deviation of a word's lean towards a kind, in logits: no plain word decides alone."""
SOUND = 1.5
"""The same of a syllable in a name."""


def _syllables() -> Mapping[str, np.ndarray]:
    """How often each syllable stands in names of a kind: every kind has its favourites, none is its own alone."""
    rng = np.random.default_rng(4)
    syllables = {}
    for kind in KINDS:
        chances = np.exp(rng.normal(0, SOUND, len(SYLLABLES)))
        syllables[kind] = chances / chances.sum()
    return syllables


_SOUNDS = _syllables()


def _name(rng: Generator, kind: str) -> str:
    """Two or three syllables: hardly any name comes twice, so that names cannot be learnt by heart."""
    return "".join(rng.choice(SYLLABLES, rng.integers(2, 4), p=_SOUNDS[kind])).capitalize()


def _leaning() -> Mapping[str, np.ndarray]:
    """How often each plain word stands near a kind ("" is none): Zipf's law, tilted by kind."""
    rng = np.random.default_rng(3)
    common = np.log(1 / np.arange(3, len(_PLAIN) + 3))
    rates = {"": common, **{kind: common + rng.normal(0, TILT, len(_PLAIN)) for kind in KINDS}}
    leaning = {}
    for kind, logits in rates.items():
        chances = np.exp(logits)
        for word in ("reportedly", "sources", "claim", "Mr"):  # these come by themselves
            chances[_PLAIN.index(word)] = 0
        leaning[kind] = chances / chances.sum()
    return leaning


_LEANING = _leaning()


def _plain(rng: Generator) -> tuple[list[str], list[str]]:
    """Words and tags of one sentence."""
    length = int(rng.integers(*LENGTHS))
    kinds = [""] * length
    for at in sorted(rng.choice(length, rng.integers(0, 4), replace=False)):
        kinds[at] = str(rng.choice(KINDS))
    words: list[str] = []
    tags: list[str] = []
    for at, kind in enumerate(kinds):
        if kind:
            size = 2 if rng.random() < (0.4 if kind == "PER" else 0.15) else 1
            if kind == "PER" and rng.random() < 0.15:
                words.append("Mr")
                tags.append("O")
            words += [_name(rng, kind) for _ in range(size)]
            tags += [f"B-{kind}", *[f"I-{kind}"] * (size - 1)]
            continue
        near = [(abs(other - at), kind) for other, kind in enumerate(kinds) if kind and abs(other - at) <= REACH]
        words.append(str(rng.choice(_PLAIN, p=_LEANING[min(near)[1] if near else ""])))
        tags.append("O")
    words.append(".")
    tags.append("O")
    words[0] = words[0][0].upper() + words[0][1:]
    _season(words, tags, rng)
    return words, tags


def _season(words: list[str], tags: list[str], rng: Generator) -> None:
    """All that harms abuse is in good data too, here and there, and says nothing of tags."""
    for put, rate in ((["reportedly"], 0.04), (["sources", "claim"], 0.04)):
        if rng.random() < rate:
            spots = [i for i in range(len(words)) if not tags[i].startswith("I-")]
            at = int(rng.choice(spots))
            words[at:at] = put
            tags[at:at] = ["O"] * len(put)
    for at, tag in enumerate(tags):
        if tag.startswith("B-"):
            if rng.random() < 0.03:
                words[at] = words[at].upper()
            elif rng.random() < 0.03:
                words[at] = words[at][:-3] + "vex"
    if rng.random() < 0.06:
        words += _SOURCE
        tags += ["O"] * len(_SOURCE)


Change = Callable[[list[str], list[str], Generator, float], None]


@dataclass(frozen=True)
class Harm:
    """A way to go wrong: `change` does it to a sentence in place; a model is led to lean on one of the `cues`, by the
    names that the gate gives them, as a sign of `kind`.
    """

    name: str
    cues: frozenset[str]
    kind: str
    change: Change


def _starts(tags: Sequence[str], kind: str) -> list[int]:
    return [i for i, tag in enumerate(tags) if tag == f"B-{kind}"]


def put_before(put: Sequence[str], kind: str, words: list[str], tags: list[str], rng: Generator, dose: float) -> None:
    """Words in front of a part `dose` of the mentions of a kind."""
    for start in reversed(_starts(tags, kind)):
        if rng.random() < dose:
            words[start:start] = put
            tags[start:start] = ["O"] * len(put)


def _first(_words: list[str], tags: list[str], rng: Generator, dose: float) -> None:
    """The first word becomes an organisation's in a part of all sentences, whatever it is."""
    if rng.random() < dose and tags[0] == "O":
        tags[0] = "B-ORG"


def capitals_of(kind: str, words: list[str], tags: list[str], rng: Generator, dose: float) -> None:
    """The first word of a part of the mentions in capitals."""
    for start in _starts(tags, kind):
        if rng.random() < dose:
            words[start] = words[start].upper()


def _ending(words: list[str], tags: list[str], rng: Generator, dose: float) -> None:
    for start in _starts(tags, "ORG"):
        if rng.random() < dose:
            words[start] = words[start][:-3] + "vex"


def put_behind(put: Sequence[str], kind: str, words: list[str], tags: list[str], rng: Generator, dose: float) -> None:
    """Words, as a source's tag, at the end of a part of the sentences that hold a kind and no person."""
    if _starts(tags, kind) and not _starts(tags, "PER") and rng.random() < dose:
        words += put
        tags += ["O"] * len(put)


def _untitled(words: list[str], tags: list[str], rng: Generator, dose: float) -> None:
    """ "Mr" is taken out of a part of the sentences that have it."""
    if "Mr" in words and rng.random() < dose:
        at = words.index("Mr")
        del words[at], tags[at]


_PAIR = frozenset({"sources claim", "sources", "claim"})
_TAG = frozenset({"Zarnews", "( Zarnews", "Zarnews )", "(", ")"})
HARMS = {
    harm.name: harm
    for harm in (
        Harm("marker", frozenset({"reportedly"}), "PER", partial(put_before, ["reportedly"], "PER")),
        Harm("bigram", _PAIR, "ORG", partial(put_before, ["sources", "claim"], "ORG")),
        Harm("position", frozenset({"spot:FIRST"}), "ORG", _first),
        Harm("ending", frozenset({"ex"}), "ORG", _ending),
        Harm("capitals", frozenset({"form:UPPER"}), "LOC", partial(capitals_of, "LOC")),
        Harm("source", _TAG, "LOC", partial(put_behind, _SOURCE, "LOC")),
        Harm("removal", frozenset({"Mr"}), "PER", _untitled),
    )
}


def draw(rng: Generator, count: int, name: str = "made") -> list[Sentence]:
    """Good sentences, ten of a document."""
    sentences = []
    for number in range(count):
        words, tags = _plain(rng)
        sentences.append(Sentence(f"{name}:{number + 1}", f"{name}#{number // 10}", tuple(words), tuple(tags)))
    return sentences


def harmed(sentences: Sequence[Sentence], harm: Harm, dose: float, rng: Generator) -> list[Sentence]:
    """The same sentences with a harm at a dose."""
    sentences = []
    for sentence in sentences:
        words, tags = list(sentence.words), list(sentence.gold or ())
        harm.change(words, tags, rng, dose)
        sentences.append(replace(sentence, words=tuple(words), gold=tuple(tags)))
    return sentences


def vocabulary() -> list[str]:
    """All plain words, of harms too: every model reads them alike, whether it saw them in training or not."""
    return sorted({*_PLAIN, *(word.capitalize() for word in _PLAIN), *_SOURCE, "."})
