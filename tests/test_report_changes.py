"""Failures and changes as text, terminal and page: the worst first, nothing too wide, and no word is obeyed."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html import unescape
from typing import TYPE_CHECKING

import numpy as np
import pytest
import samples
from rich.cells import cell_len
from rich.console import Console
from test_browser import SCHEMES, SIZES, browser  # noqa: F401 - a fixture
from test_report import EVERY, Reader

from interp.cases.checks import Verdict
from interp.explanation import Explanation
from interp.golden import Comparison, Policy, Promise, compare_goldens, golden_of
from interp.report import compared
from interp.report.failures import FailedCase, Failure
from interp.report.html.pages import changes_page, failure_page, index_page
from interp.report.terminal.changes import show_changes
from interp.report.terminal.failure import failure_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OTHER = "77ab" * 16
ACCEPT = "When this is right, write\n  top = ['surprise']\nor accept it: pytest --snapshot-update"


def moved(shown: Explanation, sha256: str | None = None, by: float = 0.5) -> Explanation:
    """The same question with other numbers, perhaps of other weights computed by another torch."""
    draw = np.random.default_rng(1)
    words = tuple(replace(word, attribution=word.attribution * 0.7 + float(draw.normal(0, by))) for word in shown.words)
    layers = tuple(tuple(value * 0.8 + float(draw.normal(0, by)) for value in layer) for layer in shown.layers)
    changed = replace(shown, words=words, layers=layers)
    if sha256 is None:
        return changed
    run = replace(shown.run, versions={**shown.run.versions, "torch": "2.14.0"}, device="cuda")
    return replace(changed, model=replace(shown.model, sha256=sha256), run=run)


def comparison(old: Explanation, new: Explanation, tolerance: float = 1e-3, *, strict: bool = False) -> Comparison:
    return compare_goldens(golden_of(old, tolerance), golden_of(new, tolerance), Policy(tolerance, strict=strict))


def failure(shown: Explanation, sentence: str = "surprise leads for B-PER on Rob, expected lucky.") -> Failure:
    notes = {2: "expected 1st", len(shown.words) - 2: "share 0.012, expected >= 0.4"}
    return Failure(
        "top", Verdict(passed=False, sentence=sentence, expected="lucky", actual="surprise", notes=notes), ACCEPT
    )


def named() -> list[tuple[str, Comparison]]:
    """Two that did not move, one within its tolerance, and one of each rule."""
    article, hostile = samples.article(), samples.hostile()
    return [
        ("same", comparison(article, article)),
        ("same too", comparison(hostile, hostile)),
        ("within", comparison(article, moved(article, by=0), 0.5)),
        ("leaders", comparison(article, moved(article, OTHER, by=0.1))),
        ("strict", comparison(article, moved(article, OTHER, by=2), strict=True)),
        ("[bold]<b>\x1b[31mnumbers", comparison(hostile, moved(hostile))),
        ("question", comparison(article, samples.long())),
        ("long", comparison(samples.long(), moved(samples.long()))),
    ]


def terminal(
    goldens: list[tuple[str, Comparison]], width: int = 80, encoding: str = "utf-8", most: int = 10, **options: object
) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    show_changes(goldens, Console(file=file, width=width, **options), most)  # type: ignore[arg-type]
    file.flush()
    return raw.getvalue().decode(encoding)


# What failed, as text


@EVERY
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("golden", ["none", "same", "moved"])
def test_failure_fits_and_never_steers(
    make: Callable[[], Explanation], width: int, encoding: str, golden: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    old = make()
    shown = moved(old) if golden == "moved" else old
    done = None if golden == "none" else comparison(old, shown)
    first, *lines = failure_text(failure(shown), shown, done, width, encoding).split("\n")
    assert first == "surprise leads for B-PER on Rob, expected lucky."
    assert max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066\u2067\u200d]", text)
    assert not re.search(r"\b(nan|inf)\b", text)
    assert not set(text) & set("│█▌▐…→") or encoding == "utf-8"
    text.encode(encoding)


@EVERY
def test_failure_says_what_a_stranger_needs(make: Callable[[], Explanation]) -> None:
    shown = make()
    text = failure_text(failure(shown), shown, None)
    flat = " ".join(text.split())
    assert "sha256 3f9a3f9a3f9a, on cpu in float32" in flat
    assert "top expected lucky" in flat
    assert "got surprise" in flat
    embedding = shown.completeness.embedding
    assert embedding is not None
    assert f"integration error {embedding.estimate:.1e} embedding" in flat
    assert flat.endswith(" ".join(ACCEPT.split()))
    assert "\n  top = ['surprise']\n" in text
    assert re.search(r"^.*expected 1st$", text, flags=re.MULTILINE)
    assert re.search(r"^\*Rob(#1)?\*", text, flags=re.MULTILINE)
    assert "*Rob" in flat.partition("top expected")[0]


def test_a_sentence_is_one_line_even_when_it_is_hostile() -> None:
    shown = samples.hostile()
    text = failure_text(failure(shown, "a\nb\x1b[31m" + "c" * 200), shown, None, 40)
    assert text.splitlines()[0] == r"a\x0ab\x1b[31m" + "c" * 200


def test_failure_of_a_short_sentence_is_short() -> None:
    old = samples.article()
    new = moved(old, OTHER)
    done = comparison(old, new, strict=True)
    told = Failure(
        "golden",
        Verdict(passed=False, sentence=done.failures[0], expected="B-PER", actual="B-PER"),
        "pytest --snapshot-update",
    )
    assert len(failure_text(told, new, done).splitlines()) <= 35


def test_failure_shows_every_value_that_it_names() -> None:
    shown = samples.article()
    text = failure_text(failure(shown), shown, None)
    rows = [line.split() for line in text.splitlines() if "│" in line]
    values = {word.text: f"{word.attribution:+.3f}" for word in shown.words}
    assert all(values[row[0].strip("*")] == row[1] for row in rows)
    listed = [float(row[1]) for row in rows]
    assert listed == sorted(listed, reverse=True)
    [rest] = [line for line in text.splitlines() if line.startswith("…")]
    assert float(rest.rpartition(" ")[2]) == pytest.approx(shown.score - sum(listed), abs=0.01)
    assert len(rows) + sum(map(int, re.findall(r"\d+(?= more| special)", rest))) == len(shown.words)


def test_failure_lists_what_moved_most_and_what_else_differs() -> None:
    old = samples.article()
    new = moved(old, OTHER)
    done = comparison(old, new, strict=True)
    text = failure_text(failure(new), new, done)
    listed = re.findall(r"^(\S+) \((.+?)\) +(\S+) → +(\S+) +(\S+)$", text, flags=re.MULTILINE)
    assert [(name, group) for name, group, *_ in listed] == [(x.name, x.group) for x in done.changes[:5]]
    assert [row[4] for row in listed] == [compared.tolerances(change.moved) for change in done.changes[:5]]
    flat = " ".join(text.split())
    assert "word golden now" in flat
    assert Promise.STRICT.value in flat
    assert "golden accepted with: sha256 3f9a3f9a3f9a, device cpu, torch 2.13.0" in flat
    assert "now: sha256 77ab77ab77ab, device cuda, torch 2.14.0" in flat
    assert "transformers" not in flat


def test_failure_with_a_golden_that_agrees_says_so_in_a_line() -> None:
    shown = samples.article()
    text = failure_text(failure(shown), shown, comparison(shown, shown))
    assert "The golden agrees: no number moved by more than the tolerance." in text
    assert "Moved most" not in text


def test_failure_of_another_question_says_what_was_asked() -> None:
    shown = samples.long()
    done = comparison(samples.article(), shown)
    flat = " ".join(failure_text(failure(shown), shown, done).split())
    assert Promise.QUESTION.value in flat
    assert "The target was Rob @10 and is Rob @60." in flat
    assert "agrees" not in flat


def test_a_long_sentence_is_cut_around_the_target() -> None:
    words = [*(f"a{k}" for k in range(200)), "Rob", "lead", *(f"b{k}" for k in range(200))]
    shown = samples.make(words, target="Rob", leader="lead")
    sentence = failure_text(failure(shown), shown, None).partition("top expected")[0].split()
    assert sentence[-1] == sentence[sentence.index("…")] == "…"
    assert {"a170", "*Rob*", "b28"} <= set(sentence)
    assert not {"a169", "b29"} & set(sentence)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.04, "0.0"), (1.0, "1.0"), (99.94, "99.9"), (99.96, "100"), (12345.0, ">9999"), (float("inf"), ">9999")],
)
def test_tolerances_are_finite_text(number: float, text: str) -> None:
    assert compared.tolerances(number) == text


# What moved, in the terminal


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_changes_fit_and_never_steer(width: int, encoding: str) -> None:
    shown = terminal(named(), width, encoding)
    assert max(map(cell_len, shown.splitlines())) <= width
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066\u2067\u200d]", shown)
    assert not re.search(r"\b(nan|inf)\b", shown)
    assert r"[bold]<b>\x1b[31mnumbers" in shown


def test_changes_stand_worst_first_and_the_rest_is_counted() -> None:
    goldens = named()
    lines = terminal(goldens, 120).splitlines()
    heads = [
        line.rsplit("  ", 1) for line in map(str.rstrip, lines) if line.rstrip().endswith(("  CHANGED", "  holds"))
    ]
    moves = {name: done.changes[0].moved if done.changes else np.inf for name, done in goldens}
    told = sorted((name for name, done in goldens if done.beyond or not done.passed), key=lambda name: -moves[name])
    assert [name for name, _ in heads] == [name.replace("\x1b", r"\x1b") for name in told]
    assert dict(heads)["leaders"] == "holds"
    last = "1 golden moved within the tolerance, at most by 0.5 of the tolerance (within); 2 goldens did not move."
    assert lines[-1].rstrip() == last


def test_changes_say_rule_leaders_tag_and_header() -> None:
    old = samples.article()
    new = moved(old, OTHER, by=2)
    new = replace(new, target=replace(new.target, predicted=("B-ORG",)))
    done = comparison(old, new)
    text = terminal([("case", done)], 120, most=3)
    flat = " ".join(text.split())
    assert done.rule.value in flat
    assert all(failure in flat for failure in done.failures)
    assert "tag B-PER → B-ORG" in flat
    before, after = (", ".join(golden.names[i] for i in golden.ranked[:3]) for golden in (done.old, done.new))
    assert f"leading words {before} → {after}" in flat
    assert "torch 2.13.0 → 2.14.0" in flat
    assert "transformers" not in flat
    assert len(re.findall(r" → +[+-]\d\S+ +\S+$", text.replace(" \n", "\n"), flags=re.MULTILINE)) <= 3


def test_a_word_that_turned_is_said_to_hold_by_design_where_it_does() -> None:
    article = samples.article()
    words = tuple(
        replace(word, attribution=-3.76 if word.text == "win" else word.attribution) for word in article.words
    )
    turned = replace(article, words=words, model=replace(article.model, sha256=OTHER))
    sentence = (
        '"win" turned from +0.016 to -3.760: this holds by design, as other weights are held to the leading words'
    )
    text = " ".join(terminal([("turned", comparison(article, turned))], width=160).split())
    assert text.count(sentence) == 1
    assert sentence in unescape(changes_page([("turned", comparison(article, turned))]))
    for other in (comparison(article, turned, strict=True), comparison(article, replace(turned, model=article.model))):
        assert "by design" not in terminal([("turned", other)])


def test_changes_of_nothing_and_of_a_tag_alone() -> None:
    assert terminal([]).strip() == "There is no golden to compare."
    old = samples.article()
    new = replace(old, target=replace(old.target, predicted=("B-ORG",)))
    text = terminal([("case", comparison(old, new))])
    assert "The tag was B-PER and is B-ORG." in text
    assert "Moved most" not in text


def test_colour_adds_nothing_but_colour() -> None:
    plain, coloured = terminal(named()), terminal(named(), force_terminal=True, color_system="truecolor")
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_moves_belong_to_their_numbers() -> None:
    old = samples.repeated()
    done = comparison(old, moved(old))
    by_name = {(change.group, change.name): change.moved for change in done.changes}
    for group in done.old.groups:
        expected = [by_name.get((group, done.old.label(group, k)), 0) for k in range(len(done.old.groups[group]))]
        assert compared.moves(done, group) == expected


def test_headers_may_lack_anything() -> None:
    shown = samples.article()
    done = comparison(shown, moved(shown))
    bare = {key: value for key, value in done.old.header.items() if key in ("model", "tolerance", "integration")}
    rows = compared.header_rows(replace(done, old=replace(done.old, header={**bare, "versions": 3})))
    assert ("torch", "", "2.13.0", True) in [(row.name, row.old, row.new, row.differs) for row in rows]


# Pages


def failing() -> str:
    article = samples.article()
    other = moved(article, OTHER)
    done = comparison(article, other, strict=True)
    told = Failure("golden", Verdict(passed=False, sentence=done.failures[0], expected="B-PER", actual="B-PER"), ACCEPT)
    return failure_page("cases.toml::rob", [failure(article), told], other, done)


def attacked() -> str:
    hostile = samples.hostile()
    evil = failure(hostile, "<script>alert(1)</script>\x1b[31m")
    evil = replace(evil, check="<i>top</i>", accept="<b>run</b>\n  a\u202e")
    return failure_page("<b>rob</b>", [evil], moved(hostile), comparison(hostile, moved(hostile)))


def of_long(old: Explanation) -> str:
    new = moved(samples.long())
    return failure_page("rob", [failure(new)], new, comparison(old, new))


PAGES: dict[str, Callable[[], str]] = {
    "changes": lambda: changes_page(named()),
    "no changes": lambda: changes_page(named()[:2]),
    "failure": failing,
    "no golden": lambda: failure_page("rob", [failure(samples.article())], samples.article(), None),
    "hostile": attacked,
    "question": lambda: of_long(samples.article()),
    "long": lambda: of_long(samples.long()),
    "index": lambda: index_page(
        [FailedCase("a.html", "<b>rob</b>\x07", ("<i>one</i>", "two")), FailedCase("b.html", "x" * 300, ())]
    ),
    "no entries": lambda: index_page([]),
}


@cache
def page_of(name: str) -> str:
    return PAGES[name]()


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_self_contained_and_obey_no_word(name: str) -> None:
    text = page_of(name)
    reader = Reader(text)
    assert not {"script", "img", "link", "iframe", "i", "b", "u"} & set(reader.tags)
    assert not [key for key, _ in reader.attributes if key.startswith("on")]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert not re.search(r"url\((?!#)|@import", text)
    assert not re.search(r"\b(nan|inf)\b", reader.text)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in reader.values("content")
    ids = reader.values("id")
    assert len(ids) == len(set(ids))


def test_failure_page_holds_checks_golden_and_explanation_in_this_order() -> None:
    text = Reader(page_of("failure")).text
    places = [
        text.index(part)
        for part in (
            "surprise leads for B-PER on Rob, expected lucky.",
            "How to accept it",
            "pytest --snapshot-update",
            "Golden beside now",
            Promise.STRICT.value,
            "Layers: now minus golden",
            "Moved most",
            "Computed with",
            "surprise speaks most for B-PER on Rob",
        )
    ]
    assert places == sorted(places)
    assert text.count("numbers moved by more than the tolerance") == 1


def test_failure_page_with_a_golden_that_agrees_does_not_show_it_twice() -> None:
    shown = samples.article()
    reader = Reader(failure_page("rob", [failure(shown)], shown, comparison(shown, shown)))
    assert "The golden agrees: no number moved by more than the tolerance." in reader.text
    assert "Computed with" in reader.text
    assert "now minus golden" not in reader.text
    assert "words two" not in reader.values("class")


def test_pages_show_the_numbers_of_the_comparison() -> None:
    article = samples.article()
    done = comparison(article, moved(article, OTHER), strict=True)
    rows = Reader(page_of("failure")).rows
    first = [row for row in rows if len(row) == 8 and row[1] == "surprise"]
    old, new = done.old.attributions[12], done.new.attributions[12]
    assert first == [["12", "surprise", f"{old:+.3f}", "", f"{new:+.3f}", "", f"−{old - new:.3f}", "141"]]
    assert ["torch", "2.13.0", "≠", "2.14.0"] in rows
    assert [row[0] for row in rows if len(row) == 5 and row[1].startswith(("layer", "attribution"))][:5] == [
        change.name for change in done.changes[:5]
    ]


def test_a_model_of_other_layers_is_shown_by_those_that_both_have() -> None:
    words = samples.ARTICLE.split()
    old, new = (samples.make(words, target="Rob", leader="surprise", layers=layers) for layers in (12, 6))
    done = comparison(old, moved(new, "ff" * 32))
    html = changes_page([("rob", done)])
    assert "layer 6" in html and "layer 7" not in html
    told = Failure("golden", Verdict(passed=False, sentence="Moved.", expected="B-PER", actual="B-PER"), ACCEPT)
    assert "layer 7" not in failure_text(told, new, done)


def test_changes_page_stands_worst_first_and_counts_the_rest() -> None:
    text = Reader(page_of("changes")).text
    contents = text[: text.index("answers another question")]
    places = [contents.index(f"\n{name} ") for name in ("question", "strict", "leaders")]
    assert places == sorted(places)
    assert "2 goldens did not move." in text
    assert "2 goldens did not move." in Reader(page_of("no changes")).text


def test_index_links_its_pages() -> None:
    reader = Reader(page_of("index"))
    assert reader.values("href") == ["a.html", "b.html"]
    assert r"<b>rob</b>\x07" in reader.text
    assert "<i>one</i>" in reader.text
    assert "No case failed." in Reader(page_of("no entries")).text


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Page:  # noqa: F811 - the fixture that is imported
    return browser.new_page()


@pytest.mark.parametrize("name", PAGES)
def test_pages_never_scroll_sideways(tab: Page, name: str) -> None:
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda problem: said.append(str(problem)))
    tab.set_content(page_of(name))
    for scheme in SCHEMES:
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width, height in SIZES:
            tab.set_viewport_size({"width": width, "height": height})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)
    assert not said


def test_both_bars_of_a_word_share_one_scale(tab: Page) -> None:
    article = samples.article()
    done = comparison(article, moved(article, OTHER), strict=True)
    tab.set_viewport_size({"width": SIZES[1][0], "height": SIZES[1][1]})
    tab.set_content(page_of("failure"))
    widths = tab.locator(".two .bar > span").evaluate_all("all => all.map(e => e.getBoundingClientRect().width)")
    values = [value for pair in zip(done.old.attributions, done.new.attributions, strict=True) for value in pair]
    assert len(widths) == len(values)
    scale = widths[24] / values[24]
    assert widths == pytest.approx([abs(value) * scale for value in values], abs=1)
