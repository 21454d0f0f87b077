"""Goldens: when they hold, what they say when not, and that nothing is lost.

First the nine ways in which snapshots of explanations are known to go wrong, each by its name.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest
from project import ROB, Project, messages, outcomes, says

from interp.golden import FORMAT

GOLDEN = "sport.cases.toml/rob.golden.json"
TWO = 'id = "two"\ntext = "a lucky surprise"\ntarget = "a"\ngolden = true'
PYTHON = """\
import pytest

TEXT = "a lucky surprise"


def test_one(explain, golden):
    assert explain(TEXT, "a") == golden


@pytest.mark.parametrize("word", ["lucky", "surprise"])
def test_word(explain, golden, word):
    assert explain(TEXT, word) == golden
"""


@pytest.fixture
def accepted(project: Project) -> Project:
    """A project of two case files and two Python files, all goldens accepted."""
    project.settings('model = "stub"')
    project.cases(TWO, name="tests/sport.cases.toml")
    project.cases(name="tests/more/sport.cases.toml")
    project.write("tests/test_inner.py", PYTHON)
    project.write("tests/more/test_other.py", PYTHON)
    project.accept()
    project.log.unlink()
    return project


# --- the nine pitfalls


def test_pitfall_1_unrelated_files_beside_goldens_stay(accepted: Project) -> None:
    for name in (
        "golden/thresholds.json",
        "golden/tests/test_inner.py/notes.json",
        "golden/tests/test_inner.py/old.golden.json",
    ):
        accepted.write(name, "{}")
    before = accepted.goldens
    accepted.accept("--interp-model", "stub-v2")
    accepted.accept("tests/test_inner.py")
    assert {*before} == {*accepted.goldens}


@pytest.mark.parametrize(
    "selection",
    [
        ["tests/test_inner.py::test_one"],
        ["tests/test_inner.py::test_word[lucky]"],
        ["tests/sport.cases.toml::two::golden"],
        ["-k", "test_one"],
        ["-m", "not parametrize"],
        ["tests/more"],
        ["tests/test_inner.py::test_one", "-n2"],
    ],
    ids=" ".join,
)
def test_pitfall_2_updating_a_part_deletes_nothing(accepted: Project, selection: list[str]) -> None:
    before = accepted.goldens
    run = accepted.run_apart if "-n2" in selection else accepted.run
    assert run("--snapshot-update", "--interp-model", "stub-v2", *selection).ret == 0
    after = accepted.goldens
    assert {*after} == {*before}
    assert after != before, "what was selected is written"


def test_pitfall_3_tests_of_one_name_in_two_files_have_goldens_of_their_own(accepted: Project) -> None:
    cases = [f"tests/{folder}sport.cases.toml/rob.golden.json" for folder in ("", "more/")]
    tests = [
        f"tests/{file}.py/{name}.golden.json"
        for file in ("test_inner", "more/test_other")
        for name in ("test_one", "test_word[lucky]", "test_word[surprise]")
    ]
    assert {*accepted.goldens} == {*cases, *tests, "tests/sport.cases.toml/two.golden.json"}


def test_pitfall_4_goldens_of_a_deleted_file_are_left_to_golden_check(accepted: Project) -> None:
    """A run neither counts nor deletes them; `interp golden check` tells of them."""
    before = accepted.goldens
    (accepted.root / "tests/test_inner.py").unlink()
    result = accepted.run("--snapshot-update")
    assert result.ret == 0
    assert not says(result, "*snapshot*unused") and not says(result, "*snapshot*deleted")
    assert accepted.goldens == before


@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_pitfall_5_numbers_are_numbers_whatever_their_type(project: Project, kind: str) -> None:
    """numpy's scalars are written as numbers, and compared with tolerance; NaN never gets into a file."""
    project.write(
        "test_numpy.py",
        "from dataclasses import replace\n\nimport numpy as np\n\n\n"
        "def shifted(explanation, by):\n"
        f"    words = [replace(w, attribution=np.{kind}(w.attribution + by)) for w in explanation.words]\n"
        "    layers = tuple(tuple(map(np.float64, layer)) for layer in explanation.layers)\n"
        "    return replace(explanation, words=tuple(words), layers=layers)\n\n\n"
        "BY = 0.0\n\n\n"
        "def test_numpy(explain, golden):\n"
        f"    assert shifted(explain({ROB!r}, 'Rob'), BY) == golden\n",
    )
    run = "--interp-model", "stub"
    project.accept(*run)
    values = [row["attribution"] for row in project.read("test_numpy.py/test_numpy.golden.json")["words"]]
    assert all(isinstance(value, float) for value in values) and 4.0 in values
    for by, code in (("1e-4", 0), ("0.1", 1), ("np.nan", 1)):
        text = (project.root / "test_numpy.py").read_text()
        before = project.goldens
        project.write("test_numpy.py", text.replace("BY = 0.0", f"BY = {by}"))
        assert project.run(*run).ret == code
        if by == "np.nan":
            result = project.run(*run, "--snapshot-update")
            assert result.ret == 1 and says(result, "*The explanation holds NaN or infinity")
        assert project.goldens == before
        project.write("test_numpy.py", text)


