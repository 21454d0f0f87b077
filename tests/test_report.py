"""The report shows what the data says: numbers and signs arrive unchanged, and no word is obeyed."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import samples
from matplotlib import pyplot
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from rich.cells import cell_len
from rich.console import Console

from interp.errors import InputError, OutputError
from interp.explanation import Explanation, Reference, View
from interp.explanation.agreement import reference_agreements
from interp.question import Positions
from interp.report import facts, number_formats
from interp.report.figures import draw, save
from interp.report.html.pages import explanations_page, notebook_frame
from interp.report.terminal.explanation import show_explanations
from interp.report.terminal.marks import ASCII, UNICODE, Glyphs, bar, box, cell, quartiles
from interp.report.text import isolated, visible

MAKERS: dict[str, Callable[[], Explanation]] = {
    "article": samples.article,
    "not-converged": samples.not_converged,
    "negligible": samples.negligible,
    "without-parts": samples.without_parts,
    "hostile": samples.hostile,
    "repeated": samples.repeated,
    "long": samples.long,
}
EVERY = pytest.mark.parametrize("make", list(MAKERS.values()), ids=list(MAKERS))


def terminal(*explanations: Explanation, width: int = 80, encoding: str = "utf-8", **options: object) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    show_explanations(explanations, Console(file=file, width=width, **options))  # type: ignore[arg-type]
    file.flush()
    return raw.getvalue().decode(encoding)


@cache
def page_of(make: Callable[[], Explanation]) -> str:
    return explanations_page([make()])


class Reader(HTMLParser):
    """A page as its tags, its attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1] and data.strip():
            self.rows[-1][-1] += data.strip()

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


def test_samples_are_complete() -> None:
    for make in MAKERS.values():
        shown = make()
        ends = shown.completeness.embedding
        total = ends.at_input - ends.at_reference
        assert np.allclose([*map(sum, shown.layers), shown.score], total)


# Words made safe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rob", "Rob"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b\x00\r\n\t\x7f", r"\x9b\x00\x0d\x0a\x09\x7f"),
        ("\u202eevil\u2066", "‹U+202E›evil‹U+2066›"),
        ("a\u200bb\ufeff\u2028", "a‹U+200B›b‹U+FEFF›‹U+2028›"),
        ("\ud800", "‹U+D800›"),
        ("東京 é محمد", "東京 é محمد"),
    ],
)
def test_controls_are_spelled_out(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_what_an_encoding_lacks_is_spelled_out() -> None:
    assert visible("é東\u202e", "ascii") == r"\xe9\u6771<U+202E>"
    assert visible("é東", "latin-1") == r"é\u6771"


def test_only_right_to_left_words_are_isolated() -> None:
    assert isolated("محمد") == "\u2068محمد\u2069"
    assert isolated("Rob") == "Rob"


# Number formats and sentences


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([9.74, -0.523], ["+9.740", "-0.523"]),
        ([123.4, 0.01], ["+123.4", "0.0"]),
        ([0.00213, -0.0000001], ["+0.002130", "0.000000"]),
        ([3e-9, -1e-9], ["+3.000e-09", "-1.000e-09"]),
        ([0.0], ["0.000"]),
        ([float("inf"), 1.0], ["+inf", "+1.000"]),
    ],
)
def test_numbers_carry_a_sign_unless_they_show_as_zero(values: list[float], expected: list[str]) -> None:
    assert list(map(number_formats.signed(values), values)) == expected


def test_probability_is_never_rounded_up_to_certainty() -> None:
    assert [number_formats.probability(p) for p in (None, 0.5, 0.99999, 1.0)] == ["", "0.5000", ">.9999", "1.0000"]


def test_a_word_that_may_be_several_is_noted() -> None:
    explanation = samples.make(["小明住在北京", "Rob"], target="Rob", leader="Rob")
    [note] = facts.notes(explanation)
    assert note.startswith('"小明住在北京" holds several characters of a script without spaces')
    assert not facts.notes(samples.make(["北京", "Rob"], target="Rob", leader="Rob"))


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ("mean", "every position becomes the mean of all that the model has"),
        ("zero", "every position becomes the first real one, as published"),
        ("same", "positions stay"),
    ],
)
def test_the_reference_says_where_its_words_stand(positions: Positions, expected: str) -> None:
    """Where there is a table of positions to be split; words and layers know nothing of it."""
    shown = replace(samples.article(), reference=Reference("pad", positions))
    words = "pad: every sub-token but [CLS] and [SEP] becomes [PAD]"
    assert facts.reference(shown) == f"{words}; on the component path {expected}"
    assert expected in " ".join(terminal(shown).split())
    assert facts.reference(replace(shown, components=None)) == words


