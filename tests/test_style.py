"""Names and calls that read at first sight; a short list of what is easily forgotten."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import interp

ROOT = Path(interp.__file__).parent
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in sorted(ROOT.rglob("*.py"))}
EMPTY_NAMES = {"each", "one", "found", "asked", "told", "got", "held"}
MOST_POSITIONAL = 4
WIDE = 6


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path, tree in TREES.items():
        yield from ((path, node) for node in ast.walk(tree) if isinstance(node, kinds))


def places(found: Iterator[tuple[str, ast.AST]]) -> list[str]:
    return [f"{path}:{node.lineno}" for path, node in found]  # type: ignore[attr-defined]


def test_variables_say_what_they_are() -> None:
    def is_empty(node: ast.AST) -> bool:
        stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in EMPTY_NAMES
        return stored or (isinstance(node, ast.arg) and node.arg in EMPTY_NAMES)

    assert places((path, node) for path, node in nodes(ast.Name, ast.arg) if is_empty(node)) == []


def test_more_than_four_arguments_are_passed_by_keyword() -> None:
    def is_long(node: ast.AST) -> bool:
        assert isinstance(node, ast.Call)
        many = len(node.args) > MOST_POSITIONAL and not any(isinstance(value, ast.Starred) for value in node.args)
        return many and ast.unparse(node.func) not in ("zip", "max", "min", "chain", "print")

    assert places((path, node) for path, node in nodes(ast.Call) if is_long(node)) == []


def test_a_class_name_is_taken_once() -> None:
    names = Counter(node.name for _, node in nodes(ast.ClassDef) if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []


def test_wide_records_are_built_by_keyword() -> None:
    def is_loose(node: ast.AST) -> bool:
        assert isinstance(node, ast.ClassDef)
        decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
        fields = [ast.unparse(statement.annotation) for statement in node.body if isinstance(statement, ast.AnnAssign)]
        return any(name.startswith("dataclass") and "kw_only" not in name for name in decorators) and (
            len(fields) >= WIDE and "KW_ONLY" not in fields
        )

    assert places((path, node) for path, node in nodes(ast.ClassDef) if is_loose(node)) == []