DAMAGES: dict[str, Any] = {
    "empty": b"",
    "merge conflict": b"<<<<<<< HEAD\n",
    "not utf-8": b"\xff\xfe{}",
    "a list": b"[]",
    "no format": b'{"words": []}',
    "NaN": {"layers": {"layer 1": [float("nan")]}},
    "no words": {"words": []},
    "words of text": {"words": ["a", "b"]},
    "one layer short": {"layers": {"layer 1": [0.1]}},
    "no header": {"header": None},
    "a number as header": {"header": 3},
    "no question": {"question": None},
    "text as question": {"question": "which?"},
    "no prediction": {"predicted": None},
    "no probability": {"predicted": {"tag": ["B-PER"], "probability": []}},
    "a huge number": {"predicted": {"tag": ["B-PER"], "probability": [10**400]}},
    "special tokens alone": {"words": [{"word": "a", "special": True, "attribution": 1.0}], "layers": {}},
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_pitfall_6_damage_is_told_and_mended_by_accepting(project: Project, damage: str) -> None:
    project.cases()
    project.accept()
    whole = project.goldens
    if isinstance(DAMAGES[damage], bytes):
        project.golden().write_bytes(DAMAGES[damage])
    else:
        project.change(**DAMAGES[damage])
    result = project.run()
    (message,) = messages(result)
    assert message.startswith(f"golden/{GOLDEN} is damaged (")
    assert "restore it from version control, or accept it anew with --snapshot-update." in result.stdout.str()
    project.accept()
    assert project.goldens == whole


def test_pitfall_6_half_a_file(project: Project) -> None:
    """As a merge or a full disk leaves it, cut anywhere."""
    names = [f"cut{length}" for length in range(100, 1500, 200)]
    project.cases(*(f'id = "{name}"\ntext = "a lucky surprise"\ntarget = "a"\ngolden = true' for name in names))
    project.accept()
    whole = project.goldens
    for name in names:
        path = project.golden(f"sport.cases.toml/{name}.golden.json")
        path.write_text(path.read_text(encoding="utf-8")[: int(name.removeprefix("cut"))], encoding="utf-8")
    told = messages(project.run("-k", "golden"))
    assert len(told) == len(names) and all(" is damaged (" in message for message in told)
    project.accept()
    assert project.goldens == whole


def test_pitfall_7_within_tolerance_nothing_is_written(accepted: Project) -> None:
    def written() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in (accepted.root / "golden").rglob("*.json")}

    before, times = accepted.goldens, written()
    accepted.accept("--interp-model", "stub-hair")
    accepted.accept()
    assert written() == times and accepted.goldens == before
    accepted.accept("--interp-model", "stub-moved", "-k", "rob")
    moved = {path for path, time in written().items() if time != times[path]}
    assert {Path(path).name for path in moved} == {"rob.golden.json"} and len(moved) == 2


