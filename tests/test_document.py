"""The JSON that other programs rely on: valid, complete, read back to the bit, and refused when damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import samples
from jsonschema import Draft202012Validator

import interp
from interp.errors import FormatError, OutputError
from interp.explanation import Explanation, Reference
from interp.explanation.document import dumps, load_one, read, save, schema, to_document
from interp.question import Positions


def encodable(sample: Explanation) -> Explanation:
    """Without the lone surrogates, which no text that is explained can hold."""
    words = tuple(replace(word, text=word.text.encode(errors="replace").decode()) for word in sample.words)
    return replace(sample, words=words, text=sample.text.encode(errors="replace").decode())


SAMPLES = [
    samples.article(),
    samples.not_converged(),
    samples.negligible(),
    samples.without_parts(),
    encodable(samples.hostile()),
    samples.repeated(),
    *(replace(samples.article(), reference=Reference("pad", positions)) for positions in get_args(Positions)),
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_round_trip_is_valid_and_equal(sample: Explanation, tmp_path: Path) -> None:
    sample.save(tmp_path / "e.json")
    text = (tmp_path / "e.json").read_text(encoding="utf-8")
    Draft202012Validator(schema()).validate(json.loads(text))
    assert Explanation.load(tmp_path / "e.json") == sample
    assert interp.read(tmp_path / "e.json") == [sample]


def test_the_schema_itself_is_one() -> None:
    Draft202012Validator.check_schema(schema())


def test_lists_are_per_word() -> None:
    (found,) = to_document([samples.article()])["explanations"]
    count = len(found["words"])
    attributions = found["attributions"]
    lists = [found["special"], attributions["words"], *attributions["layers"], *attributions["components"].values()]
    assert {len(each) for each in lists} == {count}
    assert found["ranking"][0] == found["words"][attributions["words"].index(max(attributions["words"]))]


def test_unknown_fields_are_ignored(tmp_path: Path) -> None:
    document = to_document([samples.article()])
    document["later"] = document["explanations"][0]["later"] = document["model"]["later"] = 1
    document["explanations"][0]["run"]["later"] = document["explanations"][0]["target"]["later"] = 1
    (tmp_path / "e.json").write_text(json.dumps(document), encoding="utf-8")
    assert read(tmp_path / "e.json") == [samples.article()]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "damaged"),
        ("[]", "it holds no object"),
        ('{"schema": "interp.explanations/2"}', "interp.explanations/2"),
        ('{"schema": "interp.explanations/1"}', "damaged"),
        (dumps([samples.article()])[:-40], "damaged"),
        (dumps([samples.article()]).replace('"tolerance": 0.001', '"tolerance": NaN'), "damaged"),
        (dumps([samples.article()]).replace('"converged"', '"excellent"'), "damaged"),
    ],
)
def test_what_is_no_document_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=says):
        read(tmp_path / "e.json")


def test_missing_file_and_wrong_count(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="Cannot read"):
        read(tmp_path / "none.json")
    save([samples.article(), samples.repeated()], tmp_path / "two.json")
    with pytest.raises(FormatError, match="2 explanations"):
        load_one(tmp_path / "two.json")


def test_nan_is_never_written(tmp_path: Path) -> None:
    sample = samples.article()
    spoiled = replace(sample, layers=((float("nan"),) * len(sample.words), *sample.layers[1:]))
    with pytest.raises(ValueError, match="JSON"):
        spoiled.save(tmp_path / "e.json")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "e.json"
    samples.article().save(target)
    before = target.read_bytes()

    def broken(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OutputError, match="No space left"):
        samples.repeated().save(target)
    assert target.read_bytes() == before and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("old", "new"),
    [('"tolerance": 0.001', '"tolerance": 1e999'), ('"indices"', '"places"'), ('"special": [', '"special": [true, ')],
)
def test_a_document_of_another_shape_is_refused(old: str, new: str, tmp_path: Path) -> None:
    text = dumps([samples.article()])
    assert old in text.replace("[\n    ", "[")
    (tmp_path / "e.json").write_text(text.replace("[\n    ", "[").replace(old, new), encoding="utf-8")
    with pytest.raises(FormatError, match="damaged"):
        read(tmp_path / "e.json")


def test_no_explanations_are_a_document_too(tmp_path: Path) -> None:
    text = dumps([], samples.article().model)
    Draft202012Validator(schema()).validate(json.loads(text))
    (tmp_path / "e.json").write_text(text, encoding="utf-8")
    assert read(tmp_path / "e.json") == []


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old", encoding="utf-8")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    samples.article().save(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert Explanation.load(tmp_path / "real.json") == samples.article()
    samples.article().save("/dev/null")
    assert Path("/dev/null").is_char_device()