def headline(shown: Explanation) -> str:
    return "".join(text for _, text in facts.headline(shown))


def test_headline_answers_for_the_sentence() -> None:
    assert headline(samples.article()) == "surprise speaks most for B-PER on Rob: +9.74 of +10.03 logits"
    contrast = "lucky speaks most for B-PER I-PER rather than B-ORG I-ORG on Rob Rob: +9.740 logits"
    assert headline(samples.repeated()) == f"{contrast}, all words together +9.474"


def test_headline_when_no_word_speaks_for_the_tag() -> None:
    shown = samples.article()
    words = tuple(replace(word, attribution=-1.0 - word.index) for word in shown.words)
    assert headline(replace(shown, words=words)).startswith(
        "No word speaks for B-PER on Rob; least against is Soccer: -2.0"
    )


def test_only_one_question_under_two_references_is_compared() -> None:
    pad, mask = samples.article(), samples.article("mask")
    [(one, found)] = reference_agreements([pad, mask, samples.repeated()])
    assert one is pad
    assert (found.first, found.second) == ("pad", "mask")
    assert not list(reference_agreements([pad, pad]))


# Marks


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_bars_grow_with_the_value_on_the_side_of_its_sign(glyphs: Glyphs) -> None:
    values = [-4.0, -1.0, -1e-9, 0.0, 1e-9, 3.0, 8.0]
    drawn = [bar(value, -4, 8, 31, glyphs) for value in values]
    assert {len(line) for line in drawn} == {31}
    assert len({line.index(glyphs.axis) for line in drawn}) == 1
    sides = [line.split(glyphs.axis) for line in drawn]
    lengths = [(len(left.strip()), len(right.strip())) for left, right in sides]
    assert lengths == [(10, 0), (3, 0), (1, 0), (0, 0), (0, 1), (0, 8), (0, 20)]


def test_bars_of_nothing_and_of_one_sign() -> None:
    assert bar(0, 0, 0, 9, ASCII) == "|        "
    assert bar(2, 0, 2, 9, ASCII) == "|++++++++"
    assert bar(-2, -2, 0, 9, ASCII).rstrip() == "-------|"


def test_cells_carry_sign_and_size() -> None:
    assert [cell(v, 8, ASCII) for v in (8, -8, 2, -0.09, 0.01, 0)] == ["+100", "-100", "+25", "-1", ".", "."]


def test_quartiles_and_boxes() -> None:
    values = list(np.random.default_rng(1).normal(size=37))
    assert np.allclose(quartiles(values), np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    assert box([0, 1, 2, 3, 4], 0, 8, 9, ASCII) == "-#|#-    "
    assert box([1, 1], 1, 1, 5, ASCII).strip() == "|"


# Terminal


@EVERY
@pytest.mark.parametrize(
    ("width", "encoding"), [(40, "utf-8"), (80, "utf-8"), (80, "cp1252"), (40, "ascii"), (140, "ascii")]
)
def test_terminal_is_never_wider_and_never_steered(make: Callable[[], Explanation], width: int, encoding: str) -> None:
    shown = terminal(make(), width=width, encoding=encoding)
    assert max(map(cell_len, shown.splitlines())) <= width
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066\u2067\u200d]", shown)
    if encoding == "ascii":
        assert shown.isascii()


def test_terminal_words_show_the_data() -> None:
    explanation = samples.article()
    lines = terminal(explanation, width=100).splitlines()
    for word in explanation.words:
        [line] = [line for line in lines if re.match(rf"\s*@{word.index} ", line) and "│" in line]
        name = f"*{word.text}*" if word.text == "Rob" else word.text
        share = abs(word.attribution) / sum(map(abs, explanation.attributions))
        assert line.split()[1] == name
        assert f"{word.attribution:+.3f}".replace("+0.000", " 0.000") in line
        assert f"{share:.1%}" in line
        assert (word.tag or "–") in line.split()
        left, right = line.split("│")
        assert left.endswith("▐") or left.endswith("█") if word.attribution < 0 else left.endswith(" ")
        assert bool(right.strip()) == (word.attribution > 0)