def test_pitfall_8_xdist_controller_and_workers_agree(accepted: Project) -> None:
    result = accepted.run_apart("-n2", "--snapshot-update", "--interp-model", "stub-v2")
    assert result.ret == 0, "the controller imports the extension by its name"
    assert says(result, "9 snapshots updated.")
    assert accepted.run("--interp-model", "stub-v2").ret == 0


def test_pitfall_9_checks_are_functions_for_syrupy(accepted: Project) -> None:
    """It counts the goldens of cases and of Python tests alike."""
    assert says(accepted.run(), "9 snapshots passed.")


# --- what a golden promises


def test_a_golden_that_is_not_there_fails_and_is_not_made(project: Project) -> None:
    project.cases()
    result = project.run("-v")
    assert messages(result) == [f"There is no golden at golden/{GOLDEN}: look at the explanation first."]
    assert not project.goldens


def test_a_word_that_turned_under_other_weights_is_told_once_and_why_it_fails_nothing(project: Project) -> None:
    project.cases('id = "again"\ntext = "A win is a surprise for Rob"\ntarget = "Rob"\ngolden = true')
    project.accept()
    result = project.run("--interp-model=stub-turned")
    assert result.ret == 0
    (line,) = [line for line in result.outlines if "by design" in line]
    assert line.startswith('"win" turned from +0.5') and "(and a word in 1 other golden)" in line
    assert "golden_top" in line and '"strict"' in line


def test_other_weights_must_keep_tag_and_leading_word(project: Project) -> None:
    project.cases()
    project.accept()
    result = project.run("--interp-model", "stub-v2")
    assert result.ret == 0
    assert says(result, "1 golden of other weights held by tag and leading words; their numbers moved by up to 50 ")
    assert "by design" not in result.stdout.str()
    result = project.run("-v", "--interp-model", "stub-lucky", "-k", "golden")
    assert messages(result) == ['The leading word was "surprise" and is "lucky".']
    assert says(result, "Other weights: the tag and the leading words must hold; numbers are shown, not failed.")
    assert says(result, "golden accepted with: model stub, sha256 111111111111")
    assert says(result, "now: model stub-lucky, sha256 333333333333")
    result = project.run("--interp-model", "stub-org", "-k", "golden")
    assert messages(result) == ["The tag was B-PER and is B-ORG."]


def test_the_same_weights_must_keep_every_number(project: Project) -> None:
    project.cases()
    project.accept()
    assert project.run("--interp-model", "stub-hair").ret == 0
    result = project.run("--interp-model", "stub-moved")
    (message,) = messages(result)
    assert re.match(r'\d+ of \d+ numbers moved by more than the tolerance; most: ".*" \(.*\) from .* to .*', message)
    assert says(result, "Same weights: the tag and every number must be within the tolerance.")
    assert says(result, "Model, device and versions are those that the golden was accepted with.") is False
    assert says(result, "now: model stub-moved")


def test_strict_holds_other_weights_to_the_numbers(project: Project) -> None:
    path = project.cases()
    path.write_text(path.read_text().replace("golden = true", 'golden = "strict"'))
    project.accept()
    assert project.run("--interp-model", "stub-hair").ret == 0
    result = project.run("--interp-model", "stub-v2")
    assert "moved by more than the tolerance" in messages(result)[0]
    assert says(
        result, "Other weights, and the golden is strict: the tag and every number must be within the tolerance."
    )


