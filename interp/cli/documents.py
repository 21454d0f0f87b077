"""`--json FILE` of the commands: a document in a file, or alone on standard output."""

from __future__ import annotations

import click

__all__ = ["STANDARD_OUTPUT", "check_document", "write_document"]

STANDARD_OUTPUT = "-"
"""In place of a file name."""


def check_document(file: str | None) -> None:
    """Raise OutputError now, before work is done whose result could not be written."""
    from interp.project.files import check_writable

    if file is not None and file != STANDARD_OUTPUT:
        check_writable(file)


def write_document(document: str, file: str) -> None:
    """On standard output it is UTF-8 too, whatever the terminal's encoding is.

    Raises OutputError, and leaves the old file as it was.
    """
    from interp.project.files import write

    if file == STANDARD_OUTPUT:
        click.echo(document.encode(), nl=False)
    else:
        write(file, document)
