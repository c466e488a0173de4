"""`assay check`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, json_option, print_json, set_option
from assay.errors import EXIT_FAILED, EXIT_OK, AssayError

if TYPE_CHECKING:
    from assay.config import Config
    from assay.serving.health import CheckReport, CheckRow


@click.command()
@click.argument("file", type=PATH, required=False)
@set_option
@click.option("--deep", is_flag=True, help="Hash the model's large files too.")
@json_option
def check(file: Path | None, overrides: tuple[str, ...], deep: bool, as_json: bool) -> None:
    """Preflight: look at every node of FILE and change none; a score with its reasons.

    Exit code 1 where a run couldn't start.
    """
    from assay.campaign.kinds import plan_runs
    from assay.campaign.servers import campaign_nodes
    from assay.config import load_config
    from assay.deploy.check import check_cluster

    config = load_config(file, list(overrides))
    plan_runs(config, campaign_nodes(config))  # a mistake in the campaign is told here as well
    extra = [_dataset_row(config)]
    report = asyncio.run(check_cluster(config.engine, config.cluster, extra=extra, deep=deep, reach=config.reach))
    if as_json:
        print_json(report)
    else:
        click.echo(_text(report))
    sys.exit(EXIT_OK if report.ready else EXIT_FAILED)


def _dataset_row(config: Config) -> CheckRow:
    from assay.benchmarks import get_benchmark
    from assay.datasets import load_dataset
    from assay.serving.health import judged

    try:
        dataset = load_dataset(get_benchmark(config.benchmark), config.dataset)
    except AssayError as error:
        return judged("controller", "data set", False, 5, "not readable", str(error), required=True)
    detail = f"{dataset.name}: {len(dataset)} of {dataset.total} samples, sha256 {dataset.sha256}"
    return judged("controller", "data set", True, 5, detail, "", required=True)


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
    ready = "a run can start" if report.ready else "a run can't start until the required checks pass"
    score = f"health score {report.earned} of {report.possible}: the sum of the points; skipped checks don't count"
    return f"{captured.get()}\n{score}\n{ready}"
