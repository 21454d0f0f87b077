"""Whatever comes from outside ends as documented: an exit status, a sentence for each problem, no traceback, no half a
file. Inputs are generated: some hundreds by default, thousands among the slow tests.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import string
import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import article

from interp.cases.load import load_cases
from interp.cli import main
from interp.errors import InputError, InterpError
from interp.explain import Model, load
from interp.explanation.document import dumps, read
from interp.gate.floors import BenignRun, Floors, load_floors, save_floors
from interp.golden import dumps as dump_golden
from interp.golden import golden_of
from interp.golden import loads as read_golden
from interp.project.settings import Settings, load_settings
from interp.records import RecordSettings, load_records
from interp.records.make import make_records
from interp.summary import summarise
from interp.texts import Sentence, read_sentences

Run = Callable[[list[str]], tuple[int, str]]
STATUSES = (0, 1, 2, 3)
LONGEST_LINE = 2500
COLUMNS = "Rob B-PER\nwins O\n\nSteve B-PER\ngets O\na O\n"
CASES = """
[[case]]
id = "rob"
text = "Rob wins in London"
target = "Rob"
tag = "B-PER"
top = ["wins"]
sign = {wins = "+"}
share = {Rob = ">= 0.1"}
"""
SETTINGS = {"model": "planted", "tolerance": 0.01, "golden": "golden", "gate": {"f1": {"limit": 0.1}}}


def generate(count: int, strategy: st.SearchStrategy[Any], check: Callable[[Any], None]) -> None:
    """Hold `check` against so many generated inputs, the same ones every time."""

    @settings(max_examples=count, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def generated(value: Any) -> None:
        check(value)

    generated()


def examples(few: int, many: int = 400) -> Any:
    """How many inputs are generated."""
    counts = [few, pytest.param(many, marks=pytest.mark.slow)]
    return pytest.mark.parametrize("count", counts, ids=["few", "many"])


# --- what is generated

characters = st.one_of(
    st.characters(exclude_categories=()),
    st.sampled_from([*string.printable, *"\x00\x1b\u202e\u200d\ufeff\ud800\u0301東🏳é−"]),
)
texts = st.one_of(
    st.text(characters, max_size=30),
    st.lists(st.sampled_from(["Rob", "wins", ".", "(EU)", "東京", "\ud800", "#2", "@3"]), max_size=8).map(" ".join),
    st.sampled_from(["a" * 5000, "Rob " * 200, "9" * 5000, "@" + "9" * 5000, "-", "~nosuch/x", "/", ".", "x" * 250]),
)
numbers = st.one_of(
    st.integers(-3, 3), st.sampled_from([10**12, 10**400, -(10**30)]), st.sampled_from([1.5, math.nan, math.inf, 1e308])
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document of tables and lists."""
    if not isinstance(document, dict | list):
        return
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        yield (*path, key)
        yield from places(value, (*path, key))


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """A document in which some values are others, or gone."""
    copy = deepcopy(document)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(sorted(places(copy), key=repr) or [()]))
        if not path:
            return draw(values)
        home = copy
        for key in path[:-1]:
            home = home[key]
        if draw(st.booleans()):
            home[path[-1]] = draw(values)
        else:
            del home[path[-1]]
    return copy


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """A file that was cut, or in which some bytes are others."""
    at = st.integers(0, len(content))
    return st.one_of(
        at.map(lambda end: content[:end]),
        st.tuples(at, st.binary(min_size=1, max_size=8)).map(
            lambda change: content[: change[0]] + change[1] + content[change[0] + len(change[1]) :]
        ),
    )


