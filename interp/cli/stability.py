"""`interp stability`: how often checks hold on checkpoints that nobody would call worse."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from interp.cli.console import say
from interp.cli.documents import STANDARD_OUTPUT, check_document, write_document
from interp.cli.flags import EXISTING_PATH, flag, with_options
from interp.cli.load_model import load_model
from interp.cli.options import memory_flag
from interp.cli.progress import phase
from interp.cli.project import open_project
from interp.project.paths import checked_path
from interp.question import ConstantReference

if TYPE_CHECKING:
    from interp.cases.case import Case
    from interp.explain import Model
    from interp.project.settings import Settings
    from interp.stability import StabilityResult

__all__ = ["stability"]

SHARP, UNTOLD = 1, 2


@dataclass(frozen=True, kw_only=True)
class StabilityOptions:
    """The checkpoints, the references, and where the rates go."""

    models: Sequence[str] = flag("--model", multiple=True, required=True, help="A checkpoint; give it several times.")
    references: Sequence[ConstantReference] = flag(
        "--reference",
        type=click.Choice(get_args(ConstantReference)),
        multiple=True,
        help="Give it several times.  [default: each case's own, and mask]",
    )
    device: str | None = flag(
        "--device", help="auto, cpu, cuda or cuda:N.  [default: that of [tool.interp], else auto]"
    )
    memory: str | None = memory_flag()
    json_file: str | None = flag("--json", metavar="FILE", help="Write the rates; - to standard output, alone.")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="CASES...", type=EXISTING_PATH)
@with_options(options=StabilityOptions)
def stability(*, paths: Sequence[Path], options: StabilityOptions) -> None:
    """Run CASES on several harmless checkpoints, under several references, and print each check's pass rate.

    CASES are case files, or folders to search for *.cases.toml. A check that fails in more than 5 % of its trials is
    named as too sharp, with the looser line that would hold in all of them. Exit status 1 when one is; 2 when none is
    but a trial could not be computed.
    """
    from interp.engine.size import parse_size

    check_document(options.json_file)
    root, settings = open_project()
    files = _load_case_files(paths, root, settings)
    budget = options.memory or settings.memory
    if budget is not None:
        parse_size(budget)  # checked before a model is loaded
    result = _measure(files, options, root=root, settings=settings, budget=budget)
    _report(result, options.json_file)
    if result.too_sharp:
        sys.exit(SHARP)
    if result.errors:
        say("Some trials could not be computed, so nothing is said of them.")
        sys.exit(UNTOLD)


def _load_case_files(paths: Sequence[Path], root: Path, settings: Settings) -> list[tuple[str, Sequence[Case]]]:
    """Each file by its path from the project's root, where it is below it."""
    from interp.cases.load import load_cases
    from interp.stability import find_case_files

    files: list[tuple[str, Sequence[Case]]] = []
    for path in find_case_files(paths):
        shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        files.append((shown, load_cases(path, shown, settings)))
    return files


def _measure(
    files: Sequence[tuple[str, Sequence[Case]]],
    options: StabilityOptions,
    *,
    root: Path,
    settings: Settings,
    budget: str | None,
) -> StabilityResult:
    from interp.cases.answer import resolve_model_path
    from interp.stability import ProjectGoldens, measure_stability

    def load(name: str) -> Model:
        path = name if checked_path(name).is_dir() else resolve_model_path(name, root)
        return load_model(path, options.device or settings.devices[0], settings.dtype)

    with phase("trying the cases", 1) as progress:
        return measure_stability(
            files,
            options.models,
            references=options.references,
            load=load,
            memory=budget,
            goldens=ProjectGoldens(root, settings),
            progress=progress,
        )


def _report(result: StabilityResult, json_file: str | None) -> None:
    """The terminal, unless the document stands on standard output; the document where it is asked for."""
    from interp.stability import dumps

    if json_file != STANDARD_OUTPUT:
        from rich.console import Console

        from interp.report.terminal.stability import show_stability

        show_stability(result, Console(highlight=False))
    if json_file is not None:
        write_document(dumps(result), json_file)
