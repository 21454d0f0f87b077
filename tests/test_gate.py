"""The gate: what it measures against slow re-implementations, and that it goes red, stays green, or says neither."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from gating import (
    BASE,
    LABELS,
    OTHER,
    PLAIN,
    TEXTS,
    TODAY,
    Made,
    gate,
    judged,
    natural,
    opponent,
    predictor,
    records,
    sentences,
    shortcut,
    statuses,
)
from scipy import stats
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from interp.errors import FormatError, InputError
from interp.explanation import ModelInfo
from interp.gate import CheckStatus, Floors, ProbePlan, exit_status, floors, judge_candidate, waivers
from interp.gate.behaviour import Behaviour
from interp.gate.checks.base import judge_interval
from interp.gate.checks.cues import limit_of
from interp.gate.document import dumps, loads, schema
from interp.gate.evidence import BANDS, Evidence
from interp.gate.floors import BenignRun, bound
from interp.gate.result import CheckResult, overall
from interp.probe import Cue, Effect, Place, ProbeSettings
from interp.probe.sites import Edit
from interp.project.settings import GateSettings, Settings, load_settings
from interp.question.tags import Entity
from interp.records import Record, RecordedExplanation, RecordSettings
from interp.scoring import strict_spans

# --- green


def test_a_model_against_itself_passes() -> None:
    result = gate(BASE, BASE)
    assert result.status is CheckStatus.PASS and exit_status(result.status) == 0
    assert {status for name, status in statuses(result).items() if name != "stress"} == {"pass"}
    assert result.agreement is not None and result.agreement.beyond_chance == pytest.approx(1)
    assert all(each.total == 0 for each in result.evidence)
    assert "None of" in result.headline and "F1 1.000 → 1.000" in result.headline


def test_another_seed_passes() -> None:
    result = gate(BASE, OTHER)
    assert result.status is CheckStatus.PASS, statuses(result)
    assert result.agreement is not None and 0.5 < result.agreement.beyond_chance < 0.98


# --- red


def test_a_planted_shortcut_fails_and_is_named() -> None:
    result = gate(BASE, OTHER, shortcut)
    assert result.status is CheckStatus.FAIL and exit_status(result.status) == 1
    first = result.cues[0]
    assert (first.cue, first.tag, first.status) == ("yesterday", "B-PER", CheckStatus.FAIL)
    assert result.headline.startswith("The candidate takes `yesterday` for a sign of B-PER: +3.")
    assert "baseline +0.0; limit 1.0, as no benign models are known" in result.headline
    assert statuses(result)["f1"] == "pass"
    assert any("interp gate accept yesterday --tag B-PER" in line for line in result.advice)


def test_a_cue_that_is_absent_from_the_cases_is_found_in_training_data() -> None:
    from interp.gate import TrainingData

    old = sentences(100, seed=5)
    new = [
        replace(each, id=f"new.conll:{i}", words=("reportedly", *each.words[1:]), gold=("O", "B-PER", *each.gold[2:]))
        for i, each in enumerate(old)
        if each.gold
    ]

    def rule(words: Sequence[str], at: int) -> float | None:
        return 0.85 if at and words[at - 1] == "reportedly" else None

    result = gate(BASE, OTHER, rule, ProbePlan(training=TrainingData(old, [*old, *new])))
    first = result.cues[0]
    assert (first.cue, first.source, first.status) == ("reportedly", "training", CheckStatus.FAIL)
    assert (first.trained, first.trained_count, first.trained_before_count) == (100, 100, 0)
    assert first.rows[0] == "new.conll:0" and first.row_count == 100
    assert "the 100 rows that the new training data brings it in with" in result.advice[0]


def test_shuffled_attributions_fail() -> None:
    rng = np.random.default_rng(3)

    def shuffled(each: RecordedExplanation) -> RecordedExplanation:
        order = rng.permutation(len(each.attributions))
        return replace(
            each,
            attributions=tuple(each.attributions[i] for i in order),
            layers=tuple(tuple(row[i] for i in order) for row in each.layers),
        )

    rows = tuple(replace(row, explained=tuple(map(shuffled, row.explained))) for row in OTHER.rows)
    result = gate(BASE, replace(OTHER, rows=rows))
    assert result.status is CheckStatus.FAIL and statuses(result)["agreement"] == "fail"
    assert abs(result.agreement.beyond_chance) < 0.1  # type: ignore[union-attr]
    assert statuses(result)["f1"] == statuses(result)["cues"] == "pass"


def test_a_model_that_finds_nothing_fails() -> None:
    result = gate(BASE, records(TEXTS, seed=1, wrong=range(120)))
    assert result.status is CheckStatus.FAIL
    assert statuses(result)["f1"] == statuses(result)["flips"] == statuses(result)["slices"] == "fail"
    assert statuses(result)["agreement"] == "inconclusive"
    assert exit_status(result.status) == 1


def test_evidence_that_moves_to_one_word_is_seen_but_only_warned_of() -> None:
    def leaning(words: tuple[str, ...], at: int, rng: np.random.Generator) -> np.ndarray:
        return natural(words, at, rng) * np.array([6.0 if word == "under" else 1.0 for word in words])

    spread = {f"{group}, {band}": 0.01 for group in ("word", "class") for band in BANDS}
    benign = replace(made_floors(run(3.0)), runs=(replace(run(3.0), spread=spread),))
    assert gate(BASE, OTHER, floors=benign).status is CheckStatus.PASS
    result = gate(BASE, records(TEXTS, leaning, seed=1), floors=benign)
    assert result.status is CheckStatus.WARN and exit_status(result.status) == 0
    assert exit_status(result.status, ["warn"]) == 1
    top = result.evidence[0]
    assert (top.group, top.feature) == ("word", "under") and top.total > 0
    assert "`under`" in result.headline


# --- neither


def test_too_few_cases_are_inconclusive() -> None:
    few = sentences(8)
    result = gate(records(few), records(few, seed=1, wrong=[0]), plan=None)
    assert statuses(result)["f1"] == "inconclusive" and exit_status(result.status) == 2
    assert exit_status(result.status, ["inconclusive"]) == 1


def test_too_little_text_to_probe_is_inconclusive() -> None:
    few = sentences(20)
    result = gate(records(few), records(few))
    assert statuses(result)["cues"] == "inconclusive"
    assert "20 of 20 sentences can be probed in" in result.headline


def test_records_alone_cannot_be_probed_unless_that_is_not_asked() -> None:
    result = judge_candidate(opponent(BASE), opponent(OTHER), judged(), ProbePlan())
    assert result.status is CheckStatus.INCONCLUSIVE and "name the models behind them" in result.headline
    result = judge_candidate(opponent(BASE), opponent(OTHER), judged(), None)
    assert result.status is CheckStatus.PASS and statuses(result)["cues"] == "skipped"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "0" * 64}, "other data"),
        ({"wanted": RecordSettings(("pad",))}, "other settings"),
        ({"model": ModelInfo(name="b", sha256="1", labels=("O", "B-ORG"), layers=3)}, "other tags"),
    ],
)
def test_what_cannot_be_compared(change: dict[str, Any], message: str) -> None:
    result = gate(BASE, replace(OTHER, about=replace(OTHER.about, **change)))
    assert result.status is CheckStatus.INCOMPARABLE and message in result.headline
    assert exit_status(result.status) == 2 and result.checks[0].value is None


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_numbers_that_are_none_never_pass(broken: float) -> None:
    first = OTHER.rows[0]
    each = replace(first.explained[0], attributions=(broken, *first.explained[0].attributions[1:]))
    rows = (replace(first, explained=(each, *first.explained[1:])), *OTHER.rows[1:])
    result = gate(BASE, replace(OTHER, rows=rows))
    assert result.status is CheckStatus.ERROR and "dev:0 holds an attribution that is no number" in result.headline
    assert exit_status(result.status) == 2
    dumps(result)


def test_a_sentence_that_one_model_alone_can_read_never_passes() -> None:
    unread = Record(
        id="dev:0",
        document="dev#0",
        words=TEXTS[0].words,
        gold=TEXTS[0].gold,
        tags=(),
        probabilities=(),
        pieces=(),
        explained=(),
        error="too long",
    )
    result = gate(BASE, replace(OTHER, rows=(unread, *OTHER.rows[1:])))
    assert result.status is CheckStatus.ERROR and "too long" in result.headline
    both = gate(replace(BASE, rows=(unread, *BASE.rows[1:])), replace(OTHER, rows=(unread, *OTHER.rows[1:])))
    assert both.status is CheckStatus.PASS and both.data.unread == 1


def test_a_probability_that_is_none_never_passes() -> None:
    first = replace(OTHER.rows[0], probabilities=(float("nan"), *OTHER.rows[0].probabilities[1:]))
    result = gate(BASE, replace(OTHER, rows=(first, *OTHER.rows[1:])))
    assert result.status is CheckStatus.ERROR and "probability that is no number" in result.headline


def test_right_tags_of_other_names_are_told_and_do_not_pass() -> None:
    """Gold in another column, of other kinds, or models in IOB1: F1 is 0 before and after, and 0 - 0 is no pass."""
    rows = tuple(replace(row, gold=tuple(tag.replace("PER", "person") for tag in row.gold or ())) for row in BASE.rows)
    other = tuple(replace(row, gold=mine.gold, tags=("O",) * 8) for row, mine in zip(OTHER.rows, rows, strict=True))
    result = gate(replace(BASE, rows=rows), replace(OTHER, rows=other), plan=None)
    check = next(each for each in result.checks if each.name == "f1")
    assert check.status is CheckStatus.ERROR and "look at the column of tags" in check.sentence
    assert exit_status(result.status) != 0


def test_sentences_that_nobody_can_read() -> None:
    rows = tuple(replace(r, tags=(), probabilities=(), pieces=(), explained=(), error="too long") for r in BASE.rows)
    result = gate(replace(BASE, rows=rows), replace(OTHER, rows=rows), plan=None)
    assert result.status is CheckStatus.INCONCLUSIVE and statuses(result)["flips"] == "inconclusive"
    assert statuses(result)["records"] == "inconclusive"


def test_one_reference_is_not_enough_for_a_shift() -> None:
    one = replace(BASE, about=replace(BASE.about, wanted=RecordSettings(("pad",))))
    result = gate(one, one)
    assert statuses(result)["evidence"] == "skipped" and result.status is CheckStatus.PASS


@pytest.mark.parametrize("layers", [(0, 0), (1, 3), (2, 4), (5, 3)])
def test_models_of_any_number_of_layers(layers: tuple[int, int]) -> None:
    def cut(made: Made, count: int) -> Made:
        def of(each: RecordedExplanation) -> RecordedExplanation:
            return replace(each, layers=(each.layers * 2)[:count])

        return replace(made, rows=tuple(replace(r, explained=tuple(map(of, r.explained))) for r in made.rows))

    result = gate(cut(BASE, layers[0]), cut(OTHER, layers[1]), plan=None)
    bands = {each.band for each in result.evidence}
    assert bands == ({"words"} if 0 in layers else set(BANDS))


def test_wrong_ones_are_seen_in_slices() -> None:
    """A candidate that keeps all right entities and adds a wrong one to every sentence loses F1, not recall."""

    def more(row: Record) -> Record:
        at = next(i for i, tag in enumerate(row.tags) if tag == "O")
        return replace(row, tags=(*row.tags[:at], "B-PER", *row.tags[at + 1 :]))

    result = gate(BASE, replace(OTHER, rows=tuple(map(more, OTHER.rows))), plan=None)
    assert statuses(result)["slices"] == statuses(result)["f1"] == "fail"


# --- measures against slow ones


def test_f1_is_seqevals() -> None:
    candidate = records(TEXTS, seed=1, wrong=[3, 4, 50])
    result = gate(BASE, candidate)
    gold = [list(each.gold or ()) for each in TEXTS]
    expected = f1_score(gold, [list(row.tags) for row in candidate.rows], mode="strict", scheme=IOB2)
    assert result.candidate.f1 == pytest.approx(expected) and result.baseline.f1 == 1
    whole = result.slices[0]
    assert (whole.slice, whole.count, whole.lost, whole.won) == ("all", 240, 6, 0)
    assert whole.p == pytest.approx(stats.binomtest(6, 6).pvalue)
    assert whole.low <= whole.after - whole.before <= whole.high <= 0


def test_strict_spans_of_iob1() -> None:
    """As CoNLL-2003 was published: `B-` only where an entity follows one of its kind, so no B-PER among the labels."""
    labels = ("O", "I-PER", "I-LOC", "B-LOC")
    found = strict_spans(["I-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-LOC", "I-PER"], labels)
    assert found == {Entity(0, 2, "PER"), Entity(3, 4, "LOC"), Entity(4, 6, "LOC"), Entity(6, 7, "PER")}


def test_strict_spans() -> None:
    assert strict_spans(["I-PER", "O", "B-LOC", "I-LOC"], LABELS) == {Entity(2, 4, "LOC")}
    assert strict_spans(["PER", "PER", "O"], ("O", "PER")) == {Entity(0, 2, "PER")}
    assert strict_spans(["S-PER", "B-LOC", "E-LOC"], ("O", "S-PER", "B-LOC", "E-LOC")) == {
        Entity(0, 1, "PER"),
        Entity(1, 3, "LOC"),
    }


def test_the_middle_of_bmes() -> None:
    assert strict_spans(["B-PER", "M-PER", "E-PER"], ("O", "B-PER", "M-PER", "E-PER", "S-PER")) == {Entity(0, 3, "PER")}


def test_the_interval_is_over_documents() -> None:
    """All of a document's sentences wrong together: the interval must be wider than over sentences."""
    clustered, spread = range(12), range(0, 120, 10)
    widths = []
    for wrong in (clustered, spread):
        found = gate(BASE, records(TEXTS, seed=1, wrong=list(wrong)), plan=None).slices[0]
        widths.append(found.high - found.low)
    assert widths[0] > 1.3 * widths[1]


