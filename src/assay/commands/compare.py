"""`assay compare`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, json_option, print_json, writing
from assay.errors import EXIT_FINDINGS, EXIT_OK, UserError
from assay.serving.words import harmless

if TYPE_CHECKING:
    from assay.analysis.campaign_compare import CampaignComparison
    from assay.analysis.compare import Comparison


@click.command()
@click.argument("folders", metavar="FOLDER FOLDER...", type=PATH, nargs=-1, required=True)
@click.option("--output", type=PATH, help="Write a report of the comparison into this folder.")
@click.option(
    "--fail-if-slower", "limit", metavar="PERCENT", help="Exit code 3 if the interval shows more than that, e.g. 2%."
)
@json_option
def compare(folders: tuple[Path, ...], output: Path | None, limit: str | None, as_json: bool) -> None:
    """What changed between runs, or between campaigns load by load, with intervals; the first is the baseline."""
    share = _share(limit) if limit is not None else None
    compared = _campaigns if _are_campaigns(folders) else _runs
    with writing(output):
        comparisons, texts, reasons = compared(folders, output, share)
    if as_json:
        print_json(comparisons)
    else:
        click.echo(harmless("\n\n".join(texts)))
    for reason in reasons:
        click.echo(f"--fail-if-slower {limit}: {reason}", err=True)
    sys.exit(EXIT_FINDINGS if reasons else EXIT_OK)


def _are_campaigns(folders: Sequence[Path]) -> bool:
    from assay.runs import CampaignFolder

    campaigns = [folder for folder in folders if CampaignFolder(folder).state.is_file()]
    if campaigns and len(campaigns) < len(folders):
        other = next(folder for folder in folders if folder not in campaigns)
        raise UserError(f"compare: {campaigns[0]}\n  is a campaign and {other}\n  isn't; give runs alone, or campaigns")
    return bool(campaigns)


def _runs(
    folders: Sequence[Path], output: Path | None, share: float | None
) -> tuple[list[Comparison], list[str], list[str]]:
    from assay.commands.compare_text import runs_text
    from assay.report import render_comparison
    from assay.report.compare_page import runs_next
    from assay.runs import RunFolder

    runs, comparisons = render_comparison([RunFolder(folder) for folder in folders], out=output)
    reasons = [reason for c in comparisons for reason in _failures(c, share)] if share is not None else []
    steps = _last(runs_next(runs, comparisons), len(comparisons))
    texts = [
        runs_text(own, runs[0], other, step) for own, other, step in zip(comparisons, runs[1:], steps, strict=True)
    ]
    return comparisons, texts, reasons


def _campaigns(
    folders: Sequence[Path], output: Path | None, share: float | None
) -> tuple[list[CampaignComparison], list[str], list[str]]:
    from assay.commands.compare_text import campaigns_text
    from assay.report import render_campaign_comparison
    from assay.report.compare_campaigns_page import campaigns_next
    from assay.runs import CampaignFolder

    measured, comparisons = render_campaign_comparison([CampaignFolder(folder) for folder in folders], out=output)
    reasons = [reason for c in comparisons for reason in _campaign_failures(c, share)] if share is not None else []
    steps = _last(campaigns_next(measured, comparisons), len(comparisons))
    texts = [
        campaigns_text(own, measured[0], other, step)
        for own, other, step in zip(comparisons, measured[1:], steps, strict=True)
    ]
    return comparisons, texts, reasons


def _last(step: str, count: int) -> list[str]:
    """The next step is of all comparisons together, and told once, with the last of them."""
    return [*[""] * (count - 1), step]


def _failures(comparison: Comparison, share: float) -> Iterator[str]:
    """Why the other run doesn't pass; what can't be judged doesn't pass either."""
    for change in comparison.slower_by(share):
        yield f"slower: {change.quantity}"
    if comparison.fewer_answers:
        yield f"{comparison.other} left a larger share of its samples unanswered"
    if not comparison.decided:
        yield f"{comparison.other} can't be judged: nothing that decides could be compared with an interval"


def _campaign_failures(comparison: CampaignComparison, share: float) -> Iterator[str]:
    """The same of each load; one that the other campaign lacks can't be judged."""
    for load in comparison.loads:
        for change in load.slower_by(share):
            yield f"slower at {load.load}: {change.quantity}"
        if load.fewer_answers:
            yield f"{comparison.other} left a larger share of its samples unanswered at {load.load}"
        if not load.decided:
            yield f"{load.load} can't be judged: nothing that decides could be compared with an interval"
    for name in comparison.only_baseline:
        yield f"{name} can't be judged: {comparison.other} didn't measure it"


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise UserError(f"--fail-if-slower {text}: write a percentage from 0 to 100, such as 2%")
    return share