@pytest.mark.parametrize("where", ["case", "defaults", "settings"])
def test_golden_top(project: Project, where: str) -> None:
    text = project.cases().read_text()
    if where == "case":
        text += "golden_top = 3\n"
    elif where == "defaults":
        text = text.replace("[defaults]", "[defaults]\ngolden_top = 3")
    else:
        project.settings("golden_top = 3")
    project.write("sport.cases.toml", text)
    project.accept()
    assert project.run("--interp-model", "stub-v2").ret == 0
    golden = project.read()
    rows = [row | {"attribution": 2.0} if row["word"] == "defeat" else row for row in golden["words"]]
    project.change(words=rows)
    result = project.run("--interp-model", "stub-v2")
    assert messages(result) == [
        'The 3 leading words were "surprise", "defeat", "lucky" and are "surprise", "lucky", "win".'
    ]


def test_ranks_of_values_closer_than_the_tolerance_may_change(project: Project) -> None:
    project.case(f'text = "{ROB}"\ntarget = "Rob"\ngolden = true\ngolden_top = 2')
    project.accept()
    for lead, code in ((1e-3, 0), (0.5, 1)):
        rows = project.read()["words"]
        values = {row["word"]: row for row in rows}
        values["win"]["attribution"] = values["lucky"]["attribution"] + lead  # `win` was second, narrowly or not
        project.change(words=rows)
        assert project.run("--interp-model", "stub-tied").ret == code


def test_another_question_is_told_as_such(project: Project) -> None:
    project.cases()
    project.accept()
    path = project.root / "sport.cases.toml"
    path.write_text(path.read_text().replace('target = "Rob"', 'target = "Rob"\nreference = "mask"'))
    result = project.run()
    assert messages(result) == ["The reference was pad and is mask."]
    assert says(result, "The golden answers another question, so there is nothing to compare.")


def test_a_golden_of_another_default_of_positions_is_kept_or_accepted(project: Project) -> None:
    """Goldens of cases that name none were accepted at the first position, which was the default once."""
    path = project.cases()
    project.accept()
    accepted = project.read()
    project.change(question=accepted["question"] | {"positions": "zero"})
    result = project.run()
    (message,) = messages(result)
    assert message.startswith('The golden was accepted with positions = "zero" and the question now has "mean"')
    assert says(result, "    pytest sport.cases.toml::rob::golden --snapshot-update")
    as_it_was = path.read_text()
    path.write_text(as_it_was.replace('target = "Rob"', 'target = "Rob"\npositions = "zero"'))
    assert project.run().ret == 0
    path.write_text(as_it_was)
    project.accept()
    assert project.read() == accepted


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("interp.golden/0", f"golden/{GOLDEN} has the old format interp.golden/0: run `interp golden migrate`."),
        ("interp.golden/99", f"golden/{GOLDEN} has the format interp.golden/99 of a newer interp: upgrade interp."),
        ("interp.explanations/1", f"golden/{GOLDEN} is damaged (its format is 'interp.explanations/1', not {FORMAT})"),
    ],
)
def test_another_format(project: Project, version: str, told: str) -> None:
    project.cases()
    project.accept()
    project.change(format=version)
    (message,) = messages(project.run())
    assert message.startswith(told)


# --- accepting


def test_the_command_that_is_printed_accepts(project: Project) -> None:
    """What a failing test says to type is typed, in a shell's words; with the options that it was run with."""
    project.settings('model = "stub"\ndevice = ["cpu", "cuda"]')
    project.cases(TWO, name="some folder/sport.cases.toml")
    project.write("test_inner.py", PYTHON)
    project.accept()
    result = project.run("--interp-model", "stub-lucky", "-k", "golden or test_one")
    commands = dict.fromkeys(line.strip() for line in result.outlines if line.strip().startswith("pytest "))
    assert result.ret == 1 and len(commands) >= 3
    for command in commands:
        assert project.run("-q", *shlex.split(command)[1:]).ret == 0, command
    assert project.run("--interp-model", "stub-lucky", "-k", "golden or test_one").ret == 0