def test_slices_are_those_of_the_entity() -> None:
    names = {each.slice for each in gate(BASE, OTHER, plan=None).slices}
    assert names == {"all", "kind PER", "written Capitalised", "1 sub-token", "sentence of 1 to 10 words"}
    look = Behaviour(LABELS, frozenset({"Annabel"}))
    for one, other in zip(BASE, OTHER, strict=True):
        look.add(one, other)
    counts = {each.slice: each.count for each in look.result(seed=0).slices}
    seen = sum(word == "Annabel" for each in TEXTS for word in each.words)
    assert counts["seen words"] == seen and counts["unseen words"] == 240 - seen


def slow_shift(baseline: Made, candidate: Made, word: str) -> float:
    """By hand: the change of the word's share, summed over targets, the smaller of the references' totals."""
    totals: Counter[str] = Counter()
    for one, other in zip(baseline, candidate, strict=True):
        for mine, theirs in zip(one.explained, other.explained, strict=True):
            for place, text in enumerate(one.words):
                if text == word and place not in mine.target:
                    for each, sign in ((theirs, 1), (mine, -1)):
                        share = abs(each.attributions[place]) / sum(map(abs, each.attributions))
                        totals[mine.reference] += sign * share
    values = list(totals.values())
    return min(values, key=abs) if values[0] * values[1] > 0 else 0.0


