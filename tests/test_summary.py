"""What a model leans on: against slow sums, a planted answer, and records in which there is nothing."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import interp
from interp.bundled.grammar import CUES, sample
from interp.cli import main
from interp.errors import FormatError, IncomparableError, InputError
from interp.explanation import ModelInfo
from interp.records import Record, RecordedExplanation, Records, RecordSettings, RecordsHeader, load_records
from interp.records.make import make_records
from interp.records.record import part_count, part_range
from interp.records.store import part_name, write_part
from interp.summary import Summary, WordSummary, compare_summaries, summarise
from interp.summary.columns import Columns, explained_rows
from interp.summary.document import dumps, schema, word_table
from interp.summary.sums import Sums
from interp.texts import Sentence

WORDS = ("said", "in", "the", "Mr", "of", "at", "7", ",")
LAYERS = 2
Evidence = Callable[[Sequence[str], int, np.random.Generator], list[float]]


def noise(words: Sequence[str], _target: int, rng: np.random.Generator) -> list[float]:
    return rng.normal(0, 0.3, len(words)).tolist()


def made(count: int, *, evidence: Evidence = noise, seed: int = 0) -> list[Record]:
    """Sentences of a target and words at random, three a document, explained under two references."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(count):
        words = [str(word) for word in rng.choice(WORDS, rng.integers(3, 8))]
        place = int(rng.integers(len(words)))
        words[place] = "Rob"
        kind = str(rng.choice(["PER", "LOC"]))
        tags = tuple(f"B-{kind}" if index == place else "O" for index in range(len(words)))
        values = evidence(words, place, rng)
        values[place] += 4.0
        layers = tuple(tuple(rng.normal(size=len(words)).tolist()) for _ in range(LAYERS))
        explanation = RecordedExplanation(
            target=(place,),
            tags=(tags[place],),
            reference="pad",
            at_input=sum(values),
            at_reference=0.0,
            attributions=tuple(values),
            layers=layers,
            estimate=0.01,
            evaluations=int(rng.integers(17, 40)),
            status="converged",
        )
        other = replace(explanation, reference="mask", attributions=tuple(-value for value in values))
        records.append(
            Record(
                id=f"a:{number}",
                document=f"a#{number // 3}",
                words=tuple(words),
                gold=None,
                tags=tags,
                probabilities=(0.9,) * len(words),
                pieces=(1,) * len(words),
                explained=(explanation, other),
            )
        )
    unread = replace(records[0], id="bad", tags=(), probabilities=(), pieces=(), explained=(), error="is 7 too long.")
    return [*records, unread]


def written(folder: Path, records: Sequence[Record], *, part_size: int = 9) -> Records:
    folder.mkdir()
    header = RecordsHeader(
        model=ModelInfo(name="m", sha256="0" * 64, labels=("O", "B-PER", "B-LOC"), layers=LAYERS),
        data="0",
        sentences=len(records),
        sources=("a",),
        wanted=RecordSettings(),
        part_size=part_size,
    )
    for number in range(part_count(header)):
        numbers = part_range(header, number)
        write_part(folder / part_name(number, header), header, records[numbers.start : numbers.stop])
    return load_records(folder)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    return written(tmp_path_factory.mktemp("made") / "r", made(60))


@pytest.fixture(scope="module")
def summary(records: Records) -> Summary:
    return summarise(records)


def all_words(summary: Summary) -> dict[tuple[str, str], WordSummary]:
    return {(kind.kind, word.word): word for kind in summary.kinds for word in (*kind.words_for, *kind.words_against)}


def slow_values(records: Records) -> dict[tuple[str, str], list[tuple[str, float]]]:
    """Every context word's attributions with their documents, one by one."""
    values = defaultdict(list)
    for record in records:
        for explanation in record.explained:
            if explanation.reference == "pad":
                (target,), (tag,) = explanation.target, explanation.tags
                for place, value in enumerate(explanation.attributions):
                    if place != target:
                        values[tag[2:], record.words[place]].append((record.document, value))
    return values


def test_words_are_as_slow_sums_have_them(records: Records, summary: Summary) -> None:
    values = slow_values(records)
    words = all_words(summary)
    assert set(words) == set(values)
    for key, pairs in values.items():
        word, numbers = words[key], [value for _, value in pairs]
        by_document = defaultdict(list)
        for document, value in pairs:
            by_document[document].append(value)
        assert (word.count, word.documents) == (len(numbers), len(by_document))
        assert word.mean == pytest.approx(statistics.fmean(numbers))
        assert word.spread == pytest.approx(statistics.pstdev(numbers))
        between = sum((sum(some) - word.mean * len(some)) ** 2 for some in by_document.values())
        count = len(by_document)
        half = stats.t.ppf(0.975, count - 1) * np.sqrt(count / (count - 1) * between) / len(numbers)
        assert (word.low, word.high) == pytest.approx((word.mean - half, word.mean + half))


