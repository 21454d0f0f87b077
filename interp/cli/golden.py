"""`interp golden`: look after the accepted explanations."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.console import say
from interp.cli.flags import PATH, count_from
from interp.cli.load_model import load_model
from interp.cli.project import open_project
from interp.errors import InputError, counted

if TYPE_CHECKING:
    from interp.golden import Comparison

__all__ = ["golden"]

FOUND = 1


@click.group()
def golden() -> None:
    """Accepted explanations: what changed in them, and whether their files are sound."""


@golden.command()
@click.argument("names", nargs=-1)
@click.option("--since", default="HEAD", show_default=True, help="Git revision with the old goldens.")
@click.option("--old", type=PATH, help="Folder with the old goldens, in place of a revision.")
@click.option("--most", type=count_from(1), default=10, show_default=True, help="Changes shown of each golden.")
@click.option("--html", "html_file", metavar="FILE", help="Write one self-contained page.")
def diff(names: Sequence[str], since: str, old: Path | None, most: int, html_file: str | None) -> None:
    """Old goldens beside new ones, what moved by most tolerances first.

    NAMES choose goldens whose path holds one of them; default all. The old ones are those of the last commit.
    """
    from rich.console import Console

    from interp.golden.revisions import in_folder, in_revision
    from interp.project.files import check_writable, write
    from interp.report.terminal.changes import show_changes

    if html_file is not None:
        check_writable(html_file)
    folder = _find_folder()
    before = in_folder(old) if old is not None else in_revision(folder, since)
    after = in_folder(folder)
    comparisons = _compare(before, after, names)
    if html_file is not None:
        from interp.report.html.pages import changes_page

        write(html_file, changes_page(comparisons))
    show_changes(comparisons, Console(highlight=False), most)
    for sentence, unpaired in (("new", after.keys() - before.keys()), ("gone", before.keys() - after.keys())):
        for name in sorted(unpaired):
            if _is_chosen(name, names):
                click.echo(f"{sentence}: {name}")


@golden.command()
@click.option("--delete-orphans", is_flag=True, help="Delete goldens that no test has.")
def check(delete_orphans: bool) -> None:
    """Find goldens without a test, damaged ones and old formats. Exit status 1 when there are any."""
    from interp.golden.folder import delete_golden, find_problems, list_goldens

    root, settings = open_project()
    problems = find_problems(root, settings)
    left = 0
    for problem in problems:
        if problem.orphan and delete_orphans:
            delete_golden(problem.path, root / settings.golden)
            say(f"{problem.sentence} Deleted.")
        else:
            say(problem.sentence)
            left += 1
    if any(problem.orphan for problem in problems) and not delete_orphans:
        say("Orphans are deleted with: interp golden check --delete-orphans")
    count = len(list_goldens(root / settings.golden))
    click.echo(f"{counted(count, 'golden')}, {counted(left, 'problem')}")
    if left:
        sys.exit(FOUND)


@golden.command()
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="Also those that an earlier release accepted of this model, whose fingerprint left the configuration out.",
)
def migrate(models: Sequence[str]) -> None:
    """Write goldens of an old format in today's. Exit status 1 when one could not be."""
    from interp.golden.folder import migrate_goldens

    root, settings = open_project()
    outcomes = list(migrate_goldens(root, settings, _fingerprints(models)))
    failures = [failure for _, failure in outcomes if failure is not None]
    for failure in failures:
        say(failure)
    click.echo(f"{len(outcomes) - len(failures)} migrated, {len(failures)} not")
    if failures:
        sys.exit(FOUND)


def _fingerprints(models: Sequence[str]) -> dict[str, str]:
    """Today's by former ones; loads the models."""
    if not models:
        return {}
    infos = [load_model(model, "cpu").info for model in models]
    return {info.former_sha256: info.sha256 for info in infos}


def _find_folder() -> Path:
    """The project's goldens. Raises InputError where there are none."""
    root, settings = open_project()
    folder = root / settings.golden
    if not folder.is_dir():
        raise InputError(f"There is no golden folder {folder}: accept goldens first, with pytest --snapshot-update.")
    return folder


def _is_chosen(name: str, parts: Sequence[str]) -> bool:
    """Whether a golden's path holds one of these parts; without any, every golden is chosen."""
    return not parts or any(part in name for part in parts)


def _compare(before: Mapping[str, str], after: Mapping[str, str], parts: Sequence[str]) -> list[tuple[str, Comparison]]:
    """Chosen goldens that are on both sides, held to the looser of their two tolerances."""
    from interp.golden import Policy, compare_goldens, loads

    comparisons = []
    for name in sorted(before.keys() & after.keys()):
        if _is_chosen(name, parts):
            old, new = loads(before[name], f"the old {name}"), loads(after[name], name)
            comparisons.append((name, compare_goldens(old, new, Policy(max(old.tolerance, new.tolerance)))))
    return comparisons
