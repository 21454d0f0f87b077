"""Case files as tests: how they are collected and computed, and what each says when it fails."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from project import ROB, Project, messages, outcomes, says

EVERY = """\
tag = "B-PER"
against = "O"
top = ["surprise", "lucky"]
top_context = ["surprise", "lucky"]
sign = { surprise = "+", Rob = "-" }
share = { surprise = ">= 0.5", "@1" = "< 0.1" }
layer_share = [{ word = "Rob", layers = "1-3", is = ">= 0.6" }, { word = "surprise", layers = 1, is = "<= 0.2" }]
swap = [{ word = "Rob", with = ["Tim", "Anna"], keep = ["top", "tag"] }]
golden = true
"""
NAMES = ["tag", "top", "top_context", "sign", "share", "layer_share", "swap", "complete", "converged", "golden"]


def test_one_item_per_check_named_by_file_case_and_check(project: Project) -> None:
    project.case(EVERY)
    result = project.run("-v", "--snapshot-update")
    assert outcomes(result) == {f"sport.cases.toml::rob::{name}": "passed" for name in NAMES}


def test_every_case_gets_complete_and_converged_and_no_golden_unasked(project: Project) -> None:
    project.case('tag = "B-PER"')
    assert [*outcomes(project.run("-v"))] == [
        f"sport.cases.toml::rob::{name}" for name in ("tag", "complete", "converged")
    ]


def test_cases_are_collected_in_folders_beside_python_tests(project: Project) -> None:
    project.cases(name="tests/cases/sport.cases.toml")
    project.write("tests/test_own.py", "def test_own():\n    pass\n")
    project.write("tests/cases/other.toml", "this is no case file\n")
    result = project.run("-v", "--snapshot-update")
    found = outcomes(result)
    assert found["tests/test_own.py::test_own"] == "passed"
    assert found["tests/cases/sport.cases.toml::rob::golden"] == "passed"
    assert len(found) == 6 and result.ret == 0


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        (["-k", "top"], ["rob::top", "short::top"]),
        (["-k", "rob and not golden"], ["rob::tag", "rob::top", "rob::complete", "rob::converged"]),
        (["sport.cases.toml::rob::top"], ["rob::top"]),
        (["sport.cases.toml::short"], ["short::top", "short::complete", "short::converged"]),
        (["sport.cases.toml::short::top", "sport.cases.toml::rob::tag"], ["short::top", "rob::tag"]),
        (["-m", "slow"], ["short::top", "short::complete", "short::converged"]),
        (["--deselect", "sport.cases.toml::rob"], ["short::top", "short::complete", "short::converged"]),
    ],
    ids=" ".join,
)
def test_selection(project: Project, arguments: list[str], ran: list[str]) -> None:
    project.write("pytest.ini", "[pytest]\nmarkers = slow\n")
    project.cases('id = "short"\ntext = "surprise win"\ntarget = "win"\ntop = ["surprise"]\nmarks = ["slow"]')
    project.accept()
    project.log.unlink()
    result = project.run("-v", *arguments)
    assert outcomes(result) == {f"sport.cases.toml::{name}": "passed" for name in ran}
    (batch,) = project.batches
    assert (ROB in batch) == any(name.startswith("rob") for name in ran), "only what was selected is computed"
    assert ("surprise win" in batch) == any(name.startswith("short") for name in ran)


def test_stops_at_the_first_failure(project: Project) -> None:
    project.case('tag = "O"\ntop = ["win"]')
    result = project.run("-v", "-x")
    assert outcomes(result) == {"sport.cases.toml::rob::tag": "failed"}


def test_marks_skip_and_xfail(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\nxfail_strict = true\n")
    project.case('tag = "O"\ntop = ["surprise"]\nxfail = { tag = "known to be wrong", top = "was wrong once" }')
    project.case('marks = ["skip"]', name="other.cases.toml")
    result = project.run("-v", "-rxXs")
    found = outcomes(result)
    assert found["sport.cases.toml::rob::tag"] == "xfail"
    assert found["sport.cases.toml::rob::top"] == "failed"
    assert {found[f"other.cases.toml::rob::{name}"] for name in ("complete", "converged")} == {"skipped"}
    assert says(result, "XFAIL sport.cases.toml::rob::tag - known to be wrong")


def test_a_mark_that_is_not_registered_is_refused_under_strict_markers(project: Project) -> None:
    project.case('marks = ["slwo"]')
    result = project.run("--strict-markers")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert says(result, "*'slwo' not found in `markers`")


def test_junit_tells_case_check_and_sentence(project: Project) -> None:
    project.case('tag = "O"\ntop = ["surprise"]')
    project.run("--junit-xml=report.xml", "-o", "junit_family=xunit1")
    tests = {each.get("name"): each for each in ElementTree.parse(project.root / "report.xml").iter("testcase")}
    assert [*tests] == ["tag", "top", "complete", "converged"]
    assert {each.get("classname") for each in tests.values()} == {"sport.cases.toml.rob"}
    assert tests["tag"].get("file") == "sport.cases.toml" and tests["tag"].get("line") == "4"
    (failure,) = tests["tag"].iter("failure")
    assert failure.get("message").splitlines()[0] == '"Rob" is tagged B-PER, expected O.'
    assert "surprise" in failure.text and 'tag = "B-PER"' in failure.text
    assert not [*tests["top"].iter("failure")]


# --- what each check says


RED = [
    ('tag = "O"', "tag", '"Rob" is tagged B-PER, expected O.'),
    (
        'text = "lucky win surprise"\ntarget = "lucky win"\ntag = "O"',
        "tag",
        '"lucky win" is tagged B-PER B-PER, expected O O.',
    ),
    ('top = ["lucky"]', "top", '"surprise" leads for B-PER on "Rob", expected "lucky".'),
    (
        'top = ["lucky", "surprise"]',
        "top",
        '"surprise", "lucky" lead for B-PER on "Rob", expected "lucky", "surprise".',
    ),
    (
        'top_context = ["win"]',
        "top_context",
        '"surprise" leads beside the target for B-PER on "Rob", expected "win".',
    ),
    (
        'sign = { lucky = "-", win = "+" }',
        "sign",
        '"lucky" speaks for B-PER on "Rob" (+1), expected -.',
    ),
    ('sign = { Rob = "+" }', "sign", '"Rob" speaks against B-PER on "Rob" (-0.25), expected +.'),
    (
        'share = { surprise = ">= 0.7", win = "> 0.01" }',
        "share",
        '"surprise" has a share of 0.616 in B-PER on "Rob", expected >= 0.7.',
    ),
    (
        'layer_share = [{ word = "Rob", layers = "1-3", is = ">= 0.95" }]',
        "layer_share",
        '"Rob" has a share of 0.740 in layer 1, expected >= 0.95 (2 of 3 layers miss it).',
    ),
    (
        'tag = "B-PER"\nswap = [{ word = "surprise", with = ["heavy"], keep = ["top", "tag"] }]',
        "swap",
        'With "heavy" for "surprise", the tag is O, not B-PER and "lucky" leads, not "surprise".',
    ),
    (
        'text = "a leaky win"\ntarget = "win"',
        "complete",
        "The attributions miss F(input) − F(reference) by * of Σ|attribution| at the *, allowed 1.0e-03.",
    ),
    (
        'text = "stuck in surprise"\ntarget = "in"',
        "converged",
        "The embedding path is *",
    ),
]


@pytest.mark.parametrize(("inside", "check", "sentence"), RED, ids=[check for _, check, _ in RED])
def test_a_red_check_says_what_is_wrong_first(project: Project, inside: str, check: str, sentence: str) -> None:
    project.case(inside)
    result = project.run("-v")
    red = [name for name, outcome in outcomes(result).items() if outcome == "failed"]
    assert red == [f"sport.cases.toml::rob::{check}"], "no other check of the case is affected"
    lines = result.outlines
    head = next(number for number, line in enumerate(lines) if f" rob::{check} __" in line)
    assert re.fullmatch(".*".join(map(re.escape, sentence.split("*"))), lines[head + 1])
    assert says(result, "model *stub, sha256 111111111111, on cpu in float32")


def test_the_edit_that_a_check_proposes_makes_it_green(project: Project) -> None:
    wrong = """\
