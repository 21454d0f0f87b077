"""`interp`, and `python -m interp`: the command line, from the first moment that Ctrl-C can be pressed to the last."""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["run"]

INTERRUPTED = 128 + signal.SIGINT
"""Exit status after Ctrl-C, as shells have it."""


def run() -> None:
    """Run the command that was typed."""
    try:
        from interp.cli import main

        main(prog_name="interp")
    except KeyboardInterrupt:  # before there was a command
        print("interp: Stopped.", file=sys.stderr)
        _end_interrupted()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _end_interrupted()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command is done, and Python takes a second to go
        raise


def _end_interrupted() -> None:
    """At once: where Ctrl-C met code run by `exec`, as in the imports of libraries, Python would end with a signal."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    run()
