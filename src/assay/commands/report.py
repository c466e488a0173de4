"""`assay report`: render runs and campaigns again, from their files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import orjson
import yaml

from assay.analysis.compare import Comparison
from assay.benchmarks import Benchmark, get_benchmark
from assay.errors import EXIT_FINDINGS, EXIT_OK, UserError
from assay.report.render import render_campaign, render_comparison, render_run
from assay.runs import CampaignFolder, RunFolder


def report_command(folders: Sequence[Path], output: Path | None, *, as_json: bool) -> None:
    """Render each run; of a campaign, its runs and its own page. Prints the pages' paths, or the reports as JSON."""
    pages = []
    for folder in folders:
        runs = list(_runs(folder))
        several = len(folders) > 1 or len(runs) > 1
        for run in runs:
            out = output / run.id if output and several else output
            pages.append(render_run(run, benchmark_of(run.config), out))
        pages += _campaign_page(CampaignFolder(folder), output)
    if as_json:
        reports = [orjson.loads(page.with_name("report.json").read_bytes()) for page in pages]
        click.echo(orjson.dumps(reports, option=orjson.OPT_INDENT_2).decode())
    else:
        for page in pages:
            click.echo(page)


def compare_command(folders: Sequence[Path], output: Path | None, limit: str | None, *, as_json: bool) -> int:
    """Print each run against the first; EXIT_FINDINGS where `limit` ("2%") is passed for sure."""
    share = _share(limit) if limit is not None else None
    comparisons = render_comparison([RunFolder(folder) for folder in folders], out=output)
    if as_json:
        values = [comparison.model_dump(mode="json") for comparison in comparisons]
        click.echo(orjson.dumps(values, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo("\n\n".join(_comparison_text(comparison) for comparison in comparisons))
    reasons = [reason for c in comparisons for reason in _failures(c, share)] if share is not None else []
    for reason in reasons:
        click.echo(f"--fail-if-slower {limit}: {reason}", err=True)
    return EXIT_FINDINGS if reasons else EXIT_OK


def _failures(comparison: Comparison, share: float) -> Iterator[str]:
    """Why the other run doesn't pass; what can't be judged doesn't pass either."""
    for change in comparison.slower_by(share):
        yield f"slower: {change.quantity}"
    if comparison.fewer_answers:
        yield f"{comparison.other} left a larger share of its samples unanswered"
    if not comparison.decided:
        yield f"{comparison.other} can't be judged: nothing that decides could be compared with an interval"


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise UserError(f"--fail-if-slower {text}: write a percentage from 0 to 100, such as 2%")
    return share


def _comparison_text(comparison: Comparison) -> str:
    lines = [f"{comparison.other} against {comparison.baseline}"]
    for change in comparison.changes:
        interval = (
            f"{change.low:.4f} to {change.high:.4f}" if change.low is not None and change.high is not None else "-"
        )
        lines.append(
            f"  {change.quantity:<28}{change.baseline:>12.4g} -> {change.other:<12.4g}{change.unit:<11}"
            f"ratio {change.ratio:.4f} (95 %: {interval}), {change.words}"
        )
    lines += [f"  differs: {d.where} {d.fact}: {d.baseline} -> {d.other}" for d in comparison.differences]
    lines += [f"  note: {note}" for note in comparison.notes]
    return "\n".join(lines)


def _runs(folder: Path) -> Iterator[RunFolder]:
    campaign = CampaignFolder(folder)
    if campaign.state.exists():
        yield from (RunFolder(path.parent) for path in sorted(campaign.runs.glob("*/result.json")))
    elif RunFolder(folder).record.exists():
        yield RunFolder(folder)
    else:
        raise UserError(f"{folder}: neither a run folder (run.json) nor a campaign's (campaign.json)")


def _campaign_page(campaign: CampaignFolder, output: Path | None) -> list[Path]:
    if not campaign.state.exists():
        return []
    benchmark = benchmark_of(campaign.config)
    page = render_campaign(campaign, lambda _: benchmark, output)
    return [page] if page else []


def benchmark_of(config: Path) -> Benchmark:
    """The benchmark that a folder's own configuration names. Raises UserError where it can't be read."""
    try:
        return get_benchmark(yaml.safe_load(config.read_text(encoding="utf-8"))["benchmark"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"{config}: the configuration can't be read: {error}") from None
