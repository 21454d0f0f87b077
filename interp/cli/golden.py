"""`interp golden`: look after the accepted explanations."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.console import say

if TYPE_CHECKING:
    from interp.golden import Comparison
    from interp.project.settings import Settings

__all__ = ["golden"]

FOUND = 1


@click.group()
def golden() -> None:
    """Accepted explanations: what changed in them, and whether their files are sound."""


@golden.command()
@click.argument("names", nargs=-1)
@click.option("--since", default="HEAD", show_default=True, help="Git revision with the old goldens.")
@click.option("--old", type=click.Path(path_type=Path), help="Folder with the old goldens, in place of a revision.")
@click.option("--most", type=click.IntRange(1), default=10, show_default=True, help="Changes shown of each golden.")
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
    folder = _folder()
    before = in_folder(old) if old is not None else in_revision(folder, since)
    after = in_folder(folder)
    named = _compared(before, after, names)
    if html_file is not None:
        from interp.report.html.pages import changes_page

        write(html_file, changes_page(named))
    show_changes(named, Console(highlight=False), most)
    for sentence, gone in (("new", after.keys() - before.keys()), ("gone", before.keys() - after.keys())):
        for name in sorted(each for each in gone if _chosen(each, names)):
            click.echo(f"{sentence}: {name}")


@golden.command()
@click.option("--delete-orphans", is_flag=True, help="Delete goldens that no test has.")
def check(delete_orphans: bool) -> None:
    """Find goldens without a test, damaged ones and old formats. Exit status 1 when there are any."""
    from interp.golden.folder import delete_golden, find_problems, list_goldens

    root, settings = _project()
    found = find_problems(root, settings)
    for problem in found:
        deleted = delete_orphans and problem.orphan
        if deleted:
            delete_golden(problem.path, root / settings.golden)
        say(f"{problem.sentence}{' Deleted.' if deleted else ''}")
    if any(problem.orphan for problem in found) and not delete_orphans:
        say("Orphans are deleted with: interp golden check --delete-orphans")
    left = [problem for problem in found if not (problem.orphan and delete_orphans)]
    count = len(list_goldens(root / settings.golden))
    click.echo(f"{count} golden{'' if count == 1 else 's'}, {len(left)} problem{'' if len(left) == 1 else 's'}")
    if left:
        sys.exit(FOUND)


@golden.command()
def migrate() -> None:
    """Write goldens of an old format in today's. Exit status 1 when one could not be."""
    from interp.golden.folder import migrate_goldens as migrate_all

    root, settings = _project()
    done = list(migrate_all(root, settings))
    failed = [why for _, why in done if why is not None]
    for why in failed:
        say(why)
    click.echo(f"{len(done) - len(failed)} migrated, {len(failed)} not")
    if failed:
        sys.exit(FOUND)


def _project() -> tuple[Path, Settings]:
    from interp.project.settings import find_root, load_settings

    root = find_root(Path.cwd())
    return root, load_settings(root)


def _folder() -> Path:
    from interp.errors import InputError

    root, settings = _project()
    folder = root / settings.golden
    if not folder.is_dir():
        raise InputError(f"There is no golden folder {folder}: accept goldens first, with pytest --snapshot-update.")
    return folder


def _chosen(name: str, names: Sequence[str]) -> bool:
    return not names or any(each in name for each in names)


def _compared(
    before: Mapping[str, str], after: Mapping[str, str], names: Sequence[str]
) -> list[tuple[str, Comparison]]:
    """Goldens that are on both sides, held to the looser of their two tolerances."""
    from interp.golden import Policy, compare_goldens, loads

    found = []
    for name in sorted(before.keys() & after.keys()):
        if _chosen(name, names):
            old, new = loads(before[name], f"the old {name}"), loads(after[name], name)
            found.append((name, compare_goldens(old, new, Policy(max(old.tolerance, new.tolerance)))))
    return found
