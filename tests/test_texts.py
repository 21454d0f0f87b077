"""Sentences from every kind of source, and what is said of a source that does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from interp.errors import InputError
from interp.project.settings import Settings
from interp.texts import Sentence, data_fingerprint, limit_explained, read_sentences, sample_sentences

CONLL = """-DOCSTART- -X- O

EU NNP B-ORG
rejects VBZ O
German JJ B-MISC

Peter NNP B-PER
Blackburn NNP I-PER

-DOCSTART- -X- O

Rob\u2028e NNP I-LOC
"""

CASES = """
[[case]]
id = "rob"
text = "Rob wins in London"
target = "London"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("dev.txt").write_text(CONLL, encoding="utf-8")
    Path("sport.cases.toml").write_text(CASES)
    rows = [
        {"tokens": ["Rob", "wins"], "ner_tags": ["B-PER", "O"], "document": "a"},
        {"text": "Rob wins."},
    ]
    Path("dev.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    return tmp_path


def test_columns() -> None:
    found = read_sentences(["conll:dev.txt"], Settings())
    assert [each.id for each in found] == ["dev.txt:3", "dev.txt:7", "dev.txt:12"]
    assert [each.document for each in found] == ["dev.txt#1", "dev.txt#1", "dev.txt#2"]
    assert found[0].words == ("EU", "rejects", "German")
    assert found[0].gold == ("B-ORG", "O", "B-MISC")
    assert found[2] == Sentence("dev.txt:12", "dev.txt#2", ("Rob\u2028e",), ("B-LOC",))


def test_columns_by_number_with_tabs_and_comments(here: Path) -> None:
    here.joinpath("ud.iob2").write_text("# text = New York\n1\tNew\tB-LOC\t_\n2\tYork City\tI-LOC\t_\n")
    [found] = read_sentences(["conll:ud.iob2?word=1&tag=2&comments=yes"], Settings())
    assert (found.words, found.gold, found.id) == (("New", "York City"), ("B-LOC", "I-LOC"), "ud.iob2:2")


def test_words_alone_have_no_tags(here: Path) -> None:
    here.joinpath("plain.txt").write_text("Rob\nwins\n")
    assert read_sentences(["conll:plain.txt?tag=none"], Settings())[0].gold is None


def test_json_lines() -> None:
    tagged, plain = read_sentences(["dev.jsonl?unlabelled=keep"], Settings())
    assert tagged == Sentence("dev.jsonl:1", "a", ("Rob", "wins"), ("B-PER", "O"))
    assert plain == Sentence("dev.jsonl:2", "dev.jsonl:2", ("Rob", "wins", "."))


def test_case_files_and_folders_of_them(here: Path) -> None:
    [found] = read_sentences(["sport.cases.toml"], Settings())
    assert found == Sentence(
        "sport.cases.toml::rob", "sport.cases.toml::rob", ("Rob", "wins", "in", "London"), None, ((3,),)
    )
    here.joinpath("more").mkdir()
    Path("sport.cases.toml").rename("more/sport.cases.toml")
    assert read_sentences(["more"], Settings())[0].id == "more/sport.cases.toml::rob"


def test_data_sets(here: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra datasets is not installed")
    features = datasets.Features(
        tokens=datasets.List(datasets.Value("string")),
        ner_tags=datasets.List(datasets.ClassLabel(names=["O", "B-PER"])),
    )
    rows = datasets.Dataset.from_dict({"tokens": [["Rob", "wins"]], "ner_tags": [[1, 0]]}, features=features)
    rows.save_to_disk("one")
    datasets.DatasetDict(train=rows, dev=rows).save_to_disk("two")
    for spec in ("hf:one", "one", "hf:two?split=dev"):
        [found] = read_sentences([spec], Settings())
        assert (found.words, found.gold) == (("Rob", "wins"), ("B-PER", "O"))
    with pytest.raises(InputError, match=r"several splits: write hf:two\?split=, one of train, dev"):
        read_sentences(["hf:two"], Settings())
    with pytest.raises(InputError, match="no split test"):
        read_sentences(["hf:two?split=test"], Settings())
    here.joinpath("empty").mkdir()
    with pytest.raises(InputError, match="no data set"):
        read_sentences(["hf:empty"], Settings())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("missing.jsonl", r"There is no missing.jsonl"),
        ("conll:missing.txt", r"There is no missing.txt"),
        ("dev.txt", r"What is dev.txt\? Write conll:dev.txt"),
        ("conll:dev.txt?wrod=1", 'unknown option "wrod"; did you mean "word"'),
        ("conll:dev.txt?x=1", 'unknown option "x"; known are word, tag, sentence, comments, format, field, map, kind'),
        ("conll:dev.txt?tag=x", '"tag=x" is no number of a column'),
        ("conll:dev.txt?tag=3", "dev.txt:3: has 3 columns, and word=0, tag=3 are asked for"),
        ("jsonl:dev.txt", "dev.txt:1: is no JSON"),
        ("jsonl:dev.jsonl?words=x", 'has no field "x"'),
        ("jsonl:list.jsonl", "list.jsonl:1: is no JSON object"),
        ("jsonl:number.jsonl", "number.jsonl:1: the tag `1` is a number: say what numbers mean"),
        ("jsonl:short.jsonl", "short.jsonl:1: has 2 words and 1 tag"),
        ("jsonl:nothing.jsonl", "nothing.jsonl:1: holds neither words nor tokens nor text"),
        ("jsonl:empty.jsonl", "empty.jsonl holds no sentence"),
        ("conll:latin.txt", r"latin.txt is not UTF-8 \(byte 2\): convert it first"),
    ],
)
def test_what_does_not_fit(here: Path, spec: str, message: str) -> None:
    here.joinpath("list.jsonl").write_text("[1]\n")
    here.joinpath("number.jsonl").write_text('{"tokens": ["a"], "ner_tags": [1]}\n')
    here.joinpath("short.jsonl").write_text('{"tokens": ["a", "b"], "ner_tags": ["O"]}\n')
    here.joinpath("nothing.jsonl").write_text('{"a": 1}\n')
    here.joinpath("empty.jsonl").write_text("\n")
    here.joinpath("latin.txt").write_bytes(b"caf\xe9 O\n"[1:])
    with pytest.raises(InputError, match=message):
        read_sentences([spec], Settings())


