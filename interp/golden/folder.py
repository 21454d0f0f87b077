"""The golden folder: which file belongs to which test, and what is wrong with it.

A golden lies in a folder named after its test file, path and all: `golden/tests/cases/sport.cases.toml/rob.golden.json`
is that of case `rob` in `tests/cases/sport.cases.toml`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, unquote

from interp.cases.case import CASE_SUFFIX as CASES
from interp.cases.load import load_cases
from interp.errors import FormatError, InputError
from interp.golden.document import GOLDEN_SUFFIX, loads, migrate_text
from interp.project.files import write
from interp.project.settings import Settings

__all__ = [
    "Problem",
    "delete_golden",
    "file_name",
    "find_problems",
    "golden_file",
    "leads_out",
    "list_goldens",
    "migrate_goldens",
]

LONGEST = 200
_LEADS_OUT = "{} leads out of the project, by a link: put a file in its place."


@dataclass(frozen=True)
class Problem:
    """What is wrong with one file of the golden folder; `orphan` when no test has it."""

    path: Path
    sentence: str
    orphan: bool = False


def golden_file(folder: Path, root: Path, test_file: Path, name: str) -> Path:
    """Where a golden lies. Raises InputError for a test outside of the root, and for a link out of it."""
    if not test_file.is_relative_to(root):
        raise InputError(f"{test_file} lies outside of {root}, so its golden has no place: set pytest's --rootdir.")
    path = folder / test_file.relative_to(root) / f"{file_name(name)}{GOLDEN_SUFFIX}"
    if leads_out(path, folder, root):
        raise InputError(_LEADS_OUT.format(path))
    return path


def leads_out(path: Path, folder: Path, root: Path) -> bool:
    """Whether a golden is a link out of the project and its golden folder: it would be read, and written, elsewhere."""
    target = path.resolve()
    return not any(target.is_relative_to(home.resolve()) for home in (folder, root))


def file_name(name: str) -> str:
    """A name as a file may have it, different for different names: what files cannot have as %XX, long ones cut."""
    safe = quote(name, safe="[]()=,+@ ")
    if len(safe) <= LONGEST:
        return safe
    return f"{safe[:LONGEST]}~{sha256(name.encode()).hexdigest()[:8]}"


def list_goldens(folder: Path) -> list[Path]:
    """Every golden, in order."""
    return sorted(folder.rglob(f"*{GOLDEN_SUFFIX}"))


def find_problems(root: Path, settings: Settings) -> list[Problem]:
    """Damaged goldens, those of old formats, those without a test, and what interrupted writes left."""
    folder = root / settings.golden
    owners = _Owners(root, settings)
    problems = [
        Problem(path, "is left from an interrupted write: delete it.")
        for path in folder.rglob(f".*{GOLDEN_SUFFIX}.*.part")
    ]
    for path in list_goldens(folder):
        shown = str(path.relative_to(root))
        if leads_out(path, folder, root):
            problems.append(Problem(path, _LEADS_OUT.format(shown)))
            continue
        why = owners.missing(path.relative_to(folder))
        if why is not None:
            problems.append(Problem(path, f"{shown} belongs to no test: {why}.", orphan=True))
            continue
        try:
            loads(path.read_bytes().decode(), shown)
        except OSError as error:
            problems.append(Problem(path, f"{shown} cannot be read: {error.strerror}."))
        except UnicodeDecodeError as error:
            problems.append(Problem(path, f"{shown} is damaged (byte {error.start} is not UTF-8): accept it anew."))
        except FormatError as error:
            problems.append(Problem(path, str(error)))
    return problems


def delete_golden(path: Path, folder: Path) -> None:
    """Delete a golden, and the folders below `folder` that it leaves empty."""
    path.unlink(missing_ok=True)
    for parent in path.parents:
        if parent == folder or any(parent.iterdir()):
            break
        parent.rmdir()


def migrate_goldens(
    root: Path, settings: Settings, fingerprints: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[Path, str | None]]:
    """Write every golden of an old format, or under one of these former fingerprints, in today's (`fingerprints`:
    today's by former ones); yields those that were, and why others could not be.
    """
    folder = root / settings.golden
    for path in list_goldens(folder):
        shown = str(path.relative_to(root))
        if leads_out(path, folder, root):
            yield path, _LEADS_OUT.format(shown)
            continue
        try:
            new = migrate_text(path.read_text(encoding="utf-8"), shown, fingerprints)
        except (FormatError, OSError, UnicodeDecodeError) as error:
            yield path, str(error)
            continue
        if new is not None:
            write(path, new)
            yield path, None


class _Owners:
    """The tests that goldens may belong to, read from the test files; nothing of them is run."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root, self.settings = root, settings
        self._names: dict[Path, set[str] | None] = {}

    def missing(self, golden: Path) -> str | None:
        """Why a golden (its path in the golden folder) has no test; None where it has one."""
        test_file, name = golden.parent, unquote(golden.name.removesuffix(GOLDEN_SUFFIX))
        if not (self.root / test_file).is_file():
            return f"there is no {test_file}"
        if test_file not in self._names:
            self._names[test_file] = self._names_in(test_file)
        names = self._names[test_file]
        if names is None:
            return None
        if test_file.name.endswith(CASES):
            return None if name in names else f'{test_file} has no case "{name}" with a golden'
        function = _function_of(name)
        return None if function in names else f"{test_file} has no function {function}"

    def _names_in(self, test_file: Path) -> set[str] | None:
        """Names of cases or functions; None for a file that cannot be read, which says so when its tests run."""
        path = self.root / test_file
        try:
            if test_file.name.endswith(CASES):
                return {case.id for case in load_cases(path, str(test_file), self.settings) if case.golden}
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (InputError, OSError, ValueError, SyntaxError):
            return None
        return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _function_of(name: str) -> str:
    """The function of `test_rob`, `TestSport.test_rob`, `test_rob[case].1` and `test_rob.1[name]`."""
    plain = re.split(r"[\[~]", name)[0]
    return re.sub(r"\.\d+$", "", plain).rpartition(".")[2]
