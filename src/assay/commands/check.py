"""`assay check`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, chosen_file, json_option, print_json, set_option
from assay.errors import EXIT_FAILED, EXIT_OK
from assay.serving.words import harmless

if TYPE_CHECKING:
    from assay.serving.health import CheckReport


@click.command()
@click.argument("file", type=PATH, required=False)
@set_option
@click.option("--deep", is_flag=True, help="Hash the model's large files too.")
@json_option
def check(file: Path | None, overrides: tuple[str, ...], deep: bool, as_json: bool) -> None:
    """Preflight: look at every node of FILE and change none; a score with its reasons.

    Exit code 1 where a run couldn't start.
    """
    from assay.campaign.preflight import preflight
    from assay.config import load_config

    config = load_config(chosen_file(file), list(overrides))
    report = asyncio.run(preflight(config, lambda told: click.echo(harmless(told), err=True), deep=deep))
    if as_json:
        print_json(report)
    else:
        click.echo(harmless(_text(report)))
    sys.exit(EXIT_OK if report.ready else EXIT_FAILED)


def _text(report: CheckReport) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("node", "check", "outcome", "points", "what was seen; what to do"):
        table.add_column(name, overflow="fold")
    for row in report.table():
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False, color_system=None)
    with console.capture() as captured:
        console.print(table)
    if not report.ready:
        ready = "a run can't start until the required checks pass"
    elif report.answered:
        ready = "a run can start"
    else:
        ready = "nothing found that keeps a run from starting; whether the servers answer shows when they start with it"
    score = f"health score {report.earned} of {report.possible}: the sum of the points; skipped checks don't count"
    return f"{captured.get()}\n{score}\n{ready}"
