"""`python:module:function`: whatever a function of the user's does wrong is one sentence, and names the function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from interp.errors import InputError, ModelError
from interp.taggers import FunctionPredictor
from interp.taggers.functions import load
from interp.taggers.spec import parse_tagger_spec

Import = Callable[..., FunctionPredictor]


@pytest.fixture
def import_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Import:
    """Write a module of this code, and import its function `tag` or another part of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = f"tagger_{abs(hash(request.node.name))}"

    def write_and_import(code: str, spec: str = "python:{module}:tag") -> FunctionPredictor:
        (tmp_path / f"{module}.py").write_text(code)
        return load(parse_tagger_spec(spec.format(module=module)), [("Rob", "wins")])

    return write_and_import


def test_a_function_tells_its_tags_and_their_probabilities(import_code: Import) -> None:
    predictor = import_code("def tag(words):\n    return [{'B-PER': 0.25, 'O': 0.75} for _ in words]\n")
    assert predictor.labels == ("B-PER", "O")
    assert predictor([("a", "b", "c")])[0].tolist() == [[0.25, 0.75]] * 3


def test_a_function_may_give_tags_alone(import_code: Import) -> None:
    predictor = import_code("def tag(words):\n    return ['B-PER' if word == 'Rob' else 'O' for word in words]\n")
    assert predictor.labels == ("B-PER", "O") and not predictor.gives_probabilities
    assert predictor([("a", "Rob")])[0].tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("chance", ["True", "1 + 1e-9", "numpy.float32(1)", "fractions.Fraction(1)", "torch.ones(1)"])
def test_every_kind_of_number_is_a_probability(chance: str, import_code: Import) -> None:
    code = f"import fractions, numpy, torch\ndef tag(words):\n    return [{{'O': {chance}}} for _ in words]\n"
    assert import_code(code)([("a",)])[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("python:", "names no tagger"),
        ("python:module", "names no function"),
        ("python:module:", "names no function"),
        ("python::tag", "names no function"),
        ("python:.module:tag", "names no function"),
        ("python:a..b:tag", "names no function"),
        ("python:mine.py:tag", "There is no module mine.py"),
        ("python:a\0b:tag", "names no function"),
        ("python:\udcff:tag", "names no function"),
        ("python:" + "a" * 5000 + ":tag", "There is no module a"),
        ("python:missing_module_x:tag", "There is no module missing_module_x (python:missing_module_x:tag)"),
        ("python:json.missing:tag", "There is no module json.missing"),
        ("python:{module}:none", "has no none"),
        ("python:{module}:dumps.x", "has no dumps.x"),
        ("python:{module}:TAGS", "has a list TAGS, which is no function"),
    ],
)
def test_a_name_that_means_no_function(spec: str, message: str, import_code: Import) -> None:
    with pytest.raises(InputError) as refusal:
        import_code("TAGS = ['O']\nfrom json import dumps", spec)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import missing_module_y", "cannot be imported: ModuleNotFoundError: No module named 'missing_module_y'"),
        ("from json import nothing", "cannot be imported: ImportError: cannot import name 'nothing' from 'json'"),
        ("def tag(:\n", "cannot be imported: SyntaxError: "),
        ("\n\n1 / 0", "cannot be imported: ZeroDivisionError: division by zero ({module}.py:3)"),
        ("raise KeyError('vocab')", "cannot be imported: KeyError: 'vocab' ({module}.py:1)"),
        ("assert False", "cannot be imported: AssertionError ({module}.py:1)"),
        ("import sys\nsys.exit(0)", "ended the program while it was imported (sys.exit)"),
    ],
)
def test_a_module_that_cannot_be_imported(code: str, message: str, import_code: Import) -> None:
    with pytest.raises(ModelError) as refusal:
        import_code(code)
    sentence = str(refusal.value)
    assert message.replace("{module}", sentence.split(":")[1]) in sentence and "\n" not in sentence


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import json\n    json.loads('{')", 'fails on "Rob wins": JSONDecodeError: '),
        ("raise RuntimeError('out of\\nluck')", 'fails on "Rob wins": RuntimeError: out of ({module}.py:2).'),
        ("raise MemoryError", 'fails on "Rob wins": MemoryError ({module}.py:2).'),
        ("return tag(words)", "RecursionError"),
        ("import sys\n    sys.exit(0)", "ended the program (sys.exit) instead of giving tags"),
        ("raise SystemExit", "ended the program (sys.exit) instead of giving tags"),
        ("pass", "gives a NoneType, not a list"),
        ("return 'OO'", "gives a str, not a list"),
        ("return {'O': 1.0}", "gives a dict, not a list"),
        ("yield {'O': 1.0}", "gives a generator, not a list"),
        ("return []", "gives 0 answers, not a tag or a mapping of tags to probabilities for each of 2 words"),
        ("return [{'O': 1.0}] * 3", "gives 3 answers"),
        (
            "return [1, 2]",
            """gives 1 for the word "Rob", not a tag, nor a mapping of tags to probabilities such as {""",
        ),
        ("return [None, None]", 'gives None for the word "Rob", not a tag, nor a mapping'),
        ("return [{'O': 1.0}, {}]", 'gives no tag for the word "wins" on "Rob wins"'),
        ("return [{None: 1.0}] * 2", "gives the tag None, which is no text"),
        ("return [{3: 1.0}] * 2", "gives the tag 3, which is no text"),
        ("return [{'O': 2}] * 2", "gives O the probability 2, which is none"),
        ("return [{'O': -0.1}] * 2", "the probability -0.1, which is none"),
        ("return [{'O': float('nan')}] * 2", "the probability nan, which is none"),
        ("return [{'O': 10 ** 400}] * 2", "which is none"),
        ("return [{'O': 10 ** 5000}] * 2", "python:"),
        ("return [{'O': '1.0'}] * 2", "the probability '1.0', which is none"),
        ("return [{'O': None}] * 2", "the probability None, which is none"),
        ("return [{'O': 1j}] * 2", "the probability 1j, which is none"),
        ("import torch\n    return [{'O': torch.zeros(2)}] * 2", "the probability tensor([0., 0.]), which is none"),
    ],
)
def test_a_function_that_does_something_else(body: str, message: str, import_code: Import) -> None:
    with pytest.raises(ModelError) as refusal:
        import_code(f"def tag(words):\n    {body}\n")
    sentence = str(refusal.value)
    assert message.replace("{module}", sentence.split(":")[1]) in sentence
    assert sentence.startswith("python:tagger_") and "\n" not in sentence and len(sentence) < 400


def test_ctrl_c_in_a_function_stops_the_command(import_code: Import) -> None:
    with pytest.raises(KeyboardInterrupt):
        import_code("def tag(words):\n    raise KeyboardInterrupt\n")


def test_a_tag_that_comes_later_is_told_with_what_to_do(import_code: Import) -> None:
    predictor = import_code("def tag(words):\n    return [{'O' if word != 'Anna' else 'B-PER': 1} for word in words]\n")
    with pytest.raises(ModelError, match='gives the tag "B-PER" on "Anna sings", but before it gave O alone: let it'):
        predictor([("Anna", "sings")])
