"""Goldens: the file, the comparison by what weights promise, the folder and its history."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import ARTICLE, article, hostile, make, repeated, without_parts

from interp.cli import main
from interp.errors import FormatError, InputError
from interp.explain import load
from interp.explanation import Explanation, Reference
from interp.golden import Golden, Policy, Promise, compare_goldens, document, dumps, golden_of, loads
from interp.golden.document import migrate_text
from interp.golden.folder import delete_golden, file_name, find_problems, golden_file, list_goldens, migrate_goldens
from interp.golden.revisions import in_folder, in_revision
from interp.project.settings import Settings
from interp.question import Positions

GOLDENS = Path(__file__).parent.parent / "golden"
TOLERANCE = 5e-3
POLICY = Policy(TOLERANCE)
SAMPLES = [article, hostile, repeated, without_parts]


def moved(explanation: Explanation, by: dict[int, float], sha256: str | None = None) -> Explanation:
    """The same with some words' attributions moved, and perhaps other weights."""
    words = tuple(replace(word, attribution=word.attribution + by.get(word.index, 0.0)) for word in explanation.words)
    model = replace(explanation.model, sha256=sha256 or explanation.model.sha256)
    return replace(explanation, words=words, model=model)


def mass(explanation: Explanation) -> float:
    return math.fsum(map(abs, explanation.attributions))


def encodable(sample: Callable[[], Explanation]) -> Golden:
    """A lone surrogate, which no UTF-8 file holds, cannot come from a text either: `Case` refuses it."""
    shown = sample()
    words = tuple(replace(word, text=word.text.replace("\ud800", "")) for word in shown.words)
    return golden_of(replace(shown, words=words, text=shown.text.replace("\ud800", "")), TOLERANCE)


class TestFile:
    @pytest.mark.parametrize("sample", SAMPLES)
    def test_reading_gives_back_what_was_written(self, sample: Callable[[], Explanation]) -> None:
        golden = encodable(sample)
        text = dumps(golden)
        assert loads(text, "golden") == golden
        assert dumps(loads(text, "golden")) == text

    def test_numbers_are_within_a_tenth_of_the_tolerance(self) -> None:
        shown = article()
        stored = golden_of(shown, TOLERANCE)
        error = max(abs(a - b) for a, b in zip(stored.attributions, shown.attributions, strict=True))
        assert 0 < error <= 0.1 * TOLERANCE * mass(shown)

    def test_a_word_is_a_line(self) -> None:
        lines = dumps(golden_of(article(), TOLERANCE)).splitlines()
        assert sum('"word": "surprise"' in line for line in lines) == 1
        assert sum(line.startswith('  "layer 7": [') for line in lines) == 1

    def test_sums_and_ranking_follow_from_the_numbers(self) -> None:
        shown = article()
        data = json.loads(dumps(golden_of(shown, TOLERANCE)))
        assert data["ranking"][0] == "surprise"
        assert data["sums"]["attribution"] == pytest.approx(shown.score, abs=0.01)

    def test_zoom_is_five_numbers_a_row(self) -> None:
        shown = article()
        assert shown.zoom is not None
        low, first, middle, third, high = golden_of(shown, 1e-6).groups["zoom 3"]
        row = sorted(shown.zoom.layers[2])
        assert (low, high) == pytest.approx((row[0], row[-1]), abs=1e-4)
        assert middle == pytest.approx((row[31] + row[32]) / 2, abs=1e-4)
        assert row[15] <= first <= row[16] and row[47] <= third <= row[48]

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_nan_is_refused(self, bad: float) -> None:
        with pytest.raises(FormatError, match="NaN or infinity"):
            golden_of(moved(article(), {3: bad}), TOLERANCE)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda text: text[:100], "damaged"),
            (lambda _: "", "damaged"),
            (lambda _: "[]", "damaged"),
            (lambda _: "[" * 100_000, "nested too deeply"),
            (lambda text: "<<<<<<< HEAD\n" + text, "damaged"),
            (lambda text: text.replace("11", "NaN", 1).replace("9.74", "NaN"), "damaged"),
            (lambda text: text.replace('"words"', '"wrods"'), "damaged"),
            (lambda text: text.replace('"sha256"', '"sha"'), "damaged"),
            (lambda text: text.replace("interp.golden/1", "interp.golden/0"), "interp golden migrate"),
            (lambda text: text.replace("interp.golden/1", "interp.golden/9"), "upgrade interp"),
            (lambda text: text.replace("interp.golden/1", "else/1"), "damaged"),
        ],
    )
    def test_what_cannot_be_read_says_what_to_do(self, change: Callable[[str], str], says: str) -> None:
        text = dumps(golden_of(article(), TOLERANCE))
        assert change(text) != text
        with pytest.raises(FormatError, match=says):
            loads(change(text), "rob.golden.json")

    def test_a_layer_as_long_as_quartiles_is_short_all_the_same(self) -> None:
        text = dumps(golden_of(article(), TOLERANCE))  # with a zoom
        line = next(line for line in text.splitlines() if '"layer 7"' in line)
        with pytest.raises(FormatError, match="shorter or longer"):
            loads(text.replace(line, '  "layer 7": [1.0, 2.0, 3.0, 4.0, 5.0],'), "golden")

    def test_every_number_of_a_list_is_needed(self) -> None:
        text = dumps(golden_of(article(), TOLERANCE))
        line = next(line for line in text.splitlines() if '"layer 7"' in line)
        with pytest.raises(FormatError, match="shorter or longer"):
            loads(text.replace(line, '  "layer 7": [1.0],'), "golden")


