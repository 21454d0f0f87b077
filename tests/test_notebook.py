"""What a person meets in a notebook: figures and pages that show themselves, and one line for each result."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
import samples
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import select_figure_formats
from matplotlib.image import imread

from interp.explanation import View


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
