"""What the documentation names is there: modules, functions, files, commands."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from interp.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(ROOT.glob("CONTRIBUTING.md")),
    *sorted(ROOT.glob("docs/*.md")),
]
PATHS = re.compile(r"[`(]((?:\.\./)?(?:interp|benchmarks|tests|docs|golden)/[\w./-]*\w)[`)]")


def blocks(page: Path, language: str) -> Iterator[str]:
    yield from re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_python_blocks_import_is_there(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("interp"):
                module = importlib.import_module(str(node.module))
                assert [name.name for name in node.names if not hasattr(module, name.name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_benchmarks_that_are_named_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {path.removeprefix("../") for path in PATHS.findall(text)}
    named |= {f"benchmarks/{module}" for module in re.findall(r"python -m benchmarks\.([\w.]+\w)", text)}
    missing = [path for path in sorted(named) if not list(ROOT.glob(path)) and not is_module(path)]
    assert missing == []


def is_module(path: str) -> bool:
    return (ROOT / path.replace(".", "/")).with_suffix(".py").is_file()


def commands(page: Path) -> Iterator[list[str]]:
    """Every `interp …` that is named, in blocks and in lines."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^interp .*|`interp [^`]*`|&& interp .*", text, re.MULTILINE):
        command = line.strip("`").removeprefix("&& ").split("  #")[0].split(" | ")[0].split(" > ")[0]
        yield shlex.split(command.replace("…", ""))[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_flags_that_are_named_are_there(page: Path) -> None:
    unknown = []
    for words in commands(page):
        command: click.Command = main
        for word in words:
            if isinstance(command, click.Group) and word in command.commands:
                command = command.commands[word]
        flags = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
        unknown += [
            word for word in words if word.startswith("--") and word.split("=")[0] not in {*flags, "--", "--help"}
        ]
    assert unknown == []
