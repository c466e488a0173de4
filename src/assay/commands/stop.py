"""`assay stop`."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import click

from assay.commands.options import PATH, json_option, print_json


@click.command()
@click.argument("campaign", type=PATH)
@click.option("--force", is_flag=True, help="Even while another process carries the campaign out.")
@json_option
def stop(campaign: Path, force: bool, as_json: bool) -> None:
    """Take down the servers that a killed controller left running."""
    from assay.campaign.servers import stop_all
    from assay.campaign.state import held
    from assay.errors import UserError
    from assay.runs import CampaignFolder

    folder = CampaignFolder(campaign)
    with contextlib.ExitStack() as stack:
        try:
            if folder.deployment.exists():  # a lock is for campaigns alone
                stack.enter_context(held(folder))
        except UserError as error:
            if not force:
                raise UserError(f"{error}: end that one, which takes its servers down, or give --force") from None
        stopped = asyncio.run(stop_all(folder))
    if as_json:
        print_json({"folder": campaign, "stopped": stopped})
    else:
        click.echo(f"{campaign}: nothing is left running of {', '.join(stopped) or 'it'}")