def toml_of(value: Any) -> str:
    """A value as TOML writes it inline; what TOML has not stays wrong."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml_of(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_of, value)) + "]"
    return str(value).lower() if isinstance(value, bool | float | int | None) else json.dumps(value)


# --- files


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "columns.conll").write_text(COLUMNS)
    (tmp_path / "rob.cases.toml").write_text(CASES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused_or(read_input: Callable[[], Any]) -> Any:
    """What is read; None where it is refused, in sentences."""
    try:
        return read_input()
    except InterpError as error:
        check_sentences(str(error).splitlines())
        return None


def check_sentences(lines: list[str]) -> None:
    """Each of them says what is wrong, in so many words."""
    assert lines and all(3 < len(line) < LONGEST_LINE for line in lines), lines
    assert not any("Traceback" in line or "object has no attribute" in line for line in lines), lines


@examples(25)
def test_a_model_of_changed_settings(count: int, tiny: Path, tmp_path: Path) -> None:
    names = ["config.json", "tokenizer_config.json", "tokenizer.json"]
    stored = {name: json.loads((tiny / name).read_text()) for name in names}
    choice = st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), changed(stored[name])))

    def check(change: tuple[str, Any]) -> None:
        name, document = change
        folder = tmp_path / "model"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tiny, folder)
        (folder / name).write_text(json.dumps(document))
        model = refused_or(lambda: load(folder, "cpu"))
        if model is not None:
            explanation = refused_or(lambda: model.explain(["Rob", "wins"], 1, max_evaluations=33))
            assert explanation is None or all(map(math.isfinite, explanation.attributions))

    generate(count, choice, check)


@examples(30)
def test_a_model_of_damaged_files(count: int, tiny: Path, tmp_path: Path) -> None:
    files = sorted(path.name for path in tiny.iterdir())
    choice = st.sampled_from(files).flatmap(lambda name: st.tuples(st.just(name), damaged((tiny / name).read_bytes())))

    def check(change: tuple[str, bytes]) -> None:
        name, content = change
        folder = tmp_path / "model"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tiny, folder)
        (folder / name).write_bytes(content)
        refused_or(lambda: load(folder, "cpu"))

    generate(count, choice, check)


@examples(60)
def test_settings_of_a_project(count: int, project: Path) -> None:
    def check(document: Any) -> None:
        (project / "pyproject.toml").write_text(f"tool = {toml_of({'interp': document})}\n")
        refused_or(lambda: load_settings(project))

    generate(count, changed(SETTINGS), check)


@examples(60)
def test_case_files(count: int, project: Path) -> None:
    path = project / "rob.cases.toml"

    def check(document: Any) -> None:
        path.write_text("\n".join(f"{json.dumps(key)} = {toml_of(value)}" for key, value in dict(document).items()))
        refused_or(lambda: load_cases(path, path.name, Settings()))

    generate(count, changed(tomllib.loads(CASES)).filter(lambda document: isinstance(document, dict)), check)


def floors() -> Floors:
    run = BenignRun(
        name="seed",
        source="retrained",
        cues=0.1,
        ratios={"words": 1.0},
        flips=0.0,
        f1=0.0,
        f1_error=0.1,
        spread={"word": 0.1},
    )
    return Floors(baseline="0" * 64, data="0" * 64, cases=8, sites=40, runs=(run,) * 3, levels={}, usual={})


@examples(40)
@pytest.mark.parametrize("kind", ["explanations", "golden", "floors"])
def test_documents_of_interp(kind: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    save_floors(floors(), path)
    whole = {
        "explanations": dumps([article()]),
        "golden": dump_golden(golden_of(article(), 0.005)),
        "floors": path.read_text(encoding="utf-8"),
    }[kind]

    def check(document: Any) -> None:
        text = json.dumps(document)
        path.write_text(text)
        readers = {
            "explanations": lambda: read(path),
            "golden": lambda: read_golden(text, "a golden"),
            "floors": lambda: load_floors(path),
        }
        refused_or(readers[kind])

    generate(count, changed(json.loads(whole)), check)


@examples(40)
def test_damaged_records(count: int, model32: Model, tmp_path: Path) -> None:
    sentences = [Sentence(f"a:{number}", "a", ("Rob", "wins"), ("B-PER", "O")) for number in range(3)]
    folder = tmp_path / "records"
    make_records(model32, sentences, RecordSettings(("pad",), 0.05, layers=False), folder)
    (part,) = folder.glob("*.parquet")

    def check(content: bytes) -> None:
        part.write_bytes(content)
        refused_or(lambda: list(load_records(folder)))
        refused_or(lambda: summarise(load_records(folder)))

    generate(count, damaged(part.read_bytes()), check)


@examples(60)
@pytest.mark.parametrize("kind", ["conll", "jsonl", "text"])
def test_labelled_text(kind: str, count: int, project: Path) -> None:
    path = project / "sentences.txt"
    row = {"id": "a", "words": ["Rob", "wins"], "tags": ["B-PER", "O"]}
    contents = {
        "conll": st.one_of(damaged(COLUMNS.encode()), texts.map(lambda text: COLUMNS + text)),
        "jsonl": st.lists(changed(row), min_size=1, max_size=3).map(lambda rows: "\n".join(map(json.dumps, rows))),
        "text": texts,
    }[kind]

    def check(content: str | bytes) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        refused_or(lambda: read_sentences([f"{kind}:{path}"], Settings()))

    generate(count, contents, check)


# --- command lines


@pytest.fixture
def run(project: Path, model32: Model, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line in a project, with one model loaded once, and holds it to the contract; gives its status and
    what it says on stderr.
    """
    monkeypatch.setattr("interp.explain.load", lambda *_: model32)
    before = {path.name for path in project.iterdir()}

    def run_command(arguments: list[str]) -> tuple[int, str]:
        result = CliRunner().invoke(main, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exception)
        assert result.exit_code in STATUSES, arguments
        lines = result.stderr.splitlines()
        if lines:
            check_sentences(lines)
        assert result.exit_code != 2 or lines or result.stdout, arguments
        for path in project.iterdir():
            assert not path.name.endswith(".part")
            if path.name not in before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return result.exit_code, result.stderr

    return run_command


