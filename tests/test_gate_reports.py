"""The forms of a gate's result: the same sentence in all of them, and nothing of the data can steer them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from gating import BASE, OTHER, TEXTS, gate, judged, opponent, records, sentences, shortcut
from rich.console import Console
from test_browser import SCHEMES, SIZES, browser, opened, tab  # noqa: F401 - fixtures
from test_stress import BRITTLE, ROBUST

from interp.gate import CheckStatus, GateResult, ProbePlan, TrainingData, judge_candidate
from interp.gate.report import facts
from interp.gate.report.junit import gate_junit
from interp.gate.report.markdown import gate_markdown
from interp.gate.report.page import gate_page
from interp.gate.report.terminal import show_gate
from interp.gate.result import CaseComparison
from interp.stress import StressPlan, shipped_names

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = "[red]<script>alert(1)</script>|**`@everyone`\x1b[31m\u202e"


@cache
def failed() -> GateResult:
    old = sentences(100, seed=5)
    new = [
        replace(each, id=f"new.conll:{i}", words=("yesterday", *each.words[1:]), gold=("O", "B-PER", *each.gold[2:]))
        for i, each in enumerate(old)
        if each.gold
    ]
    return gate(BASE, OTHER, shortcut, ProbePlan(training=TrainingData(old, [*old, *new])))


@cache
def passed() -> GateResult:
    return gate(BASE, BASE)


@cache
def broken() -> GateResult:
    return gate(BASE, records(TEXTS, seed=1, wrong=range(120)))


@cache
def hostile() -> GateResult:
    """Everything that comes from outside is a nasty string."""
    result = failed()
    first = result.cues[0]
    assert first.example is not None
    words = (HOSTILE, *first.example.after[1:])
    example = replace(first.example, after=words, candidate=replace(first.example.candidate, after=HOSTILE))
    cue = replace(first, cue=HOSTILE, shown=f"`{HOSTILE}`", tag=HOSTILE, example=example, rows=(HOSTILE,))
    case: CaseComparison = replace(result.cases[0], id=HOSTILE, words=(HOSTILE, *result.cases[0].words[1:]))
    flip = next(iter(broken().flips))
    return replace(
        result,
        headline=HOSTILE,
        advice=(HOSTILE,),
        baseline=replace(result.baseline, name=HOSTILE),
        cues=(cue,),
        cases=(case,),
        evidence=(replace(result.evidence[0], feature=HOSTILE),),
        flips=(replace(flip, words=(HOSTILE,) * len(flip.words), id=HOSTILE),),
        waivers=(HOSTILE,),
        checks=tuple(replace(check, sentence=HOSTILE) for check in result.checks),
    )


@cache
def stressed() -> GateResult:
    """Half of the names are lost in lower case, and some words are left untagged."""
    result = judge_candidate(
        opponent(BASE, ROBUST),
        opponent(records(TEXTS, seed=1, wrong=range(9)), BRITTLE),
        judged(costly=("PER",)),
        None,
        stress=StressPlan(names=shipped_names()),
    )
    assert result.lost and result.leaks and result.leaks.examples and result.stress
    return result


@cache
def hostile_losses() -> GateResult:
    """The same where words, kinds and tags are nasty."""
    result = stressed()
    assert result.leaks and result.stress
    (entity, *_), (word, *_), (change, *_) = result.lost, result.leaks.examples, result.stress.variants
    words = (HOSTILE,) * len(entity.words)
    example = change.example
    assert example
    example = replace(example, id=HOSTILE, plain=words, words=words, kind=HOSTILE, candidate=(HOSTILE,))
    return replace(
        result,
        lost=(replace(entity, id=HOSTILE, words=words, kind=HOSTILE, candidate=(HOSTILE,)),),
        leaks=replace(
            result.leaks,
            leaked=1,
            examples=(replace(word, id=HOSTILE, words=words, kind=HOSTILE, baseline=HOSTILE),),
        ),
        stress=replace(
            result.stress, variants=(replace(change, variant=HOSTILE, example=example),), untried=(HOSTILE,)
        ),
    )


def terminal(result: GateResult, width: int = 100, **options: object) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False, markup=False, **options)  # type: ignore[arg-type]
    show_gate(result, console)
    return file.getvalue()


def test_every_form_begins_with_the_sentence() -> None:
    result = failed()
    plain = " ".join(terminal(result).split())
    assert plain.startswith("FAIL a → b The candidate takes `yesterday` for a sign of B-PER: +3.")
    assert (
        gate_markdown(result)
        .splitlines()[2]
        .startswith(r"**The candidate takes \`yesterday\` for a sign of B-PER: +3.")
    )
    suite = ElementTree.fromstring(gate_junit(result))
    assert (suite.get("failures"), suite.get("errors"), suite.get("tests")) == ("1", "0", "10")
    failure = suite.find("testcase[@name='cues']/failure")
    assert failure is not None and failure.get("message") == result.headline
    for form in (plain, gate_markdown(result), failure.text or ""):
        assert "interp gate accept yesterday --tag B-PER" in form and "new.conll:" in form


def test_the_terminal_is_no_wider_than_it_is_and_ascii_where_it_must() -> None:
    assert all(len(line) <= 80 for line in terminal(failed(), 80).splitlines())
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show_gate(failed(), Console(file=file, width=100, markup=False))
    file.flush()


def test_statuses_are_told_by_words() -> None:
    told = terminal(broken())
    assert told.startswith("FAIL")
    for check in broken().checks:
        assert check.status.value in told and check.name in told


def test_every_status_has_a_mark_and_a_message() -> None:
    assert set(facts.MARKS) == set(CheckStatus)
    assert all(status.message.endswith(".") for status in CheckStatus)


@pytest.mark.parametrize("name", ["hostile", "hostile losses"])
def test_nothing_of_the_data_steers_a_form(name: str) -> None:
    result = PAGES[name]()
    shown = terminal(result)
    assert "\x1b" not in shown and "\u202e" not in shown and "[red]" in shown
    summary = gate_markdown(result)
    assert "<script" not in summary and "@everyone" not in summary and "\x1b" not in summary
    assert all(line.count("|") - line.count(r"\|") in (0, 6, 7) for line in summary.splitlines()), summary
    suite = ElementTree.fromstring(gate_junit(result))
    told = [*(case.get("message", "") for case in suite.iter("failure")), *(case.text or "" for case in suite.iter())]
    assert any("[red]<script>" in text for text in told) and "\x1b" not in gate_junit(result)
    text = gate_page(result)
    assert "<script" not in text and "\x1b" not in text and "\u202e" not in text


def test_what_is_lost_left_and_broken_stands_in_every_form() -> None:
    result = stressed()
    assert result.leaks
    first, word = result.lost[0], result.leaks.examples[0]
    name = " ".join(first.words[first.start : first.stop])
    plain = " ".join(terminal(result, 200).split())
    assert f"*{name}*" in plain and f"{word.words[word.index]} (PER)" in plain and "in lower case" in plain
    summary = gate_markdown(result)
    assert f"**{name}**" in summary and f"Left untagged (18): {word.words[word.index]} (PER)" in summary
    assert "| in lower case | 1.000 → 0." in summary
    suite = ElementTree.fromstring(gate_junit(result))
    texts = {str(case.get("name")): " ".join("".join(case.itertext()).split()) for case in suite.iter("testcase")}
    assert f"{name} is PER; candidate O" in texts["negative_flips"]
    assert f"{word.words[word.index]} (PER)" in texts["leaks"] and "in lower case: candidate" in texts["stress"]
    page = gate_page(result)
    assert 'id="lost"' in page and 'id="stress"' in page
    assert 'id="lost"' not in gate_page(passed()) and 'id="stress"' not in gate_page(passed())


def test_an_incomparable_pair_has_all_its_forms() -> None:
    result = gate(BASE, replace(OTHER, about=replace(OTHER.about, data="0" * 64)))
    for form in (terminal(result), gate_markdown(result), gate_junit(result), gate_page(result)):
        assert "other data" in " ".join(form.split())


# --- the page in a browser

PAGES: dict[str, Callable[[], GateResult]] = {
    "failed": failed,
    "passed": passed,
    "broken": broken,
    "stressed": stressed,
}
PAGES |= {"hostile": hostile, "hostile losses": hostile_losses}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_quiet_and_never_scrolls_sideways(opened: Callable[..., Page], name: str) -> None:  # noqa: F811
    shown = opened(gate_page(PAGES[name]()))
    for scheme in SCHEMES:
        shown.emulate_media(color_scheme=scheme)
        for width, height in SIZES:
            shown.set_viewport_size({"width": width, "height": height})
            assert shown.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)


def test_the_sentence_and_an_example_are_on_the_first_screen(opened: Callable[..., Page]) -> None:  # noqa: F811
    shown = opened(gate_page(failed()))
    assert shown.locator("#headline").inner_text().startswith("The candidate takes `yesterday` for a sign of B-PER")
    box = shown.locator("#example").bounding_box()
    assert box is not None and box["y"] + box["height"] < SIZES[1][1]
    assert "B-PER" in shown.locator("#example .target small").nth(1).inner_text()


def test_filters_hide_the_other_cases(opened: Callable[..., Page]) -> None:  # noqa: F811
    result = failed()
    cases = tuple(replace(each, tags=("B-LOC",)) if i % 3 == 0 else each for i, each in enumerate(result.cases))
    cued = [*result.cases[:5]]
    cases = tuple(
        each if i < len(cued) else replace(each, words=tuple("x" if w == "yesterday" else w for w in each.words))
        for i, each in enumerate(cases)
    )
    shown = opened(gate_page(replace(result, cases=cases)))
    visible = shown.locator(".case:visible")
    assert visible.count() == len(cases)
    for label, expected in [
        ("with the cue", sum("yesterday" in each.words for each in cases)),
        ("B-LOC", sum(each.tags == ("B-LOC",) for each in cases)),
        ("B-PER", sum(each.tags == ("B-PER",) for each in cases)),
        ("all", len(cases)),
    ]:
        shown.locator(".filter label", has_text=label).click()
        assert visible.count() == expected, label
    shown.keyboard.press("ArrowRight")  # radio buttons by the keyboard
    assert visible.count() < len(cases)


def test_colours_are_each_sides_own_scale(opened: Callable[..., Page]) -> None:  # noqa: F811
    result = failed()
    case = result.cases[0]
    shown = opened(gate_page(result))
    fractions = (
        shown.locator(".case")
        .first.locator(".sides > div")
        .nth(1)
        .locator(".chip")
        .evaluate_all("all => all.map(e => parseFloat(e.style.getPropertyValue('--f')))")
    )
    top = max(map(abs, case.candidate))
    assert fractions == pytest.approx([abs(value) / top for value in case.candidate], abs=1e-3)


def test_layers_open(opened: Callable[..., Page]) -> None:  # noqa: F811
    shown = opened(gate_page(failed()), size=SIZES[0])
    first = shown.locator(".case details").first
    first.locator("summary").click()
    assert first.locator("tbody tr").count() == 3
    assert shown.evaluate("document.documentElement.scrollWidth") <= SIZES[0][0]
