"""`assay report`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, json_option, print_json
from assay.errors import UserError

if TYPE_CHECKING:
    from assay.runs import CampaignFolder, RunFolder


@click.command()
@click.argument("folders", type=PATH, nargs=-1, required=True)
@click.option("--output", type=PATH, help="Write there instead of into the run folder.")
@json_option
def report(folders: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Render the report of runs or campaigns again, from their files alone.

    Of a campaign, its runs and its own page. Prints the pages' paths, or the reports as JSON.
    """
    import orjson

    from assay.report.render import render_run
    from assay.runs import CampaignFolder

    pages = []
    for folder in folders:
        runs = list(_runs(folder))
        several = len(folders) > 1 or len(runs) > 1
        for run in runs:
            out = output / run.id if output and several else output
            pages.append(render_run(run, out))
        pages += _campaign_page(CampaignFolder(folder), output)
    if as_json:
        print_json([orjson.loads(page.with_name("report.json").read_bytes()) for page in pages])
    else:
        for page in pages:
            click.echo(page)


def _runs(folder: Path) -> Iterator[RunFolder]:
    from assay.runs import CampaignFolder, RunFolder

    campaign = CampaignFolder(folder)
    if campaign.state.exists():
        yield from (RunFolder(path.parent) for path in sorted(campaign.runs.glob("*/result.json")))
    elif RunFolder(folder).record.exists():
        yield RunFolder(folder)
    else:
        raise UserError(f"{folder}: neither a run folder (run.json) nor a campaign's (campaign.json)")


def _campaign_page(campaign: CampaignFolder, output: Path | None) -> list[Path]:
    from assay.report.render import render_campaign

    if not campaign.state.exists():
        return []
    page = render_campaign(campaign, output)
    return [page] if page else []