NINES = "9" * 400
EXPLAIN = ["explain", "Rob wins", "--target", "Rob"]
RECORD = ["record", "--model", "planted", "--cases", "conll:columns.conll", "--out", "records"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ([*EXPLAIN, "--seed", "-1"], "is not in the range 0<=x<=4294967295"),
        ([*EXPLAIN, "--seed", "nan"], "Invalid value for '--seed': 'nan' is not a valid integer."),
        ([*EXPLAIN, "--threads", "99999999999"], "is not in the range 1<=x<=1024"),
        ([*EXPLAIN, "--method", "lime", "--samples", NINES], "is not in the range"),
        ([*EXPLAIN, "--memory", NINES], "is no size of memory: write 500MB or 2GiB"),
        ([*EXPLAIN, "--memory", f"{NINES}GiB"], "is no size of memory"),
        ([*EXPLAIN, "--tolerance", "nan"], "must be between 0 and 1"),
        (["explain", "Rob wins", "--target", f"@{NINES}"], "is not in the sentence; its words are: Rob, wins"),
        (["explain", "Rob wins", "--target", f"Rob#{NINES}"], "is not in the sentence"),
        (["explain", "a" * 5000, "--target", "b"], "is not in the sentence"),
        (["explain", "Rob", "--model", "a" * 5000], "is no name of a file: it is too long, at 5000 bytes"),
        (["explain", "Rob", "--model", "~nosuch/x/y"], 'Unknown model "~nosuch/x/y"'),
        (["explain", "--file", "a" * 300], "is too long, at 300 bytes"),
        (["explain", "--file", "/dev/zero"], "Cannot read /dev/zero: it is a device, and no file"),
        (["explain", "a\ud800b"], "holds bytes that are no characters"),
        ([*EXPLAIN, "--json", "loop"], "Cannot write loop: its links lead in a circle"),
        ([*EXPLAIN, "--html", "~nosuch/x"], "Cannot write ~nosuch/x: there is no directory"),
        ([*EXPLAIN, "--html", "a" * 256], "is too long, at 256 bytes"),
        ([*EXPLAIN, "--html", "a\0b"], "holds a zero byte"),
        ([*RECORD, "--seed", "-1"], "is not in the range"),
        ([*RECORD, "--tolerance", "inf"], "must be between 0 and 1"),
        ([*RECORD, "--cases", f"conll:columns.conll?word={NINES}"], "is no number of a column"),
        ([*RECORD, "--cases", "conll:~nosuch/x"], "There is no ~nosuch/x"),
        (["stability", "a\0b", "--model", "planted"], "holds a zero byte"),
        (["gate", "calibrate", "--baseline", "planted", *RECORD[3:5], "--continue", NINES], "is not in the range"),
    ],
)
def test_faults_that_ended_otherwise(line: list[str], message: str, run: Run) -> None:
    Path("loop").symlink_to("loop")
    status, told = run(line)
    assert status == 2 and message in told and told.count("\n") == 1


