"""What is scored, what is left out and said, and how little data tells that a candidate is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from gating import LABELS, Made, gate, judged, opponent, predictor, records, sentences
from scipy import stats

from interp.errors import InputError
from interp.gate import CheckStatus, GateResult, judge_candidate, map_kinds, parse_map
from interp.gate.names import NameLosses
from interp.question.tags import Entity
from interp.records import Record
from interp.scoring import UnitSums, compare_entities, unit_of
from interp.texts import Sentence


def record(words: str, tags: Sequence[str | None]) -> Record:
    return Record(
        id="a",
        document="a",
        words=tuple(words.split()),
        gold=None,
        tags=tuple(tags),
        probabilities=(0.9,) * len(tags),
        pieces=(1,) * len(tags),
        explained=(),
    )


def check(result: GateResult, name: str = "f1") -> tuple[str, str]:
    (found,) = (check for check in result.checks if check.name == name)
    return found.status.value, found.sentence


def made(texts: Sequence[Sentence], wrong: Sequence[int] = (), seed: int = 0) -> Made:
    return records(texts, wrong=wrong, seed=seed, name=f"{seed}")


# --- what is scored


@pytest.mark.parametrize(
    ("gold", "baseline", "candidate", "expected"),
    [
        # Neither tokeniser reads the second word: the entity around it stays whole.
        (["B-PER", "I-PER", "I-PER"], ["B-PER", None, "I-PER"], ["B-PER", None, "I-PER"], ([(0, 2)],) * 3),
        (["I-PER", "I-PER", "O"], [None, "B-PER", "O"], [None, "B-PER", "O"], ([(0, 1)],) * 3),
        # One tokeniser alone reads nothing of it: the word counts, and what is around it holds it.
        (["B-PER", "I-PER", "I-PER"], ["B-PER", None, "I-PER"], ["B-PER", "I-PER", "I-PER"], ([(0, 3)],) * 3),
        (["B-PER", "O", "O"], [None, "O", "O"], ["B-PER", "O", "O"], ([(0, 1)], [], [(0, 1)])),
        # A right tag that is unknown: nobody is right or wrong there.
        (["B-PER", None, "O"], ["B-PER", "I-PER", "O"], ["B-PER", "O", "O"], ([(0, 1)],) * 3),
        ([None, "O", "B-PER"], ["B-LOC", "O", "B-PER"], ["O", "O", "O"], ([(1, 2)], [(1, 2)], [])),
    ],
)
def test_words_without_a_tag_are_left_out(
    gold: list[str | None],
    baseline: list[str | None],
    candidate: list[str | None],
    expected: tuple[list[tuple[int, int]], ...],
) -> None:
    words = "a b c"
    entities = compare_entities(record(words, baseline), record(words, candidate), gold, LABELS)
    spans = [{Entity(start, stop, "PER") for start, stop in side} for side in expected]
    assert [entities.right, entities.baseline, entities.candidate] == spans
    unscored = sum(
        right is None or (old is None and new is None)
        for right, old, new in zip(gold, baseline, candidate, strict=True)
    )
    assert entities.left_out == unscored and len(entities.words) == 3 - unscored


def test_words_that_are_not_scored_are_counted() -> None:
    texts = [replace(text, gold=("B-PER", *(text.gold or ())[1:])) for text in sentences(40)]
    unknown = replace(made(texts), rows=tuple(replace(row, gold=(None, *row.gold[1:])) for row in made(texts).rows))
    status, sentence = check(gate(unknown, unknown, plan=None))
    assert status == "pass" and "40 words are not scored" in sentence


# --- right tags that were offered


def test_f1_is_skipped_only_where_no_right_tags_were_offered() -> None:
    texts = sentences(40)
    bare = replace(made(texts), rows=tuple(replace(row, gold=None) for row in made(texts).rows))
    assert check(gate(bare, bare, plan=None))[0] == "skipped"
    outside = replace(made(texts), rows=tuple(replace(row, gold=("O",) * 8) for row in made(texts).rows))
    result = gate(outside, outside, plan=None)
    status, sentence = check(result)
    assert status == "inconclusive" and "40 tagged sentences are O" in sentence
    assert result.status is CheckStatus.INCONCLUSIVE


def renamed(side: Made, old: str, new: str) -> Made:
    """The same with other right tags; what the model says stays."""

    def rename(tag: str) -> str:
        return tag.replace(old, new)

    return replace(side, rows=tuple(replace(row, gold=tuple(map(rename, row.gold or ()))) for row in side.rows))


def test_kinds_that_one_side_lacks_are_counted_and_do_not_pass_for_understood() -> None:
    texts = sentences(60)
    both = [
        replace(text, gold=("B-LOC", *(text.gold or ())[1:])) if number % 2 else text
        for number, text in enumerate(texts)
    ]
    plain = made(both)
    assert check(gate(plain, plain, plan=None))[0] == "pass"
    foreign = renamed(plain, "PER", "PERSON")
    status, sentence = check(gate(foreign, foreign, plan=None))
    assert status == "inconclusive"
    assert "PERSON" in sentence and "?map=PERSON=PER" in sentence and "No right entity is PER" in sentence


def test_kinds_that_the_right_tags_have_beside_all_of_the_models_are_counted_only() -> None:
    texts = [replace(text, gold=(*(text.gold or ())[:6], "B-LOC", "B-MISC")) for text in sentences(60)]
    side = made(texts)
    as_model = replace(side, rows=tuple(replace(row, tags=(*row.tags[:7], "O")) for row in side.rows))
    status, sentence = check(gate(as_model, as_model, plan=None))
    assert status == "pass" and "no such kinds as MISC 60" in sentence


# --- little data


def few_documents(count: int, documents: int) -> list[Sentence]:
    return [replace(text, document=f"d{number % documents}") for number, text in enumerate(sentences(count))]


def test_where_documents_are_too_few_sentences_are_resampled() -> None:
    texts = few_documents(40, documents=2)
    result = gate(made(texts), made(texts, seed=1, wrong=range(6)), plan=None)
    assert -1 < result.slices[0].low < result.slices[0].high < 1
    assert "over sentences, as documents are too few (2)" in check(result)[1]
    assert check(result, "agreement")[0] == "pass"
    many = few_documents(40, documents=8)
    assert "over sentences" not in check(gate(made(many), made(many, seed=1), plan=None))[1]


def test_sums_by_sentence_are_kept_only_for_as_long_as_documents_are_few() -> None:
    sums = UnitSums(1)
    for number in range(12):
        sums.add(f"d{number // 3}", f"s{number}", [1.0])
    assert unit_of(sums.documents) == "sentences" and sums.rows("sentences").shape == (12, 1)
    assert sums.rows("documents").ravel().tolist() == [3, 3, 3, 3]
    sums.add("d4", "s12", [1.0])
    assert unit_of(sums.documents) == "documents" and sums.rows("sentences").size == 0
    assert sums.total.tolist() == [13]


@pytest.mark.parametrize("documents", [1, 2, 5, 20])
def test_a_collapse_in_twenty_sentences_is_told(documents: int) -> None:
    names = [f"Name{number}" for number in range(40)]
    texts = []
    for number, text in enumerate(few_documents(20, documents)):
        words = list(text.words)
        for at, tag in enumerate(text.gold or ()):
            if tag != "O":
                words[at] = names.pop()
        texts.append(replace(text, words=tuple(words), id=f"t{number}"))
    result = gate(made(texts), made(texts, seed=1, wrong=range(12)), plan=None)
    assert result.status is CheckStatus.FAIL and "24 are lost and 0 won" in result.headline


def test_one_name_lost_in_every_sentence_is_no_collapse() -> None:
    assert NameLosses(count=40, lost=1, won=0).at_least == 0


@pytest.mark.parametrize(("count", "lost", "won"), [(53, 28, 0), (40, 12, 3), (200, 40, 20), (30, 3, 3)])
def test_the_bound_on_lost_names_is_exact(count: int, lost: int, won: int) -> None:
    """Clopper and Pearson's bound is where as many lost names or more would be as rare as one in a hundred."""
    bound = NameLosses(count=count, lost=lost, won=won).at_least
    part = (bound * count / (lost + won) + 1) / 2
    if bound:
        assert stats.binom.sf(lost - 1, lost + won, part) == pytest.approx(0.01, abs=1e-6)
    else:
        assert stats.binom.sf(lost - 1, lost + won, 0.5) >= 0.01


