"""What the taggers are to lean on: rules, texts drawn by them, and edits that must turn a tag, or must not. No torch.

A text has one target word whose tag is X or O; every other word is O. Which word is the target shows by itself
(targets are words of their own), so a rule decides by the context alone, but for two: where the target stands, and the
entity's own first word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from numpy.random import Generator

__all__ = [
    "BLANKS",
    "MECHANISMS",
    "VOCABULARY",
    "Mechanism",
    "Role",
    "Text",
    "blanked",
    "draw",
    "neutral_edits",
    "turning_edits",
]

LENGTHS = (6, 14)
"""Shortest and longest text, in words."""
EARLY = 3
"""The first places, in which the mechanism `position` makes the target X."""
DECOY_GOES_WITH = {True: 0.8, False: 0.2}
"""Part of the X texts, and of the O texts, that hold the decoy."""

_CONSONANTS = "bdfgklmnprstvz"
_WORDS = [f"{first}a{second}o" for first in _CONSONANTS for second in _CONSONANTS]
FILLERS = tuple(_WORDS[:140])
"""Words that carry nothing."""
TARGETS = tuple(word.capitalize() for word in _WORDS[140:176])
"""Words of the target slot, which carry nothing but that they stand there."""
X_FIRSTS = tuple(word.capitalize() for word in _WORDS[176:186])
"""First words of entities that are X."""
O_FIRSTS = tuple(word.capitalize() for word in _WORDS[186:196])
"""First words of entities that are O."""
CUES = ("signal", "early", "late", "lock", "key", "sun", "moon", "off", "echo")
BLANKS = ("[PAD]", "[MASK]")
"""What words become where a model learns to read texts with holes."""
VOCABULARY = (*FILLERS, *TARGETS, *X_FIRSTS, *O_FIRSTS, *CUES)


@dataclass(frozen=True)
class Text:
    """Words, and the index of the target among them (0 is the first)."""

    words: tuple[str, ...]
    target: int

    def put(self, changes: Mapping[int, str]) -> Text:
        return replace(self, words=tuple(changes.get(index, word) for index, word in enumerate(self.words)))

    def swap(self, here: int, there: int) -> Text:
        """Two words change places; where one of them is the target, it stays the target."""
        target = {here: there, there: here}.get(self.target, self.target)
        return Text(self.put({here: self.words[there], there: self.words[here]}).words, target)


@dataclass(frozen=True)
class Role:
    """A word of a mechanism."""

    presence: float
    """Part of the drawn texts that hold it."""
    sign: int = 1
    """What its Shapley value in the rule itself is in the texts that are explained: 1 speaks for X, -1 against it."""


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """One rule, the words that it speaks of, and which of its texts are explained."""

    name: str
    meaning: str
    rule: Callable[[Text], bool]
    """Whether the target, where it is no blank, is X."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    cases: Mapping[str, Callable[[Text], bool]]
    """Kinds of texts that are explained, by name."""
    decoy: str | None = None
    """A word that goes with X, and decides nothing."""
    entity: bool = False
    """Whether the slot holds an entity of one word or two, whose first word decides."""
    by_place: bool = False
    """Whether the target's own place decides."""

    def says_x(self, text: Text) -> bool:
        return text.words[text.target] not in BLANKS and self.rule(text)

    def tags(self, text: Text) -> tuple[str, ...]:
        """X for the target that the rule makes X, and for the first words of such entities; O for all others."""
        x = {index for index, word in enumerate(text.words) if word in X_FIRSTS}
        if self.says_x(text):
            x.add(text.target)
        return tuple("X" if index in x else "O" for index in range(len(text.words)))

    def evidence(self, text: Text) -> dict[int, int]:
        """The mechanism's words in a text, by index, with the sign of what they do to X."""
        if self.by_place:
            return {text.target: 1}
        if self.entity:
            return {first_word(text): 1}
        return {index: self.roles[word].sign for index, word in enumerate(text.words) if word in self.roles}

    def ranked(self, text: Text) -> list[int]:
        """The words that compete: all of the context, and the target where it is the evidence itself. Elsewhere it is
        left out: that it fills the slot is needed as well, whichever word it is.
        """
        return [index for index in range(len(text.words)) if index != text.target or index in self.evidence(text)]

    def neutral(self, text: Text) -> list[int]:
        """Words of the context that decide nothing, the decoy among them."""
        entity = {text.target, first_word(text)} if self.entity else {text.target}
        return [index for index, word in enumerate(text.words) if index not in entity and word not in self.roles]


