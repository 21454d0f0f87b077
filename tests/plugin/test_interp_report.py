"""--interp-report: a page for every failing case, and an index."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from project import Project, says

HOSTILE = "<script>alert(1)</script>"
TWO = 'id = "two"\ntext = "a lucky surprise"\ntarget = "a"\ntop = ["lucky"]\ntag = "O"'
PYTHON = """\
import pytest


@pytest.mark.parametrize("word", ["lucky", "surprise"])
def test_word(explain, golden, word):
    assert explain("a lucky surprise", word) == golden


def test_of_its_own():
    assert False
"""


class Reader(HTMLParser):
    """Tags, links and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += re.sub(r"\s+", " ", data)


@pytest.fixture
def failing(project: Project) -> Project:
    """Case `rob` fails its golden, `two` fails tag and top; with stub-lucky, `rob` fails top and golden."""
    project.settings('model = "stub"')
    project.cases(TWO)
    project.accept("-k", "rob")
    return project


def pages(project: Project, folder: str = "out") -> list[str]:
    return sorted(path.name for path in (project.root / folder).iterdir())


def test_no_page_without_a_failure_nor_unasked(failing: Project) -> None:
    failing.run("-k", "rob", "--interp-report=out")
    failing.run()
    assert not (failing.root / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    # Three processes, as in the last one, which also has groups.
    [[], pytest.param(["-n2"], marks=pytest.mark.slow), ["-n2", "--dist", "loadgroup"]],
    ids=" ".join,
)
def test_a_page_for_every_failing_case_and_an_index(failing: Project, arguments: list[str]) -> None:
    run = failing.run_apart if arguments else failing.run
    result = run("--interp-model", "stub-lucky", "--interp-report=out", *arguments)
    assert result.ret == 1
    assert pages(failing) == ["index.html", "sport.cases.toml--rob.html", "sport.cases.toml--two.html"]
    assert says(result, "report of 2 failing cases: *index.html")
    index = Reader(failing.root / "out/index.html")
    assert {link for link in index.links if link.endswith(".html")} == {*pages(failing)} - {"index.html"}
    for told in (
        '"lucky" leads for B-PER on "Rob", expected "surprise".',
        "sport.cases.toml::rob",
        "sport.cases.toml::two",
    ):
        assert told in index.text
    page = Reader(failing.root / "out/sport.cases.toml--rob.html")
    assert "sport.cases.toml::rob" in page.text
    assert '"lucky" leads for B-PER on "Rob", expected "surprise".' in page.text
    assert 'The leading word was "surprise" and is "lucky".' in page.text
    assert "--snapshot-update" in page.text and 'top = ["lucky"]' in page.text


def test_the_page_shows_old_beside_new(failing: Project) -> None:
    failing.run("--interp-model", "stub-lucky", "--interp-report=out", "-k", "rob")
    page = Reader(failing.root / "out/sport.cases.toml--rob.html")
    assert "Golden beside now" in page.text
    assert "111111111111" in page.text and "333333333333" in page.text, "both models by their fingerprint"
    failing.run("--interp-report=out", "-k", "two")
    assert "Golden beside now" not in Reader(failing.root / "out/sport.cases.toml--two.html").text


def test_python_tests_have_pages(failing: Project) -> None:
    failing.write("tests/test_own.py", PYTHON)
    result = failing.run("--interp-report=out", "tests")
    assert pages(failing) == [
        "index.html",
        "tests-test_own.py--test_word[lucky].html",
        "tests-test_own.py--test_word[surprise].html",
    ]
    assert says(result, "report of 2 failing cases: *index.html")
    index = Reader(failing.root / "out/index.html")
    assert (
        "tests/test_own.py::test_word[lucky]" in index.text and "tests/test_own.py::test_word[surprise]" in index.text
    )


def test_each_device_has_its_page(project: Project) -> None:
    project.case('top = ["lucky"]')
    project.run("--interp-report=out", "--interp-device", "cpu", "--interp-device", "cuda")
    texts = [Reader(project.root / "out" / name).text for name in pages(project) if name != "index.html"]
    assert len(texts) == 2
    assert sum("cuda" in text for text in texts) == 1


def test_files_of_similar_paths_have_pages_of_their_own(project: Project) -> None:
    for name in ("a/b.cases.toml", "a-b.cases.toml", "a--b.cases.toml"):
        project.case('top = ["lucky"]', name=name)
    project.run("--interp-report=out")
    assert len(pages(project)) == 4


def test_nothing_of_a_sentence_is_obeyed(project: Project) -> None:
    project.write(
        "sport.cases.toml",
        f"[defaults]\nmodel = 'stub'\n[[case]]\nid = 'x'\ntext = ['{HOSTILE}', 'surprise', '\"><img/src=x>']\n"
        f"target = 2\ntop = ['{HOSTILE}']\ngolden = true\n",
    )
    project.accept("-k", "golden")
    project.run("--interp-report=out", "--interp-model", "stub-org")
    for name in pages(project):
        page = Reader(project.root / "out" / name)
        assert "script" not in page.tags and "img" not in page.tags
        assert not [link for link in page.links if "//" in link or link.startswith("x")]
    assert HOSTILE in unescape((project.root / "out/sport.cases.toml--x.html").read_text())


@pytest.mark.parametrize("where", ["option", "settings"])
def test_the_folder_is_meant_from_where_it_was_written(
    project: Project, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """On the command line: from where it was typed; in pyproject.toml: from the root."""
    project.settings('report = "shown/here"' if where == "settings" else "")
    project.case('top = ["lucky"]')
    (project.root / "sub").mkdir()
    monkeypatch.chdir(project.root / "sub")
    given = ["--interp-report=out"] if where == "option" else []
    project.run("--rootdir", project.root, project.root, *given)
    assert pages(project, "sub/out" if given else "shown/here") == ["index.html", "sport.cases.toml--rob.html"]


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(project: Project) -> None:
    project.case('top = ["lucky"]')
    project.write("out", "a file\n")
    result = project.run("--interp-report=out")
    assert says(result, "Cannot write *out*")
    assert '"surprise" leads' in result.stdout.str(), "the failure itself is not hidden"
    assert "Traceback" not in result.stdout.str() and "INTERNALERROR" not in result.stdout.str()


def test_expected_failures_have_pages_too(project: Project) -> None:
    project.case('top = ["lucky"]\nxfail = { top = "known" }')
    result = project.run("--interp-report=out")
    assert result.ret == 0 and "sport.cases.toml--rob.html" in pages(project)
