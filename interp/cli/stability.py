"""`interp stability`: how often checks hold on checkpoints that nobody would call worse."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.console import progress, say

if TYPE_CHECKING:
    from interp.question import ReferenceKind

__all__ = ["stability"]

SHARP, UNTOLD = 1, 2


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="CASES...", type=click.Path(exists=True, path_type=Path))
@click.option("--model", "models", multiple=True, required=True, help="A checkpoint; give it several times.")
@click.option(
    "--reference",
    "references",
    type=click.Choice(["pad", "mask", "unk", "zero"]),
    multiple=True,
    help="Give it several times.  [default: each case's own, and mask]",
)
@click.option("--device", help="auto, cpu, cuda or cuda:N.  [default: that of [tool.interp], else auto]")
@click.option("--memory", metavar="SIZE", help="To work in, such as 2GiB.")
@click.option("--json", "json_file", metavar="FILE", help="Write the rates; - to standard output, alone.")
def stability(
    paths: Sequence[Path],
    models: Sequence[str],
    references: Sequence[ReferenceKind],
    device: str | None,
    memory: str | None,
    json_file: str | None,
) -> None:
    """Run CASES on several harmless checkpoints, under several references, and print each check's pass rate.

    CASES are case files, or folders to search for *.cases.toml. A check that fails in more than 5 % of its trials is
    named as too sharp, with the looser line that would hold in all of them. Exit status 1 when one is; 2 when none is
    but a trial could not be computed.
    """
    from interp.cases.load import load_cases
    from interp.engine.budget import parse_size
    from interp.project.files import check_writable, write
    from interp.project.settings import find_root, load_settings
    from interp.stability import ProjectGoldens, dumps, find_case_files
    from interp.stability import measure_stability as run

    if json_file not in (None, "-"):
        check_writable(str(json_file))
    root = find_root(Path.cwd())
    settings = load_settings(root)
    files = []
    for path in find_case_files(paths):
        shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        files.append((shown, load_cases(path, shown, settings)))
    budget = memory or settings.memory
    if budget is not None:
        parse_size(budget)  # checked before a model is loaded

    from interp.cases.answer import resolve_model_path
    from interp.explain import Model, load

    def loaded(name: str) -> Model:
        found = name if Path(name).is_dir() else resolve_model_path(name, root)
        return load(found, device or settings.devices[0], settings.dtype)

    with progress(1) as told:
        result = run(
            files,
            models,
            references=references,
            load=loaded,
            memory=budget,
            goldens=ProjectGoldens(root, settings),
            progress=told,
        )
    if json_file != "-":
        from rich.console import Console

        from interp.report.terminal.stability import show_stability

        show_stability(result, Console(highlight=False))
    if json_file is not None:
        document = dumps(result)
        click.echo(document, nl=False) if json_file == "-" else write(json_file, document)
    if result.too_sharp:
        sys.exit(SHARP)
    if result.errors:
        say("Some trials could not be computed, so nothing is said of them.")
        sys.exit(UNTOLD)