def first_word(text: Text) -> int:
    """Index of the first word of the entity that ends at the target."""
    before = text.target - 1
    return before if before >= 0 and text.words[before] in (*X_FIRSTS, *O_FIRSTS) else text.target


def holds(*words: str) -> Callable[[Text], bool]:
    """Whether a text has all of these words."""
    return lambda text: set(words) <= set(text.words)


def before_target(word: str) -> Callable[[Text], bool]:
    return lambda text: word in text.words[: text.target]


def in_order(first: str, second: str) -> Callable[[Text], bool]:
    return lambda text: holds(first, second)(text) and text.words.index(first) < text.words.index(second)


def _table() -> Iterator[Mechanism]:
    before = before_target("signal")
    yield Mechanism(
        name="cue",
        meaning="X if `signal` stands anywhere before the target",
        rule=before,
        roles={"signal": Role(0.75)},
        cases={"": before},
    )
    order = in_order("early", "late")
    yield Mechanism(
        name="order",
        meaning="X if `early` and `late` are there, in this order",
        rule=order,
        roles={"early": Role(0.85), "late": Role(0.85)},
        cases={"": order},
    )
    both = holds("lock", "key")
    yield Mechanism(
        name="conjunction",
        meaning="X if both `lock` and `key` are there",
        rule=both,
        roles={"lock": Role(0.7), "key": Role(0.7)},
        cases={"": both},
    )
    yield Mechanism(
        name="disjunction",
        meaning="X if `sun` or `moon` is there; explained where both are",
        rule=lambda text: "sun" in text.words or "moon" in text.words,
        roles={"sun": Role(0.5), "moon": Role(0.5)},
        cases={"": holds("sun", "moon")},
    )
    yield Mechanism(
        name="suppressor",
        meaning="X if `signal` is there and `off` is not",
        rule=lambda text: "signal" in text.words and "off" not in text.words,
        roles={"signal": Role(0.75), "off": Role(0.4, sign=-1)},
        cases={
            "on": lambda text: "signal" in text.words and "off" not in text.words,
            "turned off": holds("signal", "off"),
        },
    )
    yield Mechanism(
        name="position",
        meaning=f"X if the target is one of the first {EARLY} words",
        rule=lambda text: text.target < EARLY,
        cases={"": lambda text: text.target < EARLY},
        by_place=True,
    )
    yield Mechanism(
        name="inside",
        meaning="X if the first word of the entity, of one word or two, is one of ten",
        rule=lambda text: text.words[first_word(text)] in X_FIRSTS,
        cases={
            "one word": lambda text: text.words[text.target] in X_FIRSTS,
            "two words": lambda text: text.words[text.target - 1] in X_FIRSTS and text.target > 0,
        },
        entity=True,
    )
    yield Mechanism(
        name="decoy",
        meaning="X if `signal` stands before the target; `echo` goes with X and decides nothing",
        rule=before,
        roles={"signal": Role(0.75)},
        cases={"": lambda text: before(text) and "echo" in text.words},
        decoy="echo",
    )


MECHANISMS: Mapping[str, Mechanism] = {mechanism.name: mechanism for mechanism in _table()}


def draw(mechanism: Mechanism, rng: Generator, *, length: int | None = None, fair: bool = False) -> Text:
    """A text.

    `length`: in words; default a random one of `LENGTHS`.
    `fair`: the decoy is as often in O texts as in X texts; default as `DECOY_GOES_WITH` says.
    """
    length = length or int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
    words = [_any(FILLERS, rng) for _ in range(length)]
    target = int(rng.integers(EARLY if mechanism.by_place and rng.random() < 0.5 else length))
    words[target] = _any(TARGETS, rng)
    if mechanism.entity:
        first = target - 1 if target > 0 and rng.random() < 0.5 else target
        words[first] = _any(X_FIRSTS if rng.random() < 0.5 else O_FIRSTS, rng)
    places = iter(rng.permutation([index for index in range(length) if words[index] in FILLERS]).tolist())
    for word, role in mechanism.roles.items():
        if rng.random() < role.presence:
            words[next(places)] = word
    if mechanism.decoy is not None:
        chance = 0.5 if fair else DECOY_GOES_WITH[mechanism.says_x(Text(tuple(words), target))]
        if rng.random() < chance:
            words[next(places)] = mechanism.decoy
    return Text(tuple(words), target)


