"""Records: what they hold against the engine itself, what survives a kill, and what is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from tiny import tagger_directory

from interp.cli import main
from interp.errors import FormatError, InputError, OutputError
from interp.explain import Model, load
from interp.question import Question
from interp.records import Record, Records, RecordSettings, why_incomparable
from interp.records import load_records as load_records
from interp.records.make import make_records
from interp.records.rows import COLUMNS
from interp.records.store import MANIFEST, part_name
from interp.texts import Sentence

WORDS = ("Rob", "wins", "in", "London", ",", "Rob")
WANTED = RecordSettings(tolerance=0.05)


def sentences(count: int = 3) -> list[Sentence]:
    gold = ("B-PER", "O", "O", "B-LOC", "O", "B-PER")
    some = [Sentence(f"a:{i}", f"a#{i // 2}", WORDS, gold) for i in range(count)]
    return [*some, Sentence("b::rob", "b", WORDS, None, ((0,), (3,))), Sentence("c:1", "c", ("Steve", "wins"))]


@pytest.fixture(scope="module")
def made(model32: Model, tmp_path_factory: pytest.TempPathFactory) -> Records:
    return make_records(model32, sentences(), WANTED, tmp_path_factory.mktemp("records") / "r", sources=["dev"])


def test_a_record_is_what_the_engine_says(model32: Model, made: Records) -> None:
    record = next(iter(made))
    assert (record.id, record.document, record.words, record.gold) == ("a:0", "a#0", WORDS, sentences()[0].gold)
    assert record.pieces == (1, 2, 1, 2, 1, 1)
    assert [each.target for each in record.explained] == [(0,), (0,), (3,), (3,), (5,), (5,)]
    for each in record.explained:
        case = Question(
            WORDS,
            [i + 1 for i in each.target],
            output="centred-logit",
            reference=each.reference,
            without=("components",),
        )
        [alone] = model32.explain_many([case], tolerance=WANTED.tolerance)
        assert each.tags == alone.target.tags
        assert each.attributions == pytest.approx(alone.attributions[1:-1], abs=2e-3)
        np.testing.assert_allclose(each.layers, [row[1:-1] for row in alone.layers], atol=2e-3)
        assert each.status == alone.completeness.embedding.status.value
        assert each.estimate <= WANTED.tolerance
        assert record.tags[each.target[0]] == alone.words[each.target[0] + 1].tag
        assert record.probabilities[each.target[0]] == pytest.approx(alone.words[each.target[0] + 1].probability, 1e-5)


def test_targets_are_those_named_else_the_right_ones_else_the_models(model32: Model, made: Records) -> None:
    *_, named, free = made
    assert {each.target for each in named.explained} == {(0,), (3,)}
    predicted = {tuple(i - 1 for i in each) for each in model32.entities(list(free.words))}
    assert {each.target for each in free.explained} == predicted


def test_what_is_written_is_what_is_read(made: Records) -> None:
    again = load_records(made.folder)
    assert again.about == made.about
    assert list(again) == list(made)
    assert again.about.sources == ("dev",)


def test_other_readers_find_a_row_for_each_target_and_what_the_columns_mean(made: Records) -> None:
    manifest = json.loads((made.folder / MANIFEST).read_text())
    assert (manifest["schema"], manifest["parts"], manifest["sentences"]) == ("interp.records/2", 1, 5)
    assert manifest["columns"] == COLUMNS
    table = pq.read_table(made.folder)
    assert table.column_names == list(COLUMNS)
    rows = table.to_pylist()
    explained = [row for row in rows if row["target"] is not None]
    assert len(explained) == sum(len(record.explained) for record in made)
    assert len({row["id"] for row in rows}) == len(rows)
    assert [row["kind"] or "" for row in rows] == sorted(row["kind"] or "" for row in rows)
    for row in explained:
        assert sum(row["attributions"]) == pytest.approx(row["at_input"] - row["at_reference"], abs=0.05)


def test_a_sentence_is_asked_the_same_of_every_model(made: Records, tmp_path: Path) -> None:
    other = load(tagger_directory(tmp_path / "other", seed=1), "cpu")
    again = make_records(other, sentences(), WANTED, tmp_path / "r")
    rows, others = (pq.read_table(records.folder).to_pylist() for records in (made, again))
    named = {row["id"] for row in rows if row["sentence"] != "c:1"}
    assert named and named <= {row["id"] for row in others}


def test_a_damaged_part_is_made_anew(model32: Model, made: Records, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    make_records(model32, sentences(), WANTED, folder)
    part = folder / part_name(0, made.about)
    part.write_bytes(part.read_bytes()[:-100])
    assert list(make_records(model32, sentences(), WANTED, folder, resume=True)) == list(made)


def test_a_part_of_another_model_among_the_others_is_told_whoever_reads(model32: Model, tmp_path: Path) -> None:
    many = [Sentence(f"a:{i}", "a", ("Rob", "wins"), ("B-PER", "O")) for i in range(70)]
    made = make_records(model32, many, WANTED, tmp_path / "r")
    other = load(tagger_directory(tmp_path / "other", seed=1), "cpu")
    strange = make_records(other, many, WANTED, tmp_path / "strange")
    name = part_name(1, made.about)
    (made.folder / name).write_bytes((strange.folder / name).read_bytes())
    for read in (lambda: list(load_records(made.folder)), lambda: list(load_records(made.folder).tables(["id"]))):
        with pytest.raises(FormatError, match="its parts are of different records"):
            read()


def test_without_layers(model32: Model, tmp_path: Path) -> None:
    record = next(
        iter(make_records(model32, sentences(1), RecordSettings(("pad",), 0.05, layers=False), tmp_path / "r"))
    )
    assert all(each.layers == () and each.reference == "pad" for each in record.explained)


def test_a_sentence_that_cannot_be_read_is_recorded_with_the_reason(model32: Model, tmp_path: Path) -> None:
    long = Sentence("long:1", "long", ("Rob",) * 40)
    first, second = make_records(model32, [long, sentences()[0]], WANTED, tmp_path / "r")
    assert first.error is not None and "32" in first.error and first.explained == () and first.tags == ()
    assert second.error is None


def test_a_kill_loses_no_finished_part(model32: Model, tmp_path: Path) -> None:
    many = [Sentence(f"a:{i}", "a", ("Rob", "wins"), ("B-PER", "O")) for i in range(130)]
    whole = list(make_records(model32, many, WANTED, tmp_path / "whole"))
    folder = tmp_path / "cut"

    def killed(done: float) -> None:
        if done > 70:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_records(model32, many, WANTED, folder, progress=killed)
    [kept] = folder.glob("*.parquet")
    before = kept.stat().st_mtime_ns
    with pytest.raises(FormatError, match=r"2 of 3 parts are missing, part-00001-of-00003.parquet first.*--resume"):
        load_records(folder)
    with pytest.raises(InputError, match="holds records already: go on with `resume`"):
        make_records(model32, many, WANTED, folder)
    assert list(make_records(model32, many, WANTED, folder, resume=True)) == whole
    assert kept.stat().st_mtime_ns == before


def test_other_work_is_not_resumed(model32: Model, made: Records, tmp_path: Path) -> None:
    folder = made.folder
    with pytest.raises(FormatError, match="of another model, other data or settings"):
        make_records(model32, sentences(), replace(WANTED, layers=False), folder, resume=True)
    other = load(tagger_directory(tmp_path / "other", seed=1), "cpu")
    with pytest.raises(FormatError, match="of another model"):
        make_records(other, sentences(), WANTED, folder, sources=["dev"], resume=True)


def test_the_same_work_under_another_name_is_resumed(made: Records, tmp_path: Path) -> None:
    """A copy of the checkpoint elsewhere, and other ways to name the same cases."""
    twin = load(tagger_directory(tmp_path / "twin"), "cpu")
    moved = [replace(each, id=f"x/{each.id}", document=f"x/{each.document}") for each in sentences()]
    again = make_records(twin, moved, WANTED, made.folder, sources=["x"], resume=True)
    assert again.about.sources == ("x",) and again.about.model.name == twin.info.name
    assert list(again) == list(made)


def test_damage_is_told_by_name(made: Records, tmp_path: Path) -> None:
    part = "part-00000-of-00001.parquet"
    whole = made.folder.joinpath(part).read_bytes()

    def broken(content: bytes, name: str = part) -> Path:
        tmp_path.joinpath(part).unlink(missing_ok=True)
        tmp_path.joinpath(name).write_bytes(content)
        return tmp_path

    for content in (whole[: len(whole) // 2], b"", b"PAR1" + b"x" * 100 + b"PAR1"):
        with pytest.raises(FormatError, match=rf"{part} is damaged"):
            list(load_records(broken(content)))
    middle = bytearray(whole)
    middle[200:260] = bytes(60)
    with pytest.raises(FormatError, match=rf"{part}"):
        list(load_records(broken(bytes(middle))))
    other = tmp_path / part
    pq.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(FormatError, match="holds no records of interp"):
        load_records(tmp_path)
    table = pq.read_table(made.folder / part)
    told = table.schema.metadata[b"interp"].replace(b"interp.records/2", b"interp.records/9")
    pq.write_table(table.replace_schema_metadata({b"interp": told}), other)
    with pytest.raises(
        FormatError, match=r'has the schema "interp.records/9", and this release reads interp.records/2'
    ):
        load_records(tmp_path)
    broken(whole, "part-00000-of-00002.parquet")
    with pytest.raises(FormatError, match="does not belong"):
        load_records(tmp_path)
    with pytest.raises(InputError, match="is no folder of records"):
        load_records(tmp_path / "nothing")


Edit = Callable[[dict[str, Any]], None]


def forged(made: Records, folder: Path, edit: Edit | None = None, **header: Any) -> Path:
    """The same part with another header, or with its first row edited."""
    path = made.folder / "part-00000-of-00001.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    if edit is not None:
        edit(rows[0])
    about = json.loads(table.schema.metadata[b"interp"]) | header
    again = pa.Table.from_pylist([row for row in rows if row], schema=table.schema)
    pq.write_table(again.replace_schema_metadata({b"interp": json.dumps(about).encode()}), folder / path.name)
    return folder


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda row: row.update(number=7), r"does not hold \d sentences"),
        (lambda row: row.update(words=None), "words is missing"),
        (lambda row: row.update(words=[]), "it has no words"),
        (lambda row: row.update(sentence=None), "id is missing"),
        (lambda row: row.update(tags=None), "tags is missing"),
        (lambda row: row.update(tags=row["tags"][:-1]), r"it has \d+ words and \d+ tags"),
        (lambda row: row.update(tags=["B-X", *row["tags"][1:]]), 'its tag "B-X" is none of the model'),
        (lambda row: row.update(gold=["O"]), r"it has \d+ words and 1 right tags"),
        (lambda row: row.update(probabilities=[]), r"it has \d+ words and 0 probabilities"),
        (lambda row: row.update(pieces=None), "pieces is missing"),
        (lambda row: row.update(error="bad"), "it has both an error and tags"),
        (lambda row: row.update(target=[99]), "it explains words that it does not have"),
        (lambda row: row.update(target=[]), "it explains words that it does not have"),
        (lambda row: row.update(target_tags=[]), "with 0 tags"),
        (lambda row: row.update(reference="zero"), 'under the reference "zero"'),
        (lambda row: row.update(attributions=[1.0]), "does not have a number for each"),
        (lambda row: row.update(attributions=None), "attributions is missing"),
        (lambda row: row.update(layers=[]), "is explained in 0 layers"),
        (lambda row: row["layers"][0].pop(), "does not have a number for each"),
        (lambda row: row.update(status=None), "status is missing"),
    ],
)
def test_a_row_that_does_not_fit_together_is_told_by_file_and_sentence(
    edit: Edit, message: str, made: Records, tmp_path: Path
) -> None:
    with pytest.raises(FormatError, match=rf"part-00000-of-00001.parquet.*{message}"):
        list(load_records(forged(made, tmp_path, edit)))


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (10**9, "15624999 of 15625000 parts are missing"),
        (10**18, "parts are missing"),
        (0, "damaged at sentences"),
        (-3, "damaged at sentences"),
        (1, "does not hold 1 sentences"),
    ],
)
def test_absurd_counts_are_told_at_once(count: int, message: str, made: Records, tmp_path: Path) -> None:
    folder = forged(made, tmp_path, sentences=count)
    if count > 64:
        header = replace(made.about, sentences=count)
        (folder / "part-00000-of-00001.parquet").rename(folder / part_name(0, header))
    with pytest.raises(FormatError, match=message):
        list(load_records(folder))


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "it holds no object"),
        (b"null", "it holds no object"),
        (rb'{"schema": "\ud800"}', "half a character"),
        (b'{"schema": ' + b"9" * 6000 + b"}", "a number of 6000 digits"),
        (b"\xff", "can't decode byte"),
    ],
    ids=range(6),
)
def test_a_description_of_something_else_is_damage(
    description: bytes, message: str, made: Records, tmp_path: Path
) -> None:
    path = tmp_path / "part-00000-of-00001.parquet"
    table = pq.read_table(made.folder / path.name)
    pq.write_table(table.replace_schema_metadata({b"interp": description}), path)
    with pytest.raises(FormatError, match=message):
        load_records(tmp_path)


def test_only_like_is_held_against_like(made: Records) -> None:
    about = made.about
    assert why_incomparable(about, replace(about, model=replace(about.model, name="b"))) is None
    assert "other data" in str(why_incomparable(about, replace(about, data="0" * 64)))
    told = why_incomparable(about, replace(about, wanted=RecordSettings(("pad",), 0.05)))
    assert told is not None and "references pad, mask and pad" in told


@pytest.mark.parametrize(
    "wanted",
    [{"references": ()}, {"references": ("pad", "pad")}, {"tolerance": 0.0}, {"tolerance": float("nan")}],
)
def test_settings_that_do_not_fit(wanted: dict[str, object]) -> None:
    with pytest.raises(InputError):
        RecordSettings(**wanted)  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_made(model32: Model, tmp_path: Path) -> None:
    tmp_path.joinpath("file").write_text("")
    with pytest.raises(OutputError, match="Cannot write into"):
        make_records(model32, sentences(), WANTED, tmp_path / "file" / "r")


def test_the_command(tiny: Path, tmp_path: Path) -> None:
    cases = tmp_path / "dev.jsonl"
    cases.write_text('{"tokens": ["Rob", "wins"], "tags": ["B-PER", "O"]}\n{"text": "%s"}\n' % ("Rob " * 40))
    mixed = f"{cases}?unlabelled=keep"
    words = ["record", "--model", str(tiny), "--cases", mixed, "--out", str(tmp_path / "r"), "--words-only"]
    done = CliRunner().invoke(main, [*words, "--tolerance", "0.05"])
    assert done.exit_code == 0, done.output
    assert "2 sentences, 1 targets explained" in done.stdout
    assert "dev.jsonl:2 is left out: The text is 42 sub-tokens" in done.stderr
    found: list[Record] = list(load_records(tmp_path / "r"))
    assert [each.error is None for each in found] == [True, False]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 2 and "--resume" in refused.stderr