# --- not of the same


@pytest.mark.parametrize("change", [{"words": ("else",) * 8}, {"gold": ("O",) * 8}])
def test_other_words_under_the_same_fingerprint_cannot_be_compared(change: dict[str, tuple[str, ...]]) -> None:
    side = made(sentences(20))
    altered = replace(side, rows=(replace(side.rows[0], **change), *side.rows[1:]))
    result = gate(side, altered, plan=None)
    assert result.status is CheckStatus.INCOMPARABLE
    assert "dev:0 has other words or right tags" in result.headline


# --- kinds by other names


def called_otherwise(side: Made, names: dict[str, str]) -> Made:
    """The same model with other names of kinds."""

    def rename(tag: str | None) -> str | None:
        return None if tag is None else "-".join(names.get(part, part) for part in tag.split("-"))

    rows = [
        replace(
            row,
            tags=tuple(map(rename, row.tags)),
            explained=tuple(
                replace(explained, tags=tuple(str(rename(tag)) for tag in explained.tags))
                for explained in row.explained
            ),
        )
        for row in side.rows
    ]
    labels = tuple(str(rename(label)) for label in side.about.model.labels)
    about = replace(side.about, model=replace(side.about.model, labels=labels))
    return replace(side, about=about, rows=tuple(rows))


