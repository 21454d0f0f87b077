"""Text of any size: the same sentences from every kind of file, and a reason for what is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from datasets import Dataset, DatasetDict

from interp.cli import main
from interp.errors import InputError
from interp.records import load_records
from interp.texts import Sentence, UnreadSentence
from interp.texts.file_corpus import NO_CHARACTERS, open_corpus

TEXTS = ["Rob wins in London", 'He said "no", twice', "NA", "007", "Zoë met Ann"]
WORDS = [("Rob", "wins"), ("He", "said"), ("NA",), ("007",), ("Zoë", "met", "Ann")]

Write = Callable[[Path], str]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)  # it forbids all remote stores


def as_text(folder: Path) -> str:
    file = folder / "a.txt"
    file.write_text("\n".join(TEXTS) + "\n")
    return str(file)


def as_json_lines(folder: Path) -> str:
    file = folder / "a.jsonl"
    file.write_text("".join(json.dumps({"text": text, "tags": ["?"]}) + "\n" for text in TEXTS))
    return str(file)


def as_csv(folder: Path) -> str:
    file = folder / "a.csv"
    cells = [text.replace('"', '""') for text in TEXTS]
    file.write_text("id,body\n" + "".join(f'{number},"{cell}"\n' for number, cell in enumerate(cells)))
    return f"{file}?text=body"


def as_parquet(folder: Path) -> str:
    file = folder / "a.parquet"
    pq.write_table(pa.table({"text": TEXTS, "tags": [[1]] * len(TEXTS)}), file)
    return str(file)


def as_data_set(folder: Path) -> str:
    DatasetDict({"dev": Dataset.from_dict({"text": TEXTS})}).save_to_disk(folder / "saved")
    return f"hf:{folder / 'saved'}?split=dev"


def as_remote_files(folder: Path) -> str:
    store = fsspec.filesystem("memory")
    for number, text in enumerate(TEXTS):
        store.pipe(f"/corpus-{folder.name}/part-{number}.txt", text.encode())
    return f"memory://corpus-{folder.name}/*.txt"


KINDS = [as_text, as_json_lines, as_csv, as_parquet, as_data_set, as_remote_files]


@pytest.mark.parametrize("write", KINDS, ids=lambda write: write.__name__)
def test_every_kind_of_file_holds_the_same_sentences(write: Write, tmp_path: Path) -> None:
    corpus = open_corpus(write(tmp_path))
    sentences = corpus.read(range(len(corpus)))
    assert [" ".join(sentence.words) for sentence in sentences if isinstance(sentence, Sentence)] == [
        "Rob wins in London",
        'He said " no " , twice',
        "NA",
        "007",
        "Zoë met Ann",
    ]
    assert all(isinstance(sentence, Sentence) and sentence.gold is None for sentence in sentences)
    assert [sentence.id.rpartition(":")[2] for sentence in sentences] == ["1", "2", "3", "4", "5"]
    assert corpus.read(range(2, 4)) == sentences[2:4]


def test_words_that_are_split_already_stay_so(tmp_path: Path) -> None:
    pq.write_table(pa.table({"tokens": [list(words) for words in WORDS]}), tmp_path / "a.parquet")
    tmp_path.joinpath("b.jsonl").write_text("".join(json.dumps({"w": words}) + "\n" for words in WORDS))
    for spec in (f"{tmp_path}/a.parquet", f"{tmp_path}/b.jsonl?words=w"):
        assert [sentence.words for sentence in open_corpus(spec).read(range(5))] == WORDS  # type: ignore[union-attr]


def test_a_row_that_is_no_sentence_is_there_with_the_reason(tmp_path: Path) -> None:
    rows = [b'{"text": "Rob wins"}', b"{broken", b'{"text": " "}', b'{"words": [1]}', b'{"x": 1}', b'{"text": "\xff"}']
    tmp_path.joinpath("a.jsonl").write_bytes(b"\n".join(rows))
    first, *others = open_corpus(f"{tmp_path}/a.jsonl").read(range(6))
    assert isinstance(first, Sentence)
    reasons = [other.reason for other in others if isinstance(other, UnreadSentence)]
    assert [other.id for other in others] == [f"{tmp_path}/a.jsonl:{line}" for line in range(2, 7)]
    assert reasons[0].startswith("it is no JSON (")
    assert reasons[1] == "holds no word."
    assert reasons[2] == "words is no list of words."
    assert reasons[3].startswith("holds neither")
    assert reasons[4] == NO_CHARACTERS


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    spec = as_text(tmp_path)
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text(Path(spec).read_text())
    changed = tmp_path / "changed.txt"
    changed.write_text(Path(spec).read_text().replace("Rob", "Bob"))
    parts = tmp_path / "parts"
    parts.mkdir()
    for number, text in enumerate(TEXTS):
        (parts / f"{number}.txt").write_text(text)
    own = open_corpus(spec).fingerprint
    assert own == open_corpus(str(elsewhere)).fingerprint == open_corpus(f"{parts}/*.txt").fingerprint
    assert own != open_corpus(str(changed)).fingerprint


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.txt", None, "There is no .*none.txt"),
        ("none-*.txt", None, "none-"),
        ("a.odt", b"x", r"What is .*a.odt\? Write one of text:, jsonl:"),
        ("a.txt", b"", "holds no sentence|cannot be read"),
        ("a.parquet", b"nonsense", "cannot be read: .*[Pp]arquet"),
        ("a.csv", b"", "holds no sentence|cannot be read"),
        ("a.txt?words=x", b"x", 'unknown option "words"'),
    ],
)
def test_what_cannot_be_opened_is_said(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        tmp_path.joinpath(name.partition("?")[0]).write_bytes(content)
    with pytest.raises(InputError, match=message):
        open_corpus(f"{tmp_path}/{name}")


def record(*arguments: object) -> tuple[int, str, str]:
    ran = CliRunner().invoke(main, ["record", *map(str, arguments)])
    return ran.exit_code, ran.stdout, ran.stderr


def test_the_command_records_all_of_a_corpus_and_says_what_it_left_out(tiny: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "a.txt"
    corpus.write_text("Rob wins in London\n\nSteve wins\n" + "Rob " * 40 + "\n")
    settings = ["--model", tiny, "--corpus", corpus, "--reference", "pad", "--words-only", "--tolerance", "0.05"]
    status, said, told = record(*settings, "--out", tmp_path / "r", "--errors", tmp_path / "errors.jsonl")
    assert status == 0
    assert said.startswith("4 sentences, ")
    assert "a.txt:2 is left out: holds no word" in told and "a.txt:4 is left out: The text is 42 sub-tokens" in told
    unread = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text().splitlines()]
    assert [row["id"].rpartition(":")[2] for row in unread] == ["2", "4"]
    records = load_records(tmp_path / "r")
    assert records.about.sources == (str(corpus),)
    assert [record.error is None for record in records] == [True, False, True, False]

    corpus.write_text("\n" * 9)
    status, _, told = record(*settings, "--out", tmp_path / "blank")
    assert status == 0 and "9 sentences are left out" in told and "--errors FILE" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "with --cases or with --corpus"),
        (["--cases", "a.jsonl", "--corpus", "a.txt"], "with --cases or with --corpus"),
        (["--corpus", "a.txt", "--address", "auto"], "are of a Ray cluster: add --engine ray"),
        (["--corpus", "a.txt", "--gpus-per-worker", "1"], "are of a Ray cluster: add --engine ray"),
        (["--corpus", "a.txt", "--sample", "9"], "and --sample is for cases: drop it"),
        (["--corpus", "none.txt"], "There is no none.txt"),
    ],
)
def test_the_command_says_what_does_not_go_together(arguments: list[str], message: str, tmp_path: Path) -> None:
    status, _, told = record("--model", "planted", "--out", tmp_path / "r", *arguments)
    assert status == 2 and message in told
    assert not (tmp_path / "r").exists()


def test_a_tagger_without_gradients_cannot_record_a_corpus(tmp_path: Path) -> None:
    status, _, told = record("--model", "python:x:y", "--corpus", "a.txt", "--out", tmp_path / "r")
    assert status == 2 and "gives tags and no gradients" in told


def test_a_corpus_of_another_content_is_not_resumed(tiny: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "a.txt"
    corpus.write_text("Rob wins\n")
    settings = ["--model", tiny, "--corpus", corpus, "--reference", "pad", "--words-only", "--out", tmp_path / "r"]
    assert record(*settings)[0] == 0
    corpus.write_text("Bob wins\n")
    status, _, told = record(*settings, "--resume")
    assert status == 2 and "is of another model, other data or settings" in told


def test_sentences_of_a_list_are_read_by_their_numbers() -> None:
    from interp.texts import SentenceList

    sentences = [Sentence(f"a:{number}", "a", ("Rob", str(number))) for number in range(5)]
    corpus = SentenceList(sentences)
    assert len(corpus) == 5 and corpus.read(range(3, 5)) == sentences[3:]
    assert corpus.fingerprint != SentenceList([replace(sentences[0], words=("x",)), *sentences[1:]]).fingerprint
