"""The fixtures interp_model, explain and golden, in a project's own tests."""

from __future__ import annotations

import pytest
from project import ROB, Project, messages, outcomes, says

SETTINGS = 'model = "stub"'


def test_the_readmes_example(project: Project) -> None:
    project.settings(SETTINGS)
    project.write(
        "test_rob.py",
        f"TEXT = {ROB!r}\n\n\n"
        "def test_rob(explain):\n    assert explain(TEXT, target='Rob').top(1) == ['surprise']\n\n\n"
        "def test_golden(explain, golden):\n    assert explain(TEXT, target='Rob') == golden\n",
    )
    project.run().assert_outcomes(passed=1, failed=1)
    project.accept()
    project.run().assert_outcomes(passed=2)
    assert project.read("test_rob.py/test_golden.golden.json")["question"]["target"] == ["Rob @10"]


def test_a_failing_golden_shows_all_of_it(project: Project) -> None:
    project.settings(SETTINGS)
    project.write("test_rob.py", f"def test_rob(explain, golden):\n    assert explain({ROB!r}, 'Rob') == golden\n")
    project.accept()
    result = project.run("--interp-model", "stub-lucky")
    assert says(result, 'E * The leading word was "surprise" and is "lucky".')
    text = result.stdout.str()
    for told in (
        "Other weights: the tag and the leading words must hold; numbers are shown, not failed.",
        "golden accepted with: model stub, sha256 111111111111",
        "pytest test_rob.py::test_rob --snapshot-update --interp-model=stub-lucky",
        "lucky    +1.000",
    ):
        assert told in text
    assert "use '-vv' to show" not in text


def test_either_side_of_the_equation(project: Project) -> None:
    project.settings(SETTINGS)
    project.write("test_rob.py", "def test_rob(explain, golden):\n    assert golden == explain('a surprise', 'a')\n")
    project.accept()
    assert says(project.run("--interp-model", "stub-org"), "E *The tag was *B-PER* and is *B-ORG*.")


def test_explain_takes_every_part_of_a_question(project: Project) -> None:
    project.settings(SETTINGS + "\nintegration_tolerance = 0.002")
    project.write(
        "test_rob.py",
        "import pytest\n\nimport interp\n\n\n"
        "def test_question(explain):\n"
        "    done = explain('a lucky surprise', 'a', tag='O', reference='mask', output='probability')\n"
        "    assert isinstance(done, interp.Explanation)\n"
        "    assert (done.target.tags, done.reference.kind, done.target.output) == (('O',), 'mask', 'probability')\n"
        "    assert done.completeness.embedding.tolerance == 0.002\n\n\n"
        "def test_wrong(explain):\n"
        "    with pytest.raises(interp.InterpError, match='is not in the sentence'):\n"
        "        explain('a lucky surprise', 'Rob')\n",
    )
    result = project.run()
    result.assert_outcomes(passed=2)


def test_the_model_is_loaded_once_and_only_when_asked_for(project: Project) -> None:
    project.settings(SETTINGS)
    for name in ("one", "two"):
        project.write(
            f"test_{name}.py",
            "def test_a(explain):\n    explain('a surprise', 'a')\n\n\n"
            "def test_b(interp_model):\n    pass\n\n\ndef test_c():\n    pass\n",
        )
    project.run("-k", "test_c").assert_outcomes(passed=2, deselected=4)
    assert not project.logged
    project.run().assert_outcomes(passed=6)
    assert [line for line in project.logged if line.startswith("load")] == ["load stub on auto"]


def test_two_goldens_of_one_name_are_told_apart_by_an_error(project: Project) -> None:
    project.settings(SETTINGS)
    project.write(
        "test_same.py",
        "def test_same(explain, golden):\n"
        "    assert explain('a surprise', 'a') == golden(name='same')\n"
        "    assert explain('b surprise', 'b') == golden(name='same')\n",
    )
    result = project.run("--snapshot-update")
    result.assert_outcomes(failed=1)
    assert says(result, '*a golden named "same" already: give each its own name*')


def test_goldens_of_parametrised_tests_classes_and_several_in_one_test(project: Project) -> None:
    project.settings(SETTINGS)
    project.write(
        "tests/test_many.py",
        "import pytest\n\n\n"
        "class TestWords:\n"
        "    @pytest.mark.parametrize('word', ['lucky', 'win'])\n"
        "    def test_word(self, explain, golden, word):\n"
        "        assert explain('a lucky surprise win', word) == golden\n\n\n"
        "def test_word(explain, golden):\n"
        "    assert explain('a surprise', 'a') == golden\n"
        "    assert explain('a surprise', 'surprise') == golden\n"
        "    assert explain('one surprise', 'one') == golden(name='named')\n"
        "    assert explain('two surprise', 'two') == golden(name='other', top=2)\n",
    )
    project.accept()
    names = (
        "TestWords.test_word[lucky]",
        "TestWords.test_word[win]",
        "test_word",
        "test_word.1",
        "test_word[named]",
        "test_word[other]",
    )
    assert {*project.goldens} == {f"tests/test_many.py/{name}.golden.json" for name in names}
    texts = [project.read(name)["question"]["target"][0] for name in project.goldens]
    assert sorted(texts) == ["a @1", "lucky @2", "one @1", "surprise @2", "two @1", "win @4"]
    project.run().assert_outcomes(passed=3)
    result = project.run("--interp-model", "stub-org", "-k", "not TestWords")
    assert says(result, "E *The tag was *B-PER* and is *B-ORG*.")