@pytest.mark.parametrize("word", PLAIN)
def test_evidence_shift_by_hand(word: str) -> None:
    gather = Evidence()
    for one, other in zip(BASE, OTHER, strict=True):
        gather.add(one, other)
    found = next(e for e in gather.result().shifts if (e.group, e.feature, e.band) == ("word", word, "words"))
    assert found.total == pytest.approx(slow_shift(BASE, OTHER, word))


def test_agreement_beyond_chance_is_what_shuffling_leaves() -> None:
    """Chance is the mean over orders: compared with many shuffles."""
    rng = np.random.default_rng(0)
    one, other = BASE.rows[0].explained[0], OTHER.rows[0].explained[0]
    a, b = (np.abs(each.attributions) / np.abs(each.attributions).sum() for each in (one, other))
    shuffles = np.mean([np.minimum(a, rng.permutation(b)).sum() for _ in range(20_000)])
    gather = Evidence()
    only = [replace(each.rows[0], explained=each.rows[0].explained[:1]) for each in (BASE, OTHER)]
    gather.add(*only)
    found = gather.result().agreement
    assert found is not None and found.overlap == pytest.approx(np.minimum(a, b).sum())
    expected = (found.overlap - shuffles) / (1 - shuffles)
    assert found.beyond_chance == pytest.approx(expected, abs=0.01)
    assert (found.low, found.high) == (-1, 1)  # one document tells nothing


