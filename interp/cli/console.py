"""What every command shares: errors as one sentence, a progress bar for a person who watches."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from traceback import format_exception
from typing import Any, TextIO

import click

from interp.errors import InterpError
from interp.versions import install_command

__all__ = ["Group", "Progress", "progress", "say"]

EXTRAS = {"pyarrow": "gate", "seqeval": "gate"}
"""Modules that a command needs, and the extra that brings them."""
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""
PATIENCE = 2.0
"""Seconds before a progress bar appears."""

Progress = Callable[[float], None]


class Group(click.Group):
    """Errors raised on purpose, and options that do not fit, become one sentence and exit status 2; other errors keep
    their traceback. A reader that has gone, as `head` does, changes neither what is done nor how it ends.
    """

    def main(self, *arguments: Any, **options: Any) -> Any:
        stdout = sys.__stdout__
        if stdout is not None and sys.stdout is stdout:
            sys.stdout = _outliving_its_reader(stdout)
        return super().main(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, InterpError) as error:
            say(error.format_message() if isinstance(error, click.ClickException) else str(error))
        except ModuleNotFoundError as error:
            module = (error.name or "").partition(".")[0]
            if module not in EXTRAS:
                raise
            say(f"This command needs {module}: {install_command(EXTRAS[module])}")
        except (KeyboardInterrupt, click.Abort):
            say("Stopped.")
            return ctx.exit(INTERRUPTED)
        except click.exceptions.Exit:
            raise
        except Exception as error:  # 1 is a verdict of several commands, and a defect is none
            click.echo("".join(format_exception(error)), err=True)
        return ctx.exit(2)


class _OutlivingItsReader(FileIO):
    """A descriptor whose reader may go: what is written then goes nowhere."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except BrokenPipeError:
            return len(memoryview(content).cast("B"))


def _outliving_its_reader(stream: TextIO) -> TextIO:
    raw = _OutlivingItsReader(stream.fileno(), "w", closefd=False)
    return TextIOWrapper(
        BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=raw.isatty()
    )


def say(sentence: str) -> None:
    """One sentence on stderr, with flags for parameters."""
    from interp.report.text import visible

    click.echo(f"interp: {visible(_with_flags(sentence))}", err=True)


def _with_flags(sentence: str) -> str:
    """The library speaks of its parameters, as in `max_evaluations`; whoever typed a command knows them as flags."""
    context = click.get_current_context(silent=True)
    flags = set(_list_flags(_typed_command(context.find_root()))) if context else set()

    def translate(match: re.Match[str]) -> str:
        name = f"--{match[1].replace('_', '-')}"
        return name if name in flags else match[0]

    return re.sub(r"`(\w+)`", translate, sentence)


def _typed_command(root: click.Context) -> click.Command:
    """The command of the program that was typed: others have flags that it does not take."""
    commands = root.command.commands if isinstance(root.command, click.Group) else {}
    return commands.get(root.invoked_subcommand or "", root.command)


def _list_flags(command: click.Command) -> Iterator[str]:
    """Every flag of a command and of those below it."""
    for parameter in command.params:
        yield from parameter.opts
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from _list_flags(below)


@contextmanager
def progress(count: int, label: str = "integrating") -> Iterator[Progress]:
    """A bar on stderr for work that takes longer than a moment, and only for a person who watches."""
    from time import monotonic

    from rich.console import Console
    from rich.progress import Progress as Bar

    console, start = Console(stderr=True), monotonic()
    with ExitStack() as stack:
        bar: Bar | None = None

        def update(done: float) -> None:
            nonlocal bar
            if bar is None and console.is_terminal and monotonic() - start > PATIENCE:
                bar = stack.enter_context(Bar(console=console, transient=True))
                bar.add_task(label, total=count)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done)

        yield update
