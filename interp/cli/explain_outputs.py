"""Where `interp explain` puts its answers: the terminal, a document, a page, a figure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from interp.cli.documents import STANDARD_OUTPUT, write_document
from interp.cli.flags import flag
from interp.errors import InputError, OutputError
from interp.explanation import View

if TYPE_CHECKING:
    from interp.explanation import Explanation, ModelInfo

__all__ = ["OutputOptions"]

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """The files that are asked for, and what the figure shows."""

    json_file: str | None = flag("--json", metavar="FILE", help="Write the document; - to standard output, alone.")
    html_file: str | None = flag("--html", metavar="FILE", help="Write one self-contained page.")
    figure_file: str | None = flag("--figure", metavar="FILE", help="Draw one view as .png, .svg or .pdf.")
    figure_view: View = flag(
        "--view",
        type=click.Choice(get_args(View)),
        default="layers",
        show_default=True,
        help="Which view --figure draws.",
    )

    @property
    def view(self) -> View | None:
        """What is drawn, if anything is."""
        return self.figure_view if self.figure_file is not None else None

    def check(self) -> None:
        """Raise OutputError for what cannot be written, before anything is computed."""
        from interp.project.files import check_writable

        if self.figure_file is not None and Path(self.figure_file).suffix.lower() not in FIGURE_SUFFIXES:
            raise OutputError(f"Cannot draw {self.figure_file}: a figure is a .png, .svg or .pdf file.")
        if STANDARD_OUTPUT in (self.html_file, self.figure_file):
            raise OutputError("Only --json writes to standard output: give the page or figure a file name.")
        paths = [
            path
            for path in (self.json_file, self.html_file, self.figure_file)
            if path is not None and path != STANDARD_OUTPUT
        ]
        for path in paths:
            check_writable(path)
        if len({os.path.realpath(path) for path in paths}) < len(paths):
            raise OutputError("Two outputs go to the same file: give each its own.")

    def check_count(self, count: int) -> None:
        """Raise InputError where what is asked for does not fit how many explanations there will be."""
        if not count and (self.html_file or self.figure_file):
            raise InputError("The model finds no entity, so there is nothing to draw: name a word with --target.")
        if self.figure_file is not None and count > 1:
            raise InputError(f"A figure shows one explanation, not {count}: name one --target and one --reference.")

    def write(self, explanations: Sequence[Explanation], model: ModelInfo) -> None:
        """Everything is rendered before the first file is replaced; the terminal comes last."""
        from interp.explanation.document import dumps
        from interp.project.files import write

        document = dumps(explanations, model) if self.json_file else ""
        page = self._render_page(explanations)
        if self.figure_file is not None:
            from interp.report.figures.save import save_figure

            save_figure(explanations[0], self.figure_view, self.figure_file)
        if self.html_file is not None:
            write(self.html_file, page)
        if self.json_file is not None:
            write_document(document, self.json_file)
        if self.json_file != STANDARD_OUTPUT:
            from rich.console import Console

            from interp.report.terminal.explanation import show_explanations

            show_explanations(explanations, Console(highlight=False))

    def _render_page(self, explanations: Sequence[Explanation]) -> str:
        if self.html_file is None:
            return ""
        from interp.report.html.pages import explanations_page

        return explanations_page(explanations)