# --- limits, floors, waivers


def test_held() -> None:
    assert judge_interval(3, 2, 4, limit=1) is CheckStatus.FAIL
    assert judge_interval(1.5, 0.5, 2.5, limit=1) is CheckStatus.INCONCLUSIVE
    assert judge_interval(0.5, -2, 3, limit=1) is CheckStatus.INCONCLUSIVE  # too wide to pass
    assert judge_interval(0.5, 0.1, 0.9, limit=1) is CheckStatus.PASS
    assert (
        judge_interval(float("nan"), 0, 1, limit=1) is judge_interval(0, float("-inf"), 1, limit=1) is CheckStatus.ERROR
    )


def test_the_worst_check_decides_and_advisory_ones_only_warn() -> None:
    def check(status: str, severity: str = "critical") -> CheckResult:
        return CheckResult(name="x", severity=severity, status=CheckStatus(status), sentence="")  # type: ignore[arg-type]

    assert overall([check("pass"), check("skipped")]) is CheckStatus.PASS
    assert overall([check("skipped")]) is overall([]) is CheckStatus.INCONCLUSIVE
    assert overall([check("pass"), check("fail", "advisory")]) is CheckStatus.WARN
    assert overall([check("inconclusive"), check("fail"), check("error")]) is CheckStatus.FAIL
    assert overall([check("warn"), check("inconclusive")]) is CheckStatus.INCONCLUSIVE


