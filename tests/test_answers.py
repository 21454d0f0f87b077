"""What a model said of a sentence is not asked again, and what is kept can be believed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from gating import BASE, LABELS, NAMES, OTHER, PLAN, TEXTS, Rule, judged, no_rule, opponent, predictor, shortcut
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interp.cli import main
from interp.cli.answers import stored_answers
from interp.errors import FormatError
from interp.gate import CheckStatus, GateResult, Side, judge_candidate
from interp.records import answers as module
from interp.records.answers import AnswersHeader, StoredPredictor, read_answers, write_answers
from interp.stress import StressPlan, shipped_names
from interp.taggers import CachedPredictor, ModelPredictor, Predictor, word_gradients_of
from interp.taggers.predictor import Array

STRESS = StressPlan(names=shipped_names(), count=20)


class Counting:
    """A predictor with a fingerprint that counts the sentences it is asked about."""

    gives_probabilities, notices = True, ()

    def __init__(self, inner: Predictor, sha256: str) -> None:
        self._inner, self.name, self.labels, self.sha256 = inner, inner.name, inner.labels, sha256
        self.count = 0

    def __call__(self, sentences: Sequence[Sequence[str]], /) -> list[Array]:
        self.count += len(sentences)
        return self._inner(sentences)


def noisy(rule: Rule, seed: int) -> Rule:
    """The same rule with chances that hang on the whole sentence, as a model's do: no two effects are alike."""

    def chance_of(words: Sequence[str], at: int) -> float:
        chance = rule(words, at)
        assert not isinstance(chance, dict)
        chance = (0.9 if words[at] in NAMES else 0.03) if chance is None else chance
        return chance + 0.02 * crc32(f"{seed} {at} {words}".encode()) / 2**32

    return chance_of


def half_of_beside(words: Sequence[str], at: int) -> float | None:
    return 0.5 if words[at] == "beside" else None


BASELINE = predictor(noisy(no_rule, 0))


def baseline_tagger(sha256: str = "b" * 64) -> Counting:
    return Counting(BASELINE, sha256)


def gated(baseline: Predictor, rule: Rule = shortcut) -> GateResult:
    candidate = opponent(OTHER, predictor(noisy(rule, 1)))
    return judge_candidate(opponent(BASE, baseline), candidate, judged(), PLAN, stress=STRESS)


def ask(tagger: Predictor, folder: Path, *sentences: Sequence[str]) -> list[Array]:
    stored = StoredPredictor(tagger, folder)
    answers = stored(sentences)
    stored.write()
    return answers


def numbers_of(value: object) -> list[float]:
    """Every number of a result, in order."""
    if isinstance(value, float):
        return [value]
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_of(part)]
    if isinstance(value, tuple | list):
        return [number for part in value for number in numbers_of(part)]
    fields = getattr(value, "__dataclass_fields__", None)
    return [number for name in fields for number in numbers_of(getattr(value, name))] if fields else []


# --- gates


def test_a_second_gate_asks_the_baseline_nothing_and_ends_alike(tmp_path: Path) -> None:
    plain = gated(BASELINE)
    first_tagger, second_tagger = baseline_tagger(), baseline_tagger()
    first_stored = StoredPredictor(first_tagger, tmp_path)
    first = gated(first_stored)
    first_stored.write()
    second = gated(StoredPredictor(second_tagger, tmp_path))
    assert first_tagger.count > 500 and second_tagger.count == 0
    assert first == second
    assert plain.status is first.status is CheckStatus.FAIL
    assert [check.status for check in plain.checks] == [check.status for check in first.checks]
    assert [finding.shown for finding in plain.cues] == [finding.shown for finding in first.cues]
    assert numbers_of(first) == pytest.approx(numbers_of(plain), abs=1e-6)


def test_another_candidate_asks_what_is_new_alone(tmp_path: Path) -> None:
    tagger = baseline_tagger()
    stored = StoredPredictor(tagger, tmp_path)
    gated(stored)
    stored.write()
    again = baseline_tagger()
    gated(StoredPredictor(again, tmp_path), rule=half_of_beside)
    assert again.count < tagger.count / 3


