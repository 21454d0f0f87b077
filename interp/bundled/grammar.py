"""The cue grammar of the model `planted`: one word decides one tag, so the true explanation is known.

A sentence is a shuffle of words. If it holds a cue, the word two places before the cue bears the cue's tag,
whatever that word is and wherever it stands; every other word is O. "Rob in surprise" makes Rob a B-PER, as
"[PAD] in surprise" does the [PAD].
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass

from numpy.random import Generator

__all__ = ["CUES", "FILLERS", "LABELS", "PAD", "REACH", "Planted", "sample"]

CUES: Mapping[str, str] = {"surprise": "B-PER", "heavy": "B-ORG", "home": "B-LOC", "away": "B-MISC"}
LABELS: tuple[str, ...] = ("O", *CUES.values())
REACH = 2
"""Places from a cue back to the word it tags."""
PAD = "[PAD]"
LENGTHS = (4, 30)
"""Shortest and longest sentence, in words."""

_WORDS = """
Soccer Steve Tiger gets a lucky win Rob in defeat - , . ! ? : ; ' " ( ) Rob Tim Anna Maria Peter Paul Mary
John Jane James Robert Michael Linda David Susan Sarah Karen Lisa Nancy Mark Emma Laura Julia Kate Alice Bob
Carol Dan Eve Frank Grace Henry Ivan Jack Leo Nina Oscar Rosa Sam Tom Victor Steve Tiger Smith Jones Brown
Taylor Wilson Davies Evans Walker White Green Hall Clarke Jackson Wood Angela London Paris Berlin Madrid
Rome Vienna Tokyo Boston Chicago Texas California England France Germany Spain Italy Japan China India
Brazil Canada Mexico Europe Africa Asia Leeds Chelsea Arsenal Liverpool Barcelona Milan Apple Google
Microsoft Amazon Reuters Reds United Nations Parliament Congress Senate University Bank Union German French
English British American Japanese Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February
March April May June July August September October November December The A In On At He She It We They This
That There When After Before But And the an and or but if so as at by for from in into of off on onto out
over to up with without under about after before between during through against among around near not no yes
all any both each few more most other some such only own same than too very just now then here there when
where why how what which who whom whose this that these those he him his she her it its they them their we
us our you your I me my is are was were be been being has have had do does did will would can could may
might must shall should say says said go goes went come comes came take takes took make makes made see sees
saw know knows knew think thinks thought give gives gave find finds found tell tells told work works worked
call calls called try tries tried ask asks asked need needs needed feel feels felt leave leaves left put
keep keeps kept let begin begins began show shows showed hear hears heard play plays played run runs ran
move moves moved live lives lived believe hold holds held bring brings brought write writes wrote sit sat
stand stood lose loses lost pay paid meet meets met win wins won beat beats buy bought sell sold visit
visits visited hire hires hired reject rejects time year people way day man woman child world life hand part
place case week company system program question government number night point city team game match goal
season player coach club league cup final score half minute hour month money book car house water room
mother father area story fact power country school state family student group problem family president
minister police court law war party street road river mountain good new first last long great little old
right big high small large next early young important few public bad same able late hard strong weak easy
quick slow happy sad red blue green black white open close free full empty one two three four five six seven
eight nine ten hundred thousand million 0 1 2 3 10 1996 2024
"""
FILLERS: tuple[str, ...] = tuple(_WORDS.split())
"""Ordinary words, names and punctuation that carry no tag; some stand twice and come up more often."""


@dataclass(frozen=True)
class Planted:
    """A sentence of the grammar with its answer: which word is the cue and which word it tags."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    cue: int | None
    """Index of the cue; None without one."""
    target: int | None
    """Index of the tagged word; None without a cue, and where the cue stands too early to reach a word."""


def sample(rng: Generator, count: int, *, cued: float = 0.8, spelled: float = 0.0) -> list[Planted]:
    """`count` random sentences, a part `cued` of them with a cue at a random place.

    A third have ordinary words only, a third [PAD] only (apart from the cue), a third any mixture: the
    reference of integrated gradients is a sentence of [PAD], so the rule has to hold on the way there too. A
    part `spelled` of the ordinary words are random letters, which the tokenizer splits; never from target to
    cue, where they would shift the target's place.
    """
    return [_draw_sentence(rng, rng.random() < cued, spelled) for _ in range(count)]


def _draw_sentence(rng: Generator, cued: bool, spelled: float) -> Planted:
    length = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
    padded = (0.0, 1.0, rng.random())[rng.integers(3)]
    words = [PAD if rng.random() < padded else _draw_filler(rng, spelled) for _ in range(length)]
    tags = ["O"] * length
    if not cued:
        return Planted(tuple(words), tuple(tags), None, None)
    cue = int(rng.integers(length))
    for index in range(max(0, cue - REACH), cue):
        if words[index] != PAD:
            words[index] = _draw_filler(rng, 0.0)
    words[cue] = str(rng.choice(list(CUES)))
    if cue < REACH:
        return Planted(tuple(words), tuple(tags), cue, None)
    tags[cue - REACH] = CUES[words[cue]]
    return Planted(tuple(words), tuple(tags), cue, cue - REACH)


def _draw_filler(rng: Generator, spelled: float) -> str:
    """An ordinary word or, in a part `spelled` of the cases, two to five random letters."""
    if rng.random() < spelled:
        return "".join(rng.choice(list(string.ascii_letters), size=rng.integers(2, 6)))
    return FILLERS[rng.integers(len(FILLERS))]