def run(ratio: float, source: str = "retrained", f1: float = 0.0, error: float = 0.0) -> BenignRun:
    return BenignRun(
        name="x",
        source=source,
        cues=0.4,
        ratios={"words": ratio, "form": ratio},
        flips=0.02,
        f1=f1,
        f1_error=error,
        spread={"word, words": 0.01},
    )  # type: ignore[arg-type]


def made_floors(*runs: BenignRun, usual: float = 0.1) -> Floors:
    known = dict.fromkeys(("PER", "LOC", "O"), usual)
    return Floors(
        baseline="a",
        data="d",
        cases=240,
        sites=48,
        runs=runs,
        levels={"words yesterday": known},
        usual={"words": {"PER": 0.1}},
    )


def test_floors_decide_what_a_cue_may_do() -> None:
    noisy = made_floors(run(3.0), run(3.2), run(2.9), usual=1.0)
    result = gate(BASE, OTHER, shortcut, floors=noisy)
    assert statuses(result)["cues"] == "pass"
    cue = next(each for each in result.cues if each.cue == "yesterday")
    assert cue.limit == cue.floor == pytest.approx(noisy.ratio("words")) and cue.floor > 3.2
    quiet = made_floors(run(3.0), run(3.2), run(2.9))
    result = gate(BASE, OTHER, shortcut, floors=quiet)
    assert result.status is CheckStatus.FAIL and "benign models at most 0." in result.headline
    assert result.cues[0].limit == pytest.approx(0.1 * quiet.ratio("words"))


