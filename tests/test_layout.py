"""Imports point only down, and only interp.models knows transformers."""

from __future__ import annotations

import ast
from pathlib import Path

import interp

ROOT = Path(interp.__file__).parent
# From the ground up; a module imports what stands before it. Imports inside functions are for late loading: the methods
# of Explanation that write and draw are the only ones that reach up.
LAYERS = [
    "errors",
    "strict",
    "quadrature",
    "paths",
    "integration",
    "recording",
    "attribution",
    "explanation",
    "agreement",
    "files",
    "document",
    "words",
    "tags",
    "questions",
    "versions",
    "memory",
    "bundled",
    "models",
    "windows",
    "resolution",
    "methods",
    "explain",
    "checks",
    "settings",
    "cases",
    "golden",
    "runner",
    "texts",
    "records",
    "probe",
    "stability",
    "report",
    "gate",
    "bench",
    "testing",
    "pytest_plugin",
    "cli",
]


def imports(path: Path) -> set[str]:
    """Modules that a file imports at its top level or under TYPE_CHECKING."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        for each in [node, *(node.body if isinstance(node, ast.If) else [])]:
            if isinstance(each, ast.ImportFrom) and each.level == 0 and each.module:
                found |= {f"{each.module}.{alias.name}" for alias in each.names}
            elif isinstance(each, ast.Import):
                found |= {alias.name for alias in each.names}
    return found


def files() -> list[tuple[str, Path]]:
    return [(path.relative_to(ROOT).parts[0].removesuffix(".py"), path) for path in ROOT.rglob("*.py")]


def test_every_module_has_its_place() -> None:
    assert {name for name, _ in files()} == {*LAYERS, "__init__"}


def test_imports_point_down() -> None:
    wrong = []
    for name, path in files():
        for module in imports(path):
            package, _, rest = module.partition(".")
            place = rest.split(".")[0]
            own = package == "interp" and name in LAYERS and place in LAYERS
            if own and LAYERS.index(place) > LAYERS.index(name):
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_only_models_and_recipes_import_transformers() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for name, path in files()
        if name not in ("models", "bundled") and any(m.startswith("transformers") for m in imports(path))
    ]
    assert not wrong