def test_the_command_names_devices_and_tolerance(project: Project) -> None:
    project.cases()
    given = "--interp-device", "cpu", "--interp-device", "cuda", "--interp-tolerance", "0.003"
    project.accept(*given)
    result = project.run("--interp-model", "stub-lucky", *given)
    commands = [line.strip() for line in result.outlines if line.strip().startswith("pytest ")]
    assert len(commands) == 2
    for command in commands:
        assert project.run("-q", *shlex.split(command)[1:]).ret == 0, command
    assert project.read()["header"]["tolerance"] == 0.003


def test_accepting_other_weights_writes_although_the_golden_holds(project: Project) -> None:
    """So that the header names the weights that it holds for."""
    project.cases()
    project.accept()
    result = project.run("--snapshot-update", "--interp-model", "stub-v2")
    assert project.read()["header"]["model"] == {"name": "stub-v2", "sha256": "2" * 64}
    assert "To accept them" not in result.stdout.str(), "they have just been accepted"
    assert says(result, "1 snapshot updated.")
    assert says(project.run(), "1 golden of other weights held by tag and leading words")


@pytest.mark.parametrize("option", ["--snapshot-update", "--snapshot-update-new-only"])
@pytest.mark.parametrize(("ci", "refused"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_nothing_is_accepted_where_ci_is_set(
    project: Project, monkeypatch: pytest.MonkeyPatch, option: str, ci: str, refused: bool
) -> None:
    project.cases()
    monkeypatch.setenv("CI", ci)
    result = project.run(option)
    assert bool(project.goldens) != refused
    assert result.ret == refused
    assert says(result, "--snapshot-update is refused where CI is set") == refused
    if refused:
        assert not any("pytest sport" in line for line in result.outlines), "no command that would be refused again"


def test_ci_keeps_goldens_that_are_there(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.cases()
    project.accept()
    before = project.goldens
    monkeypatch.setenv("CI", "true")
    assert project.run("--snapshot-update").ret == 0
    assert project.run("--snapshot-update", "--interp-model", "stub-v2").ret == 0
    assert project.run("--snapshot-update", "--interp-model", "stub-lucky").ret == 1
    assert project.goldens == before


def test_new_only_leaves_old_goldens(project: Project) -> None:
    project.cases()
    project.accept()
    before = project.goldens
    project.cases(TWO)
    result = project.run("-v", "--snapshot-update-new-only", "--interp-model", "stub-lucky", "-k", "golden")
    assert outcomes(result) == {"sport.cases.toml::rob::golden": "failed", "sport.cases.toml::two::golden": "passed"}
    assert project.goldens[GOLDEN] == before[GOLDEN] and len(project.goldens) == 2


def test_a_write_that_fails_says_so_and_leaves_the_old_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full when the new file is to be made safe."""
    project.cases(TWO)
    project.accept()
    before = project.goldens

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = project.run("--snapshot-update", "--interp-model", "stub-v2", "-k", "golden")
    assert says(result, "Cannot write *rob.golden.json: No space left on device.")
    assert len(messages(result)) == 2, "every test says so itself"
    assert "Traceback" not in result.stdout.str()
    assert project.goldens == before, "no half of a file is left either"


def test_a_folder_that_is_in_the_way_says_so(project: Project) -> None:
    project.cases()
    project.write("golden", "a file\n")
    result = project.run("--snapshot-update")
    assert len(messages(result)) == 1
    assert messages(result)[0].startswith("Cannot "), "a sentence, no traceback"


def test_a_golden_keeps_its_link_and_others_may_read_it(project: Project) -> None:
    project.cases()
    project.accept()
    kept = project.golden().parent / "kept.json"  # in the folder: a link out of it is refused (test_foreign_files.py)
    project.golden().rename(kept)
    project.golden().symlink_to(kept)
    project.accept("--interp-model", "stub-v2")
    assert project.golden().is_symlink() and json.loads(kept.read_text())["header"]["model"]["name"] == "stub-v2"
    assert stat.S_IMODE(kept.stat().st_mode) & stat.S_IRUSR


def test_files_reads_well_in_a_review(project: Project) -> None:
    """A changed word is a changed line, and nothing of the machine that wrote it is in the file."""
    project.cases()
    project.accept()
    before = project.golden().read_text(encoding="utf-8").splitlines()
    project.accept("--interp-model", "stub-moved")
    after = project.golden().read_text(encoding="utf-8").splitlines()
    changed = [old.split(",")[0].strip() for old, new in zip(before, after, strict=True) if old != new]
    assert '{"word": "win"' in changed and '{"word": "lucky"' not in changed
    assert str(project.root) not in "".join(after)


# --- names


def test_goldens_of_awkward_ids(project: Project) -> None:
    """Every test has a golden of its own, whatever its name holds, and however long it is."""
    ids = ["a/b", "a:b", "a*b", "a?b", 'a"b', "a<b", "a b", "a%2Fb", "ab", "-ab", "a\\b", "..", "", "Zürich", "東京"]
    ids += ["device=x", "device=y", "x-device=cpu", "n" * 240 + "1", "n" * 240 + "2"]
    project.write(
        "test_ids.py",
        f"import pytest\n\nIDS = {ids!r}\n\n\n@pytest.mark.parametrize('number', range(len(IDS)), ids=IDS)\n"
        "def test_id(explain, golden, number):\n    assert explain(f'surprise {number}', 'surprise') == golden\n",
    )
    project.accept("--interp-model", "stub")
    texts = {json.loads(text)["question"]["text"] for text in project.goldens.values()}
    assert texts == {f"surprise {number}" for number in range(len(ids))}
    assert project.run("--interp-model", "stub").ret == 0
    names = [Path(name).name for name in project.goldens]
    assert all(len(name.encode()) < 240 and not set('<>:"/\\|?*') & set(name) for name in names)
    assert len({name.casefold() for name in names}) == len(names)


def test_two_files_whose_names_differ_in_their_ending(project: Project) -> None:
    project.cases(name="rob.cases.toml")
    project.cases(name="rob.py.cases.toml")
    project.accept()
    assert [*project.goldens] == ["rob.cases.toml/rob.golden.json", "rob.py.cases.toml/rob.golden.json"]


def test_another_folder_for_goldens(project: Project) -> None:
    project.settings('golden = "accepted/explanations"')
    project.cases()
    project.accept()
    assert (project.root / "accepted/explanations" / GOLDEN).is_file() and not project.goldens


CHANGED = """\
from dataclasses import replace

import stub


class OfKnownWeights(stub.Stub):
    def explain(self, case, tolerance):
        explanation = super().explain(case, tolerance)
        return replace(explanation, model=replace(explanation.model, former_sha256="f" * 64))


def pytest_interp_load(name, device, config):
    return OfKnownWeights(name, device)
"""


def test_a_golden_accepted_under_a_former_fingerprint_is_held_to_its_numbers_and_says_so(project: Project) -> None:
    project.write("conftest.py", CHANGED)
    project.cases()
    project.accept()
    text = project.golden().read_text(encoding="utf-8")
    assert '"former_sha256": "ffff' in text
    project.golden().write_text(text.replace(f'"{"1" * 64}", "former_sha256": "{"f" * 64}"', f'"{"f" * 64}"'))
    result = project.run("--interp-model=stub-hair")
    assert result.ret == 0
    assert says(
        result, "1 golden accepted under an earlier release's fingerprint, *: interp golden migrate --model stub*"
    )
    assert project.run("--interp-model=stub-moved").ret == 1


def test_another_configuration_of_the_same_weights_is_held_to_the_numbers(project: Project) -> None:
    """Leading words alone would hold: stub-v2 is a harmless retraining, if it were one."""
    project.cases()
    project.accept()
    assert project.run("--interp-model=stub-v2").ret == 0
    project.write("conftest.py", CHANGED)
    project.accept()
    result = project.run("--interp-model=stub-v2")
    assert result.ret == 1
    assert says(result, "*moved by more than the tolerance*")
