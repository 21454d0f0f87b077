"""Folders stand on each other, imports point down, and each import has its place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import interp

ROOT = Path(interp.__file__).parent
# From the ground up; a folder imports what stands before it, and docs/architecture.md says why. Imports inside
# functions are for late loading: the methods of Explanation that write and draw are the only ones that reach up.
FOLDERS = [
    "errors",
    "progress",
    "versions",
    "engine",
    "project",
    "question",
    "explanation",
    "bundled",
    "models",
    "explain",
    "cases",
    "golden",
    "texts",
    "taggers",
    "records",
    "scoring",
    "probe",
    "stress",
    "stability",
    "report",
    "summary",
    "gate",
    "testing",
    "pytest_plugin",
    "cli",
    "__main__",
]
FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*(?![\w:-])")
RECIPES = ("bundled/open.py", "bundled/planted.py", "bundled/recipe.py")
"""Programs of their own: nothing imports them, and they train with models."""


def imports(path: Path) -> set[str]:
    """Modules that a file imports at its top level or under TYPE_CHECKING."""
    modules = set()
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        for inner in [statement, *(statement.body if isinstance(statement, ast.If) else [])]:
            if isinstance(inner, ast.ImportFrom) and inner.level == 0 and inner.module:
                modules |= {f"{inner.module}.{alias.name}" for alias in inner.names}
            elif isinstance(inner, ast.Import):
                modules |= {alias.name for alias in inner.names}
    return modules


def files() -> list[tuple[str, Path]]:
    """Every file with its folder, or its own name at the root."""
    return [(path.relative_to(ROOT).parts[0].removesuffix(".py"), path) for path in ROOT.rglob("*.py")]


def imported_folders(path: Path) -> set[str]:
    parts = [module.split(".") for module in imports(path) if module.startswith("interp.")]
    return {names[1] for names in parts if names[1] in FOLDERS}


def test_every_module_has_its_place() -> None:
    assert {name for name, _ in files()} == {*FOLDERS, "__init__"}


def test_imports_point_down() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {folder}"
        for name, path in files()
        for folder in imported_folders(path)
        if name in FOLDERS
        and FOLDERS.index(folder) > FOLDERS.index(name)
        and str(path.relative_to(ROOT)) not in RECIPES
    ]
    assert not wrong


def test_the_engine_imports_errors_alone() -> None:
    assert all(imported_folders(path) <= {"engine", "errors"} for name, path in files() if name == "engine")


def test_only_models_and_recipes_import_transformers() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for name, path in files()
        if name not in ("models", "bundled") and any(module.startswith("transformers") for module in imports(path))
    ]
    assert not wrong


def test_flags_are_named_by_the_doors_that_have_them() -> None:
    """Below them a parameter is named as the library has it, as in `max_evaluations`: each door translates."""
    doors = ("bundled", "golden", "records", "probe", "stability", "gate", "testing", "pytest_plugin", "cli")
    wrong = [
        f"{path.relative_to(ROOT)}: {node.value}"
        for name, path in files()
        if name not in doors
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and FLAG.search(node.value)
    ]
    assert not wrong
