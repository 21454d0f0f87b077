"""Sentences written otherwise: what changes in them and what does not, and which tagger that breaks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest
from gating import BASE, LABELS, NAMES, OTHER, TEXTS, gate, judged, opponent

from interp.errors import InputError
from interp.gate import CheckStatus, GateResult, judge_candidate
from interp.gate.document import dumps, loads, schema
from interp.project.settings import GateSettings, Threshold
from interp.question.tags import find_entities
from interp.stress import (
    VARIANTS,
    NameList,
    StressPlan,
    StressResult,
    VariantChange,
    dump_names,
    name_variants,
    read_names,
    shipped_names,
    stress_models,
    switch_names,
    write_otherwise,
)
from interp.stress.variants import CONFUSIONS, NEIGHBOURS
from interp.taggers import FunctionPredictor
from interp.texts import Sentence

PLAN = StressPlan(names=shipped_names())
HINDI = NameList(name="India", given=["Aarav", "Priya"], family=["Iyer", "Rao"])


def sentence(words: str, tags: str | None = None, name: str = "a:1") -> Sentence:
    return Sentence(name, name, tuple(words.split()), None if tags is None else tuple(tags.split()))


def written(variant: str, text: Sentence, seed: int = 0) -> Sentence:
    return write_otherwise(text, variant, {**VARIANTS, **name_variants(shipped_names())}[variant], seed)


# --- the table of variants


@pytest.mark.parametrize(
    ("variant", "plain", "expected"),
    [
        ("without the final full stop", "Rob met Ann .", "Rob met Ann"),
        ("without the final full stop", "Rob met Ann.", "Rob met Ann"),
        ("without the final full stop", "Rob met Ann ...", "Rob met Ann ..."),
        ("without the final full stop", "Who met Ann ?", "Who met Ann ?"),
        ("without the final full stop", ".", "."),
        ("in lower case", "Rob of NATO met İpek", "rob of nato met i̇pek"),
        ("in upper case", "Rob ate a Wurst", "ROB ATE A WURST"),
        ("in title case", "Rob of NATO met d'Arcy 1st", "Rob Of Nato Met D'arcy 1st"),
        ("with curly quotes", "\" Rob 's dog , \" said 'Ann'", "“ Rob ’s dog , ” said ’Ann’"),
        ("with curly quotes", "`` Go , '' she said \"loud\"", "“ Go , ” she said “loud”"),
    ],
)
def test_what_is_written_otherwise(variant: str, plain: str, expected: str) -> None:
    assert written(variant, sentence(plain)).words == tuple(expected.split())


def test_a_typo_is_one_key_beside_in_a_long_word_and_never_the_first() -> None:
    plain = sentence("Rob saw Annabel Montgomery at UNESCO in Zürich , 1996-12-06")
    touched = set()
    for seed in range(60):
        changed = [
            (old, new)
            for old, new in zip(plain.words, written("with keyboard typos", plain, seed).words, strict=True)
            if old != new
        ]
        assert len(changed) == 1  # a quarter of four words
        ((old, new),) = changed
        (at,) = [at for at, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        assert at > 0 and new[at].lower() in NEIGHBOURS[old[at].lower()] and new[at].isupper() == old[at].isupper()
        touched.add(old)
    assert touched == {"Annabel", "Montgomery", "UNESCO", "Zürich"}


def test_keys_that_touch() -> None:
    assert (
        set(NEIGHBOURS["g"]) == set("ftyhvb")
        and set(NEIGHBOURS["q"]) == set("wa")
        and set(NEIGHBOURS["m"]) == set("njk")
    )
    assert all(key in NEIGHBOURS[beside] for key, keys in NEIGHBOURS.items() for beside in keys)


def test_a_misreading_is_one_confusion_a_word() -> None:
    plain = sentence("Bill Clinton saw 100 modern clerks , I say")
    pairs = {(old, new) for pair in CONFUSIONS for old, new in (pair, pair[::-1])}
    seen = set()
    for seed in range(80):
        for old, new in zip(plain.words, written("with OCR confusions", plain, seed).words, strict=True):
            if old != new:
                assert any(
                    old[:at] + there + old[at + len(here) :] == new
                    for here, there in pairs
                    for at in range(len(old))
                    if old.startswith(here, at)
                )
                seen.add(new)
    assert {"Bi1l", "C1inton"} <= seen and any("m" not in word and word.startswith("rnod") for word in seen)
    assert not {word for word in seen if len(word) < 2}


def test_people_get_names_of_another_origin_and_nobody_else_does() -> None:
    plain = sentence(
        "J. Smith of Paris met ANN Mary SMITH and Smith 's son", "B-PER I-PER O B-LOC O B-PER I-PER I-PER O B-PER O O"
    )
    words = switch_names(plain, np.random.default_rng(0), names=HINDI).words
    family = words[1]
    assert family in HINDI.family and words[0] == "J."
    assert words[5] in {"AARAV", "PRIYA"} and words[6] in HINDI.given
    assert (words[7], words[9]) == (family.upper(), family)
    kept = [index for index in range(12) if index not in (1, 5, 6, 7, 9)]
    assert [words[index] for index in kept] == [plain.words[index] for index in kept]
    places = replace(plain, gold=tuple((tag or "").replace("PER", "ORG") for tag in plain.gold or ()))
    assert switch_names(places, np.random.default_rng(0), names=HINDI) == places
    whole = replace(plain, gold=tuple((tag or "").replace("PER", "Person") for tag in plain.gold or ()))
    assert switch_names(whole, np.random.default_rng(0), names=HINDI).words == words


@pytest.mark.parametrize("variant", [*VARIANTS, *name_variants(shipped_names())])
def test_right_tags_stay_with_their_words(variant: str) -> None:
    """However a sentence is written: the same entities at the same places, no word lost but the full stop."""
    for number, text in enumerate(TEXTS):
        plain = replace(text, words=(*text.words[:-1], "."), gold=(*(text.gold or ())[:-1], "O"), id=f"x:{number}")
        other = written(variant, plain)
        assert find_entities(other.gold or ()) == find_entities(plain.gold or ())
        assert len(other.words) == len(other.gold or ()) and all(other.words)
        assert len(plain.words) - len(other.words) == (variant == "without the final full stop")
        assert (other.id, other.document) == (plain.id, plain.document)


@pytest.mark.parametrize("variant", ["with keyboard typos", "with OCR confusions", "with names of Vietnam"])
def test_a_seed_decides_whatever_other_sentences_there_are(variant: str) -> None:
    some = [written(variant, text) for text in TEXTS[:20]]
    assert some == [written(variant, text) for text in reversed(TEXTS[:20])][::-1]
    assert some != [written(variant, text, seed=1) for text in TEXTS[:20]]


# --- names


def test_the_names_that_come_along() -> None:
    names = shipped_names()
    assert len(names) == 8 and len({origin.name for origin in names}) == 8
    assert all(len(set(part)) >= 24 for origin in names for part in (origin.given, origin.family))


def test_names_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "names.toml"
    path.write_text(dump_names([HINDI, NameList(name='say "x"', given=["Zoë"], family=["O'Neil"])]), encoding="utf-8")
    assert read_names(str(path), 0)[0] == HINDI
    assert read_names(str(path), 0)[1].family == ["O'Neil"]
    for content, message in [
        (
            "[[origin]]\nname = 'x'\ngiven = ['Mary Ann']\nfamily = ['y']\n",
            "key origin.0.given.0: a name must be one word",
        ),
        ("[[origin]]\nname = 'x'\ngiven = []\nfamily = ['y']\n", "key origin.0.given: "),
        ("[[origin]]\nname = 'x'\nfamilly = ['y']\ngiven = ['z']\n", 'did you mean "family"'),
        ("origin = 1", "key origin: "),
        ("[", "is no TOML"),
    ]:
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            read_names(str(path), 0)
    with pytest.raises(InputError, match=r"none\.toml"):
        read_names(str(tmp_path / "none.toml"), 0)


class DrawnNames:
    """What Faker gives, by its two methods."""

    def __init__(self, locale: str) -> None:
        if locale == "xx_XX":
            raise AttributeError("Invalid configuration for faker locale `xx_XX`")
        self._locale, self._rng = locale, np.random.default_rng()

    def seed_instance(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def first_name(self) -> str:
        return f"{self._locale}{self._rng.integers(1000)}"

    def last_name(self) -> str:
        return str(self._rng.choice(["Two Words", "Single"]))


def test_names_of_a_librarys_locales(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faker", SimpleNamespace(Faker=DrawnNames))
    drawn = read_names("faker:hi_IN, zh_CN", 3)
    assert [origin.name for origin in drawn] == ["hi_IN", "zh_CN"]
    assert all(len(set(origin.given)) == 48 and origin.family == ["Single"] for origin in drawn)
    assert drawn == read_names("faker:hi_IN,zh_CN", 3) != read_names("faker:hi_IN,zh_CN", 4)
    with pytest.raises(InputError, match="Faker has no locale xx_XX"):
        read_names("faker:xx_XX", 0)
    with pytest.raises(InputError, match="names no locale"):
        read_names("faker:", 0)
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(InputError, match=r"needs faker, which is not installed: .*\[names\]"):
        read_names("faker:hi_IN", 0)


def test_names_of_faker_itself() -> None:
    pytest.importorskip("faker", reason="Faker is not installed: it comes with interp[names]")
    (origin,) = read_names("faker:pl_PL", 0)
    assert len(origin.given) == len(origin.family) == 48


# --- two taggers


def tagger(finds: Sequence[str]) -> FunctionPredictor:
    """Persons are these words, as they are spelled."""
    return FunctionPredictor("made", lambda words: ["B-PER" if word in finds else "O" for word in words], LABELS)


SPELLED = [*NAMES, *map(str.lower, NAMES), *map(str.upper, NAMES)]
ROBUST = tagger(SPELLED)
BRITTLE = tagger([name for name in SPELLED if name not in ("annabel", "robert")])


def by_name(result: StressResult) -> dict[str, VariantChange]:
    return {change.variant: change for change in result.variants}


def stressed(candidate: FunctionPredictor, plan: StressPlan = PLAN, **changes: object) -> GateResult:
    sides = opponent(BASE, ROBUST), opponent(OTHER, candidate)
    return judge_candidate(*sides, judged(**changes), None, stress=plan)


def test_a_tagger_that_loses_names_in_lower_case_is_named_with_the_exact_number() -> None:
    result = stressed(BRITTLE, replace(PLAN, count=120))
    (check,) = (check for check in result.checks if check.name == "stress")
    lost = sum(word in ("Annabel", "Robert") for text in TEXTS for word in text.words)
    after = 2 * (240 - lost) / (2 * (240 - lost) + lost)  # no wrong ones: F1 of the names that are left
    assert check.value == pytest.approx(after - 1) and check.count == 240
    assert (check.status, check.severity, result.status) == (CheckStatus.FAIL, "advisory", CheckStatus.WARN)
    assert check.sentence.startswith(
        f"Sentences in lower case cost the candidate {1 - after:.3f} more "
        f"(F1 1.000 → {after:.3f}, baseline 1.000 → 1.000; 240 entities, q "
    )
    assert "Other noise is not seen, nor doubled spaces, which a tagger of words does not see;" in check.sentence
    assert result.headline == check.sentence
    assert result.stress is not None
    changes = by_name(result.stress)
    assert {name for name, change in changes.items() if change.change} == {"in lower case"}
    example = changes["in lower case"].example
    assert example is not None and example.candidate == ("O",)
    assert example.words[example.start] in ("annabel", "robert")
    assert example.plain[example.start].lower() == example.words[example.start]


def test_the_document_holds_it_all() -> None:
    result = stressed(BRITTLE, costly=("PER",))
    text = dumps(result)
    assert loads(text, "x") == result
    jsonschema.validate(json.loads(text), schema())
    older = json.loads(text)
    for name in ("lost", "leaks", "stress"):
        del older[name]
    for change in older["slices"]:
        for name in (
            "right_before",
            "right_after",
            "lost_low",
            "lost_high",
            "words",
            "untagged_before",
            "untagged_after",
        ):
            del change[name]
    earlier = loads(json.dumps(older), "x")
    assert earlier.stress is earlier.leaks is None and earlier.slices[0].lost_part == 0


def test_it_stops_a_candidate_where_the_project_says_so() -> None:
    critical = GateSettings(stress=Threshold(limit=0.05, severity="critical"))
    assert stressed(BRITTLE, gate=critical).status is CheckStatus.FAIL
    assert stressed(ROBUST, gate=critical).status is CheckStatus.PASS
    allowed = GateSettings(stress=Threshold(limit=0.9, severity="critical"))
    assert stressed(BRITTLE, gate=allowed).status is CheckStatus.PASS


def test_what_both_lose_alike_is_not_the_candidates_fault() -> None:
    result = judge_candidate(opponent(BASE, tagger(NAMES)), opponent(OTHER, tagger(NAMES)), judged(), None, stress=PLAN)
    (check,) = (check for check in result.checks if check.name == "stress")
    assert check.status is CheckStatus.PASS and check.value == 0
    assert check.sentence.startswith("None of 13 ways of writing 120 of 120 sentences surely costs the candidate 0.05 ")
    assert check.sentence.endswith("; nor sentences with curly quotes, as that changes none.")
    assert result.stress is not None and by_name(result.stress)["in lower case"].candidate == 0


def test_p_values_are_those_of_all_swaps() -> None:
    """Six documents: every way of swapping the sides, tried one by one."""
    texts = [replace(text, document=f"d{number % 6}") for number, text in enumerate(TEXTS[:24])]
    change = by_name(stress_models(ROBUST, BRITTLE, texts, PLAN))["in lower case"]
    counts = {f"d{number}": [0, 0] for number in range(6)}  # entities, those that the candidate loses
    for text in texts:
        for word, tag in zip(text.words, text.gold or (), strict=True):
            counts[text.document][0] += tag != "O"
            counts[text.document][1] += word in ("Annabel", "Robert")

    def difference(swaps: Sequence[bool]) -> float:
        total = sum(every for every, _ in counts.values())
        of_candidate = sum(lost for (_, lost), swap in zip(counts.values(), swaps, strict=True) if not swap)
        of_baseline = sum(lost for _, lost in counts.values()) - of_candidate
        scores = (2 * (total - lost) / (2 * (total - lost) + lost) for lost in (of_candidate, of_baseline))
        return next(scores) - next(scores)

    seen = difference([False] * 6)
    as_much = [difference(swaps) <= seen + 1e-12 for swaps in product([False, True], repeat=6)]
    assert change.change == pytest.approx(seen) and change.p == pytest.approx(np.mean(as_much))


def test_q_is_that_of_benjamini_and_hochberg() -> None:
    result = stress_models(ROBUST, BRITTLE, TEXTS, PLAN)
    p = np.array([change.p for change in result.variants])
    order = np.argsort(p)
    by_hand = np.minimum.accumulate((p[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    assert [result.variants[index].q for index in order] == pytest.approx(by_hand)


def test_the_interval_of_what_nothing_moves_is_nothing() -> None:
    for change in stress_models(ROBUST, ROBUST, TEXTS, PLAN).variants:
        assert (change.change, change.low, change.high, change.p) == (0, 0, 0, 1)


def test_without_right_tags_the_baseline_is_right() -> None:
    bare = [replace(text, gold=None) for text in TEXTS]
    given, own = stress_models(ROBUST, BRITTLE, TEXTS, PLAN), stress_models(ROBUST, BRITTLE, bare, PLAN)
    assert (given.right, own.right) == ("given", "baseline")
    assert given.variants == own.variants, "the baseline finds what is right"
    half = tagger([name for name in SPELLED if name.lower() != "cidney"])
    assert all(change.baseline_plain == 1 for change in stress_models(half, BRITTLE, bare, PLAN).variants)
    made = replace(BASE, rows=tuple(replace(row, gold=None) for row in BASE.rows))
    result = judge_candidate(opponent(made, ROBUST), opponent(made, BRITTLE), judged(), None, stress=PLAN)
    (check,) = (check for check in result.checks if check.name == "stress")
    assert "Right is what the baseline says" in check.sentence and "that is stability" in check.sentence


def test_sentences_are_drawn_and_said() -> None:
    result = stress_models(ROBUST, BRITTLE, TEXTS, replace(PLAN, count=30, seed=5))
    assert (result.sentences, result.of) == (30, 120)
    assert by_name(result)["in lower case"].sentences == 30


def test_where_nobody_is_a_person_names_are_not_tried() -> None:
    places = [replace(text, gold=tuple(str(tag).replace("PER", "LOC") for tag in text.gold or ())) for text in TEXTS]
    result = stress_models(ROBUST, ROBUST, places, PLAN)
    assert not [change for change in result.variants if "names" in change.variant]
    assert result.untried[1] == "names, as no entity is a person"


def test_what_cannot_be_tried_is_said() -> None:
    assert statuses_of(gate(BASE, BASE, plan=None)) == ("skipped", "Not asked for.")
    alone = judge_candidate(opponent(BASE), opponent(OTHER), judged(), None, stress=PLAN)
    status, sentence = statuses_of(alone)
    assert status == "inconclusive" and "name the models behind them" in sentence

    def fragile(words: Sequence[str]) -> list[str]:
        if " ".join(words).isupper():
            raise RuntimeError("mine")
        return ["O"] * len(words)

    broken = FunctionPredictor("made", fragile, LABELS)
    status, sentence = statuses_of(stressed(broken))
    assert status == "inconclusive" and "RuntimeError: mine" in sentence
    few = stress_models(ROBUST, BRITTLE, TEXTS[:4], PLAN)
    assert all(change.p == 1 for change in few.variants)


def statuses_of(result: GateResult) -> tuple[str, str]:
    (check,) = (check for check in result.checks if check.name == "stress")
    return check.status.value, check.sentence


def test_an_interval_holds_the_change() -> None:
    half = tagger([name for name in SPELLED if name != "annabel"])
    change = by_name(stress_models(ROBUST, half, TEXTS, PLAN))["in lower case"]
    assert change.low < change.change < change.high < 0
    assert change.p < 0.001