def test_kinds_are_as_slow_sums_have_them(records: Records, summary: Summary) -> None:
    for kind in summary.kinds:
        rows = [
            (record, explanation)
            for record in records
            for explanation in record.explained
            if explanation.reference == "pad" and explanation.tags[0] == f"B-{kind.kind}"
        ]
        assert kind.targets == len(rows)
        assert kind.change == pytest.approx(statistics.fmean(sum(row.attributions) for _, row in rows))
        own = sum(abs(row.attributions[row.target[0]]) for _, row in rows)
        mass = sum(abs(value) for _, row in rows for value in row.attributions)
        assert kind.own_share == pytest.approx(own / mass)
        shares = sum(place.share for place in kind.places)
        assert shares == pytest.approx(1 - own / mass) == pytest.approx(sum(shape.share for shape in kind.shapes))
        before = [row.attributions[row.target[0] - 1] for _, row in rows if row.target[0] > 0]
        (place,) = [place for place in kind.places if place.distance == -1]
        assert (place.count, place.mean) == (len(before), pytest.approx(statistics.fmean(before)))
        for layer, share in enumerate(kind.own_share_by_layer):
            sizes = [[abs(value) for value in row.layers[layer]] for _, row in rows]
            owned = sum(size[row.target[0]] for size, (_, row) in zip(sizes, rows, strict=True))
            assert share == pytest.approx(owned / sum(map(sum, sizes)))


def test_what_is_not_in_the_numbers_is_counted(records: Records, summary: Summary) -> None:
    assert (summary.sentences, summary.unread, summary.targets) == (61, 1, 60)
    assert summary.unread_reasons == {"is … too long.": 1}
    evaluations = [row.evaluations for record in records for row in record.explained if row.reference == "pad"]
    assert summary.integrations.statuses == {"converged": 60}
    assert summary.integrations.evaluations == pytest.approx(statistics.fmean(evaluations))
    assert summary.integrations.most_evaluations == max(evaluations)


def test_parts_make_no_difference(tmp_path: Path) -> None:
    some = made(60)
    whole, parts = (summarise(written(tmp_path / str(size), some, part_size=size)) for size in (100, 7))
    for key, word in all_words(whole).items():
        assert all_words(parts)[key].mean == pytest.approx(word.mean)
        assert all_words(parts)[key].low == pytest.approx(word.low)


def test_noise_is_no_evidence(tmp_path: Path) -> None:
    """At a level of 5 % a kind, one word in 40 kinds is 2; more than 6 would come once in a hundred times."""
    found = 0
    for seed in range(20):
        folder = tmp_path / str(seed)
        found += sum(len(kind.leaned_on) for kind in summarise(written(folder, made(80, seed=seed))).kinds)
    assert found <= 6


def test_a_word_that_carries_evidence_is_found_and_one_that_carries_next_to_nothing_is_not(tmp_path: Path) -> None:
    def leaning(words: Sequence[str], _target: int, rng: np.random.Generator) -> list[float]:
        effect = {"said": 2.0, "of": -1.0, "the": 0.1}
        return [effect.get(word, 0.0) + float(rng.normal(0, 0.01)) for word in words]

    for kind in summarise(written(tmp_path / "r", made(120, evidence=leaning))).kinds:
        assert [word.word for word in kind.words_for if word.leaned_on] == ["said"]
        assert [word.word for word in kind.words_against if word.leaned_on] == ["of"]
        said = kind.words_for[0]
        assert said.examples and all(example.words[example.place] == "said" for example in said.examples)
        sizes = [example.attribution for example in said.examples]
        assert sizes == sorted(sizes, reverse=True) and sizes[0] >= said.mean


def test_the_cues_of_the_planted_model_are_all_that_it_leans_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [planted.words for planted in sample(rng, 1200, cued=1.0) if "[PAD]" not in planted.words][:160]
    sentences = [Sentence(f"a:{number}", f"a:{number}", words) for number, words in enumerate(texts)]
    settings = RecordSettings(("pad",), 0.1, layers=False)
    summary = summarise(make_records(interp.load("planted"), sentences, settings, tmp_path / "r"))
    leaned_on = {kind.kind: [word.word for word in kind.leaned_on] for kind in summary.kinds}
    assert leaned_on == {tag.removeprefix("B-"): [cue] for cue, tag in CUES.items()}
    for kind in summary.kinds:
        assert max(kind.places, key=lambda place: place.share).distance == 2
        assert kind.led >= 0.9 * kind.targets


def test_what_moved_is_told_first(tmp_path: Path, records: Records, summary: Summary) -> None:
    def leaning(words: Sequence[str], _target: int, rng: np.random.Generator) -> list[float]:
        return [3.0 * (word == "Mr") + float(rng.normal(0, 0.3)) for word in words]

    newer = summarise(written(tmp_path / "new", made(60, evidence=leaning)))
    moved = compare_summaries(summary, newer, 5)
    assert [word.new.word for word in moved[:2]] == ["Mr", "Mr"]
    assert moved[0].change == pytest.approx(3, abs=0.5) and moved[0].low > 2 and moved[0].surely == moved[0].low
    assert not any(word.surely for word in compare_summaries(summary, summary, 99))
    with pytest.raises(IncomparableError, match="choose one `reference`"):
        compare_summaries(summary, summarise(records, reference="mask"), 5)