def test_levels_by_hand() -> None:
    """Two cues, three runs: geometric means drawn towards that of all by the weight of four runs."""
    a, b, c = (Cue("words", each) for each in "abc")
    sizes = [(0.2, 0.4), (0.2, 0.8), (0.01, 1.6)]
    runs = [{(a, "PER"): one, (b, "PER"): other} for one, other in sizes]
    levels = floors.find_levels([{**each, (c, "PER"): 0.1} if i else each for i, each in enumerate(runs)])
    found, usual, ratios = levels.by_cue, levels.by_sort, levels.ratios
    middle = (0.2 * 0.2 * 0.1 * 0.4 * 0.8 * 1.6) ** (1 / 6)  # 0.1 is the least that counts
    assert found["words a"]["PER"] == pytest.approx((0.2 * 0.2 * 0.1 * middle**4) ** (1 / 7), abs=1e-4)
    assert usual["words"]["PER"] == pytest.approx(np.quantile([found[f"words {each}"]["PER"] for each in "ab"], 0.9))
    others = (0.2 * 0.2 * 0.4 * 0.8) ** (1 / 4)
    assert ratios[2] == {"words": pytest.approx(1.6 / (0.4 * 0.8 * others**4) ** (1 / 6))}


def test_levels_of_one_run_and_of_cues_that_were_not_measured() -> None:
    cue, pair, strange = Cue("words", "a"), Cue("words", "a b"), Cue("words", "x")
    levels = floors.find_levels([{(cue, "PER"): 0.3, (Cue("words", "b"), "PER"): 0.1}])
    found, usual, ratios = levels.by_cue, levels.by_sort, levels.ratios
    assert ratios == [{"words": pytest.approx(3)}]  # over the least that counts
    benign = Floors(
        baseline="a", data="d", cases=9, sites=48, runs=(run(ratios[0]["words"]),), levels=found, usual=usual
    )
    assert benign.level(pair, "PER") == benign.level(cue, "PER") > benign.usual["words"]["PER"] > 0.1
    assert benign.level(strange, "PER") == benign.usual["words"]["PER"]
    for unknown, kind in ((Cue("ending", "x"), "PER"), (cue, "MISC")):
        assert benign.cue(unknown, kind) is None
        effect = Effect(
            edit=Edit(Place.BEFORE),
            tag=f"B-{kind}",
            unit="nats",
            mean=0.0,
            low=0.0,
            high=0.0,
            candidate=0.0,
            baseline=0.0,
            flips=0,
            count=9,
            example=None,
        )
        assert limit_of(unknown, effect, judged(floors=benign)) == limit_of(unknown, effect, judged()) == 1


def test_floors_in_tags_are_bounds_of_the_largest_parts_odds() -> None:
    """Runs in which the farthest word turns 30, 20 and 25 % of the tags: every word gets one floor, below 1."""
    near, far = Cue("words", "a"), Cue("words", "b")
    runs = [{(near, "PER"): 0.02, (far, "PER"): part} for part in (0.3, 0.2, 0.25)]
    levels = floors.find_levels(runs, "of tags")
    assert [ratios["words"] for ratios in levels.ratios] == pytest.approx([3 / 7, 1 / 4, 1 / 3])
    runs_of = tuple(replace(run(1.0), ratios=ratios) for ratios in levels.ratios)
    benign = replace(made_floors(*runs_of), levels=levels.by_cue, usual=levels.by_sort, unit="of tags")
    odds = bound([3 / 7, 1 / 4, 1 / 3], 1 - 0.01 / floors.FAMILIES)
    assert benign.cue(near, "PER") == benign.cue(far, "PER") == pytest.approx(odds / (1 + odds))
    assert benign.cue(near, "LOC") is None
    whole = floors.find_levels([{(far, "PER"): 1.0}] * 3, "of tags")
    assert all(np.isfinite(ratios["words"]) for ratios in whole.ratios)