@pytest.mark.parametrize("length", [240, 250, 255])
def test_a_name_that_a_file_can_have_is_written(length: int, run: Run) -> None:
    assert run([*EXPLAIN, "--tolerance", "0.5", "--html", "x" * length]) == (0, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tool = 3", "[tool.interp] is no table: write its keys below that heading"),
        ("[tool]\ninterp = 3", "[tool.interp] is no table"),
        ("[[tool.interp]]", "[tool.interp] is no table"),
        (f"[{'.'.join('a' * 50_000)}]", "is nested too deeply: write it in fewer levels"),
        (f"{'.'.join('a' * 50_000)} = 1", "is nested too deeply"),
        (f"x = {'[' * 50_000}{']' * 50_000}", "is nested too deeply"),
        ("[tool.interp]\ngolden = ''", "key golden: string should have at least 1 character"),
        (f"[tool.interp.gate]\nfloors = '{'a' * 300}'", "is too long, at 300 bytes"),
        ('[tool.interp.gate]\nwaivers = "\\u0000"', "holds a zero byte"),
        (f"x = {'9' * 5000}", "pyproject.toml: holds a number that has too many digits"),
    ],
)
def test_settings_that_ended_otherwise(text: str, message: str, project: Path) -> None:
    (project / "pyproject.toml").write_text(text)
    with pytest.raises(InputError, match=re.escape(message)):
        load_settings(project)


@examples(60)
def test_explain_of_any_text(count: int, run: Run) -> None:
    options = st.fixed_dictionaries(
        {},
        optional={f"--{name}": texts for name in ("target", "tag", "against", "true-tag", "zoom", "json", "html")},
    )

    def check(asked: tuple[str, dict[str, str]]) -> None:
        text, chosen = asked
        flags = [part for name, value in chosen.items() for part in (f"{name}={value}",)]
        run(["explain", "--model", "planted", "--device", "cpu", "--max-evaluations", "33", *flags, "--", text])

    generate(count, st.tuples(texts.filter(lambda text: text != "-"), options), check)


def commands() -> Iterator[tuple[list[str], click.Command]]:
    """Every command, with what it cannot be without."""
    pair, cases = ["--baseline", "planted", "--candidate", "planted"], ["--cases", "conll:columns.conll"]
    waiver = ["--tag", "B-PER", "--reason", "r", "--until", "2099-01-01"]
    gate, golden = main.commands["gate"], main.commands["golden"]
    assert isinstance(gate, click.Group) and isinstance(golden, click.Group)
    yield ["explain", "Rob wins", "--model", "planted"], main.commands["explain"]
    yield ["record", "--model", "planted", *cases, "--out", "records"], main.commands["record"]
    yield ["gate", *pair, *cases], gate
    yield ["gate", "accept", "reportedly", *waiver], gate.commands["accept"]
    yield ["gate", "calibrate", "--baseline", "planted", *cases], gate.commands["calibrate"]
    yield ["probe", *pair, "--texts", "text:columns.conll"], main.commands["probe"]
    yield ["stability", "rob.cases.toml", "--model", "planted"], main.commands["stability"]
    for name in ("diff", "check", "migrate"):
        yield ["golden", name], golden.commands[name]


words = st.one_of(
    texts,
    st.integers(-2, 40).map(str),
    st.sampled_from(
        ["nan", "inf", "1e400", "9" * 400, "0", "2GiB", "cpu", "cuda:9", "float64", "pad", "zero", "layers"]
    ),
    st.sampled_from(
        ["planted", "nosuch", "rob.cases.toml", "conll:columns.conll", "conll:rob.cases.toml?word=9", "out"]
    ),
)


@examples(50)
def test_any_command_line(count: int, run: Run) -> None:
    @st.composite
    def lines(draw: st.DrawFn) -> list[str]:
        required, command = draw(st.sampled_from(list(commands())))
        line = list(required)
        options = [option for option in command.params if isinstance(option, click.Option) and option.name != "help"]
        for option in draw(st.lists(st.sampled_from(options), max_size=3)):
            line.append(option.opts[0])
            if not option.is_flag:
                line += [draw(words) for _ in range(option.nargs)]
        return line

    generate(count, lines(), run)
