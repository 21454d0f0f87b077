"""The page in headless Chromium: quiet console, no request, no sideways scrolling, on phone and desktop."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import samples

from interp.explanation import Explanation
from interp.report.html.pages import explanations_page, notebook_frame
from interp.summary import compare_summaries, summarise
from interp.summary.report import summary_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CASES: dict[str, Callable[[], list[Explanation]]] = {
    "article": lambda: [samples.article()],
    "not-converged": lambda: [samples.not_converged()],
    "without-parts": lambda: [samples.without_parts()],
    "hostile": lambda: [samples.hostile()],
    "long": lambda: [samples.long()],
    "methods": lambda: samples.by_methods(),
    "references": lambda: [samples.article(), samples.article("mask")],
}
SIZES = ((390, 844), (1280, 900))
SCHEMES = ("light", "dark")


@cache
def page_of(case: str) -> str:
    return explanations_page(CASES[case]())


def chromium() -> str | None:
    """INTERP_CHROMIUM, or the first Chromium that is installed."""
    return os.environ.get("INTERP_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        why = "no Chromium is installed: apt-get install chromium, or set INTERP_CHROMIUM"
        if os.environ.get("INTERP_REQUIRE_BROWSER") == "1":
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=[*QUIET, *["--no-sandbox"] * root])
        yield started
        started.close()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Page:
    return browser.new_page()


@pytest.fixture
def opened(tab: Page, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a document and, at the end, fails on whatever it said or asked for."""
    path = tmp_path / "page.html"
    said: list[str] = []
    listeners: dict[str, Callable[[Any], None]] = {
        "console": lambda message: said.append(f"console: {message.text}"),
        "pageerror": lambda error: said.append(f"page error: {error}"),
        "request": lambda request: said.append(f"request: {request.url}"),
    }

    def open_page(text: str, size: tuple[int, int] = SIZES[1]) -> Page:
        path.write_text(text, encoding="utf-8")
        tab.set_viewport_size({"width": size[0], "height": size[1]})
        tab.goto(path.as_uri())
        return tab

    for event, listener in listeners.items():
        tab.on(event, listener)
    yield open_page
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)
    assert set(said) <= {f"request: {path.as_uri()}", "request: about:srcdoc"}


@pytest.mark.parametrize("case", CASES)
def test_page_is_quiet_and_never_scrolls_sideways(opened: Callable[..., Page], case: str) -> None:
    shown = opened(page_of(case))
    for scheme in SCHEMES:
        shown.emulate_media(color_scheme=scheme)
        for width, height in SIZES:
            shown.set_viewport_size({"width": width, "height": height})
            assert shown.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)
            shown.evaluate("window.scrollTo(9999, 0)")
            assert shown.evaluate("window.scrollX") == 0, (scheme, width)


def test_wide_tables_scroll_in_their_own_box(opened: Callable[..., Page]) -> None:
    shown = opened(page_of("long"), size=SIZES[0])
    heat = shown.locator(".scroll:has(.heat)")
    assert heat.evaluate("box => box.scrollWidth > box.clientWidth")
    assert heat.evaluate("box => (box.scrollLeft = 200, box.scrollLeft)") == 200