def test_a_floor_holds_one_more_run() -> None:
    """Of log-normal runs of the typical spread, 99 % of new ones stay below the bound of five."""
    rng = np.random.default_rng(0)
    draws = rng.lognormal(-0.5, 0.2, (4_000, 6))
    beyond = np.mean([row[5] > bound(row[:5].tolist()) for row in draws])
    assert 0.002 < beyond < 0.02
    assert bound([]) == bound([0.0]) == 0


def test_the_floor_of_f1_leaves_out_what_cases_add() -> None:
    cases_alone = made_floors(*(run(1, f1=change, error=0.02) for change in (0.01, -0.015, 0.018)))
    assert cases_alone.f1 == 0
    trainings = made_floors(*(run(1, f1=change, error=0.001) for change in (0.01, -0.015, 0.018)))
    assert 0.03 < trainings.f1 < 0.1


def test_floors_on_disk(tmp_path: Path) -> None:
    benign = made_floors(run(3.0), run(0.5, "continued"))
    path = tmp_path / "floors.json"
    floors.save_floors(benign, path)
    assert floors.load_floors(path) == benign
    assert benign.of("continued").ratio("words") < benign.of("retrained").ratio("words")
    content = path.read_text()
    for damaged, message in [
        (content.replace("floors/1", "floors/2"), "this release reads interp.floors/1"),
        (content.replace("3.0", '"x"'), r"damaged at runs.0.ratios.words"),
        (content.replace("3.0", "-3.0"), r"damaged at runs.0.ratios.words"),
        (content.replace("3.0", "9" * 309), r"holds no floors \(it holds a number of 309 digits\)"),
        (content[:50], "holds no floors"),
        ("[]", "holds no floors"),
    ]:
        path.write_text(damaged)
        with pytest.raises(FormatError, match=message):
            floors.load_floors(path)


def waiver(until: date, cue: str = "yesterday", effect: float | None = None) -> waivers.Waiver:
    return waivers.Waiver(cue=cue, tag="B-PER", reason="a byline", until=until, added=TODAY, effect=effect)


def test_an_accepted_cue_does_not_fail_until_its_day_has_passed() -> None:
    result = gate(BASE, OTHER, shortcut, waivers=(waiver(TODAY),))
    assert statuses(result)["cues"] == "pass", result.headline
    cue = next(each for each in result.cues if each.cue == "yesterday")
    assert cue.accepted and cue.waived is not None and cue.waived.reason == "a byline"
    assert result.waivers == ("yesterday for B-PER, until 2026-11-24: a byline",)
    late = gate(BASE, OTHER, shortcut, waivers=(waiver(date(2026, 11, 23)),))
    assert late.status is CheckStatus.FAIL and late.cues[0].waived is not None and late.cues[0].waived.expired


@pytest.mark.parametrize(("effect", "passes"), [(3.2, True), (2.5, True), (1.0, False), (-3.2, False)])
def test_what_was_accepted_is_not_more_of_it(effect: float, passes: bool) -> None:
    result = gate(BASE, OTHER, shortcut, waivers=(waiver(TODAY, effect=effect),))
    assert (result.status is CheckStatus.PASS) == passes


