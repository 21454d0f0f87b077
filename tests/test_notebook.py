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


@pytest.mark.parametrize("view", ["words", "components", "layers", "zoom", "density"])
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
