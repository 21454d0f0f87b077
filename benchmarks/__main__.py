"""`python -m benchmarks report|check FILES`: results of the benchmarks, across machines and against committed ones."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from interp.cli.console import Group, say

if TYPE_CHECKING:
    from benchmarks.report.results import ResultFile

__all__ = ["main"]


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Results of the benchmarks, which pytest --benchmark-json writes: across machines, and old against new."""


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES...", type=click.Path(path_type=Path))
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Write report.md and figures there.")
@click.option("--format", "kind", type=click.Choice(["png", "svg"]), default="png", show_default=True)
def report(files: Sequence[Path], out: Path | None, kind: Literal["png", "svg"]) -> None:
    """Tables of what FILES measured, and ratios and counts from machine to machine.

    Markdown to standard output; with --out, into a folder with figures of time, ratio, memory, efficiency and error.
    What cannot be compared is refused with exit status 2: a cell with other weights or settings, or measured twice on
    one machine. JSON of another kind is left out, and named.
    """
    from benchmarks.report.markdown import markdown
    from interp.errors import InputError

    results = _results(files)
    if not any(file.records or file.not_run for file in results):
        raise InputError("There is nothing to report: none of these files holds a result of the benchmarks.")
    if out is None:
        click.echo(markdown(results), nl=False)
        return

    from benchmarks.report.figures import save_figures
    from interp.project.files import make_folder, write

    make_folder(out)
    names = save_figures(results, out, kind)
    write(out / "report.md", markdown(results, names))
    click.echo(f"{out / 'report.md'}, with {', '.join(names)}")


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="NEW...", type=click.Path(path_type=Path))
@click.option(
    "--committed",
    type=click.Path(path_type=Path),
    default=Path("benchmarks/results"),
    show_default=True,
    help="Folder with the committed results, or one file.",
)
@click.option("--partial", is_flag=True, help="NEW is a selection: cells that only one side has are no failure.")
def check(files: Sequence[Path], committed: Path, partial: bool) -> None:
    """Hold NEW results against committed ones.

    Evaluations, forwards and bytes per row may not rise, on any machine. Where results of the same machine (CPU, GPU,
    threads) are committed, ratios and overhead may not get worse by more than their noise: interquartile ranges that do
    not overlap, and more than 5 %. Nor may peak memory, by more than 5 % on a GPU and 25 % of a process.

    Exit status 1 when something got worse; 2 when nothing did, but something could not be told: a cell that is missing
    on one side, has other weights or settings, or was measured too noisily.
    """
    from rich.console import Console

    from benchmarks.report.check import check_results as hold
    from benchmarks.report.results import read_results
    from benchmarks.report.terminal import show_comparison

    new = [read_results(path) for path in files]
    own = {path.resolve() for path in files}
    gate = hold(new, _results([path for path in _committed(committed) if path.resolve() not in own]), partial)
    show_comparison(gate, Console(highlight=False))
    sys.exit(gate.verdict.value)


def _results(files: Sequence[Path]) -> list[ResultFile]:
    """What is pytest-benchmark's among some files. The others are named on stderr."""
    from benchmarks.report.results import holds_results, read_results

    others = [path for path in files if not holds_results(path)]
    if others:
        say(f"Left out, holding no results of pytest-benchmark: {', '.join(map(str, others))}.")
    return [read_results(path) for path in files if path not in others]


def _committed(path: Path) -> list[Path]:
    """The JSON files of a folder, or one file."""
    from interp.errors import InputError

    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"There are no committed results {path}: name their folder with --committed.")
    return sorted(path.glob("*.json"))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