def test_another_reference_has_its_own_numbers(records: Records, summary: Summary) -> None:
    turned = all_words(summarise(records, reference="mask"))
    assert all(turned[key].mean == pytest.approx(-word.mean) for key, word in all_words(summary).items())
    with pytest.raises(InputError, match="was recorded under pad and mask"):
        summarise(records, reference="zero")


def test_records_that_explain_nothing_are_said(tmp_path: Path) -> None:
    silent = [replace(record, explained=()) for record in made(5)]
    with pytest.raises(InputError, match="explains nothing under pad"):
        summarise(written(tmp_path / "r", silent))


def test_a_part_that_does_not_fit_together_is_told_by_name(tmp_path: Path) -> None:
    some = made(12)
    (explanation, _) = some[10].explained
    some[10] = replace(some[10], explained=(replace(explanation, attributions=(1.0,)),))
    with pytest.raises(FormatError, match=r"part-00000-of-00002.parquet to part-00001.* does not fit together"):
        summarise(written(tmp_path / "r", some))
    whole = written(tmp_path / "cut", made(12))
    part = whole.folder / part_name(1, whole.about)
    part.write_bytes(part.read_bytes()[:-50])
    with pytest.raises(FormatError, match=r"part-00001-of-00002.parquet is damaged"):
        summarise(whole)


def test_words_that_do_not_fit_are_dropped_and_the_loss_is_told() -> None:
    sums = Sums(most=4)
    names = [("PER", str(number)) for number in range(6)]
    sums.add(names, np.arange(6), np.zeros(6, dtype=np.int64), np.arange(6.0))
    assert set(sums.by_kind()["PER"]) == {"3", "4", "5"} and sums.dropped == 2.5
    sums.add(names, np.array([0, 5]), np.zeros(2, dtype=np.int64), np.array([7.0, 1.0]))
    assert {name: cluster.mass for name, cluster in sums.by_kind()["PER"].items()} == {"3": 3, "4": 4, "5": 6, "0": 7}


def test_layers_of_rows_of_other_lengths_stay_with_their_words(records: Records) -> None:
    table = next(iter(records.tables(["document", "words", "target", "kind", "reference", "attributions", "layers"])))
    columns = Columns.of(explained_rows(table, "pad"))
    rows = [row for row in table.to_pylist() if row["reference"] == "pad"]
    for layer in range(LAYERS):
        assert columns.layers[layer].tolist() == [value for row in rows for value in row["layers"][layer]]


def test_documents_follow_their_schema(summary: Summary) -> None:
    moved = compare_summaries(summary, summary, 3)
    for text in (dumps(summary), dumps(summary, summary, moved)):
        jsonschema.validate(json.loads(text), schema())
    packaged = Path(interp.__file__).parent / "summary" / "summary-1.schema.json"
    assert json.loads(packaged.read_text()) == schema()
    lines = word_table(summary).splitlines()
    assert lines[0].startswith("kind,word,count") and len(lines) == 1 + len(all_words(summary))


def run(*arguments: object) -> tuple[int, str, str]:
    ran = CliRunner().invoke(main, ["summary", *map(str, arguments)])
    return ran.exit_code, ran.stdout, ran.stderr


def test_the_command(records: Records, tmp_path: Path) -> None:
    files = {name: tmp_path / f"out.{name}" for name in ("html", "json", "csv")}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    status, shown, _ = run(records.folder, "--top", 3, *options)
    assert status == 0
    assert "60 targets in 61 sentences" in shown and "could not be read: is … too long (1)" in shown
    content = json.loads(files["json"].read_text())
    assert max(len(kind["words_for"]) for kind in content["summary"]["kinds"]) == 3
    assert "//" not in files["html"].read_text().replace("</", "")
    status, shown, _ = run(records.folder, "--against", records.folder, "--top", 2)
    assert status == 0 and "Moved" in shown
    assert run(tmp_path)[0] == 2 and "no records" in run(tmp_path)[2]
    assert "takes one of --json and --csv" in run(records.folder, "--json", "-", "--csv", "-")[2]


def test_a_hyphen_in_a_word_is_no_minus(tmp_path: Path) -> None:
    from interp.summary.report import summary_page

    def leaning(words: Sequence[str], _target: int, rng: np.random.Generator) -> list[float]:
        return [-2.0 * (word == "said") + float(rng.normal(0, 0.01)) for word in words]

    some = [
        replace(record, words=tuple("ex-said" if word == "said" else word for word in record.words))
        for record in made(90, evidence=leaning)
    ]
    page = summary_page(summarise(written(tmp_path / "r", some)))
    assert "leans on ex-said (−2.00)" in page and "ex−said" not in page


def test_what_a_corpus_says_is_escaped(tmp_path: Path) -> None:
    from interp.summary.report import summary_page

    some = [
        replace(record, words=tuple("<script>x" if word == "said" else word for word in record.words))
        for record in made(30)
    ]
    page = summary_page(summarise(written(tmp_path / "r", some)))
    assert "<script>x" not in page and "&lt;script&gt;x" in page
