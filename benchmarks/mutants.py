"""Do the tests notice forty faults that a maintainer could make?

    python -m benchmarks.mutants

Each fault of mutants.toml is made in a copy of the project, and the tests run there: the files most likely to see it
first, then all of them. A row is written to benchmarks/results/mutants.json at once, so that a run that was stopped
goes on. At the end the tests that noticed a fault run where nothing is changed: they must pass there. An hour on two
cores. `--tree`, `--table` and `--out` do the same to another version of the project, to see that no protection is lost.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from interp.errors import InputError
from interp.project.files import write

ROOT = Path(__file__).parent.parent
PYTEST = (
    *(sys.executable, "-m", "pytest", "-x", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"),
    "--tb=no",  # nothing but the summary names tests: a failing test of the plugin shows the output of another pytest
    # a test that hangs ends its worker, and has failed
    *("-o", "faulthandler_timeout=300", "-o", "faulthandler_exit_on_timeout=true", "--max-worker-restart=0"),
    *("-W", "ignore:syrupy"),  # which warns where a worker ended, and a warning would hide the name of the test
    "--ignore=tests/test_mutants.py",  # it holds the table to the source, so every fault fails it
)
FIRST_FAILURE = re.compile(r"^(?:FAILED|ERROR) ([^\s\[]+(?:\[.*?\])?)(?= - |$)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One fault."""

    name: str
    area: str
    breaks: str
    """What is broken."""
    file: str
    old: str
    """Text that stands in the file once."""
    new: str
    tests: Sequence[str]
    """Files that are most likely to see it, the likeliest first."""

    def apply(self, root: Path) -> None:
        """Raise InputError where the source has changed so that the fault cannot be made any more."""
        path = root / self.file
        count = path.read_text(encoding="utf-8").count(self.old) if path.is_file() else 0
        if count != 1:
            raise InputError(
                f"The mutant {self.name} does not fit this tree any more: its old text stands {count} times in "
                f"{self.file}; give a text that stands there once in mutants.toml."
            )
        path.write_text(path.read_text(encoding="utf-8").replace(self.old, self.new), encoding="utf-8")


def read_mutants(table: Path) -> list[Mutant]:
    return [Mutant(**row) for row in tomllib.loads(table.read_text(encoding="utf-8"))["mutant"]]


@contextmanager
def copy_of(tree: Path) -> Iterator[Path]:
    """The files that git knows of, with what is changed and not committed yet."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=tree, capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name in filter(None, listing.stdout.split("\0")):
            if (tree / name).is_file():
                target = Path(scratch, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(tree / name, target)
        yield Path(scratch)


def find_killer(mutant: Mutant, tree: Path) -> str | None:
    """The first test that fails, None where all pass."""
    with copy_of(tree) as root:
        mutant.apply(root)
        likely = [name for name in mutant.tests if (root / name).exists()]
        return (run_tests(root, likely) if likely else None) or run_tests(root)


def run_tests(root: Path, tests: Sequence[str] = ()) -> str | None:
    """The first failing test of these, or of all; None where they pass.

    Raises InputError where pytest ends with neither: then nothing is known.
    """
    knows_slow = '"slow:' in (root / "pyproject.toml").read_text(encoding="utf-8")
    selection = ("-m", "slow or not slow") if knows_slow else ()
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [*PYTEST, *selection, *tests]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    failure = FIRST_FAILURE.search(done.stdout)
    if failure is None:
        raise InputError(
            f"pytest ended with {done.returncode} and names no test:\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return failure[1]


@click.command(help=__doc__)
@click.option("--only", multiple=True, metavar="NAME", help="This mutant alone, anew.")
@click.option("--tree", type=click.Path(path_type=Path, exists=True), default=ROOT, help="Another version.")
@click.option("--table", type=click.Path(path_type=Path, exists=True), default=ROOT / "benchmarks/mutants.toml")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "benchmarks/results/mutants.json")
def main(only: Sequence[str], tree: Path, table: Path, out: Path) -> None:
    mutants = read_mutants(table)
    if unknown := set(only) - {mutant.name for mutant in mutants}:
        raise InputError(f"{table} has no mutant {', '.join(sorted(unknown))}.")
    killers: dict[str, str | None] = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    for mutant in mutants:
        if mutant.name in only or (not only and mutant.name not in killers):
            killers[mutant.name] = find_killer(mutant, tree)
            write(out, json.dumps(killers, indent=1) + "\n")
            click.echo(f"{mutant.area:8} {mutant.name:26} {killers[mutant.name] or 'SURVIVED'}")
    with copy_of(tree) as unchanged:
        wrong = run_tests(unchanged, sorted({killer for killer in killers.values() if killer}))
    if wrong:
        raise InputError(f"{wrong} fails where nothing is changed: what it killed is not known to be noticed.")
    survived = [name for name, killer in killers.items() if killer is None]
    click.echo(f"{len(killers) - len(survived)} of {len(killers)} killed; survived: {' '.join(survived) or 'none'}")


if __name__ == "__main__":
    main()
