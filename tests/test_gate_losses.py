"""What production had right and the candidate has not: counted by hand, held to exact intervals, with examples."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gating import BASE, LABELS, TEXTS, Made, gate, records, sentences
from scipy import stats
from test_gate import made_floors, run

from interp.gate import CheckResult, CheckStatus, GateResult
from interp.gate.floors import bound, load_floors, save_floors
from interp.project.settings import GateSettings, Threshold
from interp.scoring import compare_entities
from interp.texts import Sentence

Tags = tuple[str | None, ...]
STRICT = GateSettings(negative_flips=Threshold(limit=0.05, severity="advisory"))


def check(result: GateResult, name: str) -> CheckResult:
    (wanted,) = (check for check in result.checks if check.name == name)
    return wanted


def two_kinds(count: int = 120) -> list[Sentence]:
    """The first name of every sentence is a place."""
    texts = []
    for text in sentences(count):
        tags = list(text.gold or ())
        tags[tags.index("B-PER")] = "B-LOC"
        texts.append(replace(text, gold=tuple(tags)))
    return texts


def tagged(texts: Sequence[Sentence], change: Callable[[int, Tags], Tags], seed: int = 0) -> Made:
    """Records of a model whose tags are what `change` makes of the right tags of sentence `number`."""
    made = records(texts, seed=seed, name="b")
    rows = tuple(
        replace(row, tags=change(number, row.gold or ()), explained=()) for number, row in enumerate(made.rows)
    )
    return replace(made, rows=rows)


def right(_number: int, tags: Tags) -> Tags:
    return tags


def without_places(number: int, tags: Tags) -> Tags:
    """In every fourth sentence the place is called a person."""
    return tuple("B-PER" if tag == "B-LOC" and number % 4 == 0 else tag for tag in tags)


# --- negative flips


def test_what_is_lost_is_counted_over_what_was_right() -> None:
    result = gate(BASE, records(TEXTS, seed=1, wrong=range(6)), plan=None)
    lost = check(result, "negative_flips")
    assert (lost.status, lost.severity, lost.count) == (CheckStatus.PASS, "advisory", 240)
    assert lost.value == pytest.approx(12 / 240) and lost.low is not None and lost.high is not None
    exact = stats.binomtest(12, 240).proportion_ci(0.95, method="exact")
    assert lost.low <= exact.low and lost.high >= exact.high
    assert lost.sentence.startswith("12 of 240 entities that the baseline has right the candidate has wrong (5.0%, ")
    assert lost.sentence.endswith("Entities that the cases do not hold are not seen.")


def test_what_is_won_elsewhere_does_not_hide_it() -> None:
    """As many won as lost: F1 does not move, and an eighth of what worked does not any more."""
    texts = two_kinds()

    def before(number: int, tags: Tags) -> Tags:
        return tuple("O" if tag == "B-LOC" and number % 4 == 1 else tag for tag in tags)

    def after(number: int, tags: Tags) -> Tags:
        return tuple("O" if tag == "B-LOC" and number % 4 == 0 else tag for tag in tags)

    result = gate(tagged(texts, before), tagged(texts, after, seed=1), plan=None, gate=STRICT)
    whole = result.slices[0]
    assert whole.before == whole.after and (whole.lost, whole.won, whole.right_before) == (30, 30, 210)
    lost = check(result, "negative_flips")
    assert lost.value == pytest.approx(30 / 210) and lost.status is CheckStatus.FAIL
    assert result.status is CheckStatus.WARN and "most in kind LOC (30 of 90)" in lost.sentence
    critical = GateSettings(negative_flips=Threshold(limit=0.05))
    stopped = gate(tagged(texts, before), tagged(texts, after, seed=1), plan=None, gate=critical)
    assert stopped.status is CheckStatus.FAIL and stopped.headline == lost.sentence


def test_examples_are_of_the_kind_that_loses_most() -> None:
    texts = two_kinds()
    result = gate(tagged(texts, right), tagged(texts, without_places, seed=1), plan=None)
    assert [(entity.id, entity.kind, entity.candidate) for entity in result.lost] == [
        (f"dev:{number}", "LOC", ("B-PER",)) for number in (0, 4, 8)
    ]
    first = result.lost[0]
    assert first.words == texts[0].words and (texts[0].gold or ())[first.start] == "B-LOC"


def test_every_slice_by_hand() -> None:
    texts = two_kinds(40)
    rng = np.random.default_rng(0)

    def noisy(_number: int, tags: Tags) -> Tags:
        return tuple("O" if tag != "O" and rng.random() < 0.3 else tag for tag in tags)

    sides = tagged(texts, noisy), tagged(texts, noisy, seed=1)
    slices = {change.slice: change for change in gate(*sides, plan=None).slices}
    for kind in ("PER", "LOC"):
        places = [
            (old.tags[at] == tag, new.tags[at] == tag)
            for old, new in zip(*(side.rows for side in sides), strict=True)
            for at, tag in enumerate(old.gold or ())
            if tag == f"B-{kind}"
        ]
        change = slices[f"kind {kind}"]
        assert change.right_before == sum(old for old, _ in places)
        assert change.lost == sum(old and not new for old, new in places)
        assert change.lost_low <= change.lost_part <= change.lost_high


def test_nothing_right_is_nothing_lost() -> None:
    texts = sentences(40)
    bare = tuple(replace(row, gold=None) for row in records(texts).rows)
    unlabelled = replace(records(texts), rows=bare)
    assert check(gate(unlabelled, unlabelled, plan=None), "negative_flips").status is CheckStatus.SKIPPED
    blind = records(texts, wrong=range(40))
    told = check(gate(blind, blind, plan=None), "negative_flips")
    assert told.status is CheckStatus.INCONCLUSIVE and "finds no right entity" in told.sentence


def test_harmless_trainings_lose_some_too() -> None:
    candidate = records(TEXTS, seed=1, wrong=range(20))
    assert check(gate(BASE, candidate, plan=None, gate=STRICT), "negative_flips").status is CheckStatus.FAIL
    benign = made_floors(*(replace(run(3.0), negative_flips=part) for part in (0.15, 0.2, 0.18)))
    lost = check(gate(BASE, candidate, plan=None, floors=benign, gate=STRICT), "negative_flips")
    assert lost.status is CheckStatus.PASS
    assert lost.limit == lost.floor == benign.negative_flips == bound([0.15, 0.2, 0.18])


def test_floors_of_an_earlier_release_know_none(tmp_path: Path) -> None:
    path = tmp_path / "floors.json"
    save_floors(made_floors(run(3.0)), path)
    document = json.loads(path.read_text())
    for benign in document["runs"]:
        del benign["negative_flips"]
    path.write_text(json.dumps(document))
    older = load_floors(path)
    assert older.negative_flips is None
    lost = check(gate(BASE, BASE, plan=None, floors=older), "negative_flips")
    assert (lost.floor, lost.limit) == (None, 0.1)


# --- leaks


def leaving(count: int) -> Callable[[int, Tags], Tags]:
    """Leaves the person of the first `count` sentences untagged."""
    return lambda number, tags: tuple("O" if tag == "B-PER" and number < count else tag for tag in tags)


def test_words_left_untagged_are_counted_and_listed() -> None:
    texts = two_kinds()
    result = gate(tagged(texts, right), tagged(texts, leaving(30), seed=1), plan=None)
    leaks = check(result, "leaks")
    assert (leaks.status, leaks.severity, leaks.count) == (CheckStatus.FAIL, "advisory", 240)
    assert leaks.value == 30 / 240
    assert leaks.sentence.startswith("30 of 240 words of entities are left untagged, 0 by the baseline (+12.50%, ")
    assert "30 that the baseline tags are left, 0 are won" in leaks.sentence
    assert "Recall of LOC 1.000 → 1.000, PER 1.000 → 0.750." in leaks.sentence
    assert result.leaks is not None and len(result.leaks.examples) == 20
    for number, word in enumerate(result.leaks.examples):
        assert (word.id, word.kind, word.baseline) == (f"dev:{number}", "PER", "B-PER")
        assert word.words[word.index] == texts[number].words[(texts[number].gold or ()).index("B-PER")]


def test_a_costly_kind_is_critical_and_counts_alone() -> None:
    texts = two_kinds()
    sides = tagged(texts, right), tagged(texts, leaving(30), seed=1)
    persons = check(gate(*sides, plan=None, costly=("PER",)), "leaks")
    assert (persons.status, persons.severity) == (CheckStatus.FAIL, "critical")
    assert (persons.value, persons.count) == (30 / 120, 120)
    places = check(gate(*sides, plan=None, costly=("LOC",)), "leaks")
    assert (places.value, places.count) == (0, 120)


def test_another_kind_hides_a_word_too() -> None:
    texts = two_kinds()
    sides = tagged(texts, right), tagged(texts, without_places, seed=1)
    result = gate(*sides, plan=None, costly=("LOC", "PER"), gate=STRICT)
    leaks = check(result, "leaks")
    assert (leaks.value, leaks.count, leaks.status) == (0, 240, CheckStatus.PASS)
    assert check(result, "negative_flips").status is CheckStatus.FAIL


@pytest.mark.parametrize(("words", "status"), [(182, "inconclusive"), (184, "pass")])
def test_how_many_words_without_a_leak_show_one_per_cent(words: int, status: str) -> None:
    """Twice the limit is excluded where so many words without a leak would be as rare as one in forty."""
    assert (stats.binom.cdf(0, words, 0.02) > 0.025) == (status == "inconclusive")
    texts = sentences(words // 2)
    same = tagged(texts, right)
    assert check(gate(same, same, plan=None, costly=("PER",)), "leaks").status.value == status
    assert check(gate(same, same, plan=None), "leaks").status is CheckStatus.PASS


def test_a_collapse_of_a_costly_kind_is_told_from_few_words() -> None:
    """Different words that leak for good fail where the interval is too wide: four documents, twenty names."""
    texts = [
        replace(text, document=f"d{number % 4}", words=tuple(f"{word}{number}" for word in text.words))
        for number, text in enumerate(sentences(10))
    ]
    result = gate(tagged(texts, right), tagged(texts, lambda *_: ("O",) * 8, seed=1), plan=None, costly=("PER",))
    leaks = check(result, "leaks")
    assert leaks.status is CheckStatus.FAIL and leaks.value == 1


def test_a_costly_kind_that_the_data_lacks_never_passes() -> None:
    result = gate(BASE, BASE, plan=None, costly=("PER", "PHONE"))
    leaks = check(result, "leaks")
    assert result.status is leaks.status is CheckStatus.INCONCLUSIVE
    assert leaks.sentence.startswith("No right entity is PHONE") and "words of PER 240" in leaks.sentence
    bare = replace(BASE, rows=tuple(replace(row, gold=None) for row in BASE.rows))
    assert check(gate(bare, bare, plan=None), "leaks").status is CheckStatus.SKIPPED
    assert check(gate(bare, bare, plan=None, costly=("PER",)), "leaks").status is CheckStatus.INCONCLUSIVE


def test_a_word_that_a_tokeniser_drops_leaks_unless_an_entity_holds_it() -> None:
    gold: Tags = ("B-PER", "I-PER", "O")

    def left(tags: Tags) -> set[int]:
        made = replace(BASE.rows[0], words=("a", "b", "c"), gold=gold, tags=gold, pieces=(1, 1, 1))
        return compare_entities(made, replace(made, tags=tags), gold, LABELS).untagged_by_candidate

    assert left(("B-PER", None, "O")) == {1}
    assert left(("B-LOC", "I-PER", "O")) == left(("B-PER", None, "I-PER")) == set()
    assert left((None, "O", "B-PER")) == {0, 1}