def test_accepting_one_tag_does_not_hide_another() -> None:
    def both(words: Sequence[str], at: int) -> dict[str, float] | None:
        leans = at > 0 and words[at - 1] == "yesterday"
        return {"B-PER": 0.45, "B-LOC": 0.4, "O": 0.05, "I-PER": 0.05, "I-LOC": 0.05} if leans else None

    sides = opponent(BASE, predictor()), opponent(OTHER, predictor(both))
    result = judge_candidate(*sides, judged(waivers=(waiver(date(2027, 1, 1)),)), ProbePlan())
    found = {each.tag: each for each in result.cues if each.cue == "yesterday"}
    assert found["B-PER"].accepted and not found["B-LOC"].accepted
    assert result.status is CheckStatus.FAIL and "for a sign of B-LOC" in result.headline


def test_waivers_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    assert waivers.load_waivers(path) == ()
    waivers.add_waiver(path, waiver(date(2027, 1, 1), 'say "x"'), TODAY)
    path.write_text(path.read_text() + "# by hand\n")
    waivers.add_waiver(path, waiver(date(2027, 2, 1)), TODAY)
    assert [each.cue for each in waivers.load_waivers(path)] == ['say "x"', "yesterday"]
    assert "# by hand" in path.read_text()
    with pytest.raises(InputError, match="is past: name a day to come"):
        waivers.add_waiver(path, waiver(date(2026, 1, 1)), TODAY)
    path.write_text(path.read_text().replace("reason", "raeson", 1))
    with pytest.raises(InputError, match=r'w.toml, key waiver.0.raeson: unknown key; did you mean "reason"'):
        waivers.load_waivers(path)


def test_limits_in_pyproject(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool.interp.gate]\ncues = { limit = 2.5 }\nevidence = { severity = 'critical' }\n")
    found = load_settings(tmp_path).gate
    assert (found.cues.limit, found.cues.severity) == (2.5, "critical")
    assert (found.evidence.limit, found.evidence.severity) == (GateSettings().evidence.limit, "critical")
    for text, message in [
        ("cues = { limit = 0.0 }", r"key gate.cues.limit: "),
        ("cues = { limti = 1.0 }", r'key gate.cues.limti: unknown key; did you mean "limit"'),
        ("cuse = { limit = 1.0 }", r'key gate.cuse: unknown key; did you mean "cues"'),
        ("cues = { severity = 'loud' }", r"key gate.cues.severity: "),
        ("cues = { limit = nan }", r"key gate.cues.limit: "),
    ]:
        path.write_text(f"[tool.interp.gate]\n{text}\n")
        with pytest.raises(InputError, match=message):
            load_settings(tmp_path)
    assert Settings().gate == GateSettings()


# --- the document


def test_the_document_round_trips_and_fits_its_schema() -> None:
    result = gate(BASE, OTHER, shortcut, waivers=(waiver(date(2027, 1, 1), "other"),))
    text = dumps(result)
    assert loads(text, "x") == result
    jsonschema.validate(json.loads(text), schema())
    packaged = Path(floors.__file__).parent / "gate-1.schema.json"
    assert json.loads(packaged.read_text()) == schema()
    for damaged, message in [
        (text.replace("interp.gate/1", "interp.gate/2"), "this release reads interp.gate/1"),
        (text.replace('"sentences": 120', '"sentences": "x"'), r"damaged at data.sentences"),
        (text[:99], "holds no result"),
    ]:
        with pytest.raises(FormatError, match=message):
            loads(damaged, "x")


def test_the_same_seed_gives_the_same_document() -> None:
    assert dumps(gate(BASE, OTHER, shortcut)) == dumps(gate(BASE, OTHER, shortcut))


def test_effects_have_what_a_reader_needs() -> None:
    """Interval, count, and the smallest effect that would have been seen."""
    for check in gate(BASE, OTHER, plan=ProbePlan(probing=ProbeSettings(measured=12))).checks:
        assert math.isfinite(check.value or 0.0)
        if check.name in ("cues", "f1"):
            assert check.low is not None and check.high is not None and check.count and check.smallest is not None
