"""`assay report`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from assay.commands.options import PATH, json_option, print_json
from assay.errors import UserError


@click.command()
@click.argument("folders", type=PATH, nargs=-1, required=True)
@click.option("--output", type=PATH, help="Write there instead of into the run folder.")
@json_option
def report(folders: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Render the report of runs or campaigns again, from their files alone.

    Of a campaign, its runs and its own page. Prints the pages' paths, or the reports as JSON.
    """

    from assay.runs import read_object
    from assay.runs.folder import ReportFolder

    pages = [page for folder in folders for page in _pages(folder, output, several=len(folders) > 1)]
    if as_json:
        print_json([read_object(ReportFolder(page.parent).data) for page in pages])
    else:
        for page in pages:
            click.echo(page)


def _pages(folder: Path, output: Path | None, *, several: bool) -> Iterator[Path]:
    """The pages of a run, or of a campaign: its runs' and its own."""
    from assay.report import CampaignPages, render_run
    from assay.runs import CampaignFolder, RunFolder

    campaign = CampaignFolder(folder)
    if not campaign.state.exists():
        if not RunFolder(folder).record.exists():
            raise UserError(f"{folder}: neither a run folder (run.json) nor a campaign's (campaign.json)")
        yield render_run(RunFolder(folder), output / RunFolder(folder).id if output and several else output)
        return
    pages = CampaignPages(campaign)
    planned = {entry.run: entry for entry in pages.started}
    runs = [RunFolder(path.parent) for path in sorted(campaign.runs.glob("*/result.json"))]
    for run in runs:
        out = output / run.id if output and (several or len(runs) > 1) else output
        yield pages.render_run(planned[run.id], out) if run.id in planned else render_run(run, out)
    if (page := pages.render(output)) is not None:
        yield page