def test_terminal_sentence_marks_entities_without_colour() -> None:
    shown = " ".join(terminal(samples.article(), width=140).split())
    assert "Soccer - Steve[B-PER 1.00] Tiger[I-PER 0.99] gets a lucky win , *Rob*[B-PER 1.00] in" in shown


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_terminal_heatmap_shows_every_layer_and_word(encoding: str) -> None:
    explanation = samples.long()
    shown = terminal(explanation, width=80, encoding=encoding)
    glyphs = ASCII if encoding == "ascii" else UNICODE
    top = max(map(number_formats.largest, explanation.layers))
    for layer, values in enumerate(explanation.layers, start=1):
        blocks = re.findall(rf"^L{layer} +(.*)$", shown, flags=re.MULTILINE)
        assert " ".join(blocks).split() == [cell(value, top, glyphs) for value in values]
    assert facts.LAYERS_NOTE in " ".join(shown.split())


def test_terminal_colour_adds_nothing_but_colour() -> None:
    plain = terminal(samples.article(), samples.article("mask"), width=100)
    coloured = terminal(
        samples.article(), samples.article("mask"), width=100, force_terminal=True, color_system="truecolor"
    )
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_terminal_takes_no_markup_from_words() -> None:
    shown = " ".join(terminal(samples.hostile(), width=140).split())
    assert "[bold]markup[/bold]" in shown
    assert r"\x1b[31mred\x1b[0m" in shown
    assert "‹U+202E›evil‹U+202C›" in shown


def test_terminal_says_what_is_absent_and_what_did_not_converge() -> None:
    absent = " ".join(terminal(samples.without_parts()).split())
    assert "token-type table: DistilBERT has no token-type table" in absent
    stuck = " ".join(terminal(samples.not_converged()).split())
    assert "2.3e-02 > 1.0e-03 257 7.2e-05 NOT-CONVERGED" in stuck
    assert "components path: The tolerance was not met" in stuck
    assert "raise `max_evaluations` or `tolerance`" in stuck


def test_terminal_compares_references() -> None:
    pair = samples.article(), samples.article("mask")
    [(_, found)] = reference_agreements(pair)
    shown = " ".join(terminal(*pair, width=100).split())
    assert f"Rob B-PER pad, mask {found.difference:.2f} {found.correlation:+.2f} yes" in shown
    assert facts.AGREEMENT_NOTE in shown
    assert "Agreement" not in terminal(pair[0])


@EVERY
def test_it_is_never_called_just_an_error(make: Callable[[], Explanation]) -> None:
    for text in (terminal(make(), width=140), Reader(page_of(make)).text):
        assert "integration error" in text.lower()
        assert not re.search(r"(?<!integration )(?<!on)\berror\b", text, flags=re.IGNORECASE)


# Figures


@pytest.mark.parametrize("make", [samples.without_parts, samples.hostile, samples.long])
@pytest.mark.parametrize("view", list(draw.VIEWS))
def test_every_figure_is_drawn_or_refused_with_a_remedy(make: Callable[[], Explanation], view: View) -> None:
    explanation = make()
    if view in ("zoom", "density") and explanation.zoom is None:
        with pytest.raises(InputError, match="name a word with `zoom`"):
            save.draw_figure(explanation, view)
    elif view == "components" and explanation.components is None:
        with pytest.raises(InputError, match="no components: the component path needs tables"):
            save.draw_figure(explanation, view)
    else:
        save.draw_figure(explanation, view).savefig(io.BytesIO(), format="png", dpi=30)
        assert pyplot.get_fignums() == []


def test_unknown_view_lists_the_views() -> None:
    with pytest.raises(InputError, match="choose from words, components, layers, zoom, density"):
        save.draw_figure(samples.article(), "bars")  # type: ignore[arg-type]


def test_words_figure_holds_the_data() -> None:
    explanation = samples.repeated()
    [axes] = save.draw_figure(explanation, "words").axes
    assert [patch.get_width() for patch in axes.patches] == list(explanation.attributions)
    blue, orange = to_rgb(draw.FOR), to_rgb(draw.AGAINST)
    for patch, value in zip(axes.patches, explanation.attributions, strict=True):
        assert patch.get_facecolor()[:3] == (blue if value > 0 else orange)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"{word.text} @{word.index}" for word in explanation.words]
    beside = [text.get_text().split() for text in axes.texts]
    assert beside[1] == ["-0.523", "B-PER", "0.9996"]


