"""What a cue has to stand out from: control words, taggers that give tags alone, and sentences that did not choose."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from interp.gate import CheckStatus, Criteria, CueFinding
from interp.gate.checks.cues import find_cues, judge_cues
from interp.probe import Controls, Cue, Nomination, ProbeResult, ProbeSettings, frequent_cues, probe_models
from interp.probe.controls import ControlWords
from interp.probe.effects import _interval
from interp.question.shapes import shape
from interp.taggers import FunctionPredictor, Predictor

LABELS = ("B-PER", "O")
WORDS = tuple(f"{first}{second}{end}" for first in "bdgkmr" for second in "aeio" for end in ("lt", "nd", "rk", "st"))
NAMES = tuple(first + end for first in ("Ann", "Bob", "Cid", "Dor", "Ede", "Fay") for end in ("", "a", "i", "o", "us"))


def texts(count: int = 240, seed: int = 0) -> list[tuple[str, tuple[str, ...]]]:
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        words = [str(word) for word in rng.choice(WORDS, rng.integers(6, 11))]
        words[rng.integers(1, len(words))] = str(rng.choice(NAMES))
        rows.append((f"t:{number}", tuple(words)))
    return rows


@cache
def hashed(*parts: object) -> float:
    """A standard normal number of its own for every combination."""
    return NormalDist().inv_cdf((zlib.crc32(repr(parts).encode()) + 0.5) / 2**32)


def trained(seed: int, planted: str = "", *, scale: float = 0.5, tags_alone: bool = False) -> FunctionPredictor:
    """Persons by their names; how much the word in front adds to that differs from training to training, and from word
    to word. `planted` adds much.
    """

    def tag(words: Sequence[str]) -> list[Mapping[str, float]]:
        answers = []
        for at, word in enumerate(words):
            logit = 3.0 if word in NAMES else -2.5
            if at:
                logit += 6.0 if words[at - 1] == planted else scale * hashed(seed, words[at - 1])
            logit += 0.3 * hashed(seed, *words[max(at - 1, 0) : at + 1])
            chance = 1 / (1 + math.exp(-logit))
            chance = round(chance) if tags_alone else chance
            answers.append({"B-PER": chance, "O": 1 - chance})
        return answers

    return FunctionPredictor(f"seed {seed}", tag, LABELS, gives_probabilities=not tags_alone)


def probed(baseline: Predictor, candidate: Predictor, *cues: str, seed: int = 0, count: int = 240) -> ProbeResult:
    some = texts(count, seed)
    nominations = [Nomination(Cue("words", cue), "training") for cue in cues]
    nominations += frequent_cues([words for _, words in some], 24)
    return probe_models(
        baseline,
        candidate,
        texts=some,
        candidates=nominations,
        probing=ProbeSettings(seed=seed),
        least=Criteria().least_effect,
    )


def findings(result: ProbeResult) -> tuple[CueFinding, ...]:
    return find_cues(result, [], Criteria())


# --- the limit


def test_the_reach_is_students_prediction_interval_over_all_alternatives() -> None:
    effects = (0.1, -0.2, 0.3, 0.25, -0.1, 0.0, 0.15, 0.05, -0.3)
    controls = Controls(cues=("a",) * 9, effects=effects, least_spread=0.0, alternatives=40)
    low, high = stats.t.interval(
        1 - 0.01 / 40, 8, loc=np.mean(effects), scale=np.std(effects, ddof=1) * np.sqrt(1 + 1 / 9)
    )
    assert controls.mean + controls.reach(0.99) == pytest.approx(high)
    assert controls.mean - controls.reach(0.99) == pytest.approx(low)


def test_controls_that_go_the_same_way_raise_the_limit_and_others_do_not_lower_it() -> None:
    controls = Controls(cues=("a",) * 8, effects=(0.5,) * 8, least_spread=0.1, alternatives=1)
    assert controls.limit(1.0, 0.99) == pytest.approx(0.5 + controls.reach(0.99))
    assert controls.limit(-1.0, 0.99) == pytest.approx(controls.reach(0.99))


def test_of_many_words_that_mean_nothing_the_largest_stays_below_the_limit() -> None:
    rng = np.random.default_rng(0)
    beyond = 0
    for _ in range(2_000):
        effects = tuple(rng.normal(size=24))
        largest = float(max(rng.normal(size=50), key=abs))
        beyond += abs(largest) > Controls(("a",) * 24, effects, 0.0, 50).limit(largest, 0.9)
    assert 0.03 < beyond / 2_000 < 0.11


def test_what_both_models_make_of_a_cue_adds_to_the_noise() -> None:
    effects = (0.1, -0.2, 0.3, 0.25, -0.1, 0.0, 0.15, 0.05)
    alone, shared = (Controls(("a",) * 8, effects, 0.0, 40, part) for part in (0.0, 1.2))
    assert alone.spread == pytest.approx(np.std(effects, ddof=1))
    assert shared.spread == pytest.approx(np.sqrt(alone.spread**2 + (1.2 / 4) ** 2))


def test_a_word_that_is_a_sign_to_both_may_differ_in_strength() -> None:
    """As "island" before places: the candidate takes it for a weaker sign, which is no shortcut; a third makes one."""

    def sign(strength: float) -> FunctionPredictor:
        plain = trained(1, scale=0.1)

        def tag(words: Sequence[str]) -> list[Mapping[str, float]]:
            rows = []
            for at, row in enumerate(plain([words])[0]):
                logit = math.log(row[0] / row[1]) + (strength if at and words[at - 1] == "bald" else 0.0)
                chance = 1 / (1 + math.exp(-logit))
                rows.append({"B-PER": chance, "O": 1 - chance})
            return rows

        return FunctionPredictor(f"sign {strength}", tag, LABELS)

    weaker = findings(probed(sign(3.0), sign(1.8), "bald"))
    assert weaker[0].cue == "bald" and weaker[0].effect < -0.3 and weaker[0].status is not CheckStatus.FAIL
    assert findings(probed(sign(3.0), sign(0.0), "bald"))[0].status is CheckStatus.FAIL


# --- which words


def test_controls_are_written_alike_and_as_frequent_and_nothing_speaks_for_them() -> None:
    rare = [
        ("Rob", "won"),
        ("Bob", "lost"),
        ("Ann", "drew"),
        ("Cid", "to"),
        ("Dora", "in"),
        ("Ede", "by"),
        ("Fay", "of"),
    ]
    some = [("the", *pair, "The") for pair in [*rare, ("Fay", "of"), ("Gus", "at"), ("Hal", "on"), ("Ian", "9")]]
    words = ControlWords(some, [Cue("words", "Cid")], count=6, seed=0)
    of_rob = {cue.text for cue in words.controls_of(Cue("words", "Rob"))}
    assert len(of_rob) == 6 and {shape(word) for word in of_rob} == {"Capitalised"}
    assert not of_rob & {"Rob", "Cid", "The"}  # itself, suspicious, far more frequent
    assert len(words.controls_of(Cue("words", "9"))) == 6  # there is no other number: any word
    assert words.controls_of(Cue("words", "Rob won")) == words.controls_of(Cue("words", "Rob won"))
    for control in words.controls_of(Cue("words", "Rob won")):
        assert [shape(word) for word in control.words] == ["Capitalised", "lower case"]
    assert words.controls_of(Cue("form", "UPPER")) == words.controls_of(Cue("spot", "FIRST")) == []


def test_controls_of_an_ending_are_endings_of_its_length() -> None:
    cities = [
        f"{start}{end}" for start in ("Mar", "Bel", "Lon") for end in ("don", "burg", "ville", "ford", "port", "field")
    ]
    words = ControlWords([cities], [Cue("ending", "ort")], count=4, seed=0)
    endings = {cue.text for cue in words.controls_of(Cue("ending", "don"))}
    assert endings == {"urg", "lle", "ord", "eld"}


# --- tags alone


@pytest.mark.parametrize(("gained", "lost", "count"), [(7, 2, 40), (0, 0, 48), (34, 0, 41)])
def test_the_interval_of_tags_that_turn_is_bonetts_and_prices(gained: int, lost: int, count: int) -> None:
    values = np.array([1.0] * gained + [-1.0] * lost + [0.0] * (count - gained - lost))
    up, down = (gained + 1) / (count + 2), (lost + 1) / (count + 2)
    half = stats.norm.ppf(0.975) * np.sqrt((up + down - (up - down) ** 2) / (count + 2))
    assert _interval(values, "of tags") == pytest.approx((up - down - half, up - down + half))


def test_the_interval_of_tags_that_turn_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    for up, down in ((0.02, 0.02), (0.3, 0.05), (0.85, 0.0)):
        draws = rng.choice([1.0, -1.0, 0.0], p=[up, down, 1 - up - down], size=(3_000, 44))
        intervals = [_interval(values, "of tags") for values in draws]
        assert np.mean([low <= up - down <= high for low, high in intervals]) > 0.93


def test_a_tagger_of_tags_alone_is_judged_by_the_tags_that_turn() -> None:
    result = probed(trained(1, tags_alone=True), trained(2, "bald", tags_alone=True), "bald")
    first = findings(result)[0]
    assert (first.cue, first.tag, first.unit, first.status) == ("bald", "B-PER", "of tags", CheckStatus.FAIL)
    assert first.effect == pytest.approx(first.flips / first.count, abs=0.05) and first.effect > 0.8
    sentence = judge_cues(findings(result), result, Criteria().gate.cues).sentence
    assert f"{first.effect:+.0%} of tags" in sentence and "which 24 words like it stay below" in sentence


def test_one_side_without_probabilities_makes_both_tags_alone() -> None:
    result = probed(trained(1), trained(2, "bald", tags_alone=True), "bald")
    assert {effect.unit for cue in result.measured for effect in cue.effects} == {"of tags"}
    assert findings(result)[0].cue == "bald"


# --- the pair calibrates itself


@pytest.mark.parametrize("tags_alone", [False, True])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_two_trainings_that_differ_on_every_word_do_not_cry_wolf(seed: int, tags_alone: bool) -> None:
    scale = 0.5 if tags_alone else 0.8
    pair = [trained(start + seed, scale=scale, tags_alone=tags_alone) for start in (10, 20)]
    result = probed(*pair, seed=seed)
    if not tags_alone:
        assert max(abs(finding.effect) for finding in findings(result)) > 1  # a constant would not do
    assert all(finding.status is not CheckStatus.FAIL for finding in findings(result))


def test_a_cue_stands_out_from_trainings_that_differ_on_every_word() -> None:
    first, *others = findings(probed(trained(11, scale=0.25), trained(21, "bald", scale=0.25), "bald"))
    assert (first.cue, first.status) == ("bald", CheckStatus.FAIL)
    assert first.controls == 24
    assert all(finding.status is not CheckStatus.FAIL for finding in others)


def test_an_effect_that_other_sentences_do_not_show_is_none() -> None:
    """The candidate takes the cue for a sign in half of the sentences, by chance those that it was measured in."""
    some = texts()
    plain = trained(1, scale=0.0)
    chosen = {site.words for site in probed_sites(plain)}

    def tag(words: Sequence[str]) -> list[Mapping[str, float]]:
        kept = tuple(word for word in words if word != "bald")
        known = len(kept) < len(words) and kept in chosen
        return [{"B-PER": 0.9, "O": 0.1} if known else dict(zip(LABELS, row, strict=True)) for row in plain([words])[0]]

    candidate = FunctionPredictor("lucky", tag, LABELS)
    nominations = [Nomination(Cue("words", "bald"), "training")]
    unconfirmed = probe_models(plain, candidate, texts=some, candidates=nominations)
    confirmed = probe_models(plain, candidate, texts=some, candidates=nominations, least=Criteria().least_effect)
    assert abs(unconfirmed.measured[0].effect.mean) > 1
    assert all(abs(effect.mean) < 1 for cue in confirmed.measured for effect in cue.effects if cue.cue.text == "bald")


def probed_sites(predictor: Predictor) -> list[object]:
    from interp.probe.sites import find_sites

    return list(find_sites(texts(), predictor, 8 + 48 + 48, 0)[:56])


def test_where_sentences_are_few_they_serve_twice() -> None:
    result = probed(trained(1, scale=0.25), trained(2, "bald", scale=0.25), "bald", count=60)
    assert findings(result)[0].cue == "bald" and findings(result)[0].controls > 0