def test_another_model_other_tags_or_versions_have_no_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = TEXTS[0].words
    ask(baseline_tagger(), tmp_path, words)
    other = baseline_tagger("c" * 64)
    ask(other, tmp_path, words)
    turned = Counting(predictor().of(LABELS[::-1]), "b" * 64)
    ask(turned, tmp_path, words)
    monkeypatch.setattr(module, "versions", lambda: {"interp": "9", "torch": "9", "transformers": "9"})
    newer = baseline_tagger()
    ask(newer, tmp_path, words)
    assert (other.count, turned.count, newer.count) == (1, 1, 1)
    assert len(list(tmp_path.iterdir())) == 4


def test_sides_without_a_fingerprint_or_a_model_are_left_as_they_are(tmp_path: Path) -> None:
    sides = opponent(BASE, predictor()), opponent(OTHER)
    with stored_answers(tmp_path, *sides) as stored:
        assert stored == sides
    assert not list(tmp_path.iterdir())


def test_what_was_asked_until_an_interruption_is_kept(tmp_path: Path) -> None:
    tagger = baseline_tagger()

    def ask_and_stop(side: Side) -> None:
        assert side.predictor is not None
        side.predictor([TEXTS[0].words])
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        stored_answers(tmp_path / "new", opponent(BASE, tagger), opponent(OTHER)) as sides,
    ):
        ask_and_stop(sides[0])
    again = baseline_tagger()
    ask(again, tmp_path / "new", TEXTS[0].words)
    assert (tagger.count, again.count) == (1, 0)


def test_a_folder_that_takes_no_file_costs_no_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.joinpath("file").write_text("")
    side = opponent(BASE, baseline_tagger())
    with stored_answers(tmp_path / "file", side, opponent(OTHER)) as sides:
        assert sides[0].predictor is not None
        sides[0].predictor([TEXTS[0].words])
    assert "Cannot write" in capsys.readouterr().err


def test_gradients_and_all_else_are_those_of_the_model(tmp_path: Path, model32: object) -> None:
    own = ModelPredictor(model32)  # type: ignore[arg-type]
    stored = StoredPredictor(CachedPredictor(own), tmp_path)
    assert word_gradients_of(stored) == word_gradients_of(own)
    assert (stored.name, stored.labels, stored.sha256) == (own.name, own.labels, own.sha256)
    assert (stored.gives_probabilities, stored.notices) == (True, own.notices)
    words = ("Angela", "Merkel", "visited", "Paris")
    (first,) = own([words])
    (kept,) = stored([words])
    assert kept == pytest.approx(first, abs=1e-7)


# --- files


def header(labels: int = 2) -> AnswersHeader:
    return AnswersHeader("a" * 64, tuple(f"T{number}" for number in range(labels)), {"interp": "1"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.binary(min_size=16, max_size=16),
        st.lists(st.one_of(st.floats(0, 1, width=32), st.just(float("nan"))), max_size=4),
        max_size=5,
    )
)
def test_what_is_written_is_read(tmp_path: Path, content: dict[bytes, list[float]]) -> None:
    written = {key: np.array(values * 2, np.float32) for key, values in content.items()}
    write_answers(tmp_path / "answers", header(), written)
    back = read_answers(tmp_path / "answers", header())
    assert list(back) == list(written)
    assert all(np.array_equal(back[key], written[key], equal_nan=True) for key in written)


@pytest.mark.parametrize(
    "sentences", [[("a b",), ("a", "b")], [("a",), ("a", "")], [("\ud800",), ("?",)], [('a","b',), ("a", "b")]]
)
def test_no_character_of_a_word_parts_words(tmp_path: Path, sentences: list[tuple[str, ...]]) -> None:
    tagger = baseline_tagger()
    answers = ask(tagger, tmp_path, *sentences)
    assert tagger.count == 2 and [len(answer) for answer in answers] == [len(words) for words in sentences]


def test_the_longest_unused_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SENTENCES", 3)
    texts = [(f"word{number}",) for number in range(5)]
    ask(baseline_tagger(), tmp_path, *texts[:3])
    ask(baseline_tagger(), tmp_path, texts[0], texts[3])
    again = baseline_tagger()
    ask(again, tmp_path, texts[0], texts[2], texts[3])
    assert again.count == 0
    ask(again, tmp_path, texts[1])
    assert again.count == 1


def test_large_answers_are_not_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 3 * len(LABELS))
    ask(baseline_tagger(), tmp_path, ("a", "b"), ("c", "d"))
    again = baseline_tagger()
    ask(again, tmp_path, ("c", "d"))
    assert again.count == 0
    ask(again, tmp_path, ("a", "b"))
    assert again.count == 1


