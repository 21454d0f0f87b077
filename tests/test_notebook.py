"""What a person meets in a notebook: figures and pages that show themselves, and one line for each result."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import gating
import numpy as np
import pytest
import samples
import torch
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import select_figure_formats
from matplotlib.image import imread

import interp
from interp.errors import bare
from interp.explanation import View
from interp.golden import Policy, compare_goldens, golden_of
from interp.probe import Cue, Effect, MeasuredCue, ProbeResult
from interp.probe.sites import Edit, Place
from interp.question import Question
from interp.records import Records
from interp.stability import PassRate, StabilityResult, Trial

OTHERS = [pytest.param(view, marks=pytest.mark.slow) for view in ("components", "layers", "zoom", "density")]


@pytest.mark.parametrize("view", ["words", *OTHERS])  # seconds each, to draw at the size of a page
def test_a_figure_shows_itself_where_matplotlib_was_told_of_no_notebook(view: View) -> None:
    figure = samples.article().plot(view)
    bundle, metadata = DisplayFormatter().format(figure)
    assert set(bundle) == {"image/png", "text/plain"}
    image = imread(io.BytesIO(bundle["image/png"]))
    width, height = figure.get_size_inches()
    assert image.shape[:2] == (round(200 * height), round(200 * width))
    assert metadata["image/png"] == {"width": round(100 * width), "height": round(100 * height)}
    assert len(np.unique(image.reshape(-1, image.shape[2]), axis=0)) > 20  # no empty sheet


@pytest.mark.parametrize("kinds", [("png",), ("svg", "png")], ids="+".join)
def test_a_figure_is_shown_once_where_the_inline_backend_is_active(kinds: tuple[str, ...]) -> None:
    notebook = DisplayFormatter()
    select_figure_formats(SimpleNamespace(display_formatter=notebook), set(kinds))
    bundle, _ = notebook.format(samples.article().plot())
    expected = {"image/png", "text/plain"} | {"image/svg+xml" for kind in kinds if kind == "svg"}
    assert set(bundle) == expected  # one bundle, of which a front end shows one form


def test_an_explanation_says_what_it_is_in_one_line() -> None:
    assert repr(samples.article()) == (
        "<Explanation of 'Rob' as B-PER in 'Soccer - Steve Tiger gets a lucky w…' by planted: "
        "F 9.89, reference pad, error 4e-04, converged>"
    )
    assert "converged" not in repr(samples.by_methods()[1]) and repr(samples.by_methods()[1]).endswith("pad, lime>")


def test_a_model_and_what_is_prepared_for_it_say_what_they_are(model64: interp.Model) -> None:
    shown = repr(model64)
    assert shown.startswith(f"<Model {bare(model64.info.name)}: 4 labels, 3 layers, cpu, float64, sha256 ")
    (prepared,) = model64.prepare([Question("Rob wins in London", "London", tag="B-LOC")])
    assert repr(prepared).startswith("<PreparedQuestion about 'London' as B-LOC in 'Rob wins in London' for ")
    assert repr(prepared.prediction).endswith(": logits (8, 4)>")
    explanation = next(model64.explain_many([prepared], tolerance=0.1))
    assert "'London' as B-LOC in 'Rob wins in London'" in repr(explanation)
    against = model64.explain("Rob wins", 1, tag="B-PER", against="O", tolerance=0.1)
    assert "as B-PER rather than O in" in repr(against)


def test_an_attribution_shows_its_tensors_by_shape() -> None:
    layer = torch.nn.Linear(4, 3)
    attribution = interp.attribute(lambda rows: layer(rows).sum(-1), [layer], torch.ones(4), torch.zeros(4))
    assert repr(attribution).startswith("<Attribution of (4,), layers (3,): F ")


def made_of_numbers() -> list[object]:
    """One of each kind of result that holds more numbers than anybody reads."""
    effect = Effect(
        edit=Edit(Place.BEFORE, ("where",)),
        tag="B-PER",
        unit="nats",
        mean=1.5,
        low=1.0,
        high=2.0,
        candidate=1.5,
        baseline=0.0,
        flips=2,
        count=24,
        example=None,
    )
    cue = MeasuredCue(Cue("words", "where\x1b[2J"), "asked", (effect,))
    golden = golden_of(samples.hostile(), 1e-2)
    gate, record = gating.gate(gating.BASE, gating.OTHER, plan=None), next(iter(gating.BASE))
    trial = Trial("a", "pad")
    rate = PassRate(file="f", case="rob", check="top", judged=(trial,) * 20, failures=((trial, "no"),) * 2)
    return [
        samples.hostile(),
        samples.long(),
        samples.article().zoom,
        golden,
        compare_goldens(golden, golden, Policy(1e-2)),
        gate,
        gate.cases[0],
        record,
        record.explained[0],
        Records(Path("x" * 300), gating.BASE.about),
        cue,
        ProbeResult((cue,), 8, 56),
        rate,
        StabilityResult(("a",), (trial,), (rate,)),
    ]


def test_no_result_fills_a_screen_or_steers_a_terminal() -> None:
    for result in made_of_numbers():
        shown = repr(result)
        assert shown.startswith(f"<{type(result).__name__} ") or shown.startswith(f"<{type(result).__name__}:")
        assert len(shown) <= 200 and shown.isprintable(), shown
    assert max(map(len, repr(made_of_numbers()).split(">, <"))) <= 200


# --- several explanations


def test_several_explanations_behave_as_the_list_that_they_were(tmp_path: Path) -> None:
    several = [samples.article(), samples.article("mask")]
    shown = interp.Explanations(several)
    assert shown == several and several == shown and shown == tuple(several) and shown != several[:1]
    assert (len(shown), shown[-1], list(shown), several[0] in shown) == (2, several[1], several, True)
    assert shown[:1] == several[:1] and isinstance(shown[:1], interp.Explanations)
    assert interp.Explanations(iter(several)) == several
    assert repr(shown).splitlines() == ["<2 explanations>", *map(repr, several)]
    shown.save(tmp_path / "own.json")
    interp.save(several, tmp_path / "library.json")
    assert (tmp_path / "own.json").read_bytes() == (tmp_path / "library.json").read_bytes()
    assert interp.read(tmp_path / "own.json") == several


def test_a_notebook_shows_several_explanations_as_one_page_with_what_they_say_of_each_other() -> None:
    shown = interp.Explanations(samples.by_methods())
    bundle, _ = DisplayFormatter().format(shown)
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/html"].count("<iframe") == 1
    assert "What do other methods say of" in bundle["text/html"] and "What do other methods say of" in shown.to_html()
    assert DisplayFormatter().format(interp.Explanations())[0]["text/html"].count("there is nothing to show") == 1


def test_what_the_library_gives_together_is_shown_together(model32: interp.Model, tmp_path: Path) -> None:
    entities = model32.explain_entities("Rob wins in London , Rob", without=("components",), tolerance=0.1)
    entities.save(tmp_path / "entities.json")
    for given in (entities, interp.read(tmp_path / "entities.json"), model32.compare_methods(Question("Rob wins", 1))):
        assert isinstance(given, interp.Explanations)
    assert [explanation.target.indices for explanation in entities] == model32.entities("Rob wins in London , Rob")


# --- numbers for other programs


def test_a_table_has_a_row_for_each_word_and_the_numbers_of_the_explanation() -> None:
    explanation = samples.article()
    table = explanation.to_dataframe()
    columns = ["index", "word", "special", "tag", "probability", "attribution"]
    assert list(table.columns) == [*columns, "word_table", "position_table", "token_type_table"]
    assert tuple(table["attribution"]) == explanation.attributions
    assert list(table["word"]) == [word.text for word in explanation.words]
    assert tuple(table["position_table"]) == explanation.components.position  # type: ignore[union-attr]
    assert table["special"].tolist() == [True, *[False] * 13, True]
    assert table["probability"].isna().tolist() == table["tag"].isna().tolist() == table["special"].tolist()
    assert str(table["probability"].dtype) == "float64"


def test_a_table_has_layers_as_columns_and_the_errors_of_a_method_that_draws() -> None:
    explanation = samples.article()
    table = explanation.to_dataframe("layers")
    assert list(table.columns) == ["index", "word", "special", *(f"layer {number}" for number in range(1, 13))]
    assert tuple(table["layer 3"]) == explanation.layers[2]
    drawn = next(shown for shown in samples.by_methods() if shown.method and shown.method.errors)
    assert tuple(drawn.to_dataframe()["error"]) == drawn.method.errors  # type: ignore[union-attr]
    assert "word_table" not in drawn.to_dataframe()


def test_tables_of_several_stand_under_one_another_and_are_told_apart() -> None:
    several = interp.Explanations([samples.article(), samples.article("mask"), samples.by_methods()[1]])
    table = several.to_dataframe()
    assert list(table.columns[:6]) == ["explanation", "target", "tags", "reference", "method", "index"]
    for number, explanation in enumerate(several):
        own = table[table["explanation"] == number]
        assert tuple(own["attribution"]) == explanation.attributions
        assert set(own["reference"]) == {explanation.reference.kind} and set(own["method"]) == {explanation.method_name}
    assert table["word_table"].isna().tolist() == (table["method"] == "lime").tolist()


def test_arrays_have_the_shapes_that_are_promised_and_are_the_callers_own() -> None:
    explanation = samples.article()
    shapes = {name: explanation.to_numpy(name).shape for name in ("words", "components", "layers", "zoom")}
    assert shapes == {"words": (15,), "components": (3, 15), "layers": (12, 15), "zoom": (13, 64)}
    array = explanation.to_numpy()
    array[:] = 0
    assert explanation.to_numpy().tolist() == list(explanation.attributions) != array.tolist()
    total = explanation.at_input - explanation.at_reference
    np.testing.assert_allclose(explanation.to_numpy("layers").sum(axis=1), total, rtol=1e-3)


def test_numbers_that_are_not_there_are_refused_with_the_reason() -> None:
    lacking = samples.by_methods()[1]
    for ask, sentence in (
        (lambda: lacking.to_dataframe("layers"), "This explanation has no layers: lime gives the words alone."),
        (lambda: lacking.to_numpy("components"), "This explanation has no components: lime gives the words alone."),
        (lambda: lacking.to_numpy("zoom"), "This explanation has no zoom: `zoom` names no word."),
        (lambda: lacking.to_dataframe("zoom"), 'There is no table "zoom": choose one of words, layers.'),
        (lambda: lacking.to_numpy("w"), 'There is no array "w": choose one of words, components, layers, zoom.'),
    ):
        with pytest.raises(interp.InterpError) as refusal:
            ask()  # type: ignore[no-untyped-call]
        assert str(refusal.value) == sentence
