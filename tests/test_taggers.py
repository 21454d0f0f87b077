"""Any tagger by its name: what a name is taken apart into, who answers to it, and what spans of characters come to."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from socket import socket
from time import sleep
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from interp.cli import main
from interp.errors import InputError, ModelError
from interp.taggers import CharSpan, SpanPredictor, adapters, check_tagger, is_tagger, load_tagger
from interp.taggers.fingerprint import fingerprint_files, package_of
from interp.taggers.library_warnings import collect_warnings
from interp.taggers.spec import parse_tagger_spec
from interp.versions import install_command

ROOT = Path(__file__).parent.parent
ENTRY_POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
LIBRARIES = {"spacy": "spacy", "presidio": "presidio_analyzer", "gliner": "gliner"}
"""By their adapters."""
Announce = Callable[[str, str], None]


# Names


@pytest.mark.parametrize(
    ("text", "location", "options"),
    [
        ("spacy:en_core_web_sm", "en_core_web_sm", {}),
        ("spacy:C:/models/en", "C:/models/en", {}),
        (
            "gliner:dir?labels=person,legal%20act&threshold=0.3",
            "dir",
            {"labels": "person,legal act", "threshold": "0.3"},
        ),
        ("presidio:a.yaml?language=", "a.yaml", {"language": ""}),
    ],
)
def test_a_name_is_taken_apart(text: str, location: str, options: dict[str, str]) -> None:
    spec = parse_tagger_spec(text)
    assert (spec.location, spec.options) == (location, options)
    assert parse_tagger_spec(str(spec)) == spec


@pytest.mark.parametrize("text", ["spacy:", "spacy:?language=en", "spacy"])
def test_a_name_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="names no tagger: write what it is behind spacy: too"):
        parse_tagger_spec(text)


def test_an_option_that_is_none_is_told_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r'has the option "label", which is none: gliner: has labels, threshold\.'):
        parse_tagger_spec("gliner:dir?label=person").check_options(("labels", "threshold"))
    with pytest.raises(InputError, match=r"spacy: has none\."):
        parse_tagger_spec("spacy:dir?a=b").check_options(())


@pytest.mark.parametrize("name", ["open", "owner/name", "models/a", "./a:b", "C:/models", "C:\\models", "a/b:c"])
def test_models_and_directories_are_no_taggers_with_an_adapter(name: str) -> None:
    assert not is_tagger(name)


# Adapters


@pytest.fixture
def announce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Announce]:
    """Install a package of a module of this code, which announces the adapter `shout`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    adapters._adapters.cache_clear()

    def write(module: str, code: str) -> None:
        (tmp_path / f"{module}.py").write_text(code)
        information = tmp_path / "my_package-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[interp.taggers]\nshout = {module}\n")

    yield write
    adapters._adapters.cache_clear()