def test_components_figure_holds_both_tables() -> None:
    explanation = samples.article()
    assert explanation.components is not None
    chart, *tables = save.draw_figure(explanation, "components").axes
    widths = sorted(patch.get_width() for patch in chart.patches)
    assert widths == sorted([*explanation.components.word, *explanation.components.position])
    word, position = (table.tables[0].get_celld() for table in tables)
    assert word[1, 0].get_text().get_text() == "surprise @12"
    assert position[15, 0].get_text().get_text() == "Rob @10"
    assert position[15, 1].get_text().get_text() == "-0.630"


def test_layers_figure_is_a_symmetric_heatmap() -> None:
    explanation = samples.article()
    axes = save.draw_figure(explanation, "layers").axes[0]
    [mesh] = [item for item in axes.collections if isinstance(item, QuadMesh)]
    assert np.array_equal(np.asarray(mesh.get_array()).reshape(12, 15), explanation.layers)
    low, high = mesh.get_clim()
    assert low == -high
    assert high == max(map(number_formats.largest, explanation.layers))
    assert [label.get_text() for label in axes.get_yticklabels()] == list(map(str, range(1, 13)))


def test_zoom_figures_hold_every_layer() -> None:
    explanation = samples.article()
    assert explanation.zoom is not None
    [boxes] = save.draw_figure(explanation, "zoom").axes
    ticks = [label.get_text() for label in boxes.get_xticklabels()]
    assert ticks == ["embedding", *map(str, range(1, 13))]
    assert len(boxes.patches) == 13
    middles = [line.get_ydata()[0] for line in boxes.lines if line.get_linewidth() > 1]
    assert np.allclose(middles, np.median(explanation.zoom.rows, axis=1))
    [density] = save.draw_figure(explanation, "density").axes
    assert [line.get_label() for line in density.lines] == ticks
    for line in density.lines:
        places, heights = line.get_data()
        assert len(heights) == 100
        assert np.sum(heights) * (places[1] - places[0]) == pytest.approx(1)


def test_next_to_nothing_is_said_with_its_size_and_not_as_a_failure() -> None:
    shown, page = " ".join(terminal(samples.negligible()).split()), page_of(samples.negligible)
    for told in (shown, " ".join(Reader(page).text.split())):
        assert "The output moves by 0.0033 from reference to input, 6.693." in told
        assert "negligible" in told and "integration not converged" not in told
    assert "NEGLIGIBLE" not in shown
    assert 'class="warning"' not in page and 'class="path bad"' not in page


