"""Do the tests notice forty faults that a maintainer could make?

    python -m benchmarks.mutants

Each fault of mutants.toml is made in a copy of the project, and the tests run there: the files most likely to see it
first, then all of them. What killed it, or that it survived, goes to benchmarks/results/mutants.json at once, so that a
run that was stopped goes on. An hour on two cores. `--tree` and `--table` do the same to another version of the
project, to see that no protection is lost.
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from interp.errors import InputError
from interp.project.files import write

ROOT = Path(__file__).parent.parent
PARTS = ("interp", "tests", "golden", "benchmarks", "docs", ".github", "pyproject.toml", "README.md", "CHANGELOG.md")
"""What tests read."""
ALL_TESTS = ("-m", "slow or not slow")
PATIENCE = 600
"""Seconds after which tests that hang have noticed."""


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
    tests: str
    """Files and folders that are most likely to see it."""

    def apply(self, root: Path) -> None:
        """Raise InputError where the source has changed so that the fault cannot be made any more."""
        path = root / self.file
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        if source.count(self.old) != 1:
            raise InputError(f"The mutant {self.name} does not fit {self.file} any more: say anew what it changes.")
        path.write_text(source.replace(self.old, self.new), encoding="utf-8")


def read_mutants(table: Path) -> list[Mutant]:
    return [Mutant(**row) for row in tomllib.loads(table.read_text(encoding="utf-8"))["mutant"]]


def find_killer(mutant: Mutant, tree: Path) -> str | None:
    """The first test that fails, None where all pass."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for part in PARTS:
            if (tree / part).is_dir():
                shutil.copytree(tree / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
            elif (tree / part).is_file():
                shutil.copy(tree / part, root / part)
        mutant.apply(root)
        likely = [name for name in mutant.tests.split() if (root / name).exists()]
        return run_tests(root, likely) or run_tests(root, [])


def run_tests(root: Path, tests: Sequence[str]) -> str | None:
    """The first failing test of these, or of all; None where they pass."""
    selection = ALL_TESTS if "slow:" in (root / "pyproject.toml").read_text(encoding="utf-8") else ()
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    try:
        done = subprocess.run(
            [*command, *selection, *tests],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    if done.returncode == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", done.stdout, re.MULTILINE)
    return failed[1] if failed else done.stdout.strip().splitlines()[-1]


@click.command(help=__doc__)
@click.option("--only", multiple=True, help="These mutants alone.")
@click.option("--tree", type=click.Path(path_type=Path, exists=True), default=ROOT, help="Another version.")
@click.option("--table", type=click.Path(path_type=Path, exists=True), default=ROOT / "benchmarks/mutants.toml")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "benchmarks/results/mutants.json")
def main(only: Sequence[str], tree: Path, table: Path, out: Path) -> None:
    killers: dict[str, str | None] = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    for mutant in read_mutants(table):
        if (only and mutant.name not in only) or (not only and mutant.name in killers):
            continue
        killers[mutant.name] = find_killer(mutant, tree)
        write(out, json.dumps(killers, indent=1) + "\n")
        click.echo(f"{mutant.area:8} {mutant.name:26} {killers[mutant.name] or 'SURVIVED'}")
    survived = [name for name, killer in killers.items() if killer is None]
    click.echo(
        f"{len(killers) - len(survived)} of {len(killers)} killed{': not ' if survived else ''}{' '.join(survived)}"
    )


if __name__ == "__main__":
    main()
