"""`assay report`: render runs and campaigns again, from their files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import orjson
import yaml

from assay.benchmarks import Benchmark, get_benchmark
from assay.errors import UserError
from assay.report.render import render_run
from assay.runs import CampaignFolder, RunFolder


def report_command(folders: Sequence[Path], output: Path | None, *, as_json: bool) -> None:
    """Render each run; a campaign's folder stands for its runs. Prints the pages' paths, or the reports as JSON."""
    runs = [run for folder in folders for run in _runs(folder)]
    pages = []
    for run in runs:
        out = output / run.id if output and len(runs) > 1 else output
        pages.append(render_run(run, benchmark_of(run), out))
    if as_json:
        reports = [orjson.loads(page.with_name("report.json").read_bytes()) for page in pages]
        click.echo(orjson.dumps(reports, option=orjson.OPT_INDENT_2).decode())
    else:
        for page in pages:
            click.echo(page)


def _runs(folder: Path) -> Iterator[RunFolder]:
    campaign = CampaignFolder(folder)
    if campaign.state.exists():
        yield from (RunFolder(path) for path in sorted(campaign.runs.iterdir()) if RunFolder(path).result.exists())
    elif RunFolder(folder).record.exists():
        yield RunFolder(folder)
    else:
        raise UserError(f"{folder}: neither a run folder (run.json) nor a campaign's (campaign.json)")


def benchmark_of(run: RunFolder) -> Benchmark:
    """The benchmark that the run's own configuration names. Raises UserError where it can't be read."""
    try:
        config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
        return get_benchmark(config["benchmark"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"{run.config}: the run's configuration can't be read: {error}") from None
