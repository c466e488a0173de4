"""`assay check`, `assay stop` and `assay export`: what is printed, and the exit codes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import orjson

from assay.config import Config, dump_config, load_config
from assay.deploy.check import CheckReport, CheckRow, check_cluster
from assay.deploy.deployment import stop_deployment
from assay.deploy.export import export_files, write_files
from assay.deploy.export.files import ExportKind
from assay.errors import EXIT_FAILED, EXIT_OK, AssayError
from assay.serving.health import judged


def check_command(file: Path | None, overrides: list[str], *, deep: bool, as_json: bool) -> int:
    """Look at every node and the data set; changes nothing. Exit code 1 where a run couldn't start."""
    config = load_config(file, overrides)
    report = asyncio.run(check_cluster(config.engine, config.cluster, extra=[_dataset_row(config)], deep=deep))
    if as_json:
        click.echo(orjson.dumps(report.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(_text(report))
    return EXIT_OK if report.ready else EXIT_FAILED


def _dataset_row(config: Config) -> CheckRow:
    from assay.benchmarks import get_benchmark
    from assay.datasets import load_dataset

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


def stop_command(folder: Path, *, as_json: bool) -> None:
    """Take down what a campaign's controller left running."""
    stopped = asyncio.run(stop_deployment(folder))
    if as_json:
        click.echo(orjson.dumps({"folder": str(folder), "stopped": stopped}).decode())
    else:
        click.echo(f"{folder}: nothing is left running of {', '.join(stopped) or 'it'}")


def export_command(kind: ExportKind, file: Path | None, overrides: list[str], output: Path, *, as_json: bool) -> None:
    """Write the files that a site's own tooling wants."""
    config = load_config(file, overrides)
    written = write_files(export_files(kind, config.engine, config.cluster, dump_config(config)), output)
    if as_json:
        click.echo(orjson.dumps([str(path) for path in written]).decode())
    else:
        click.echo("\n".join(str(path) for path in written))