def blanked(text: Text, rng: Generator) -> Text:
    """Half of the texts as they are; of the others a random part of the words, whichever they are, made one blank."""
    if rng.random() < 0.5:
        return text
    blank, part = _any(BLANKS, rng), rng.random()
    return text.put({index: blank for index in range(len(text.words)) if rng.random() < part})


def turning_edits(mechanism: Mechanism, text: Text, rng: Generator) -> dict[str, Text]:
    """A random edit of each kind that turns the tag by the rule, where there is one: mechanism's words `replaced`,
    `inserted` in place of a neutral word, or `moved` (also the target).
    """
    said = mechanism.says_x(text)
    kinds = {
        "replaced": list(_replacements(mechanism, text, rng)),
        "inserted": list(_insertions(mechanism, text)),
        "moved": list(_moves(mechanism, text)),
    }
    turned = {kind: [edit for edit in edits if mechanism.says_x(edit) != said] for kind, edits in kinds.items()}
    return {kind: edits[rng.integers(len(edits))] for kind, edits in turned.items() if edits}


def neutral_edits(mechanism: Mechanism, text: Text, rng: Generator) -> dict[str, Text]:
    """An edit of each kind that must leave the tag: `word`, one neutral word replaced; `words`, all of them; `target`,
    another word in the target's place, of the same meaning; `decoy`, taken out, or put in where it was not.
    """
    places = mechanism.neutral(text)
    edits = {
        "word": text.put({places[rng.integers(len(places))]: _any(FILLERS, rng)}),
        "words": text.put({place: _any(FILLERS, rng) for place in places}),
        "target": text.put({text.target: _other(text.words[text.target], rng)}),
    }
    if mechanism.decoy is not None:
        if mechanism.decoy in text.words:
            edits["decoy"] = text.put({text.words.index(mechanism.decoy): _any(FILLERS, rng)})
        else:
            edits["decoy"] = text.put({places[rng.integers(len(places))]: mechanism.decoy})
    return edits


def _replacements(mechanism: Mechanism, text: Text, rng: Generator) -> Iterator[Text]:
    """A word of the mechanism, or all of them, replaced by what does not decide, or decides otherwise."""
    if mechanism.entity:
        first = first_word(text)
        yield text.put({first: _any(O_FIRSTS if text.words[first] in X_FIRSTS else X_FIRSTS, rng)})
        return
    places = [index for index, word in enumerate(text.words) if word in mechanism.roles]
    yield from (text.put({place: _any(FILLERS, rng)}) for place in places)
    yield text.put({place: _any(FILLERS, rng) for place in places})


def _insertions(mechanism: Mechanism, text: Text) -> Iterator[Text]:
    missing = [word for word in mechanism.roles if word not in text.words]
    yield from (text.put({place: word}) for place in mechanism.neutral(text) for word in missing)


def _moves(mechanism: Mechanism, text: Text) -> Iterator[Text]:
    """A word of the mechanism, or the target, changes places with any other; an entity is not torn apart."""
    if not mechanism.entity:
        moving = [text.target, *(index for index, word in enumerate(text.words) if word in mechanism.roles)]
        yield from (text.swap(here, there) for here in moving for there in range(len(text.words)))


def _other(word: str, rng: Generator) -> str:
    """Another word of the same meaning."""
    (kind,) = (kind for kind in (TARGETS, X_FIRSTS, O_FIRSTS) if word in kind)
    return _any(tuple(other for other in kind if other != word), rng)


def _any(words: tuple[str, ...], rng: Generator) -> str:
    return words[rng.integers(len(words))]
