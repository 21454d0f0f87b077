"""`interp summary`: what a model leans on over all of its records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.documents import STANDARD_OUTPUT, check_document, write_document
from interp.cli.flags import PATH, count_from, flag, with_options
from interp.cli.progress import phase
from interp.errors import InputError

if TYPE_CHECKING:
    from interp.summary import MovedWord, Summary

__all__ = ["summary"]

COMPARED = 1000
"""Words of each kind that are looked at to find what moved."""


@dataclass(frozen=True, kw_only=True)
class SummaryOptions:
    """Which records, and what is told of them."""

    against: Path | None = flag(
        "--against", metavar="OTHER", type=PATH, help="Older records, such as production's: what moved since."
    )
    reference: str | None = flag(
        "--reference", help="Of the explanations that are summed.  [default: the first that was recorded]"
    )
    top: int = flag(
        "--top", type=count_from(1), default=12, show_default=True, help="Words of each kind, for it and against it."
    )
    json_file: str | None = flag("--json", metavar="FILE", help="Also as JSON; - for standard output, alone.")
    csv_file: str | None = flag("--csv", metavar="FILE", help="Also the words as CSV; - for standard output, alone.")
    page: str | None = flag("--html", metavar="FILE", help="Also as a page, with examples and sorted as one likes.")

    def check(self) -> None:
        """Raise InputError or OutputError for what could not be written."""
        if self.json_file == self.csv_file == STANDARD_OUTPUT:
            raise InputError("Standard output takes one of --json and --csv.")
        for file in (self.json_file, self.csv_file, self.page):
            check_document(file)


@click.command()
@click.argument("records", type=PATH)
@with_options(options=SummaryOptions)
def summary(*, records: Path, options: SummaryOptions) -> None:
    """What a model leans on over all of RECORDS, a folder that `interp record` made: for every kind of entity the words
    beside it that carry evidence, with intervals and examples, where they stand, and how deep.
    """
    options.check()
    newer = _summarise(records, options, options.top if options.against is None else COMPARED)
    older: Summary | None = None
    moved: tuple[MovedWord, ...] = ()
    if options.against is not None:
        from interp.summary import compare_summaries, shorten

        older = _summarise(options.against, options, COMPARED)
        moved = compare_summaries(older, newer, 2 * options.top)
        newer, older = shorten(newer, options.top), shorten(older, options.top)
    _write(newer, older, moved, options)


def _summarise(folder: Path, options: SummaryOptions, top: int) -> Summary:
    from interp.records import load_records
    from interp.summary import summarise

    records = load_records(folder)
    with phase(f"summing {folder}", 2 * len(records)) as progress:
        return summarise(records, reference=options.reference, top=top, progress=progress)


def _write(newer: Summary, older: Summary | None, moved: tuple[MovedWord, ...], options: SummaryOptions) -> None:
    from interp.summary.document import dumps, word_table
    from interp.summary.report import show_summary, summary_page

    if options.page is not None:
        write_document(summary_page(newer, moved), options.page)
    if options.csv_file is not None:
        write_document(word_table(newer), options.csv_file)
    if options.json_file is not None:
        write_document(dumps(newer, older, moved), options.json_file)
    if STANDARD_OUTPUT not in (options.json_file, options.csv_file, options.page):
        from rich.console import Console

        show_summary(newer, Console(highlight=False, markup=False), moved)
