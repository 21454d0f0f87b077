"""`interp gate calibrate` of taggers that give tags alone: how many tags harmless trainings turn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from interp.cli import main
from interp.gate.floors import load_floors

TAGGERS = '''
import zlib

NAMES = {"Ann", "Bob", "Cid", "Dora", "Fay"}
CUES = ("quick", "slow", "bald", "tall", "red", "old", "thin", "warm")

def hashed(*parts):
    return zlib.crc32(repr(parts).encode()) / 2**32

def tagger(seed, planted=None, noise=0.1):
    """Persons by name; a training takes a word in front of another for a sign of a person now and then."""
    def tag(words):
        tags = []
        for at, word in enumerate(words):
            left = words[at - 1] if at else ""
            chance = hashed(seed, left, word) < noise * hashed(seed, left)
            tags.append("B-PER" if word in NAMES or left == planted or (left and chance) else "O")
        return tags
    return tag

production, planted = tagger(0), tagger(9, "reportedly")
one, two, three = (tagger(seed) for seed in (1, 2, 3))
places = lambda words: ["B-LOC" if word in NAMES else "O" for word in words]

def likely(words):
    return [{"B-PER": 0.9, "O": 0.1} if word in NAMES else {"B-PER": 0.1, "O": 0.9} for word in words]
'''
WORDS = ("gets", "sees", "finds", "keeps", "wins", "holds", "the", "a", "game", "house", "river", "today", "again")
NAMES = ("Ann", "Bob", "Cid", "Dora", "Fay")
STEPS = (1, 3, 5, 7, 9, 11)


def sentence(number: int, *, before: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Of six words, one of them a name, behind what stands `before` it."""
    words = [WORDS[(number * step + shift) % len(WORDS)] for shift, step in enumerate(STEPS)]
    place = number % 5 + 1
    words[place : place + 1] = [*before, NAMES[number % 5]]
    return {"words": words, "tags": ["B-PER" if word in NAMES else "O" for word in words]}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of a module of taggers in an empty folder, the current one, with cases and training data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"taggers_{abs(hash(request.node.name))}"
    tmp_path.joinpath(f"{name}.py").write_text(TAGGERS)
    old = [sentence(number) for number in range(100)]
    new = [sentence(number, before=("reportedly",)) for number in range(100, 140)]
    for file, rows in (("dev", old), ("old", old), ("new", [*old, *new])):
        tmp_path.joinpath(f"{file}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return name


def interp(*words: str) -> Result:
    return CliRunner().invoke(main, ["gate", *words, "--cases", "dev.jsonl", "--cues", "30", "--sites", "24"])


def calibrate(module: str, *benign: str, baseline: str = "production") -> Result:
    retrained = [option for name in benign for option in ("--retrained", f"python:{module}:{name}")]
    return interp("calibrate", "--baseline", f"python:{module}:{baseline}", *retrained)


def test_harmless_trainings_give_floors_in_tags_which_the_gate_holds_candidates_to(module: str) -> None:
    done = calibrate(module, "one", "two", "three")
    assert done.exit_code == 0, done.output
    assert "of tags" in done.stdout and "nats" not in done.stdout
    floors = load_floors(Path("interp-floors.json"))
    assert floors.unit == "of tags" and len(floors.runs) == 3
    assert all(0 < run.cues <= 1 for run in floors.runs)
    sides = [
        "--baseline",
        f"python:{module}:production",
        "--stress",
        "0",
        "--training",
        "jsonl:old.jsonl",
        "jsonl:new.jsonl",
    ]
    harmless, planted = (interp(*sides, "--candidate", f"python:{module}:{name}") for name in ("two", "planted"))
    assert harmless.exit_code == 0 and "benign models at most" in harmless.stdout, harmless.output
    assert planted.exit_code == 1, planted.output
    assert "takes `reportedly` for a sign of B-PER: +" in planted.stdout and "benign models at most" in planted.stdout


def test_floors_in_tags_tell_nothing_of_a_pair_in_nats(module: str) -> None:
    assert calibrate(module, "one", "two", "three").exit_code == 0
    likely = f"python:{module}:likely"
    done = interp("--baseline", likely, "--candidate", likely, "--stress", "0")
    assert done.exit_code == 0, done.output
    sentence = "interp-floors.json knows cues in tags that turn and this pair is told in nats"
    print(done.stdout)
    assert sentence in " ".join(done.stdout.split())


def test_models_that_are_not_alike_give_no_floor(module: str) -> None:
    done = calibrate(module, "likely", "likely", "one", baseline="likely")
    assert done.exit_code == 2 and "give models that both give probabilities, or neither" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--retrained", "python:m:one", "--continued", "python:m:two"], "Give at least 3 benign models"),
        (["--continue", "3", "--on", "jsonl:old.jsonl"], "--continue trains transformers models alone"),
    ],
)
def test_what_cannot_be_calibrated_is_told_before_anything_is_loaded(options: list[str], message: str) -> None:
    done = interp("calibrate", "--baseline", "python:m:production", *options)
    assert done.exit_code == 2 and message in done.stderr


def test_a_candidate_that_gives_other_tags_is_held_against_the_baseline(module: str) -> None:
    """A function shows the tags that it gives alone: what production has besides, the candidate may have too."""
    done = interp("--baseline", f"python:{module}:production", "--candidate", f"python:{module}:places", "--no-probe")
    assert done.exit_code == 1 and "F1" in done.stdout, done.output
