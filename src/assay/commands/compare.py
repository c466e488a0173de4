"""`assay compare`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, json_option, print_json, writing
from assay.errors import EXIT_FINDINGS, EXIT_OK, UserError
from assay.serving.words import harmless

if TYPE_CHECKING:
    from assay.analysis.compare import Comparison


@click.command()
@click.argument("folders", metavar="RUN RUN...", type=PATH, nargs=-1, required=True)
@click.option("--output", type=PATH, help="Write a report of the comparison into this folder.")
@click.option(
    "--fail-if-slower", "limit", metavar="PERCENT", help="Exit code 3 if the interval shows more than that, e.g. 2%."
)
@json_option
def compare(folders: tuple[Path, ...], output: Path | None, limit: str | None, as_json: bool) -> None:
    """What changed between runs, with intervals; the first is the baseline."""
    from assay.report.render import render_comparison
    from assay.runs import RunFolder

    share = _share(limit) if limit is not None else None
    with writing(output):
        comparisons = render_comparison([RunFolder(folder) for folder in folders], out=output)
    if as_json:
        print_json(comparisons)
    else:
        click.echo(harmless("\n\n".join(_comparison_text(comparison) for comparison in comparisons)))
    reasons = [reason for c in comparisons for reason in _failures(c, share)] if share is not None else []
    for reason in reasons:
        click.echo(f"--fail-if-slower {limit}: {reason}", err=True)
    sys.exit(EXIT_FINDINGS if reasons else EXIT_OK)


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