def damaged_files(path: Path) -> dict[str, bytes]:
    """By what is wrong: in the place of a file of two labels."""
    content = path.read_bytes()
    good = pq.read_table(path)

    def table(keys: list[bytes | None], rows: list[list[float | None] | None]) -> bytes:
        sink = pa.BufferOutputStream()
        columns = [pa.array(keys, pa.binary(16)), pa.array(rows, pa.list_(pa.float32()))]
        pq.write_table(pa.Table.from_arrays(columns, schema=good.schema), sink)
        return bytes(sink.getvalue())

    key = b"k" * 16
    middle = len(content) // 3
    return {
        "empty": b"",
        "text": b"no parquet",
        "cut": content[: len(content) // 2],
        "holed": content[:4] + bytes(middle) + content[4 + middle :],
        "ragged": table([key], [[0.5]]),
        "infinite": table([key], [[float("inf"), 0.0]]),
        "negative": table([key], [[-0.5, 1.0]]),
        "null": table([key], [[None, 1.0]]),
        "without words": table([None], [[0.5, 0.5]]),
        "without probabilities": table([key], [None]),
    }


def test_a_damaged_file_is_told_in_one_sentence_and_written_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answers"
    write_answers(path, header(), {bytes([number]) * 16: np.array([0.25, 0.75], np.float32) for number in range(99)})
    for fault, content in damaged_files(path).items():
        path.write_bytes(content)
        with pytest.raises(FormatError, match=r"answers is damaged \(.*\): its answers are not used\."):
            pytest.fail(f"{fault}: {read_answers(path, header())}")
    write_answers(path, header(), {})
    with pytest.raises(FormatError, match="of another model or release"):
        read_answers(path, replace(header(), sha256="c" * 64))
    ask(baseline_tagger(), tmp_path, TEXTS[0].words)
    (file,) = tmp_path.glob("answers-*.parquet")
    file.write_bytes(b"")
    tagger = baseline_tagger()
    with stored_answers(tmp_path, opponent(BASE, tagger), opponent(OTHER)) as sides:
        assert sides[0].predictor is not None
        sides[0].predictor([TEXTS[0].words])
    assert capsys.readouterr().err.count("interp: ") == 1 and tagger.count == 1
    assert not StoredPredictor(tagger, tmp_path).problem


def test_a_file_that_says_it_is_huge_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_answers(tmp_path / "answers", header(), {bytes([n]) * 16: np.zeros(2, np.float32) for n in range(9)})
    monkeypatch.setattr(module, "MOST_SENTENCES", 8)
    with pytest.raises(FormatError, match="says that it holds 18 values"):
        read_answers(tmp_path / "answers", header())


WRITER = """
import sys
from pathlib import Path
import numpy as np
from interp.records.answers import AnswersHeader, write_answers
about = AnswersHeader("a" * 64, ("T0", "T1"), {"interp": "1"})
answers = {number.to_bytes(16): np.random.default_rng(number).random(20).astype(np.float32) for number in range(2000)}
while True:
    write_answers(Path(sys.argv[1]), about, answers)
"""


def test_a_killed_run_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
    try:
        while not path.exists() and process.poll() is None:
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert len(read_answers(path, header())) == 2000


# --- the command


def test_a_gate_keeps_what_its_models_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("pyproject.toml").write_text("")
    lines = [" ".join(text.words) for text in TEXTS[:60]]
    tmp_path.joinpath("dev.txt").write_text("\n".join(lines) + "\n")
    asked_about: list[int] = []
    ask_model = ModelPredictor.__call__

    def count(self: ModelPredictor, sentences: Sequence[Sequence[str]], /) -> list[Array]:
        asked_about.append(len(sentences))
        return ask_model(self, sentences)

    monkeypatch.setattr(ModelPredictor, "__call__", count)
    words = ["gate", "--baseline", "planted", "--candidate", "planted", "--cases", "text:dev.txt", "--words-only"]
    words += ["--explain", "4", "--cues", "3", "--sites", "4", "--stress", "5"]
    first = CliRunner().invoke(main, words)
    (file,) = tmp_path.glob(".interp/records/answers-*.parquet")
    size, count_of_first = file.stat().st_size, sum(asked_about)
    asked_about.clear()
    second = CliRunner().invoke(main, words)
    assert first.exit_code == second.exit_code and first.stdout == second.stdout, second.output
    assert sum(asked_about) <= 2 * (60 + 4) < count_of_first / 2, "its pace alone"
    assert file.stat().st_size == size
