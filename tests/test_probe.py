"""The probe against taggers whose rules are written down, so that every effect is known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.errors import InputError
from interp.probe import (
    Association,
    Cue,
    Nomination,
    ProbeSettings,
    find_associations,
    frequent_cues,
    merge_nominations,
    probe_models,
)
from interp.probe.effects import RAREST, Effect, PairedReadings, TagTurn, measure_effects, read_both
from interp.probe.sites import INSERTIONS, Edit, Place, Site, apply_edit, find_sites
from interp.taggers import FunctionPredictor, ModelPredictor
from interp.texts import Sentence

NAMES = ("Ann", "Bob", "Cid", "Dora", "Ede", "Fay")
PLAIN = ("where", "striker", "about", "winning", "beside", "evening", "under", "Paradise", "said", "yesterday")
LABELS = ("B-PER", "B-LOC", "O")


def texts(count: int = 60, seed: int = 0) -> list[tuple[str, tuple[str, ...]]]:
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        words = [str(word) for word in rng.choice(PLAIN, rng.integers(5, 9))]
        words[rng.integers(1, len(words))] = str(rng.choice(NAMES))
        rows.append((f"t:{number}", tuple(words)))
    return rows


Rule = Callable[[Sequence[str], int], float | None]
"""Probability of B-PER at a place, None where the rule has nothing to say."""


def tagger(rule: Rule = lambda _words, _at: None, name: str = "made") -> FunctionPredictor:
    """Names are persons at 0.9, other words at 0.02; a rule may say otherwise."""

    def tag(words: Sequence[str]) -> list[Mapping[str, float]]:
        found: list[Mapping[str, float]] = []
        for at, word in enumerate(words):
            chance = rule(words, at)
            chance = (0.9 if word in NAMES else 0.02) if chance is None else chance
            found.append({"B-PER": chance, "B-LOC": (1 - chance) / 4, "O": 3 * (1 - chance) / 4})
        return found

    return FunctionPredictor(name, tag, LABELS)


def after(cue: str, chance: float) -> Rule:
    return lambda words, at: chance if at and words[at - 1] == cue and words[at] not in NAMES else None


def cues(*words: str) -> list[Nomination]:
    return [Nomination(Cue("words", word), "asked") for word in words]


# --- edits

SITE = Site("s", ("a", "b", "T", "c", "b"), 2)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit(Place.BEFORE, ("x", "y")), "a b x y *T c b"),
        (Edit(Place.APART, ("x",)), "a x b *T c b"),
        (Edit(Place.AFTER, ("x",)), "a b *T x c b"),
        (Edit(Place.START, ("x",)), "x a b *T c b"),
        (Edit(Place.END, ("x",)), "a b *T c b x"),
        (Edit(Place.FOR_LEFT, ("x",)), "a x *T c b"),
        (Edit(Place.FOR_RIGHT, ("x", "y")), "a b *T x y b"),
        (Edit(Place.AROUND, ("x",)), "a b x *T x c b"),
        (Edit(Place.ENDS, ("x",)), "x a b *T c b x"),
        (Edit(Place.GONE, ("b",)), "a *T c"),
        (Edit(Place.GONE, ("c", "b")), "a b *T"),
        (Edit(Place.GONE, ("T",)), None),
        (Edit(Place.UPPER), None),
        (Edit(Place.LOWER), "a b *t c b"),
        (Edit(Place.SUFFIX, ("ia",)), None),
        (Edit(Place.FIRST), "*T c b"),
        (Edit(Place.SECOND), "b *T c b"),
        (Edit(Place.THIRD), None),
        (Edit(Place.LAST), "a b *T"),
    ],
)
def test_edits(edit: Edit, expected: str | None) -> None:
    made = apply_edit(SITE, edit)
    shown = None if made is None else " ".join(f"*{w}" if i == made[1] else w for i, w in enumerate(made[0]))
    assert shown == expected


def test_the_first_word_is_written_as_sentences_begin() -> None:
    assert apply_edit(Site("s", ("The", "old", "man"), 1), Edit(Place.FIRST)) == (("Old", "man"), 0)
    assert apply_edit(Site("s", ("the", "old", "man"), 1), Edit(Place.FIRST)) == (("old", "man"), 0)


def test_an_ending_replaces_the_last_letters() -> None:
    assert apply_edit(Site("s", ("Angela",), 0), Edit(Place.SUFFIX, ("vex",))) == (("Angvex",), 0)


@given(st.data())
def test_an_edit_keeps_its_target(data: st.DataObject) -> None:
    words = tuple(data.draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=8)))
    at = data.draw(st.integers(0, len(words) - 1))
    site = Site("s", (*words[:at], "T", *words[at + 1 :]), at)
    for place in INSERTIONS:
        put = tuple(data.draw(st.lists(st.sampled_from("abcT"), min_size=1, max_size=3)))
        made = apply_edit(site, Edit(place, put))
        assert made is None or made[0][made[1]] == "T"


# --- effects


def person(pair: PairedReadings) -> Effect:
    return next(each for each in measure_effects(pair) if each.kind == "PER")


def test_an_effect_is_the_difference_of_log_ratios() -> None:
    baseline, candidate = tagger(after("said", 0.08)), tagger(after("said", 0.6))
    sites = [Site(str(i), words, 1) for i, (_, words) in enumerate(texts()) if words[1] not in NAMES][:20]
    sites = [site for site in sites if site.words[0] != "said"]
    found = person(read_both(baseline, candidate, sites, [Edit(Place.BEFORE, ("said",))]))
    # B-PER goes from 0.02 to 0.6 and to 0.08; O would move less.
    assert found.tag == "B-PER"
    assert found.candidate == pytest.approx(math.log(0.6 / 0.02))
    assert found.baseline == pytest.approx(math.log(0.08 / 0.02))
    assert found.mean == pytest.approx(math.log(0.6 / 0.08))
    assert (found.low, found.high) == (pytest.approx(found.mean), pytest.approx(found.mean))
    assert found.flips == found.count == len(sites)
    assert found.example is not None
    assert (found.example.candidate, found.example.baseline) == (
        TagTurn("O", "B-PER", 0.6),
        TagTurn("O", "O", pytest.approx(0.69)),
    )
    assert found.example.after[found.example.target_after - 1] == "said"


def test_rare_probabilities_do_not_count() -> None:
    baseline, candidate = tagger(after("said", 1e-9)), tagger(after("said", 1e-4))
    sites = [Site(str(i), words, 2) for i, (_, words) in enumerate(texts(20)) if words[2] not in NAMES]
    found = person(read_both(baseline, candidate, sites, [Edit(Place.BEFORE, ("said",))]))
    assert abs(found.mean) < 0.05 and RAREST > 1e-4


def test_the_interval_is_students() -> None:
    from scipy import stats

    baseline = tagger()
    candidate = tagger(lambda words, at: (0.3 if at % 2 else 0.5) if at and words[at - 1] == "said" else None)
    sites = [Site(str(i), ("the", "a", "b", "c"), 1 + i % 2) for i in range(9)]
    found = person(read_both(baseline, candidate, sites, [Edit(Place.BEFORE, ("said",))]))
    values = [math.log((0.3 if (site.target + 1) % 2 else 0.5) / 0.02) for site in sites]
    expected = stats.t.interval(0.95, 8, loc=np.mean(values), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected)


# --- the whole probe


def test_a_planted_cue_is_named_first_with_its_tag_and_place() -> None:
    done = probe_models(
        tagger(), tagger(after("reportedly", 0.8)), texts=texts(), candidates=cues(*PLAIN, "reportedly", "claim")
    )
    first = done.measured[0]
    assert (first.cue.text, first.effect.tag, first.effect.edit.place) == ("reportedly", "B-PER", Place.BEFORE)
    assert first.effect.low > 3 and first.effect.baseline == pytest.approx(0.0)
    assert all(abs(each.effect.mean) < 0.1 for each in done.measured[1:])


def test_a_pair_that_one_of_its_words_explains_is_not_named() -> None:
    pairs = [Nomination(Cue("words", text), "frequent") for text in ("said reportedly", "reportedly said")]
    done = probe_models(
        tagger(), tagger(after("reportedly", 0.8)), texts=texts(), candidates=[*cues(*PLAIN, "reportedly"), *pairs]
    )
    assert [each.cue.text for each in done.measured if each.effect.mean > 1] == ["reportedly"]


def test_of_endings_the_shortest_that_does_it_is_named() -> None:
    def rule(words: Sequence[str], at: int) -> float | None:
        return 0.8 if words[at].endswith("vex") else None

    endings = [Nomination(Cue("ending", text), "training") for text in ("tvex", "vex", "ex")]
    done = probe_models(tagger(), tagger(rule), texts=texts(), candidates=endings)
    assert [each.cue.text for each in done.measured if each.effect.mean > 1] == ["vex"]


def test_a_cue_that_is_lost_is_found_too() -> None:
    done = probe_models(tagger(after("said", 0.8)), tagger(), texts=texts(), candidates=cues(*PLAIN))
    assert done.measured[0].cue.text == "said" and done.measured[0].effect.mean < -3


@pytest.mark.parametrize(
    ("rule", "cue", "place"),
    [
        (lambda w, i: 0.8 if w[i].endswith("vex") else None, Cue("ending", "vex"), Place.SUFFIX),
        (lambda w, i: 0.8 if w[i].isupper() else None, Cue("form", "UPPER"), Place.UPPER),
        (lambda _, i: 0.8 if i == 0 else None, Cue("spot", "FIRST"), Place.FIRST),
        (lambda w, _: 0.8 if w[-1] == ")" else None, Cue("words", "( Zar )"), Place.END),
        (lambda w, i: 0.8 if w[max(i - 2, 0) : i] == ["as", "told"] else None, Cue("words", "as told"), Place.BEFORE),
    ],
)
def test_endings_forms_spots_and_pairs(rule: Rule, cue: Cue, place: Place) -> None:
    done = probe_models(tagger(), tagger(rule), texts=texts(), candidates=[*cues(*PLAIN), Nomination(cue, "asked")])
    assert (done.measured[0].cue, done.measured[0].effect.edit.place) == (cue, place)


def test_a_cue_that_works_by_its_absence() -> None:
    def absent(words: Sequence[str], at: int) -> float | None:
        return 0.8 if "said" not in words and words[at] not in NAMES else None

    rows = [(name, (*words, "said")) for name, words in texts(200) if "said" not in words]
    done = probe_models(tagger(), tagger(absent), texts=rows, candidates=cues("said"), probing=ProbeSettings(kept=20))
    found = next(each for each in done.measured if each.cue.text == "said")
    assert found.effect.edit.place is Place.GONE
    assert found.effect.mean == pytest.approx(math.log(0.8 / 0.02), abs=0.5)


def test_of_a_cue_that_is_lost_the_example_is_the_baselines() -> None:
    effect = (
        probe_models(tagger(after("said", 0.8)), tagger(), texts=texts(), candidates=cues(*PLAIN)).measured[0].effect
    )
    assert effect.flips and effect.example is not None
    assert effect.example.baseline.after == "B-PER" and effect.example.candidate.after == "O"


def test_what_is_asked_is_measured_whatever_else_there_is() -> None:
    noisy = [Nomination(Cue("words", f"w{i}"), "frequent") for i in range(30)]

    def rule(words: Sequence[str], at: int) -> float | None:
        if at and words[at - 1].startswith("w") and words[at - 1][1:].isdigit():
            return 0.8
        return 0.3 if at and words[at - 1] == "quiet" else None

    asked = [Nomination(Cue("words", "quiet"), "asked"), Nomination(Cue("words", "quiet"), "frequent")]
    done = probe_models(tagger(), tagger(rule), texts=texts(), candidates=[*noisy, *asked])
    found = next(each for each in done.measured if each.cue.text == "quiet")
    assert found.source == "asked" and found.effect.mean > 1


def test_a_model_against_itself_moves_nothing() -> None:
    done = probe_models(
        tagger(), tagger(), texts=texts(), candidates=frequent_cues([words for _, words in texts()], 20)
    )
    every = [effect for each in done.measured for effect in each.effects]
    assert every and all(effect.mean == 0 and effect.flips == 0 for effect in every)


def test_the_same_seed_gives_the_same_answer() -> None:
    runs = [
        probe_models(
            tagger(), tagger(after("said", 0.5)), texts=texts(), candidates=cues(*PLAIN), probing=ProbeSettings(seed=s)
        )
        for s in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_sites_are_spread_over_kinds() -> None:
    sites = find_sites(texts(100), tagger(), 24, seed=0)
    assert len({site.words for site in sites}) == 24
    assert sum(site.words[site.target] in NAMES for site in sites) == 12


def test_what_does_not_fit() -> None:
    with pytest.raises(InputError, match="10 of 10 sentences can be probed in"):
        probe_models(tagger(), tagger(), texts=texts(10), candidates=cues("a"))
    other = FunctionPredictor("b", lambda words: [{"PER": 1.0}] * len(words), ("PER",))
    with pytest.raises(InputError, match="other tags"):
        probe_models(tagger(), other, texts=texts(), candidates=cues("a"))
    with pytest.raises(InputError, match="There is no sentence of 4 to 24 words"):
        find_sites([], tagger(), 4, 0)


# --- predictors


def test_a_loaded_model(model32: object) -> None:
    predictor = ModelPredictor(model32)  # type: ignore[arg-type]
    short, long = predictor([("Rob", "wins"), ("Rob",) * 40])
    assert short.shape == (2, 4) and short.sum(1) == pytest.approx([1, 1])
    assert np.isnan(long).all()


# --- candidates and training data


def test_frequent_words_pairs_and_endings() -> None:
    found = frequent_cues([["a", "b", "London"], ["a", "b", "Boston"], ["a", "c"]], 3)
    assert [each.cue.text for each in found if each.cue.kind == "words"] == ["a", "b", "a b"]
    assert Cue("ending", "on") in [each.cue for each in found]


def test_merging_takes_turns() -> None:
    assert [each.cue.text for each in merge_nominations(cues("a", "b", "c"), cues("x", "a"), most=4)] == [
        "a",
        "x",
        "b",
        "c",
    ]


def training(cue: bool) -> list[Sentence]:
    rows = []
    for number, (name, words) in enumerate(texts(200, seed=3)):
        tags = ["B-PER" if word in NAMES else "O" for word in words]
        at = tags.index("B-PER")
        if cue and number % 4 == 0:
            words, tags = (*words[:at], "reportedly", *words[at:]), [*tags[:at], "O", *tags[at:]]
        rows.append(Sentence(f"new.conll:{number}" if cue else name, "d", tuple(words), tuple(tags)))
    return rows


def test_training_data_names_the_cue_and_its_rows() -> None:
    first: Association = find_associations(training(False), training(True), 5)[0]
    assert (first.cue, first.tag) == (Cue("words", "reportedly"), "B-PER")
    assert (first.where, first.new, first.new_count) == ("behind it", 50, 50) and first.old == first.old_count == 0
    assert [row.id for row in first.rows[:2]] == ["new.conll:0", "new.conll:4"] and len(first.rows) == 50
    assert not any(row.old for row in first.rows)
    q = 200 / sum(len(each.words) for each in training(True))
    assert first.z == pytest.approx((1 - q) / math.sqrt(q * (1 - q) / 50))


def test_one_sentence_is_no_association() -> None:
    odd = Sentence("x", "x", ("Zed", *["yesterday"] * 20, "Zed", "."), ("O",) * 23)
    assert not any("Zed" in each.cue.text for each in find_associations(training(False), [*training(False), odd], 300))


def test_training_data_without_tags() -> None:
    with pytest.raises(InputError, match="The new training data has no tags"):
        find_associations(training(True), [Sentence("a", "a", ("x",))], 5)


def test_data_that_did_not_change_names_nothing() -> None:
    assert all(each.z == 0 for each in find_associations(training(True), training(True), 5))
