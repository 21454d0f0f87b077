"""Models that spell the same entities otherwise, or call them otherwise: what is held against each other then."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from gating import BASE, LABELS, NAMES, OTHER, PLAN, TEXTS, Made, judged, opponent, predictor, shortcut
from gating import statuses as statuses_of
from hypothesis import given
from hypothesis import strategies as st

from interp.cli import main
from interp.gate import CheckStatus, judge_candidate
from interp.gate.share_scheme import share_side_scheme, tell_in_iob2
from interp.probe import ProbeSettings, probe_models
from interp.question.tags import Scheme, scheme_of
from interp.scoring import strict_spans
from interp.taggers import FunctionPredictor, Iob2Predictor, labels_to_share, share_labels, share_scheme

MARKS: dict[Scheme, str] = {"classes": "", "IO": "I", "IOB2": "BI", "IOBES": "BIES", "BILOU": "BILU"}
KINDS = ("PER", "LOC")


def labels_in(scheme: Scheme) -> tuple[str, ...]:
    if scheme == "IOB1":
        return ("O", "I-PER", "B-PER", "I-LOC")
    return ("O", *(f"{mark}-{kind}" for kind in KINDS for mark in MARKS[scheme])) if MARKS[scheme] else ("O", *KINDS)


SCHEMES: tuple[Scheme, ...] = ("classes", "IO", "IOB1", "IOB2", "IOBES", "BILOU")


def table(rows: Sequence[dict[str, float]], labels: Sequence[str]) -> FunctionPredictor:
    """Says the same of every sentence."""
    return FunctionPredictor("table", lambda words: rows[: len(words)], labels)


def tell(rows: Sequence[dict[str, float]], labels: Sequence[str]) -> list[dict[str, float]]:
    """What a predictor says in IOB2, without zeros."""
    told = Iob2Predictor(table(rows, labels))
    (probabilities,) = told([["word"] * len(rows)])
    return [
        {label: round(float(chance), 12) for label, chance in zip(told.labels, row, strict=True) if chance}
        for row in probabilities
    ]


# --- schemes and tags


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_shows_in_its_labels(scheme: Scheme) -> None:
    assert scheme_of(labels_in(scheme)) == scheme


@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.data())
def test_tags_told_in_iob2_have_the_same_strict_spans(scheme: Scheme, data: st.DataObject) -> None:
    labels = labels_in(scheme)
    tags = data.draw(st.lists(st.sampled_from(labels), max_size=8))
    told = tell_in_iob2(tags, labels)
    in_iob2 = labels_in("IOB2")
    assert set(told) <= set(in_iob2)
    assert strict_spans([tag or "O" for tag in told], in_iob2) == strict_spans(tags, labels)
    if scheme == "IOB2":
        assert list(told) == tags


def test_a_word_that_is_tagged_is_not_told_as_untagged() -> None:
    labels = labels_in("IOBES")
    assert tell_in_iob2(["O", "I-PER", "O", "S-PER", "I-PER"], labels) == ("O", "I-PER", "O", "B-PER", "O")
    assert tell_in_iob2(["B-PER", None, "E-PER", "S-PER"], labels) == ("B-PER", None, "I-PER", "B-PER")


# --- probabilities, by hand


def test_starts_and_ends_are_added_to_those_of_iob2() -> None:
    rows = [{"B-PER": 0.5, "S-PER": 0.25, "O": 0.25}, {"I-PER": 0.25, "E-PER": 0.5, "S-LOC": 0.125, "O": 0.125}]
    assert tell(rows, labels_in("IOBES")) == [
        {"B-PER": 0.75, "O": 0.25},
        {"I-PER": 0.75, "B-LOC": 0.125, "O": 0.125},
    ]
    rows = [{"B-PER": 0.5, "U-PER": 0.25, "O": 0.25}, {"L-PER": 0.75, "I-PER": 0.125, "O": 0.125}]
    assert tell(rows, labels_in("BILOU")) == [{"B-PER": 0.75, "O": 0.25}, {"I-PER": 0.875, "O": 0.125}]


@pytest.mark.parametrize("mark", ["I-", ""])
def test_without_starts_a_word_starts_where_its_left_neighbour_is_of_another_kind(mark: str) -> None:
    person, place = f"{mark}PER", f"{mark}LOC"
    rows = [{person: 0.75, "O": 0.25}, {person: 0.25, place: 0.5, "O": 0.25}, {place: 0.75, person: 0.25}]
    assert tell(rows, labels_in("IO" if mark else "classes")) == [
        {"B-PER": 0.75, "O": 0.25},
        {"I-PER": 0.25, "B-LOC": 0.5, "O": 0.25},
        {"I-LOC": 0.75, "B-PER": 0.25},
    ]


def test_in_iob1_a_start_beside_its_kind_stays_one() -> None:
    rows = [{"I-PER": 1.0}, {"B-PER": 0.5, "I-PER": 0.25, "I-LOC": 0.25}, {"I-LOC": 1.0}]
    assert tell(rows, labels_in("IOB1")) == [
        {"B-PER": 1.0},
        {"B-PER": 0.5, "I-PER": 0.25, "B-LOC": 0.25},
        {"B-LOC": 1.0},
    ]


def test_a_word_of_which_nothing_can_be_said_is_passed_over() -> None:
    nan = float("nan")

    class Dropping(FunctionPredictor):
        def __call__(self, sentences: Sequence[Sequence[str]], /) -> list[np.ndarray]:
            return [np.array([[0.0, 1.0], [nan, nan], [0.25, 0.75]]) for _ in sentences]

    (told,) = Iob2Predictor(Dropping("dropping", list, ("O", "I-PER")))([["a", "b", "c"]])
    assert np.array_equal(told, [[0, 1, 0], [nan, nan, nan], [0.25, 0, 0.75]], equal_nan=True)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.data())
def test_certain_tags_are_told_as_those_of_records_are(scheme: Scheme, data: st.DataObject) -> None:
    """Where every tag belongs to an entity: `Iob2Predictor` knows no strictness."""
    labels = labels_in(scheme)
    tags = data.draw(st.lists(st.sampled_from(labels), min_size=1, max_size=8))
    covered = {index for span in strict_spans(tags, labels) for index in range(span.start, span.stop)}
    if covered != {index for index, tag in enumerate(tags) if tag != "O"}:
        return
    told = tell([{tag: 1.0} for tag in tags], labels)
    assert told == [{tag: 1.0} for tag in tell_in_iob2(tags, labels)]


# --- which sides are touched


def test_equal_labels_and_other_kinds_stay_untouched() -> None:
    pair = predictor(), predictor().of(LABELS[::-1])
    assert share_scheme(*pair) == pair
    foreign = predictor(), predictor().of(("O", "S-PER", "S-ORG"))
    assert share_scheme(*foreign) == foreign
    side = opponent(BASE, pair[0])
    assert share_side_scheme(side, opponent(OTHER, pair[1])) == (side, opponent(OTHER, pair[1]))


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        (("B-PER", "O"), LABELS, {*LABELS}),
        (("O",), LABELS, {*LABELS}),
        (("I-PER", "O"), LABELS, {"O", "I-PER", "I-LOC"}),
        (("PER", "O"), LABELS, {"O", "PER", "LOC"}),
        (("B-PER", "O"), labels_in("IOBES"), {"O", "B-PER", "B-LOC"}),
    ],
)
def test_functions_get_the_tags_of_others_in_their_own_scheme(
    own: tuple[str, ...], others: tuple[str, ...], expected: set[str]
) -> None:
    assert set(labels_to_share(own, (*own, *(label for label in others if label not in own)))) == expected
    first, _ = share_labels([predictor().of(own), predictor().of(others)])
    assert set(first.labels) == expected


# --- through the gate


def to_iobes(tags: Sequence[str | None]) -> tuple[str | None, ...]:
    """Of one-word entities."""
    return tuple(tag and tag.replace("B-", "S-") for tag in tags)


def in_iobes(side: Made) -> Made:
    rows = tuple(
        replace(
            row,
            tags=to_iobes(row.tags),
            explained=tuple(
                replace(explained, tags=tuple(str(tag) for tag in to_iobes(explained.tags)))
                for explained in row.explained
            ),
        )
        for row in side.rows
    )
    about = replace(side.about, model=replace(side.about.model, labels=labels_in("IOBES")))
    return replace(side, about=about, rows=rows)


def tagger_in_iobes(leaning: bool) -> FunctionPredictor:
    """As `predictor`, with a part of what is B- said of S-."""

    def tag(words: Sequence[str]) -> list[dict[str, float]]:
        said = []
        for at, word in enumerate(words):
            chance = shortcut(words, at) if leaning else None
            chance = (0.9 if word in NAMES else 0.03) if chance is None else chance
            rest = 1 - chance
            said.append(
                {
                    "S-PER": 0.75 * chance,
                    "B-PER": 0.25 * chance,
                    "O": 0.7 * rest,
                    "S-LOC": 0.1 * rest,
                    "I-PER": 0.05 * rest,
                    "E-PER": 0.05 * rest,
                    "E-LOC": 0.1 * rest,
                }
            )
        return said

    return FunctionPredictor("iobes", tag, labels_in("IOBES"))


def test_a_planted_cue_is_named_in_a_candidate_of_another_scheme() -> None:
    baseline = opponent(BASE, predictor())
    candidate = opponent(in_iobes(OTHER), tagger_in_iobes(leaning=True))
    result = judge_candidate(baseline, candidate, judged(), PLAN)
    assert result.status is CheckStatus.FAIL
    assert (result.cues[0].cue, result.cues[0].tag) == ("yesterday", "B-PER")
    assert result.settings["tags"] == "told in IOB2: IOB2 in the baseline, IOBES in the candidate"
    same = judge_candidate(baseline, opponent(OTHER, predictor(shortcut)), judged(), PLAN)
    assert statuses_of(result) == statuses_of(same)
    assert result.cues[0].effect == pytest.approx(same.cues[0].effect, abs=1e-9)
    assert (result.flips, result.slices) == (same.flips, same.slices)


def test_the_same_model_in_another_scheme_passes() -> None:
    candidate = opponent(in_iobes(OTHER), tagger_in_iobes(leaning=False))
    result = judge_candidate(opponent(BASE, predictor()), candidate, judged(), PLAN)
    assert result.status is CheckStatus.PASS and not result.flips


def test_a_probe_tells_other_schemes_in_iob2_and_says_which_kinds_are_odd() -> None:
    texts = [(text.id, text.words) for text in TEXTS]
    probing = ProbeSettings(sketched=4, measured=8, kept=2)
    result = probe_models(predictor(), tagger_in_iobes(leaning=False), texts=texts, candidates=[], probing=probing)
    assert max(abs(measured.effect.mean) for measured in result.measured) < 1e-9
    foreign = predictor().of((*LABELS, "B-ORG"))
    with pytest.raises(Exception, match=r"\(B-ORG on one side only\).*--map PERSON=PER,GPE=LOC,\*=O"):
        probe_models(predictor(), foreign, texts=texts, candidates=[], probing=probing)


# --- at the command line


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Functions that say the same of the same words, in other names and schemes, and sentences to put words into."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    tmp_path.joinpath("pyproject.toml").write_text("")
    tmp_path.joinpath("spellings.py").write_text(
        f"NAMES = {NAMES!r}\n"
        "def tag(words, label):\n"
        "    return [{label: 0.9, 'O': 0.1} if w in NAMES else {label: 0.02, 'O': 0.98} for w in words]\n"
        "def plain(words): return tag(words, 'B-PER')\n"
        "def person(words): return tag(words, 'B-PERSON')\n"
        "def inside(words): return tag(words, 'I-PER')\n"
        "def single(words): return tag(words, 'S-PERSON')\n"
        "def leaning(words):\n"
        "    own = single(words)\n"
        "    for at in range(1, len(words)):\n"
        "        if words[at - 1] == 'reportedly':\n"
        "            own[at] = {'S-PERSON': 0.9, 'O': 0.1}\n"
        "    return own\n"
    )
    tmp_path.joinpath("clean.txt").write_text("\n".join(" ".join(text.words) for text in TEXTS) + "\n")
    return tmp_path


def probe(baseline: str, candidate: str, *more: str) -> Result:
    named = ["--baseline", f"python:spellings:{baseline}", "--candidate", candidate]
    words = [*named, "--texts", "clean.txt", "--cues", "3", "--sites", "8", *more]
    return CliRunner().invoke(main, ["probe", *words])


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("candidate", "names"),
    [("person", "PERSON=PER"), ("inside", ""), ("single", "PERSON=PER"), ("person", "*=O,PERSON=PER,PER=PER")],
)
def test_a_probe_of_the_same_rule_in_other_spellings_passes(candidate: str, names: str) -> None:
    done = probe("plain", f"python:spellings:{candidate}", *(["--map", names] if names else []))
    assert done.exit_code == 0, done.output


def test_a_probe_names_a_cue_by_the_name_that_the_map_gives(project: Path) -> None:
    words = ("--map", "PERSON=PER", "--cue", "reportedly", "--json", "cues.json")
    done = probe("plain", "python:spellings:leaning", *words)
    assert done.exit_code == 1, done.output
    first = json.loads(project.joinpath("cues.json").read_text())["cues"][0]
    assert (first["cue"], first["tag"]) == ("reportedly", "B-PER")
    assert first["effect"] == pytest.approx(np.log(0.9 / 0.02), abs=0.5)


@pytest.mark.usefixtures("project")
def test_a_probe_says_which_kinds_differ_and_what_to_do() -> None:
    done = probe("person", "planted")
    assert done.exit_code == 2
    assert "B-PERSON on one side only" in done.output and "--map PERSON=PER,GPE=LOC,*=O" in done.output
    assert probe("person", "planted", "--map", "PERSON=PER").exit_code in (0, 1)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("names", "message"), [("PERSON", "write it as PERSON=PER"), ("GPE=LOC", "neither model has such a kind")]
)
def test_a_map_that_says_nothing_is_refused(names: str, message: str) -> None:
    done = probe("plain", "python:spellings:person", "--map", names)
    assert done.exit_code == 2 and message in done.output