class TestComparison:
    def test_equal_holds_and_nothing_moved(self) -> None:
        done = compare_goldens(golden_of(article(), TOLERANCE), golden_of(article(), TOLERANCE), POLICY)
        assert done.passed and done.changes == () and done.rule is Promise.NUMBERS

    @pytest.mark.parametrize(("part", "passed"), [(0.9, True), (1.1, False), (-0.9, True), (-1.1, False)])
    def test_the_tolerance_is_a_part_of_the_sum(self, part: float, passed: bool) -> None:
        shown = article()
        tolerance = 0.02
        other = moved(shown, {4: part * tolerance * mass(shown)})
        done = compare_goldens(golden_of(shown, 1e-4), golden_of(other, 1e-4), Policy(tolerance))
        assert done.passed is passed
        assert done.changes[0].name == "Tiger"
        assert done.changes[0].moved == pytest.approx(abs(part), rel=0.02)

    @given(st.floats(-0.3, 0.3), st.integers(1, 13))
    @settings(max_examples=60)
    def test_same_weights_as_a_slow_loop_says(self, by: float, index: int) -> None:
        shown = article()
        old, new = golden_of(shown, TOLERANCE), golden_of(moved(shown, {index: by}), TOLERANCE)
        worst = 0.0
        for name, values in old.groups.items():
            total = sum(abs(value) for value in values)
            total = max(total, 1e-3 * sum(abs(value) for value in old.attributions))
            for before, after in zip(values, new.groups[name], strict=True):
                worst = max(worst, abs(after - before) / (TOLERANCE * total))
        assert compare_goldens(old, new, POLICY).passed == (worst <= 1)

    def test_other_weights_keep_tag_and_leader_alone(self) -> None:
        other = moved(article(), {3: 2.0}, "ff" * 32)
        done = compare_goldens(golden_of(article(), TOLERANCE), golden_of(other, TOLERANCE), POLICY)
        assert done.passed and done.rule is Promise.LEADERS
        assert done.changes[0].moved > 10

    def test_other_weights_with_another_leader_fail(self) -> None:
        other = moved(article(), {3: 20.0}, "ff" * 32)
        done = compare_goldens(golden_of(article(), TOLERANCE), golden_of(other, TOLERANCE), POLICY)
        assert done.failures == ('The leading word was "surprise" and is "Steve".',)

    def test_other_weights_with_another_tag_fail(self) -> None:
        other = moved(article(), {}, "ff" * 32)
        other = replace(other, target=replace(other.target, predicted=("O",)))
        assert compare_goldens(golden_of(article(), TOLERANCE), golden_of(other, TOLERANCE), POLICY).failures == (
            "The tag was B-PER and is O.",
        )

    def test_a_word_that_speaks_against_the_tag_does_not_lead(self) -> None:
        golden = golden_of(moved(article(), {3: -1000.0}), TOLERANCE)
        assert min(golden.attributions) == golden.attributions[3]
        assert golden.names[golden.ranked[0]] == "surprise"

    def test_a_number_that_became_nan_is_within_no_tolerance(self) -> None:
        golden = golden_of(article(), TOLERANCE)
        layer = {"layer 7": (math.nan, *golden.groups["layer 7"][1:])}
        for broken in (replace(golden, groups={**golden.groups, **layer}), replace(golden, probability=(math.nan,))):
            comparison = compare_goldens(golden, broken, Policy(0.99))
            assert comparison.failures and comparison.beyond

    def test_strict_holds_other_weights_to_numbers(self) -> None:
        other = moved(article(), {3: 2.0}, "ff" * 32)
        done = compare_goldens(
            golden_of(article(), TOLERANCE), golden_of(other, TOLERANCE), replace(POLICY, strict=True)
        )
        assert not done.passed and done.rule is Promise.STRICT

    @pytest.mark.parametrize(("gap", "passed"), [(0.5, True), (3.0, False)])
    def test_ranks_among_values_closer_than_the_tolerance_may_change(self, gap: float, passed: bool) -> None:
        shown = make(["a", "b", "Rob"], target="Rob", leader="a")
        unit = TOLERANCE * mass(shown)
        even = moved(shown, {2: shown.attributions[1] - shown.attributions[2]})  # b as high as a
        old = moved(even, {1: gap * unit})
        new = moved(even, {2: gap * unit}, "ff" * 32)
        done = compare_goldens(golden_of(old, 1e-4), golden_of(new, 1e-4), Policy(TOLERANCE))
        assert done.passed is passed

    def test_a_model_of_other_layers_is_held_to_its_leading_words(self) -> None:
        short = make(ARTICLE.split(), target="Rob", leader="surprise", layers=6)
        old, new = (
            golden_of(make(ARTICLE.split(), target="Rob", leader="surprise", layers=12), TOLERANCE),
            golden_of(short, TOLERANCE),
        )
        new = replace(new, header={**new.header, "model": {"name": "short", "sha256": "ff" * 32}})
        assert compare_goldens(old, new, POLICY).passed
        strict = compare_goldens(old, new, replace(POLICY, strict=True))
        assert strict.failures == ("Only one of the two has layer 7, layer 8, layer 9, layer 10, layer 11, layer 12.",)

    def test_top_counts_words(self) -> None:
        second = article().ranked[1].index
        other = moved(article(), {second: -3.0}, "ff" * 32)
        old, new = golden_of(article(), TOLERANCE), golden_of(other, TOLERANCE)
        assert compare_goldens(old, new, POLICY).passed
        assert "2 leading words" in compare_goldens(old, new, replace(POLICY, top=2)).failures[0]

    def test_more_leading_words_than_words(self) -> None:
        other = moved(article(), {}, "ff" * 32)
        assert compare_goldens(
            golden_of(article(), TOLERANCE), golden_of(other, TOLERANCE), replace(POLICY, top=99)
        ).passed

    @pytest.mark.parametrize("change", [{"reference": "mask"}, {"zoom": False}])
    def test_another_question_is_not_compared(self, change: dict[str, Any]) -> None:
        other = article(kind="mask") if "reference" in change else article(zoom=False)
        done = compare_goldens(golden_of(article(), TOLERANCE), golden_of(other, TOLERANCE), POLICY)
        assert not done.passed and done.rule is Promise.QUESTION and done.changes == ()

    @pytest.mark.parametrize(("before", "after", "default"), [("zero", "mean", True), ("mean", "same", False)])
    def test_other_positions_of_the_reference_say_how_to_keep_the_golden(
        self, before: Positions, after: Positions, default: bool
    ) -> None:
        """A case that names none asks for others than it did, once the default is another."""
        old, new = (
            golden_of(replace(article(), reference=Reference("pad", positions)), TOLERANCE)
            for positions in (before, after)
        )
        done = compare_goldens(old, new, POLICY)
        assert not done.passed and done.rule is Promise.QUESTION and done.changes == ()
        assert done.failures == (
            f'The golden was accepted with positions = "{before}" and the question now has "{after}"'
            f'{", the default" if default else ""}: write positions = "{before}" in the case, or in the call of '
            "explain, to keep the golden, or accept the new one.",
        )

    @pytest.mark.parametrize("without", ["components", "table"])
    def test_positions_that_move_no_number_are_no_other_question(self, without: str) -> None:
        """Of a model without a table of positions, and of words alone."""
        shown = article()
        assert shown.components is not None
        kept = replace(shown.components, position=None) if without == "table" else None
        shown = replace(shown, components=kept)
        old, new = (
            golden_of(replace(shown, reference=Reference("pad", positions)), TOLERANCE)
            for positions in ("zero", "mean")
        )
        assert old.question["positions"] != new.question["positions"]
        assert compare_goldens(old, new, POLICY).passed
        turned = replace(shown, target=replace(shown.target, tags=("O",), predicted=("O",)))
        done = compare_goldens(old, golden_of(replace(turned, reference=Reference("pad", "mean")), TOLERANCE), POLICY)
        assert done.rule is Promise.TAG and done.failures == ("The tag was B-PER and is O.",)

    def test_another_tag_of_a_case_that_names_none_is_a_flip(self) -> None:
        other = article()
        other = replace(other, target=replace(other.target, tags=("O",), predicted=("O",)))
        done = compare_goldens(golden_of(article(), TOLERANCE), golden_of(other, TOLERANCE), POLICY)
        assert done.rule is Promise.TAG and done.failures == ("The tag was B-PER and is O.",)

    def test_the_tolerance_is_kept_at_what_the_integrations_allow(self) -> None:
        done = compare_goldens(golden_of(article(), TOLERANCE), golden_of(article(), TOLERANCE), Policy(1e-9))
        assert done.tolerance == 2e-3

    def test_the_tolerance_is_kept_above_what_was_rounded_away(self) -> None:
        done = compare_goldens(golden_of(article(), 0.5), golden_of(article(), 0.5), Policy(3e-3))
        assert done.tolerance == 0.05 and done.passed

    def test_a_list_of_nothing_has_the_words_scale(self) -> None:
        shown = article()
        assert shown.components is not None
        tiny = replace(shown.components, token_type=tuple(1e-7 for _ in shown.words))
        assert compare_goldens(golden_of(shown, 1e-6), golden_of(replace(shown, components=tiny), 1e-6), POLICY).passed