def test_a_candidate_whose_kinds_are_called_otherwise_can_be_gated() -> None:
    texts = sentences(60)
    baseline, candidate = made(texts), made(texts, seed=1, wrong=range(4))
    renamed = called_otherwise(candidate, {"PER": "PERSON", "LOC": "PLACE"})
    refused = gate(baseline, renamed)
    assert refused.status is CheckStatus.INCOMPARABLE and "--map PERSON=PER,GPE=LOC,*=O" in refused.headline
    side = opponent(renamed, predictor().of(renamed.about.model.labels))
    assert side.predictor is not None and side.predictor.labels[1] == "B-PERSON"
    _, ours = map_kinds(opponent(baseline), side, {"PERSON": "PER", "PLACE": "LOC"})
    assert ours.predictor is not None and ours.predictor.labels == LABELS
    result = judge_candidate(opponent(baseline), replace(ours, predictor=None), judged(), None)
    assert result == judge_candidate(opponent(baseline), opponent(candidate), judged(), None)


def test_kinds_that_become_one_add_their_probabilities() -> None:
    texts = sentences(4)
    side = opponent(made(texts), predictor())
    mapped, _ = map_kinds(side, side, {"LOC": "PER", "*": "O"})
    assert mapped.records.about.model.labels == ("O", "B-PER", "I-PER")
    assert mapped.predictor is not None and side.predictor is not None
    words = texts[0].words
    own, summed = side.predictor([words])[0], mapped.predictor([words])[0]
    columns = {label: own[:, column] for column, label in enumerate(side.predictor.labels)}
    assert np.allclose(summed[:, 1], columns["B-PER"] + columns["B-LOC"])
    assert np.allclose(summed.sum(1), 1)


def test_kinds_that_do_not_count_become_no_entity() -> None:
    side = opponent(made(sentences(4)))
    mapped, _ = map_kinds(side, side, {"PER": "NAME", "*": "O"})
    assert mapped.records.about.model.labels == ("O", "B-NAME", "I-NAME")
    assert {tag for record in mapped.records for tag in record.tags} <= {"O", "B-NAME", "I-NAME"}


def test_a_kind_that_neither_model_has_is_refused() -> None:
    side = opponent(made(sentences(4)))
    with pytest.raises(InputError, match="--map GPE: neither model has such a kind, but LOC, O, PER"):
        map_kinds(side, side, {"GPE": "LOC"})


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["PERSON"], "write it as PERSON=PER"),
        (["A="], "names no two"),
        (["A=B,A=C"], "gives A two names, B and C"),
    ],
)
def test_maps_that_say_nothing(texts: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_map(texts)
