"""`interp gate accept`: a cue that models may take for a sign of a tag, until a day."""

from __future__ import annotations

from datetime import date, datetime

import click

from interp.cli.project import open_project

__all__ = ["accept"]


@click.command()
@click.argument("cue", metavar="CUE")
@click.option("--tag", required=True, help="The tag that it may be a sign of.")
@click.option("--reason", required=True, help="Why that is right.")
@click.option("--effect", type=float, metavar="NATS", help="What is accepted; one much larger fails again.")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The last day on which that holds.")
def accept(*, cue: str, tag: str, reason: str, effect: float | None, until: datetime) -> None:
    """Accept that models take CUE for a sign of a tag: a dated entry in interp-waivers.toml.

    CUE is what the report calls it: words, -ending (behind --), form:UPPER, spot:FIRST. The file is reviewed like code,
    every report shows what is accepted, and an entry that has ended does not hold.
    """
    from interp.gate.waivers import add_waiver, make_waiver

    root, settings = open_project()
    path = root / settings.gate.waivers
    today = date.today()
    waiver = make_waiver(cue=cue, tag=tag, reason=reason, until=until.date(), added=today, effect=effect)
    add_waiver(path, waiver, today)
    click.echo(f"{path}: `{cue}` is accepted for {tag} until {until.date()}.")
