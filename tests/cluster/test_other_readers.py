"""What is written is read by tools that do not know interp: the examples of docs/scale.md, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

import interp
from interp.bundled.grammar import CUES, sample
from interp.records import Records, RecordSettings
from interp.records.make import make_records
from interp.summary import summarise
from interp.texts import Sentence

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    rng = np.random.default_rng(0)
    texts = [planted.words for planted in sample(rng, 2000, cued=1.0) if "[PAD]" not in planted.words][:300]
    sentences = [Sentence(f"a:{number}", f"a:{number}", words) for number, words in enumerate(texts)]
    folder = tmp_path_factory.mktemp("made") / "records"
    return make_records(interp.load("planted"), sentences, RecordSettings(("pad",), 0.1, layers=False), folder)


def example(language: str) -> str:
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(code)


def means(records: Records) -> dict[tuple[str, str], float]:
    return {(kind.kind, word.word): word.mean for kind in summarise(records).kinds for word in kind.words_for}


def test_duckdb_says_what_the_summary_says(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(records.folder.parent)
    rows = duckdb.sql(example("sql")).fetchall()
    assert {word for _, word, _, _ in rows} == set(CUES)
    for kind, word, _, mean in rows:
        assert mean == pytest.approx(means(records)[kind, word])


def test_polars_says_what_the_summary_says(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(records.folder.parent)
    table = eval(example("python").removeprefix("import polars as pl\n").strip(), {"pl": pl})  # noqa: S307 (our page)
    assert table["words"].to_list()[0] == "surprise"
    assert table["mean"].to_list()[0] == pytest.approx(means(records)["PER", "surprise"], rel=1e-5)
