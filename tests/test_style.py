"""Names say what things are, each class has its own, and what takes many values takes them by name."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import interp

ROOT = Path(interp.__file__).parent
POSITIONAL = 4
"""Arguments of a call that may go without their names."""
FIELDS = 5
"""Fields of a dataclass that may."""
OF_EQUALS = {"chain", "join", "joinpath", "max", "min", "print", "union", "zip"}  # their arguments are all alike
VAGUE = {"each", "one", "found", "asked", "told", "got", "held", "_told"}


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Every node of the package with its file."""
    files = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))}
    return [(file, node) for file in files for node in ast.walk(ast.parse(files[file]))]


def name_of(node: ast.AST) -> str:
    return str(next((getattr(node, key) for key in ("id", "arg", "attr", "name") if hasattr(node, key)), ""))


def is_bound(node: ast.AST) -> bool:
    return isinstance(node, ast.arg | ast.FunctionDef) or isinstance(getattr(node, "ctx", None), ast.Store)


def is_wide_and_positional(node: ast.ClassDef) -> bool:
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    types = [ast.unparse(part.annotation) for part in node.body if isinstance(part, ast.AnnAssign)]
    fields = [name for name in types if not name.startswith("ClassVar")]
    count = fields.index("KW_ONLY") if "KW_ONLY" in fields else len(fields)
    unnamed = any(text.startswith("dataclass") and "kw_only=True" not in text for text in decorators)
    return unnamed and count > FIELDS


def test_names_say_what_things_are() -> None:
    assert not [(file, name_of(node)) for file, node in nodes() if is_bound(node) and name_of(node) in VAGUE]


def test_class_names_are_unique() -> None:
    names = Counter(node.name for _, node in nodes() if isinstance(node, ast.ClassDef))
    assert not [name for name, count in names.items() if count > 1]


def test_many_arguments_are_named() -> None:
    calls = [(file, node) for file, node in nodes() if isinstance(node, ast.Call) and len(node.args) > POSITIONAL]
    assert not [(file, call.lineno) for file, call in calls if name_of(call.func) not in OF_EQUALS]


def test_wide_dataclasses_are_built_by_name() -> None:
    classes = [(file, node) for file, node in nodes() if isinstance(node, ast.ClassDef)]
    assert not [(file, node.name) for file, node in classes if is_wide_and_positional(node)]