tag = "O"
top = ["lucky"]
top_context = ["win"]
sign = { Rob = "+", lucky = "-" }
share = { surprise = ">= 0.7" }
layer_share = [{ word = "Rob", layers = "1-3", is = ">= 0.95" }]
swap = [{ word = "surprise", with = ["heavy"] }, { word = "Rob", with = ["Tim"] }]"""
    project.case(wrong)
    result = project.run("-v")
    assert [*outcomes(result).values()].count("failed") == 7
    lines = result.outlines
    proposed = [lines[n + 1].strip() for n, line in enumerate(lines) if "sport.cases.toml, line 5:" in line]
    assert len(proposed) == 7
    project.case("\n".join(proposed))
    assert project.run("-q").ret == 0


def test_inner_by_number_and_place(project: Project) -> None:
    project.case(
        'text = "Rob met Rob in surprise"\ntarget = "Rob#2"\ntag = "B-PER"\ntop = ["@5"]\n'
        'sign = { "Rob#1" = "+", "@3" = "-" }\nzoom = 5'
    )
    result = project.run("-v")
    assert result.ret == 0, outcomes(result)
    project.case('text = "Rob met Rob in surprise"\ntarget = "@3"\ntop = ["Rob#1"]')
    assert messages(project.run())[0].startswith('"surprise" leads for B-PER on "Rob", expected "Rob#1".')


def test_a_sentence_may_be_a_list_of_words_or_split_already(project: Project) -> None:
    project.case('text = ["New York", "in", "surprise"]\ntarget = "New York"\ntop = ["surprise"]')
    project.case('text = "no. surprise"\ntarget = "no."\npretokenized = true', name="other.cases.toml")
    assert project.run().ret == 0
    assert any("New York in surprise" in batch for batch in project.batches)
    project.case('text = "no. surprise"\ntarget = "no."', name="other.cases.toml")
    assert project.run("--co", "-q").ret == 0, "the text's own split also finds the word, as two"


# --- mistakes in case files


A = '[[case]]\nid = "a"\ntext = "b c"\ntarget = "b"\n'
TWICE = '[[case]]\nid = "a"\ntext = "Rob met Rob"\n'
MISTAKES = {
    "unknown key": (A + 'topp = ["c"]', 'case "a", key topp: unknown key; did you mean "top"'),
    "unknown default": ('[defaults]\nmodle = "x"\n' + A, 'key defaults.modle: unknown key; did you mean "model"'),
    "unknown table": ('[[cases]]\nid = "a"', 'key cases: unknown key; did you mean "case"'),
    "unknown inner key": (
        A + 'layer_share = [{ word = "b", layer = 1, is = "> 0" }]',
        'case "a", key layer_share.0.layer: unknown key; did you mean "layers"',
    ),
    "no list": (A + 'top = "b"', 'case "a", key top: input should be a valid list.'),
    "no boolean": (A + "golden = 1", 'case "a", key golden: '),
    "no choice": (
        A + 'reference = "padd"',
        "case \"a\", key reference: input should be 'pad', 'mask', 'unk' or 'zero'.",
    ),
    "bad id": (A.replace('"a"', '"a b"'), 'case "a b", key id: may hold letters, digits, and _ . - alone.'),
    "no id": (A.replace('id = "a"', ""), 'case "number 1", key id: field required.'),
    "no text": ('[[case]]\nid = "a"\ntarget = "b"', 'case "a", key text: field required.'),
    "duplicate id": (A + A.replace('"a"', '"A"'), 'case "A", key id: 2 cases have this id'),
    "ambiguous target": (
        TWICE + 'target = "Rob"',
        'case "a", key target: *"Rob" occurs 2 times: say which, one of "Rob#1" (@1), "Rob#2" (@3).',
    ),
    "ambiguous word": (TWICE + 'target = "met"\ntop = ["Rob"]', 'case "a", key top: *"Rob" occurs 2 times'),
    "unknown word": (
        A.replace("b c", "b surprise") + 'share = { suprise = "> 0" }',
        'case "a", key share.suprise: *Did you mean "surprise"?',
    ),
    "place beyond the end": (
        A.replace('"b"', '"@9"'),
        'case "a", key target: @9 is not in the sentence: words are @1 to @2.',
    ),
    "no bound": (
        A + 'share = { c = "0.4" }',
        'case "a", key share.c: "0.4" is no bound: write one such as ">= 0.4"',
    ),
    "bound of percents": (A + 'share = { c = ">= 40" }', 'case "a", key share.c: ">= 40" is no bound'),
    "layers backwards": (
        A + 'layer_share = [{ word = "c", layers = "6-2", is = "> 0" }]',
        'case "a", key layer_share.0.layers: "6-2" is no range of layers',
    ),
    "layer zero": (
        A + 'layer_share = [{ word = "c", layers = "0", is = "> 0" }]',
        'case "a", key layer_share.0.layers: "0" is no range of layers*1 is the first.',
    ),
    "swap without tag": (
        A + 'swap = [{ word = "c", with = ["d"] }]',
        'case "a", key swap: needs the case\'s tag',
    ),
    "swap by two words": (
        A + 'tag = "O"\nswap = [{ word = "c", with = ["d e"] }]',
        'case "a", key swap.0.with: "d e" is not one word',
    ),
    "too many tags": (A + 'tag = "O O O"', 'case "a", key tag: gives 3 tags for a target of 1'),
    "target as context": (A + 'top_context = ["b"]', 'case "a", key top_context: "b" is in the target'),
    "xfail of no check": (A + 'xfail = { topp = "x" }', 'case "a", key xfail: topp is no check of this case.'),
    "empty text": (A.replace("b c", " "), 'case "a", key text: The text is empty'),
    "no TOML": ("[[case]\nid = 1", ": is no TOML: *line 1"),
    "empty file": ("", ": holds no case: write a table [[case]] with id, text and target."),
    "one bracket": (
        A.replace("[[case]]", "[case]"),
        ": holds no case: write a table [[case]] with id, text and target.",
    ),
    "case of a number": ("case = [3]", 'case "number 1", key case: '),
    "defaults of a number": ("defaults = 3\n[[case]]\nid = 1", "key defaults: "),
}


def test_every_mistake_is_told_by_file_case_and_key(project: Project) -> None:
    """Each in a file of its own, all in one run: every file is read, and is an error of its own."""
    for number, (text, _) in enumerate(MISTAKES.values()):
        project.write(f"cases/wrong{number}.cases.toml", text)
    result = project.run("--interp-model", "stub")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=len(MISTAKES))
    untold = [
        f"{mistake}: {sentence}"
        for number, (mistake, (_, sentence)) in enumerate(MISTAKES.items())
        if not says(result, f"cases/wrong{number}.cases.toml*{sentence}")
    ]
    assert not untold
    assert "Traceback" not in result.stdout.str() and ".py:" not in result.stdout.str()
    assert not project.logged, "nothing is loaded"


def test_every_mistake_of_a_file_is_told_at_once(project: Project) -> None:
    project.write(
        "wrong.cases.toml",
        '[[case]]\nid = "a"\ntext = "b c"\ntarget = "x"\ntop = ["y"]\n[[case]]\nid = "d"\ntext = "b c"\ntarget = "z"\n',
    )
    project.cases()
    result = project.run()
    for told in ('case "a", key target: *"x"*', 'case "a", key top: *"y"*', 'case "d", key target: *"z"*'):
        assert says(result, f"wrong.cases.toml, {told}")
    result.assert_outcomes(errors=1)


def test_a_mistake_in_defaults_is_told_once(project: Project) -> None:
    case = '[[case]]\nid = "{}"\ntext = "b"\ntarget = "b"\n'
    project.write("wrong.cases.toml", '[defaults]\nreference = "padd"\n' + case.format("a") + case.format("c"))
    result = project.run()
    assert sum("key" in line for line in result.outlines) == 1
    assert says(result, "wrong.cases.toml, key defaults.reference: ")


def test_a_file_that_is_not_utf8(project: Project) -> None:
    project.write("wrong.cases.toml", '[[case]]\nid = "zürich"\n'.encode("latin-1"))
    result = project.run()
    assert says(result, "wrong.cases.toml is not UTF-8 (byte 16): convert it first.")
    project.write("wrong.cases.toml", b"\xef\xbb\xbf" + project.cases().read_bytes())
    assert project.run("wrong.cases.toml::rob::top").ret == 0, "a byte order mark is no mistake"


def test_other_files_run_with_continue_on_collection_errors(project: Project) -> None:
    project.write("wrong.cases.toml", "")
    project.cases()
    project.run("--continue-on-collection-errors", "--snapshot-update").assert_outcomes(passed=5, errors=1)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("tolerence = 0.1", '[tool.interp], key tolerence: unknown key; did you mean "tolerance"'),
        ("tolerance = 7", "[tool.interp], key tolerance*less than 1"),
        ("tolerance = { cuda = -1 }", "[tool.interp], key tolerance.cuda*greater than 0"),
        ("golden_top = 0", "[tool.interp], key golden_top: *greater than or equal to 1*"),
    ],
)
def test_settings_that_do_not_fit_end_the_run_with_a_sentence(project: Project, settings: str, told: str) -> None:
    project.settings(settings)
    project.cases()
    result = project.run()
    assert result.ret not in (0, pytest.ExitCode.INTERNAL_ERROR)
    assert says(result, f"pyproject.toml, {told}")
    assert "Traceback" not in result.stdout.str() and "INTERNALERROR" not in result.stdout.str()


# --- how cases are computed


def test_a_file_is_one_batch_and_each_case_computed_once(project: Project) -> None:
    project.cases(
        'id = "two"\ntext = "a lucky surprise"\ntarget = "a"\ntag = "B-PER"\ntop = ["surprise"]\n'
        'swap = [{ word = "a", with = ["the", "one"] }]\ngolden = true'
    )
    project.cases(name="other.cases.toml")
    assert project.run("--snapshot-update").ret == 0
    assert len(project.batches) == 2, "one for each file"
    assert project.batches[-1] == f"batch of 4: {ROB}, a lucky surprise, the lucky surprise, one lucky surprise"
    assert project.logged.count("load stub on auto") == 1


def test_long_files_are_split_into_batches(project: Project) -> None:
    project.cases(*(f'id = "case{n}"\ntext = "surprise w{n}"\ntarget = "w{n}"' for n in range(19)))
    project.accept()
    assert [batch.partition(":")[0] for batch in project.batches] == ["batch of 16", "batch of 4"]


def test_cases_of_other_models_and_tolerances_are_batches_of_their_own(project: Project) -> None:
    project.cases(
        'id = "two"\ntext = "surprise b"\ntarget = "b"\nmodel = "stub-v2"',
        'id = "three"\ntext = "surprise c"\ntarget = "c"\nintegration_tolerance = 0.01',
    )
    project.accept()
    assert sorted(project.logged) == [
        "batch of 1: " + ROB,
        "batch of 1: surprise b",
        "batch of 1: surprise c",
        "load stub on auto",
        "load stub-v2 on auto",
    ]


def test_a_case_that_does_not_fit_the_model_leaves_the_others_alone(project: Project) -> None:
    project.cases('id = "odd"\ntext = "unknown surprise"\ntarget = "surprise"\ntop = ["unknown"]')
    project.accept("-k", "rob")
    result = project.run("-v")
    found = outcomes(result)
    assert {name for name, outcome in found.items() if outcome == "failed"} == {
        f"sport.cases.toml::odd::{check}" for check in ("top", "complete", "converged")
    }
    assert messages(result) == ['The model "stub" does not know the word "unknown".'] * 3
    assert "Traceback" not in result.stdout.str()


def test_a_batch_that_cannot_be_computed_is_tried_once(project: Project) -> None:
    project.case('text = "broken surprise"\ntarget = "surprise"\ntag = "B-PER"')
    result = project.run()
    assert messages(result) == ["The weights hold NaN: the checkpoint is damaged."] * 3
    assert len(project.batches) == 1


def test_a_model_that_cannot_be_loaded_fails_every_check_with_one_sentence(project: Project) -> None:
    project.cases(model="missing")
    project.cases(name="other.cases.toml", model="missing")
    result = project.run()
    told = 'There is no model "missing": give one of stub'
    assert len(messages(result)) == 10 and all(message.startswith(told) for message in messages(result))
    assert project.logged == ["load missing on auto"]


def test_no_model_named_anywhere_says_where_to_name_one(project: Project) -> None:
    project.write("sport.cases.toml", '[[case]]\nid = "rob"\ntext = "b surprise"\ntarget = "b"\n')
    result = project.run()
    assert says(result, "No model is named: give --interp-model=NAME, or model = * in pyproject.toml.")
    project.settings('model = "stub"')
    assert project.run().ret == 0


def test_layers_that_the_model_does_not_have_fail_that_check_alone(project: Project) -> None:
    project.case('top = ["lucky"]\nlayer_share = [{ word = "Rob", layers = "6-12", is = ">= 0.8" }]')
    result = project.run("-v")
    assert messages(result) == [
        '"surprise" leads for B-PER on "Rob", expected "lucky".',
        "layer_share speaks of layers 6-12, but stub has 3.",
    ]


def test_nothing_passes_that_is_not_a_number(project: Project) -> None:
    project.case(
        'text = "nan b surprise"\ntarget = "b"\ntop = ["nan"]\ntop_context = ["surprise"]\nsign = { nan = "+" }\n'
        'share = { surprise = ">= 0.1" }\nlayer_share = [{ word = "b", layers = "1-3", is = ">= 0" }]\ngolden = true'
    )
    result = project.run("-v", "--snapshot-update")
    found = {name.rpartition("::")[2]: outcome for name, outcome in outcomes(result).items()}
    assert found == dict.fromkeys(found, "failed") and "golden" in found
    assert {*messages(result)} == {"The explanation holds NaN or infinity: look for them in the model's weights."}
    assert not project.goldens
    assert "Traceback" not in result.stdout.str()


def test_fixtures_of_the_project_run_around_cases(project: Project) -> None:
    """Those that a conftest applies to every test, whatever their scope."""
    fixtures = "".join(
        f"\n\n@pytest.fixture(autouse=True, scope={scope!r})\ndef around_{scope}():\n    yield\n"
        for scope in ("function", "class", "module", "package", "session")
    )
    project.write("conftest.py", (project.root / "conftest.py").read_text() + "\n\nimport pytest" + fixtures)
    project.cases()
    project.run("--snapshot-update").assert_outcomes(passed=5)