CASES = """
[[case]]
id = "rob"
text = "Rob won"
target = "Rob"
golden = true

[[case]]
id = "plain"
text = "Rob won"
target = "Rob"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two test files, three goldens that belong to them."""
    tests = tmp_path / "tests"
    tests.mkdir()
    tests.joinpath("sport.cases.toml").write_text(CASES)
    tests.joinpath("test_why.py").write_text("class TestWhy:\n    def test_rob(self): ...\n")
    tmp_path.joinpath("pyproject.toml").write_text('[tool.interp]\nmodel = "planted"\n')
    for name in ("sport.cases.toml/rob", "test_why.py/TestWhy.test_rob[a-b].1", "test_why.py/TestWhy.test_rob"):
        place(tmp_path, f"tests/{name}")
    return tmp_path


def place(project: Path, name: str, text: str | None = None) -> Path:
    path = project / "golden" / f"{name}.golden.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dumps(golden_of(article(), TOLERANCE)) if text is None else text)
    return path


class TestFolder:
    def test_a_sound_folder_has_no_problems(self, project: Path) -> None:
        assert len(list_goldens(project / "golden")) == 3
        assert find_problems(project, Settings()) == []

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("tests/gone.cases.toml/rob", "there is no tests/gone.cases.toml"),
            ("tests/sport.cases.toml/tim", 'has no case "tim"'),
            ("tests/sport.cases.toml/plain", 'has no case "plain" with a golden'),
            ("tests/test_why.py/TestWhy.test_tim", "has no function test_tim"),
            ("tests/test_why.py/test_ro", "has no function test_ro"),
        ],
    )
    def test_orphans_are_found_and_deleted_when_asked(
        self, project: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
    ) -> None:
        path = place(project, name)
        (found,) = find_problems(project, Settings())
        assert found.orphan and why in found.sentence
        monkeypatch.chdir(project)
        said = CliRunner().invoke(main, ["golden", "check"])
        assert said.exit_code == 1 and path.exists()
        deleted = CliRunner().invoke(main, ["golden", "check", "--delete-orphans"])
        assert deleted.exit_code == 0 and not path.exists() and len(list_goldens(project / "golden")) == 3

    def test_damage_and_old_formats_are_problems(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = dumps(golden_of(article(), TOLERANCE))
        place(project, "tests/sport.cases.toml/rob", text[:50])
        place(project, "tests/test_why.py/TestWhy.test_rob", text.replace("golden/1", "golden/0"))
        monkeypatch.chdir(project / "tests")  # the project is found from below
        said = CliRunner().invoke(main, ["golden", "check"])
        assert said.exit_code == 1
        assert "damaged" in said.stderr and "interp golden migrate" in said.stderr
        assert said.stdout == "3 goldens, 2 problems\n"

    def test_what_an_interrupted_write_left_is_a_problem(self, project: Path) -> None:
        path = project / "golden" / "tests" / "sport.cases.toml" / ".rob.golden.json.123.part"
        path.write_text("{")
        (found,) = find_problems(project, Settings())
        assert found.path == path and not found.orphan

    def test_migration_mends_old_formats_and_touches_no_other(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def step(old: dict[str, Any]) -> dict[str, Any]:
            return {**old, "words": old["tokens"]}  # what a format 0 might have called them

        monkeypatch.setitem(document.MIGRATIONS, 0, step)
        text = dumps(golden_of(article(), TOLERANCE))
        old = place(
            project,
            "tests/sport.cases.toml/rob",
            text.replace("golden/1", "golden/0").replace('\n "words"', '\n "tokens"'),
        )
        broken = place(project, "tests/test_why.py/TestWhy.test_rob", "{")
        done = dict(migrate_goldens(project, Settings()))
        assert done.pop(old) is None and old.read_text() == text
        assert "damaged" in str(done.pop(broken)) and broken.read_text() == "{"
        assert done == {}

    def test_migrate_command_says_what_it_could_not(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        place(
            project,
            "tests/sport.cases.toml/rob",
            dumps(golden_of(article(), TOLERANCE)).replace("golden/1", "golden/0"),
        )
        monkeypatch.chdir(project)
        said = CliRunner().invoke(main, ["golden", "migrate"])
        assert said.exit_code == 1 and "accept it anew" in said.stderr

    @given(st.text(max_size=300), st.text(max_size=300))
    def test_different_names_are_different_files(self, one: str, other: str) -> None:
        try:
            names = file_name(one), file_name(other)
        except UnicodeEncodeError:  # lone surrogates are no names
            return
        assert (names[0] == names[1]) == (one == other)
        assert not set('/\\:*?"<>|\0') & set("".join(names)) and max(map(len, names)) < 230

    def test_a_test_outside_of_the_project_has_no_golden(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="--rootdir"):
            golden_file(tmp_path / "a" / "golden", tmp_path / "a", tmp_path / "test_b.py", "test_b")

    def test_deleting_leaves_no_empty_folders(self, project: Path) -> None:
        path = place(project, "tests/deep/down/test_gone.py/test_x")
        delete_golden(path, project / "golden")
        assert not (project / "golden" / "tests" / "deep").exists() and (project / "golden" / "tests").exists()


class TestFingerprints:
    """A model has two: of all that decides its answers, and of its weights alone, as releases made it."""

    @staticmethod
    def golden(sha256: str, former_sha256: str, by: float = 0.0) -> Golden:
        shown = moved(article(), {12: by}, sha256=sha256 * 64)
        model = replace(shown.model, former_sha256=former_sha256 * 64)
        return golden_of(replace(shown, model=model), TOLERANCE)

    @pytest.mark.parametrize(
        ("old", "new", "promise"),
        [
            (("a", "1"), ("a", "1"), Promise.NUMBERS),
            (("1", ""), ("a", "1"), Promise.FORMER),
            (("a", "1"), ("b", "1"), Promise.CONFIGURATION),
            (("a", "1"), ("b", "2"), Promise.LEADERS),
            (("a", ""), ("b", ""), Promise.LEADERS),
        ],
    )
    def test_weights_that_were_not_trained_are_held_to_their_numbers(
        self, old: tuple[str, str], new: tuple[str, str], promise: Promise
    ) -> None:
        apart = compare_goldens(self.golden(*old), self.golden(*new, by=3 * TOLERANCE * 10), POLICY)
        assert apart.rule is promise
        assert apart.passed is (promise is Promise.LEADERS)
        assert compare_goldens(self.golden(*old), self.golden(*new), POLICY).passed

    def test_a_golden_names_both_and_is_read_back(self) -> None:
        golden = loads(dumps(self.golden("a", "1")), "golden")
        assert (golden.sha256, golden.former_sha256) == ("a" * 64, "1" * 64)
        assert loads(dumps(self.golden("1", "")), "golden").former_sha256 == ""

    def test_migration_writes_both_and_nothing_else(self) -> None:
        before, today = dumps(self.golden("1", "")), {"1" * 64: "a" * 64}
        after = migrate_text(before, "golden", today)
        assert after == dumps(self.golden("a", "1"))
        assert migrate_text(after, "golden", today) is None
        assert migrate_text(dumps(self.golden("2", "")), "golden", today) is None  # another model's


def test_the_command_migrates_the_goldens_of_the_models_that_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A golden as an earlier release wrote it comes out as this release writes it, byte for byte."""
    today = {}
    for name in ("planted", "open"):
        source = next(path for path in list_goldens(GOLDENS) if path.parent.name == f"{name}.cases.toml")
        today[tmp_path / "golden" / source.parent.name / source.name] = source.read_text(encoding="utf-8")
    for path, text in today.items():
        path.parent.mkdir(parents=True)
        golden = loads(text, "golden")
        model = {"name": golden.header["model"]["name"], "sha256": golden.former_sha256}
        path.write_text(dumps(replace(golden, header={**golden.header, "model": model})), encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.interp]\n")
    monkeypatch.chdir(tmp_path)
    for arguments, count in (([], 0), (["--model", "planted"], 1), (["--model", "open"], 1), (["--model", "open"], 0)):
        done = CliRunner().invoke(main, ["golden", "migrate", *arguments])
        assert done.exit_code == 0 and f"{count} migrated, 0 not" in done.stdout, done.output
    assert {path: path.read_text(encoding="utf-8") for path in today} == today


def test_this_projects_goldens_are_of_its_models() -> None:
    """A golden under an unknown fingerprint would be held to its leading words alone."""
    known = {name: load(name, "cpu").info for name in ("open", "planted")}
    paths = list_goldens(GOLDENS)
    assert len(paths) > 20
    for path in paths:
        golden = loads(path.read_text(encoding="utf-8"), str(path))
        info = known[golden.header["model"]["name"]]
        assert (golden.sha256, golden.former_sha256) == (info.sha256, info.former_sha256)


class TestHistory:
    @pytest.fixture
    def repository(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(project)
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "goldens"]):
            name = ["-c", "user.name=t", "-c", "user.email=t@t"]
            subprocess.run(["git", *name, *command], cwd=project, check=True)
        return project

    def test_diff_is_against_the_last_commit(self, repository: Path) -> None:
        quiet = CliRunner().invoke(main, ["golden", "diff"])
        assert quiet.exit_code == 0 and "did not move" in quiet.stdout
        changed = dumps(golden_of(moved(article(), {12: -3.0, 4: 0.2}), TOLERANCE))
        place(repository, "tests/sport.cases.toml/rob", changed)
        place(repository, "tests/test_why.py/test_new")
        told = CliRunner().invoke(main, ["golden", "diff", "--html", "diff.html"])
        assert told.exit_code == 0
        assert told.stdout.index("surprise") < told.stdout.index("Tiger")
        assert "new: tests/test_why.py/test_new.golden.json" in told.stdout
        assert "surprise" in (repository / "diff.html").read_text()
        assert "surprise" not in CliRunner().invoke(main, ["golden", "diff", "test_why"]).stdout

    def test_old_ones_may_lie_in_a_folder(self, project: Path) -> None:
        assert in_folder(project / "golden").keys() == {
            "tests/sport.cases.toml/rob.golden.json",
            "tests/test_why.py/TestWhy.test_rob.golden.json",
            "tests/test_why.py/TestWhy.test_rob[a-b].1.golden.json",
        }
        with pytest.raises(InputError, match="no folder"):
            in_folder(project / "nowhere")

    @pytest.mark.parametrize("revision", ["nonsense", "--output=x"])
    def test_a_revision_that_is_not_there(self, repository: Path, revision: str) -> None:
        with pytest.raises(InputError, match=r"revision"):
            in_revision(repository / "golden", revision)

    def test_no_repository_and_no_folder(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(project)
        said = CliRunner().invoke(main, ["golden", "diff"])
        assert said.exit_code == 2 and "--old" in said.stderr
        monkeypatch.chdir(project / "tests")
        monkeypatch.setattr("interp.project.settings.Path.is_file", lambda _: False)
        said = CliRunner().invoke(main, ["golden", "diff"])
        assert said.exit_code == 2 and "--snapshot-update" in said.stderr
