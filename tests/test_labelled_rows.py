"""Labels in rows of JSON and data sets: tags by word, and character offsets as annotation tools export them."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interp.errors import InputError
from interp.question.words import place_words, split_words, unsplit_words
from interp.texts.offsets import Span, put_on_words
from tests.labelled import lengths_or_refusal, read, read_rows, shown


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


TEXT = "Anna Berg left Paris."
SPANS = [[0, 9, "PER"], [15, 20, "LOC"]]
RIGHT = "Anna/B-PER Berg/I-PER left/O Paris/B-LOC ./O"


def task(**changes: Any) -> dict[str, Any]:
    """A row as Label Studio exports it."""
    results = [
        {"type": "labels", "value": {"start": start, "end": end, "text": TEXT[start:end], "labels": [kind]}}
        for start, end, kind in SPANS
    ]
    counts = {"total_annotations": 1, "cancelled_annotations": 0, "predictions": []}
    return {"id": 1, "data": {"text": TEXT}, "annotations": [{"id": 5, "result": results}], **counts, **changes}


def objects(start: str, end: str, label: str) -> list[dict[str, Any]]:
    return [{start: span[0], end: span[1], label: span[2]} for span in SPANS]


@pytest.mark.parametrize(
    "field", ["label", "labels", "entities", "spans", "annotations", "ner", "gold", "myEntities", "x"]
)
def test_offsets_under_any_name(field: str) -> None:
    assert shown(read_rows({"text": TEXT, field: SPANS})[0]) == RIGHT


@pytest.mark.parametrize(
    "row",
    [
        {"text": TEXT, "spans": objects("start", "end", "label"), "label": "PER", "answer": "accept"},
        {"text": TEXT, "entities": objects("start_offset", "end_offset", "label"), "relations": [], "Comments": []},
        {"text": TEXT, "annotation_approver": None, "meta": {}, "labels": SPANS},
        {"text": TEXT, "entities": objects("begin", "end", "type")},
        {"text": TEXT, "label": [["PER", 0, 9], ["LOC", 15, 20]]},
        {"text": TEXT, "label": [[15, 20, ["LOC"]], [0, 9, ["PER"]], [0, 9, ["PER"]]]},
        {"text": TEXT, "label": [[0, 10, "PER"], [14, 20, "LOC "]]},
        {"text": TEXT, "entities": {"start": [0, 15], "end": [9, 20], "label": ["PER", "LOC"]}},
        [TEXT, {"entities": SPANS}],
        {"text": TEXT, "annotations": {"entities": SPANS}},
        task(),
        task(data={"body": TEXT}),
        task(annotations=[{"was_cancelled": True, "result": []}, *task()["annotations"]]),
        task(
            annotations=[
                {"result": [*task()["annotations"][0]["result"], {"type": "choices", "value": {"choices": []}}]}
            ]
        ),
        {
            "text": TEXT,
            "label": [
                {**span, "text": TEXT[span["start"] : span["end"]]} for span in objects("start", "end", "labels")
            ],
        },
        {"text": TEXT, "label": SPANS, "predictions": [[0, 4, "ORG"]], "predicted_labels": [[0, 4, "ORG"]]},
    ],
)
def test_offsets_as_tools_export_them(row: object) -> None:
    assert shown(read_rows(row)[0]) == RIGHT


def test_files_that_are_one_array() -> None:
    for indent in (None, 1):
        for rows in ([task(), task(id=2)], [[TEXT, {"entities": SPANS}]] * 2):
            sentences, _ = read(json.dumps(rows, indent=indent), kind="jsonl")
            assert shown(sentences) == f"{RIGHT} | {RIGHT}"
            assert [sentence.id for sentence in sentences] == ["x:1", "x:2"]
    with pytest.raises(InputError, match="holds no sentence"):
        read("[]", kind="jsonl")


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([[0, 7, "PER"]], 'x:1: the span "Anna Be" (0 to 7, PER) cuts the word "Berg": move its end'),
        ([[1, 9, "PER"]], 'the span "nna Berg" (1 to 9, PER) cuts the word "Anna"'),
        ([[0, 4, "PER"], [2, 9, "ORG"]], 'x:1: the spans "Anna" (0 to 4, PER) and "na Berg" (2 to 9, ORG) overlap'),
        ([[0, 9, "PER"], [0, 4, "PER"]], "overlap: a word has one tag"),
        ([[0, 9, "PER"], [0, 9, "ORG"]], "overlap"),
        ([[0, 99, "PER"]], "x:1: the span 0 to 99 (PER) holds nothing of a text of 21 characters"),
        ([[9, 9, "PER"]], "the span 9 to 9 (PER) holds nothing"),
        ([[9, 10, "PER"]], "holds nothing"),
        ([[-1, 4, "PER"]], "holds nothing"),
        ([[0, 9]], "x:1: [0, 9] is no span: give start, end and one label."),
        ([[0, 9, ""]], "is no span"),
        ([[0, 9, ["PER", "ORG"]]], "is no span"),
        ([[0, 9, "O"]], "O names no kind of entity"),
        ([[0, 9, 2]], "is no span"),
        ([{"start": 0, "end": 9, "label": 2}], "x:1: the label 2 is a number: say what it means, as in ?map=2=PER."),
        ([{"start": "/div[1]", "end": 9, "label": "PER"}], "is no span"),
        (
            [{"start": 0, "end": 9, "label": "PER", "text": "Anna B"}],
            'says "Anna B", but the text has "Anna Berg" there',
        ),
        ([[0.0, 9.0, "PER"]], "x:1: label is neither a list of tags by name, such as B-PER, nor of spans"),
        ([["0", "9", "PER"]], "is neither a list of tags"),
        ({"PER": [[0, 9]]}, "is neither a list of tags"),
        (["PER"], "x:1: has 5 words and 1 tag: give one per word."),
        ("PER", "x:1: label is text, and no list of tags or spans"),
    ],
)
def test_offsets_that_are_refused(spans: object, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read_rows({"text": TEXT, "label": spans})


def test_words_that_a_span_cuts_may_be_left_out() -> None:
    row = {"text": "Berlin-based Anna Berg", "label": [[0, 6, "LOC"], [13, 22, "PER"]]}
    with pytest.raises(InputError, match='cuts the word "Berlin-based"'):
        read_rows(row)
    sentences, notes = read_rows(row, options="?cut=unknown")
    assert shown(sentences) == "Berlin-based/? Anna/B-PER Berg/I-PER"
    assert notes == ["x: 1 word of unknown tag left out of scoring."]


def test_annotators_must_agree() -> None:
    with pytest.raises(InputError, match=r"x:1: 2 annotations differ"):
        read_rows(task(annotations=[*task()["annotations"], {"result": []}]))
    assert shown(read_rows(task(annotations=task()["annotations"] * 2))[0]) == RIGHT


def test_a_row_that_was_rejected_says_nothing() -> None:
    rejected = {"text": "Rome", "spans": [{"start": 0, "end": 4, "label": "PER"}], "answer": "reject"}
    sentences, notes = read_rows({"text": TEXT, "spans": SPANS, "answer": "accept"}, rejected)
    assert shown(sentences) == f"{RIGHT} | Rome/?"
    assert notes == ["x: 1 word of unknown tag left out of scoring."]


WORDS = ["Anna", "Berg", "left"]
TAGS = ["B-PER", "I-PER", "O"]
BY_WORD = "Anna/B-PER Berg/I-PER left/O"


@pytest.mark.parametrize(
    "field",
    ["tags", "ner_tags", "labels", "label", "ner", "bio", "entities", "gold", "nerTags", "ner-tags", "classes", "y"],
)
def test_tags_under_any_name(field: str) -> None:
    assert shown(read_rows({"tokens": WORDS, field: TAGS})[0]) == BY_WORD


@pytest.mark.parametrize(
    ("row", "options", "expected"),
    [
        ({"tokens": WORDS, "pos_tags": [1, 2, 3], "chunk_tags": ["B-NP", "I-NP", "O"], "ner_tags": TAGS}, "", BY_WORD),
        ({"tokens": WORDS, "tags": TAGS, "ner_tags": ["O"] * 3}, "?tags=tags", BY_WORD),
        ({"tokens": WORDS, "tags": TAGS, "pred_tags": ["O"] * 3}, "", BY_WORD),
        ({"tokens": WORDS, "tags": [1, 2, 0]}, "?map=0=O,1=B-PER,2=I-PER", BY_WORD),
        ({"tokens": WORDS, "tags": ["B-PER", "I-PER", None]}, "", BY_WORD),
        ({"tokens": WORDS, "tags": ["B-PER", None, "O"]}, "", "Anna/B-PER Berg/? left/O"),
        ({"tokens": WORDS, "tags": [1, -100, 0]}, "?map=0=O,1=B-PER", "Anna/B-PER Berg/? left/O"),
        ({"tokens": WORDS, "tags": ["x"]}, "?tags=none", "Anna Berg left"),
        ({"tokens": WORDS, "tags": None}, "", "Anna Berg left"),
        ({"tokens": WORDS}, "", "Anna Berg left"),
        ({"text": "Anna left", "label": 3, "annotation_id": "a7"}, "", "Anna left"),
        ({"tokens": WORDS, "text": "Anna Berg left", "entities": [[0, 9, "PER"]]}, "", BY_WORD),
        ({"sentence": "Anna left", "label": [[0, 4, "PER"]]}, "?text=sentence", "Anna/B-PER left/O"),
        ({"tokens": [{"text": word, "ner": tag} for word, tag in zip(WORDS, TAGS, strict=True)]}, "", BY_WORD),
        (
            {"text": "Anna won", "ents": [{"start": 0, "end": 4, "label": "PER"}], "sents": [{"start": 0, "end": 8}]},
            "",
            "Anna/B-PER won/O",
        ),
        (
            {"text": "Anna won.", "ents": [], "tokens": [{"start": 0, "end": 4}, {"start": 5, "end": 9}]},
            "",
            "Anna/O won./O",
        ),
        ({"text": "Anna won", "label": {"start": 0, "end": 4, "label": "PER"}}, "", "Anna/B-PER won/O"),
        ({"text": "Anna won", "offset_mapping": [[0, 4], [5, 8]], "sents": [{"start": 0, "end": 8}]}, "", "Anna won"),
        (
            {
                "tokens": [{"text": "Anna", "start": 0}, {"text": "left.", "start": 5}],
                "text": "Anna left.",
                "spans": [],
            },
            "",
            "Anna/O left./O",
        ),
    ],
)
def test_tags_by_word(row: object, options: str, expected: str) -> None:
    assert shown(read_rows(row, options=options)[0]) == expected


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": WORDS, "tags": TAGS, "ner_tags": TAGS}, "x:1: tags and ner_tags all look like labels: say which"),
        ({"tokens": WORDS, "ner_ids": [1, 2, 0]}, "x:1: the tag `1` is a number"),
        ({"tokens": WORDS, "tags": ["O"]}, "x:1: has 3 words and 1 tag"),
        ({"tokens": WORDS, "tags": []}, "x:1: has 3 words and 0 tags"),
        ({"tokens": WORDS, "tags": "B-PER I-PER O"}, "x:1: tags is text, and no list of tags or spans"),
        ({"tokens": WORDS, "tags": [1, 2, 0]}, "x:1: the tag `1` is a number"),
        (
            {"tokens": WORDS, "tags": ["10", "9", "9" * 5000]},
            "x:1: the tag `10` is a number: say what numbers mean",
        ),
        ({"tokens": WORDS, "tags": ["B-PER", "", "O"]}, "x:1: has an empty tag"),
        ({"tokens": WORDS, "tags": [["B-PER"], ["I-PER"], ["O"]]}, "tags is neither a list of tags by name"),
        ({"tokens": WORDS, "tags": [True, False, False]}, "tags is neither a list of tags by name"),
        ({"tokens": WORDS, "tags": {"a": 1}}, "tags is neither a list of tags"),
        ({"tokens": WORDS, "entities": [{"start": 0, "end": 2, "type": "PER"}]}, "no text says what they count"),
        ({"tokens": WORDS, "text": "Other words", "entities": [[0, 5, "PER"]]}, "no text says what they count"),
        ({"tokens": [{"text": "Anna", "tag": "O", "ner": "O"}]}, "the words' tag and ner are not one tag each"),
        (task(annotations=[{"result": [{"value": {"labels": ["PER"]}}]}]), "is no span"),
        (task(annotations=[{"result": ["PER"]}]), "is no span"),
        ({"tokens": "Anna Berg left", "tags": TAGS}, "x:1: tokens is no list of words"),
        ({"text": TEXT, "labels": ["sports"]}, "x:1: has 5 words and 1 tag"),
        ([["Anna", "B-PER"], ["Berg", "I-PER"]], 'is no JSON object: write {"words"'),
        ({"sentence": TEXT, "label": SPANS}, "x:1: holds neither words nor tokens nor text"),
    ],
)
def test_rows_that_are_refused(row: object, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read_rows(row)


HALF = "holds half a character, such as \\ud800 in JSON: mend its text and tags"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (r'{"words": ["Rob", "\ud800"]}', f"x:1: {HALF}"),
        (r'{"words": ["Rob"], "tags": ["B-\udfff"]}', f"x:1: {HALF}"),
        (r'{"text": "Rob \udc00 wins"}', f"x:1: {HALF}"),
        (r'{"text": "Rob", "document": "\ud800"}', f"x:1: {HALF}"),
        (r'{"text": "Anna left", "entities": [[0, 4, "P\ud800"]]}', f"x:1: {HALF}"),
        ('[\n{"text": "Rob"},\n{"text": "\\ud800"}\n]', f"x:2: {HALF}"),
        ('{"text": "Rob", "id": ' + "9" * 6000 + "}", "x:1: is no JSON (it holds a number of 6000 digits)"),
        ('{"text": "Rob", "meta": ' + "[" * 100_000 + "]" * 100_000 + "}", "x:1: is no JSON (it is nested too deeply)"),
        ('{"text": "Rob"}\n\n{"text', "x:3: is no JSON (Unterminated string starting at, at column 2)"),
        ('\n[\n{"text": "Rob"},\n{"text": "Anna"\n]', "x:5: is no JSON (Expecting ',' delimiter, at column 1)"),
        ('["Rob", {}]\n[', "x:2: is no JSON (Expecting value, at column 2)"),
    ],
    ids=range(11),
)
def test_what_no_file_should_hold_is_told_by_line(content: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read(content, kind="jsonl")


def test_both_halves_of_a_character_are_one() -> None:
    assert read(r'{"text": "Rob \ud83d\ude00"}', kind="jsonl")[0][0].words == ("Rob", "😀")


@pytest.mark.parametrize("bare", [{"tokens": WORDS}, {"text": "Rome"}, {"tokens": WORDS, "tags": None}])
def test_labels_in_some_rows_alone_are_refused_unless_that_is_meant(bare: dict[str, Any]) -> None:
    tagged = {"tokens": WORDS, "tags": TAGS}
    with pytest.raises(InputError, match=r"x:2: has no labels, while 1 of 2 rows have: .*\?unlabelled=keep"):
        read_rows(tagged, bare)
    sentences, notes = read_rows(bare, tagged, options="?unlabelled=keep")
    assert [sentence.gold is None for sentence in sentences] == [True, False]
    assert notes == ["x: 1 of 2 rows have no labels: F1 is of the others."]
    with pytest.raises(InputError, match="x:2: has no labels"):
        read_rows(task(), task(annotations=[]))


def test_a_text_without_spaces_is_told() -> None:
    [note] = read_rows({"text": "ฉันรักประเทศไทย"})[1]
    assert "x: 1 word" in note and "give sentences as words split already" in note
    assert read_rows({"words": ["北京", "天安门"]})[1] == []
    assert unsplit_words(["小明住在北京", "カタカナ", "ປະເທດລາວ", "កម្ពុជា", "Rome", "北京"], 3) == [
        "小明住在北京",
        "カタカナ",
        "ປະເທດລາວ",
        "កម្ពុជា",
    ]


FIELDS = st.sampled_from(
    [
        "text",
        "tokens",
        "tags",
        "label",
        "spans",
        "annotations",
        "result",
        "value",
        "start",
        "end",
        "data",
        "entities",
        "x",
    ]
)
LEAVES = st.sampled_from([None, True, -1, 0, 4, 0.5, "Anna", "Anna won", "B-PER", "O", ""])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3), max_leaves=12
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.dictionaries(FIELDS, VALUES, max_size=4) | VALUES)
def test_any_row_is_read_or_refused(row: object) -> None:
    outcome = lengths_or_refusal(json.dumps(row), kind="jsonl")
    if isinstance(outcome, str):
        assert "\n" not in outcome
    else:
        assert outcome and all(words == tags for words, tags in outcome)


def test_numbers_of_a_data_set_have_names() -> None:
    datasets = pytest.importorskip("datasets", reason="the extra datasets is not installed")
    names = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    features = datasets.Features(tokens=datasets.List(datasets.Value("string")), y=datasets.List(names))
    for numbers, expected in (([1, 2, 0], BY_WORD), ([1, -100, 0], "Anna/B-PER Berg/? left/O")):
        datasets.Dataset.from_dict({"tokens": [WORDS], "y": [numbers]}, features=features).save_to_disk("x")
        sentences, _ = _read_data_set("?tags=y")
        assert shown(sentences) == expected
    datasets.Dataset.from_dict({"tokens": [WORDS], "tags": [[1, 2, 0]]}).save_to_disk("x")
    with pytest.raises(InputError, match="x:0: the tag `1` is a number"):
        _read_data_set("")
    assert shown(_read_data_set("?map=0=O,1=B-PER,2=I-PER")[0]) == BY_WORD


def _read_data_set(options: str) -> Any:
    from interp.project.settings import Settings
    from interp.texts import read_sentences

    notes: list[str] = []
    return read_sentences([f"hf:x{options}"], Settings(), say=notes.append), notes


def test_sentences_to_probe_in_need_no_labels(here: Path) -> None:
    from interp.project.settings import Settings
    from interp.texts import read_sentences

    here.joinpath("bare.conll").write_text("Anna B\nBerg I\n")
    here.joinpath("mixed.jsonl").write_text('{"tokens": ["Anna"], "tags": ["7"]}\n{"text": "Rome"}\n')
    sentences = read_sentences(["conll:bare.conll?kind=PER", "mixed.jsonl"], Settings(), labels=False)
    assert shown(sentences) == "Anna Berg | Anna | Rome"


@given(st.text(st.sampled_from("aZ9é. ,'\"()-#\t\n\u00a0\u0301中😀"), max_size=30))
def test_places_of_words_are_where_they_stand(text: str) -> None:
    places = place_words(text, split_words(text))
    assert places is not None
    assert [text[start:end] for start, end in places] == split_words(text)
    assert all(before[1] <= after[0] for before, after in pairwise(places))


@given(st.data())
def test_spans_of_whole_words_come_back(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(["Anna", "U.N.", "é", "中", "x-y"]), min_size=1, max_size=8))
    text = data.draw(st.sampled_from([" ", "  ", "\n"])).join(words)
    places = place_words(text, split_words(text))
    assert places is not None
    edges = sorted(data.draw(st.sets(st.integers(0, len(places)), max_size=6)))
    spans = [
        Span(places[first][0], places[stop - 1][1], "PER") for first, stop in zip(edges[::2], edges[1::2], strict=False)
    ]
    entities, unknown = put_on_words(spans, text, places, "x")
    assert [(entity.start, entity.stop) for entity in entities] == list(zip(edges[::2], edges[1::2], strict=False))
    assert not unknown
