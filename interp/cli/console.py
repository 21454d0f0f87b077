"""What every command shares: errors as one sentence each, and the exit status that belongs to them."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import format_exception
from typing import Any, NoReturn

import click

from interp.cli.progress import restart_log
from interp.cli.streams import sturdy_streams
from interp.errors import InterpError, shortened
from interp.versions import install_command

__all__ = ["Group", "resuming", "say"]

EXTRAS = {"pyarrow": "gate", "seqeval": "gate"}
"""Modules that a command needs, and the extra that brings them."""
INTERRUPTED = 128 + signal.SIGINT
"""Exit status after Ctrl-C, as shells have it."""
UNTOLD = 2
"""Exit status of what could not be done."""


class Group(click.Group):
    """Errors raised on purpose, and options that do not fit, become one sentence and exit status 2; other errors keep
    their traceback. A reader that has gone, as `head` does, changes neither what is done nor how it ends.
    """

    def main(self, *arguments: Any, **options: Any) -> Any:
        restart_log()
        status: int | str | None = 0
        try:
            with sturdy_streams():
                try:
                    return super().main(*arguments, **options)
                except SystemExit as end:
                    status = end.code
        except InterpError as error:
            say(*error.sentences)
            status = UNTOLD
        sys.exit(status)

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _errors_as_sentences():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _errors_as_sentences():
            return super().invoke(ctx)


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    """Whatever ends a command is told, and has its status: 1 is a verdict of several commands, and no error is one."""
    try:
        yield
    except click.exceptions.Exit:
        raise
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        _end(UNTOLD)
    except click.ClickException as error:
        say(error.format_message())
        _end(UNTOLD)
    except InterpError as error:
        say(*error.sentences)
        _end(UNTOLD)
    except (KeyboardInterrupt, click.Abort) as interruption:
        _stop(interruption)
    except Exception as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # a library that was stopped half-way says it in its way
            _stop(error.__context__)
        missing = _missing_extra(error)
        if missing is None:  # a defect
            click.echo("".join(format_exception(error)), err=True)
        else:
            say(missing)
        _end(UNTOLD)


def _missing_extra(error: Exception) -> str | None:
    """What to install, where that is all that is wrong."""
    module = (getattr(error, "name", None) or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return f"This command needs {module}: {install_command(EXTRAS[module])}" if module in EXTRAS else None


def _stop(interruption: BaseException) -> NoReturn:
    say(" ".join(["Stopped.", *getattr(interruption, "__notes__", ())]))
    _end(INTERRUPTED)


def _end(status: int) -> NoReturn:
    raise click.exceptions.Exit(status)


@contextmanager
def resuming(describe_kept: Callable[[], str]) -> Iterator[None]:
    """Who stops this with Ctrl-C is told what is kept by then and how to go on."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        interruption.add_note(describe_kept())
        raise


def say(*sentences: str) -> None:
    """Each sentence on a line of stderr, with flags for parameters."""
    from interp.report.text import visible

    for sentence in sentences:
        click.echo(f"interp: {visible(_with_flags(shortened(sentence)))}", err=True)


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