def test_title_names_model_target_reference_and_integration_error() -> None:
    title = save.draw_figure(samples.not_converged(), "components").get_suptitle()
    assert "planted: B-PER on Rob" in title
    assert "reference pad, integration error 2.3e-02 (not-converged)" in title


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_saved_figures_are_whole_and_the_same_every_time(tmp_path: Path, suffix: str, magic: bytes) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for path in (first, second):
        save.save_figure(samples.hostile(), "words", path)
    assert first.read_bytes().startswith(magic)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_svg_text_is_text_and_escaped(tmp_path: Path) -> None:
    save.save_figure(samples.hostile(), "words", tmp_path / "a.svg")
    tree = ElementTree.parse(tmp_path / "a.svg")
    texts = [element.text or "" for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert "<script>alert(1)</script> @1" in texts
    assert "$x^2$ @9" in texts
    assert not list(tree.iter("{http://www.w3.org/2000/svg}script"))


def test_another_suffix_and_an_unwritable_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.gif: a figure is one of \.png, \.svg, \.pdf"):
        save.save_figure(samples.article(), "words", tmp_path / "a.gif")
    with pytest.raises(OutputError, match="Cannot write"):
        save.save_figure(samples.article(), "words", tmp_path / "missing" / "a.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError, match="Cannot write"):
        save.save_figure(samples.article(), "words", tmp_path / "folder.png")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


# Page


@EVERY
def test_page_is_self_contained_and_obeys_no_word(make: Callable[[], Explanation]) -> None:
    text = page_of(make)
    reader = Reader(text)
    assert not {"script", "img", "link", "iframe", "i", "b", "u"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    links = reader.values("href") + reader.values("xlink:href") + reader.values("src")
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"url\((?!#)|@import", text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in reader.values("content")
    identities = reader.values("id")
    assert len(identities) == len(set(identities))


def test_page_shows_hostile_words_as_text() -> None:
    reader = Reader(page_of(samples.hostile))
    for word in samples.HOSTILE:
        assert visible(word) in reader.text
    assert any("<script>alert(1)</script>" in title for title in reader.values("title"))
    assert "B-<i>PER</i>" in reader.text
    assert "<script>alert(2)</script>" in reader.text


def test_page_tables_show_the_data() -> None:
    explanation = samples.article()
    assert explanation.components is not None
    rows = Reader(explanations_page([explanation])).rows
    number = number_formats.signed(explanation.attributions)
    for word in explanation.words:
        [row] = [row for row in rows if row[:2] == [str(word.index), word.text]]
        assert row[2].replace("−", "-") == number(word.attribution)
        assert row[6] == (word.tag or "")
    assert ["Rob", "10", "−0.630", "", "−0.65"] in rows
    for layer in range(1, 13):
        [row] = [row for row in rows if len(row) == 17 and row[0] == str(layer)]
        assert row[-1] == "+10.03"


def test_page_hover_gives_every_layer_value() -> None:
    explanation = samples.repeated()
    titles = Reader(explanations_page([explanation])).values("title")
    exact = number_formats.signed([value for layer in explanation.layers for value in layer], digits=5)
    for layer, values in enumerate(explanation.layers, start=1):
        for word, value in zip(explanation.words, values, strict=True):
            shown = exact(value).replace("-", "−")
            assert f"layer {layer}, @{word.index} {word.text}: {shown}" in titles


def test_page_says_true_tags_absent_parts_and_what_did_not_converge() -> None:
    rows = Reader(page_of(samples.repeated)).rows
    assert any(row[:2] == ["2", "Rob"] and row[-2:] == ["I-PER", "O"] for row in rows)
    assert "DistilBERT has no token-type table" in page_of(samples.without_parts)
    stuck = Reader(page_of(samples.not_converged))
    assert "raise `max_evaluations` or `tolerance`" in stuck.text
    assert "path bad" in stuck.values("class")


def test_several_explanations_have_contents_and_agreement() -> None:
    pair = [samples.article(), samples.article("mask")]
    reader = Reader(explanations_page(pair))
    assert {"#e1", "#e2"} <= set(reader.values("href"))
    assert {"e1", "e2"} <= set(reader.values("id"))
    assert len(reader.values("id")) == len(set(reader.values("id")))
    assert facts.AGREEMENT_NOTE in reader.text
    assert "nav" not in Reader(explanations_page(pair[:1])).tags


@EVERY
def test_headings_descend_one_by_one(make: Callable[[], Explanation]) -> None:
    levels = [int(tag[1]) for tag in Reader(page_of(make)).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_notebook_is_the_page_in_a_frame_that_runs_nothing() -> None:
    reader = Reader(notebook_frame([samples.hostile()]))
    assert reader.tags == ["iframe"]
    assert dict(reader.attributes)["sandbox"] == "allow-same-origin"  # it may be measured; scripts are not allowed
    assert dict(reader.attributes)["srcdoc"] == explanations_page([samples.hostile()], framed=True)
    assert {"script", "img"}.isdisjoint(Reader(explanations_page([samples.hostile()], framed=True)).tags)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_keep_their_contrast(scheme: str) -> None:
    colours = palette(scheme)
    for ground in ("card", "page", "for", "against"):
        assert contrast(colours["ink"], colours[ground]) >= 4.5, ground
    for text in ("quiet", "for-strong"):
        assert contrast(colours[text], colours["card"]) >= 4.5, text
    for mark in ("for-strong", "against-strong", "warn-line"):
        assert contrast(colours[mark], colours["card"]) >= 3, mark
    for step in np.linspace(0, 1, 13):
        line = "#" + "".join(f"{round(255 * part):02x}" for part in draw.SERIES(step)[:3])
        assert contrast(line, colours["card"]) >= 3, step


def palette(scheme: str) -> dict[str, str]:
    style = (Path(save.__file__).parents[1] / "html" / "templates" / "style.css").read_text(encoding="utf-8")
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    found = re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark.split("* {")[0])
    return dict(found)


def contrast(one: str, other: str) -> float:
    """WCAG 2.1, relative luminance."""

    def luminance(colour: str) -> float:
        parts = np.array(to_rgb(colour))
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_heavy_libraries_wait_until_they_are_needed() -> None:
    code = "import sys, interp.report.facts, interp.report.text; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"matplotlib", "seaborn", "jinja2", "rich", "torch"} & set(loaded.split())
