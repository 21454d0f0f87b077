"""JSON files of interp's own, after somebody else had them in hand: each reader refuses in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interp.errors import FormatError
from interp.explanation.document import read as read_explanations
from interp.gate.document import loads as loads_result
from interp.gate.floors import load_floors
from interp.golden.document import loads as loads_golden
from interp.project.strict_json import parse_document, parse_json

Reader = Callable[[Path], object]
READERS: dict[str, Reader] = {
    "explanations": read_explanations,
    "floors": load_floors,
    "golden": lambda path: loads_golden(path.read_text(encoding="utf-8"), path.name),
    "result": lambda path: loads_result(path.read_text(encoding="utf-8"), path),
}
BODIES = {
    "nothing": "",
    "no JSON": "{",
    "null": "null",
    "number": "3",
    "text": '"text"',
    "list": "[]",
    "object": "{}",
    "deep list": "[" * 100_000 + "]" * 100_000,
    "deep object": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "digits": "9" * 6000,
    "NaN": '{"schema": NaN}',
    "infinity": '{"format": 1e999}',
    "half a character": r'{"schema": "\ud800", "format": "\udfff"}',
    "zero byte": "\x00",
}
READABLE = [r'"\ud83d\ude00"', r'"\\ud800"', "9" * 308, "1e308", '"NaN"', "[]", "null"]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_file_of_something_else_is_one_sentence(reader: Reader, body: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(FormatError) as refusal:
        reader(path)
    sentence = str(refusal.value)
    assert "file.json" in sentence and len(sentence.splitlines()) == 1 and len(sentence) < 400


@pytest.mark.parametrize("value", [r'"\ud800"', r'{"\udfff": 1}', r'["a", "\uDABC x"]', "NaN", "-Infinity", "1e999"])
def test_what_cannot_be_written_again_is_not_read(value: str) -> None:
    json.loads(value)
    with pytest.raises(ValueError, match=r"half a character|no finite number"):
        parse_document(f'{{"key": {value}}}')


@pytest.mark.parametrize("value", READABLE)
def test_what_looks_like_it_is_read(value: str) -> None:
    assert parse_json(value) == json.loads(value)
    assert parse_document(f'{{"key": {value}}}') == {"key": json.loads(value)}


@pytest.mark.parametrize("text", ["null", "3", '"text"', "[]"])
def test_a_document_is_an_object(text: str) -> None:
    with pytest.raises(ValueError, match="it holds no object"):
        parse_document(text)