def test_light_and_dark_differ_and_text_follows(opened: Callable[..., Page]) -> None:
    grounds = set()
    shown = opened(page_of("article"))
    for scheme in SCHEMES:
        shown.emulate_media(color_scheme=scheme)
        grounds.add(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
        ink = shown.evaluate("getComputedStyle(document.body).color")
        assert shown.evaluate("getComputedStyle(document.querySelector('figure svg text')).fill") == ink
    assert len(grounds) == 2


def test_bars_and_cells_are_drawn_to_scale(opened: Callable[..., Page]) -> None:
    explanation = samples.article()
    shown = opened(page_of("article"))
    bars = shown.locator(".words .bar > span")
    widths = bars.evaluate_all("all => all.map(e => e.getBoundingClientRect().width)")
    scale = widths[12] / explanation.attributions[12]
    for width, value in zip(widths, explanation.attributions, strict=True):
        assert width == pytest.approx(abs(value) * scale, abs=1)
    rob, surprise = (bars.nth(index).bounding_box() for index in (10, 12))
    assert rob is not None
    assert surprise is not None
    assert rob["x"] + rob["width"] == pytest.approx(surprise["x"], abs=1)
    grounds = shown.locator(".heat tbody tr:first-child td").evaluate_all(
        "all => all.map(e => getComputedStyle(e).backgroundColor)"
    )
    assert len(set(grounds)) > 3


def test_hostile_words_stay_text(opened: Callable[..., Page]) -> None:
    shown = opened(page_of("hostile"))
    assert shown.locator("script, img, .card b, .card i, .card u").count() == 0
    assert shown.locator(".words tbody th").nth(1).inner_text() == "<script>alert(1)</script>"
    numbers = (
        shown.locator(".words tbody tr")
        .nth(8)
        .locator("td")
        .evaluate_all("all => all.map(e => e.getBoundingClientRect().x)")
    )
    assert numbers == sorted(numbers)


FRAMES: dict[str, Callable[[], list[Explanation]]] = {
    "none": lambda: [],
    **{case: CASES[case] for case in ("article", "hostile", "references")},
}
HEIGHTS = """frame => [
    frame.clientHeight,
    Math.ceil(frame.contentDocument.body.getBoundingClientRect().height),
    frame.contentDocument.documentElement.scrollHeight,
]"""
PUT = """(main, html) => new Promise(loaded => {
    main.innerHTML = html;
    main.firstChild.addEventListener('load', loaded);
})"""
FITS = f"frame => new Set(({HEIGHTS})(frame)).size == 1"


def notebook(opened: Callable[..., Page], explanations: list[Explanation], size: tuple[int, int]) -> Page:
    """A page of another program with the frame inserted into it."""
    shown = opened("<!doctype html><p>before</p><main></main><p>behind</p>", size=size)
    shown.locator("main").evaluate(PUT, notebook_frame(explanations))  # as front ends put an output in place
    return shown


@pytest.mark.parametrize("case", FRAMES)
def test_a_notebook_frame_is_as_high_as_its_page(opened: Callable[..., Page], case: str) -> None:
    shown = notebook(opened, FRAMES[case](), SIZES[1])
    for scheme in SCHEMES:
        shown.emulate_media(color_scheme=scheme)
        for width, height in (*SIZES, SIZES[0]):
            shown.set_viewport_size({"width": width, "height": height})
            frame = shown.locator("iframe").element_handle()
            shown.wait_for_function(FITS, arg=frame)
            assert shown.frame_locator("iframe").locator("html").evaluate("e => e.scrollWidth <= e.clientWidth")


def test_a_notebook_frame_follows_what_is_opened_in_it_and_its_contents_lead_inside(
    opened: Callable[..., Page],
) -> None:
    shown = notebook(opened, FRAMES["references"](), SIZES[1])
    frame, inside = shown.locator("iframe"), shown.frame_locator("iframe")
    before = frame.evaluate(HEIGHTS)[0]
    for grows in (True, False):
        inside.locator("summary").first.click()
        shown.wait_for_function(FITS, arg=frame.element_handle())
        assert (frame.evaluate(HEIGHTS)[0] > before) == grows
    inside.locator("nav a").nth(1).click()
    assert frame.evaluate("frame => frame.contentDocument.location.href") == "about:srcdoc#e2"
    assert shown.evaluate("window.scrollY") > 1000


def test_a_notebook_that_runs_no_script_shows_the_page_in_a_frame_that_scrolls(
    browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><body>{notebook_frame([samples.hostile()])}", encoding="utf-8")
    shown = browser.new_page(java_script_enabled=False)
    shown.goto(path.as_uri())
    box = shown.locator("iframe").bounding_box()
    assert box is not None and box["height"] == 46 * 16
    assert "speaks most for" in shown.frame_locator("iframe").locator("h2").first.inner_text()
    shown.close()


def told_summary(tmp_path: Path) -> str:
    """Of made records, with a word that would be markup."""
    from test_summary import made, written

    records = [
        replace(record, words=tuple("<b>said" if word == "said" else word for word in record.words))
        for record in made(60)
    ]
    summary = summarise(written(tmp_path / "r", records))
    return summary_page(summary, compare_summaries(summary, summary, 4))


def test_a_summary_is_quiet_and_its_columns_sort(browser: Browser, tmp_path: Path) -> None:
    document = told_summary(tmp_path)
    for width, height in SIZES:
        for scheme in SCHEMES:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            said: list[str] = []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.on("request", lambda request, said=said: said.append(request.url))
            page.set_content(document)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            table = page.locator("table.sortable").first
            table.get_by_role("button", name="mean").click()
            shown = table.locator("tbody tr").evaluate_all("rows => rows.map(row => +row.cells[1].dataset.value)")
            assert len(shown) > 3 and shown == sorted(shown, reverse=True)
            table.get_by_role("button", name="mean").click()
            again = table.locator("tbody tr").evaluate_all("rows => rows.map(row => +row.cells[1].dataset.value)")
            assert again == sorted(shown)
            assert table.locator("th[aria-sort=ascending]").count() == 1
            table.locator("summary").first.click()
            assert table.locator("details[open] mark").first.is_visible()
            assert page.locator("tbody b").count() == 0
            assert said == []
            page.close()