def test_strict_top_and_tolerance_in_a_test(project: Project) -> None:
    project.settings(SETTINGS)
    given = {
        "loose": "",
        "strict": "strict=True",
        "tolerance": "strict=True, tolerance=0.9",
        "later": "strict=True)(name='later'",
        "top": "top=3",
    }
    project.write(
        "test_rob.py",
        "".join(
            f"def test_{name}(explain, golden):\n    assert explain({ROB!r}, 'Rob') == golden({call})\n\n\n"
            for name, call in given.items()
        ),
    )
    project.accept()
    found = outcomes(project.run("-v", "--interp-model", "stub-v2"))
    assert {name.partition("::test_")[2]: outcome for name, outcome in found.items()} == {
        "loose": "passed",
        "strict": "failed",
        "tolerance": "passed",
        "later": "failed",
        "top": "passed",
    }
    found = outcomes(project.run("-v", "--interp-model", "stub-third"))
    assert [name.partition("::test_")[2] for name, outcome in found.items() if outcome == "passed"] == [
        "loose",
        "tolerance",
    ]


def test_a_project_wide_golden_top_holds_for_tests(project: Project) -> None:
    project.settings(SETTINGS + "\ngolden_top = 2")
    project.write("test_rob.py", f"def test_rob(explain, golden):\n    assert explain({ROB!r}, 'Rob') == golden\n")
    project.accept("--interp-model", "stub-lucky")
    result = project.run()
    assert says(result, 'E *The 2 leading words were "lucky", "surprise" and are "surprise", "lucky".')


def test_moved_numbers_of_goldens_in_tests_are_counted_at_the_end(project: Project) -> None:
    project.settings(SETTINGS)
    project.write("test_rob.py", f"def test_rob(explain, golden):\n    assert explain({ROB!r}, 'Rob') == golden\n")
    project.cases()
    project.accept()
    result = project.run("--interp-model", "stub-v2")
    assert says(result, "2 goldens of other weights held by tag and leading words; their numbers moved by up to ")
    project.accept("--interp-model", "stub-v2")
    assert "of other weights" not in project.run("--interp-model", "stub-v2").stdout.str()


@pytest.mark.parametrize("other", ["['surprise']", "None", "{'text': 1}", "golden"])
def test_comparing_something_else_says_what_a_golden_holds(project: Project, other: str) -> None:
    project.write("test_rob.py", f"def test_rob(golden):\n    assert {other} == golden\n")
    result = project.run("--snapshot-update")
    assert messages(result)[0].startswith("TypeError: a golden holds an explanation, not ")
    assert "compare what explain(…) gave" in messages(result)[0]
    assert not project.goldens


def test_a_golden_that_is_never_compared_is_nothing(project: Project) -> None:
    project.write("test_rob.py", "def test_rob(golden):\n    assert golden is not None and repr(golden) == 'golden'\n")
    project.accept()
    assert not project.goldens and not project.logged


def test_no_model_named_is_told_in_a_sentence(project: Project) -> None:
    project.write("test_rob.py", "def test_rob(explain):\n    pass\n")
    result = project.run()
    assert "No model is named: give --interp-model=NAME" in messages(result)[0]
    assert "Traceback" not in result.stdout.str() and "run.py" not in result.stdout.str()


def test_settings_that_do_not_fit_are_told_in_a_sentence(project: Project) -> None:
    project.settings("modle = 1")
    project.write("test_rob.py", "def test_rob(explain):\n    pass\n")
    result = project.run()
    assert 'unknown key; did you mean "model"' in result.stdout.str() + result.stderr.str()
    assert "run.py" not in result.stdout.str() and "INTERNALERROR" not in result.stdout.str()


def test_with_syrupys_own_snapshots(project: Project) -> None:
    """Both kinds in one test, and a partial update leaves both alone."""
    project.settings(SETTINGS)
    project.write(
        "test_rob.py",
        "def test_rob(explain, golden, snapshot):\n"
        "    done = explain('a lucky surprise', 'a')\n"
        "    assert done == golden\n    assert done.top(2) == snapshot\n\n\n"
        "def test_other(snapshot):\n    assert [1, 2] == snapshot\n",
    )
    project.accept()
    assert [*project.goldens] == ["test_rob.py/test_rob.golden.json"]
    kept = (project.root / "__snapshots__/test_rob.ambr").read_text()
    project.accept("test_rob.py::test_rob")
    assert (project.root / "__snapshots__/test_rob.ambr").read_text() == kept
    assert project.run().ret == 0
    project.run("--interp-model", "stub-lucky").assert_outcomes(failed=1, passed=1)