def documented(language: str) -> list[str]:
    page = (ROOT / "docs/taggers.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_adapter_of_the_documentation_is_a_tagger(announce: Announce) -> None:
    (announcement,) = documented("toml")
    assert tomllib.loads(announcement)["project"]["entry-points"]["interp.taggers"].keys() == {"shout"}
    announce("shouting_adapter", documented("python")[-1])
    tagger = load_tagger("shout:Rob?kind=NAME", [])
    assert tagger.labels == ("O", "B-NAME", "I-NAME") and not tagger.gives_probabilities
    tags = [tagger.labels[tag] for tag in tagger([("Rob", "robs", "Robs")])[0].argmax(-1)]
    assert tags == ["B-NAME", "O", "B-NAME"]
    assert tagger.notices == ("shout:Rob?kind=NAME: 1 of 2 spans cut a word, which counts as a whole.",)
    with pytest.raises(InputError, match='"shout:R2D2" names no word'):
        check_tagger("shout:R2D2")


def test_a_tagger_of_another_package_is_recorded_and_gated(
    announce: Announce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "dev.conll").write_text("Rob B-PER\nwins O\n\nRobs O\nfall O\n\n" * 15)
    announce("recorded_adapter", documented("python")[-1])
    record = ["record", "--model", "shout:Rob", "--cases", "conll:dev.conll", "--out", "records"]
    result = CliRunner().invoke(main, record)
    assert (result.exit_code, result.stdout) == (0, "30 sentences, 0 targets explained: records\n")
    assert result.stderr.splitlines()[-1] == ("interp: shout:Rob: 15 of 30 spans cut a word, which counts as a whole.")
    gate = ["gate", "--baseline", "records", "--candidate", "shout:Rob", "--cases", "conll:dev.conll", "--no-probe"]
    assert CliRunner().invoke(main, gate).exit_code == 0
    worse = ["gate", "--baseline", "records", "--candidate", "shout:wins", "--cases", "conll:dev.conll", "--no-probe"]
    result = CliRunner().invoke(main, worse)
    assert result.exit_code == 1 and result.stdout.startswith("FAIL")


def test_an_adapter_that_cannot_be_imported_is_told_in_a_sentence(announce: Announce) -> None:
    announce("broken_adapter", "import missing_module_z\n")
    with pytest.raises(ModelError) as refusal:
        check_tagger("shout:Rob")
    message = "The adapter shout: (broken_adapter) cannot be imported: No module named 'missing_module_z'."
    assert str(refusal.value) == message


def test_an_unknown_sort_names_those_that_are_and_the_nearest(announce: Announce) -> None:
    announce("unused_adapter", "")
    assert is_tagger("shut:Rob")
    with pytest.raises(InputError, match=r"python:, .*shout:.* else a directory\. Did you mean shout:\?"):
        check_tagger("shut:Rob")


def test_every_adapter_has_both_functions_and_an_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = ENTRY_POINTS["interp.taggers"]
    assert points.keys() == {*LIBRARIES, "python"} and LIBRARIES.keys() <= project["optional-dependencies"].keys()
    for module in map(import_module, points.values()):
        assert callable(module.check) and callable(module.load)


@pytest.mark.parametrize("prefix", LIBRARIES)
def test_a_library_that_is_missing_is_told_with_the_command_that_brings_it(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters, "find_spec", lambda _module: None)
    adapter = import_module(ENTRY_POINTS["interp.taggers"][prefix])
    with pytest.raises(ModelError) as refusal:
        adapter.check(parse_tagger_spec(f"{prefix}:somewhere?labels=person"))
    library = LIBRARIES[prefix]
    assert str(refusal.value) == f"{prefix}: needs {library}, which is not installed: {install_command(prefix)}"


def test_adapters_import_no_library_and_no_torch() -> None:
    modules = ", ".join(ENTRY_POINTS["interp.taggers"].values())
    heavy = {*LIBRARIES.values(), "torch", "transformers", "yaml"}
    code = f"import sys, {modules}\nprint(sorted({heavy} & sys.modules.keys()))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


# Commands


@pytest.fixture
def cases(tmp_path: Path) -> str:
    path = tmp_path / "cases.conll"
    path.write_text("Rob B-PER\nwins O\n\n" * 2)
    return f"conll:{path}"


def test_a_gate_of_an_unknown_tagger_ends_before_torch_is_imported(cases: str) -> None:
    command = ["gate", "--baseline", "spaci:nope", "--candidate", "spaci:nope", "--cases", cases]
    code = (
        f"import sys\nfrom interp.cli import main\ntry:\n    main({command!r})\n"
        "except SystemExit as end:\n    print(end.code, 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["2", "False"]
    assert told.stderr.startswith('interp: "spaci:nope" is of no known sort: ') and told.stderr.count("\n") == 1


def test_what_needs_gradients_refuses_a_tagger_and_names_the_probe() -> None:
    result = CliRunner().invoke(main, ["explain", "Rob wins", "--model", "spacy:models/a"])
    assert result.exit_code == 2
    (sentence,) = [line for line in result.stderr.splitlines() if "gradients" in line]
    assert sentence.startswith('interp: "spacy:models/a" gives tags and no gradients') and "`interp probe`" in sentence


# Flair, which lives in an environment of its own


def test_flair_is_asked_as_the_documentation_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for Flair, which takes Paris, and what follows it, for a place."""

    class Sentence:
        def __init__(self, words: list[str]) -> None:
            self.tokens = [SimpleNamespace(idx=number, text=word) for number, word in enumerate(words, 1)]

        def get_spans(self, kind: str) -> list[Span]:
            assert kind == "ner"
            return [Span(self.tokens[at : at + 2]) for at, token in enumerate(self.tokens) if token.text == "Paris"]

    class Span(list[SimpleNamespace]):
        tag = "LOC"

    class SequenceTagger:
        tag_type = "ner"

        @classmethod
        def load(cls, _name: str) -> SequenceTagger:
            return cls()

        def predict(self, _sentence: Sentence) -> None:
            pass

    for name, part in (("flair", {}), ("flair.data", {"Sentence": Sentence}), ("flair.models", {})):
        module = ModuleType(name)
        vars(module).update(part or {"SequenceTagger": SequenceTagger})
        monkeypatch.setitem(sys.modules, name, module)
    with socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    server_code, client_code, _ = documented("python")
    names: dict[str, object] = {}
    thread = threading.Thread(target=exec, args=(server_code.replace("8000", port), names))
    thread.start()
    while "server" not in names:
        sleep(0.01)
    try:
        (tmp_path / "ask_flair.py").write_text(client_code.replace("8000", port))
        monkeypatch.syspath_prepend(str(tmp_path))
        words = ("In", "Paris", "France", "Rob", "wins")
        tagger = load_tagger("python:ask_flair:tag", [words])
        tags = [tagger.labels[tag] for tag in tagger([words])[0].argmax(-1)]
        assert tags == ["O", "B-LOC", "I-LOC", "O", "O"]
    finally:
        names["server"].shutdown()  # type: ignore[attr-defined]
        thread.join()


# Spans of characters as tags of words


def predictor(*spans: CharSpan, probabilities: bool = False, **options: object) -> SpanPredictor:
    """That finds these spans in every text."""
    return SpanPredictor(
        "finder",
        lambda texts: [spans for _ in texts],
        kinds=["PER", "LOC"],
        sha256="",
        gives_probabilities=probabilities,
        **options,  # type: ignore[arg-type]
    )


def tags(finder: SpanPredictor, words: Sequence[str]) -> list[str]:
    return [finder.labels[tag] for tag in finder([words])[0].argmax(-1)]


@pytest.mark.parametrize(
    ("words", "spans", "expected", "cut"),
    [
        (["Rob", "wins"], [(0, 3, "PER")], "B-PER O", False),
        (["Ann", "Lee", "wins"], [(0, 7, "PER")], "B-PER I-PER O", False),
        (["Ann", "Lee"], [(0, 3, "PER"), (4, 7, "PER")], "B-PER B-PER", False),
        (["in", "Paris-based"], [(3, 8, "LOC")], "O B-LOC", True),
        (["in", "pro-Paris"], [(7, 12, "LOC")], "O B-LOC", True),
        (["Rob", "wins"], [(3, 4, "PER")], "O O", False),  # the space between
        (["Rob", "wins"], [(3, 8, "PER")], "O B-PER", False),  # a space too many
        (["New York", "a\nb"], [(0, 8, "LOC"), (9, 10, "PER")], "B-LOC B-PER", True),  # spaces inside stay
        (["👩‍🚀", "e\u0301", "Rob"], [(7, 10, "PER")], "O O B-PER", False),  # in code points, 3 and 2 of them
        (["", "Rob"], [(1, 4, "PER")], "O B-PER", False),
        ([], [], "", False),
        (["Ann", "Lee"], [(0, 3, "PER"), (0, 7, "LOC")], "B-LOC I-LOC", False),  # the longer
    ],
)
def test_a_word_has_the_tag_of_the_span_that_it_stands_in(
    words: list[str], spans: list[tuple[int, int, str]], expected: str, cut: bool
) -> None:
    finder = predictor(*(CharSpan(*span) for span in spans))
    assert tags(finder, words) == expected.split()
    assert bool(finder.notices) == cut


def test_of_spans_that_overlap_the_likelier_counts() -> None:
    spans = CharSpan(0, 7, "LOC", 0.6), CharSpan(4, 7, "PER", 0.7)
    assert tags(predictor(*spans), ["Ann", "Lee"]) == ["O", "B-PER"]
    finder = predictor(*spans, probabilities=True)
    assert finder([("Ann", "Lee")])[0] == pytest.approx(np.array([[1, 0, 0, 0, 0], [0.3, 0.7, 0, 0, 0]]))


def test_a_span_below_one_half_has_its_probability_and_is_no_tag() -> None:
    finder = predictor(CharSpan(0, 3, "PER", 0.4), CharSpan(4, 9, "LOC", 0.5), probabilities=True)
    assert finder([("Anna", "Paris")])[0] == pytest.approx(np.array([[0.6, 0.4, 0, 0, 0], [0.5, 0, 0, 0.5, 0]]))
    assert tags(finder, ["Anna", "Paris"]) == ["O", "O"]
    assert finder.notices == (), "what decides no tag is not counted"


def test_of_words_that_a_library_does_not_read_nothing_is_said() -> None:
    finder = predictor(CharSpan(0, 3, "PER"), count_read=lambda _text: 5)
    (rows,) = finder([("Ann", "Lee", "wins")])
    assert np.isnan(rows).all(axis=1).tolist() == [False, True, True]


def test_notices_of_a_library_stand_before_those_of_cut_words() -> None:
    finder = predictor(CharSpan(0, 2, "PER"), notices=["It is old."])
    assert finder.notices == ("It is old.",)
    finder([("Ann",), ("Ann",)])
    assert finder.notices == ("It is old.", "finder: 2 of 2 spans cut a word, which counts as a whole.")


def test_a_kind_that_was_not_announced_is_an_error() -> None:
    with pytest.raises(ModelError, match='finder found a "ORG", which is none of the kinds that it says it has'):
        predictor(CharSpan(0, 3, "ORG"))([("Ann",)])


def test_whatever_a_library_raises_is_one_sentence() -> None:
    def fail(_texts: Sequence[str]) -> list[list[CharSpan]]:
        raise RuntimeError("out of luck\nand more")

    with pytest.raises(ModelError) as refusal:
        SpanPredictor("finder", fail, kinds=["PER"], sha256="")([("Ann",)])
    assert str(refusal.value) == "finder fails: out of luck."


def slow_tags(words: Sequence[str], spans: Sequence[CharSpan]) -> list[str]:
    """Character by character, the strongest span first."""
    owner = [number for number, word in enumerate(words) for _ in f"{word} "]
    text = " ".join(words)
    space = {at for at, number in enumerate(owner) if at == sum(len(word) + 1 for word in words[: number + 1]) - 1}
    found = ["O"] * len(words)
    for span in sorted(spans, key=lambda span: (-span.probability, -(span.stop - span.start), span.start)):
        inside = sorted({owner[at] for at in range(span.start, min(span.stop, len(text))) if at not in space})
        if inside and all(found[number] == "O" for number in inside):
            for number in inside:
                found[number] = f"{'B' if number == inside[0] else 'I'}-{span.kind}"
    return found


@given(
    words=st.lists(st.text("ab é😀", min_size=1, max_size=4), max_size=6),
    spans=st.lists(
        st.builds(
            lambda start, length, kind, score: CharSpan(start, start + length, kind, score),
            st.integers(0, 24),
            st.integers(1, 9),
            st.sampled_from(["PER", "LOC"]),
            st.sampled_from([0.2, 0.7, 0.7, 0.9]),
        ),
        max_size=5,
        unique_by=lambda span: (span.probability, span.stop - span.start, span.start),
    ),
)
def test_tags_are_those_of_a_walk_over_characters(words: list[str], spans: list[CharSpan]) -> None:
    assert tags(predictor(*spans), words) == slow_tags(words, spans)


# Fingerprints and warnings


def test_a_fingerprint_covers_names_contents_versions_and_settings(tmp_path: Path) -> None:
    def fingerprint(**changes: object) -> str:
        options = {"packages": ("numpy",), "settings": ""} | changes
        return fingerprint_files([tmp_path / "model"], **options)  # type: ignore[arg-type]

    (tmp_path / "model/inner").mkdir(parents=True)
    (tmp_path / "model/a").write_bytes(b"1")
    known = {fingerprint(), fingerprint(packages=("click", "numpy")), fingerprint(settings="x")}
    assert len(known) == 3 and fingerprint(packages=("no-such-package-x",)) == ""
    (tmp_path / "model/a").rename(tmp_path / "model/inner/a")
    known.add(fingerprint())
    (tmp_path / "model/inner/a").write_bytes(b"2")
    known.add(fingerprint())
    assert len(known) == 5
    (tmp_path / "model/__pycache__").mkdir()
    (tmp_path / "model/__pycache__/a.pyc").write_bytes(b"3")
    (tmp_path / "model").rename(tmp_path / "moved")
    assert fingerprint_files([tmp_path / "moved"], packages=("numpy",)) in known, "where it is decides nothing"


def test_a_folder_that_leads_out_of_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/out").symlink_to(ROOT, target_is_directory=True)
    with pytest.raises(ModelError, match="leads to another folder"):
        fingerprint_files([tmp_path / "model"], packages=())


def test_code_is_of_the_package_of_its_function_or_class() -> None:
    assert [package_of(part) for part in (CliRunner(), check_tagger, np.arange)] == ["click", "interp", "builtins"]


def test_what_a_library_warns_of_is_a_notice_once() -> None:
    import warnings

    with collect_warnings("spacy:x") as notices:
        for _ in range(2):
            warnings.warn("[W095] Model 'en' (3.6.0, e.g. old) was\ntrained with v3.6.0. See more", stacklevel=1)
    assert notices == ["spacy:x: [W095] Model 'en' (3.6.0, e.g. old) was trained with v3.6.0."]
    with pytest.warns(DeprecationWarning, match="later"), collect_warnings("spacy:x") as notices:
        warnings.warn("later", DeprecationWarning, stacklevel=1)
    assert notices == []
