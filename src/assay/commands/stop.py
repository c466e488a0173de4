"""`assay stop`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from assay.commands.options import PATH, json_option, print_json


@click.command()
@click.argument("campaign", type=PATH)
@json_option
def stop(campaign: Path, as_json: bool) -> None:
    """Take down the servers that a killed controller left running."""
    from assay.deploy import stop_deployment

    stopped = asyncio.run(stop_deployment(campaign))
    if as_json:
        print_json({"folder": campaign, "stopped": stopped})
    else:
        click.echo(f"{campaign}: nothing is left running of {', '.join(stopped) or 'it'}")
