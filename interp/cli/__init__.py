"""The command line: arguments, files and exit statuses. Heavy modules are imported inside commands.

Exit status: 0 done; 1 a check found something (`golden check`, `stability`, `gate`, `probe`); 2 the
input, model, device or output does not fit (one sentence on stderr); 3 the results are there, but an integration did
not reach its tolerance; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import click

from interp.cli.accept import accept
from interp.cli.calibrate import calibrate
from interp.cli.console import Group
from interp.cli.explain import explain
from interp.cli.gate import gate
from interp.cli.golden import golden
from interp.cli.probe import probe
from interp.cli.record import record
from interp.cli.stability import stability
from interp.cli.summary import summary

__all__ = ["main"]


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="interp", message="interp %(version)s")
def main() -> None:
    """Why did the model tag this word so? Attributions for named-entity models, each with its integration error."""


main.add_command(explain)
main.add_command(golden)
main.add_command(stability)
main.add_command(record)
main.add_command(summary)
main.add_command(gate)
main.add_command(probe)
gate.add_command(accept)
gate.add_command(calibrate)