def test_a_file_named_twice() -> None:
    with pytest.raises(InputError, match=r"dev.jsonl:1 comes twice"):
        read_sentences(["dev.jsonl?unlabelled=keep", "jsonl:dev.jsonl?tags=none"], Settings())


def test_a_sample_keeps_the_order_and_is_the_same_for_a_seed() -> None:
    sentences = [Sentence(str(i), "d", ("word",)) for i in range(50)]
    some = sample_sentences(sentences, 10, seed=1)
    assert some == sample_sentences(sentences, 10, seed=1) != sample_sentences(sentences, 10, seed=2)
    assert [int(each.id) for each in some] == sorted(int(each.id) for each in some)
    assert sample_sentences(sentences, 50, 0) == sample_sentences(sentences, None, 0) == sentences


def test_a_part_is_explained_and_the_rest_only_tagged() -> None:
    sentences = [Sentence(str(i), "d", ("word",)) for i in range(50)]
    some = limit_explained(sentences, 10, seed=1)
    assert [each.id for each in some if each.targets is None] == [
        each.id for each in sample_sentences(sentences, 10, seed=1)
    ]
    assert {each.targets for each in some} == {None, ()}
    assert limit_explained(sentences, None, 0) == sentences


def test_the_fingerprint_is_of_the_content_and_not_of_names() -> None:
    pair = [Sentence("a", "d", ("x", "y")), Sentence("b", "d", ("z",))]
    moved = [Sentence("new/a", "e", ("x", "y")), Sentence("new/b", "e", ("z",))]
    assert data_fingerprint(pair) == data_fingerprint(moved)
    others = [
        [pair[0]],
        [pair[1], pair[0]],
        [pair[0], replace(pair[1], document="e")],
        [replace(pair[0], words=("x y",)), pair[1]],
        [replace(pair[0], gold=("O", "O")), pair[1]],
        [replace(pair[0], targets=((0,),)), pair[1]],
        [replace(pair[0], targets=()), pair[1]],
    ]
    assert len({data_fingerprint(each) for each in (pair, *others)}) == 8


def test_without_marks_every_sentence_is_a_document(here: Path) -> None:
    here.joinpath("plain.conll").write_text("Rob B-PER\nwins O\n\nAnn B-PER\n")
    assert [each.document for each in read_sentences(["conll:plain.conll"], Settings())] == [
        "plain.conll#1",
        "plain.conll#4",
    ]


@pytest.mark.parametrize("text", ["Rob B-PER\nLondon\n", "Rob B-PER x\nwins O\n"])
def test_rows_of_other_widths_are_told(here: Path, text: str) -> None:
    here.joinpath("odd.conll").write_text(text)
    with pytest.raises(InputError, match=r"odd.conll:\d: has \d columns? where most lines have \d"):
        read_sentences(["conll:odd.conll"], Settings())
    with pytest.raises(InputError, match="columns"):
        read_sentences(["conll:dev.txt?tag=-4"], Settings())
