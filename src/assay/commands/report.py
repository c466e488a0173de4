"""`assay report`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, json_option, print_json, writing
from assay.errors import EXIT_OK, EXIT_USAGE, UserError

if TYPE_CHECKING:
    from assay.runs import RunFolder


@click.command()
@click.argument("folders", type=PATH, nargs=-1, required=True)
@click.option("--output", type=PATH, help="Write there instead of into the run folder.")
@click.option("--single-file", is_flag=True, help="Pages that need no file beside them, for sending one.")
@json_option
def report(folders: tuple[Path, ...], output: Path | None, single_file: bool, as_json: bool) -> None:
    """Render the report of runs or campaigns again, from their files alone.

    Of a campaign, its runs and its own page. Prints the pages' paths, or the reports as JSON. What can't be read is
    named and left out; exit code 2 then.
    """
    from assay.runs import read_object
    from assay.runs.folder import ReportFolder

    pages: list[Path] = []
    problems: list[str] = []
    for folder in folders:
        for render in _renderings(folder, output, single_file, several=len(folders) > 1):
            try:
                with writing(output or folder):
                    pages += [page] if (page := render()) is not None else []
            except UserError as error:
                problems += [str(error)] if str(error) not in problems else []
    if problems and not pages:
        raise UserError("\nassay: ".join(problems))
    if as_json:
        print_json([read_object(ReportFolder(page.parent).data) for page in pages])
    else:
        for page in pages:
            click.echo(page)
    for problem in problems:
        click.echo(f"assay: {problem}", err=True)
    sys.exit(EXIT_USAGE if problems else EXIT_OK)


def _renderings(
    folder: Path, output: Path | None, single_file: bool, *, several: bool
) -> Iterator[Callable[[], Path | None]]:
    """What writes each page of a run, or of a campaign: its runs' and its own. Each raises UserError for itself."""
    from assay.report import CampaignPages, render_run
    from assay.runs import CampaignFolder, RunFolder

    campaign = CampaignFolder(folder)
    if not campaign.state.exists():
        out = output / RunFolder(folder).id if output and several else output
        yield partial(_render_alone, RunFolder(folder), out, single_file)
        return
    try:
        pages = CampaignPages(campaign, single_file=single_file)
    except UserError as error:
        yield partial(_refuse, error)
        return
    planned = {entry.run: entry for entry in pages.started}
    runs = [RunFolder(path.parent) for path in sorted(campaign.runs.glob("*/result.json"))]
    for run in runs:
        out = output / run.id if output and (several or len(runs) > 1) else output
        known = planned.get(run.id)
        yield partial(pages.render_run, known, out) if known else partial(render_run, run, out, single_file=single_file)
    yield partial(pages.render, output)


def _render_alone(run: RunFolder, output: Path | None, single_file: bool) -> Path:
    from assay.report import render_run

    if not run.record.exists():
        raise UserError(f"{run.path}: neither a run folder (run.json) nor a campaign's (campaign.json)")
    return render_run(run, output, single_file=single_file)


def _refuse(error: UserError) -> Path:
    raise error
