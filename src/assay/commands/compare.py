"""`assay compare`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, json_option, print_json, writing
from assay.commands.wrapping import between_words
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
    from assay.commands.terminal import width
    from assay.report.render import render_comparison
    from assay.runs import RunFolder

    share = _share(limit) if limit is not None else None
    with writing(output):
        comparisons = render_comparison([RunFolder(folder) for folder in folders], out=output)
    if as_json:
        print_json(comparisons)
    else:
        click.echo(harmless("\n\n".join(_comparison_text(own, width()) for own in comparisons)))
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


def _comparison_text(comparison: Comparison, columns: int) -> str:
    """Each quantity in both runs, and its ratio with its 95 % interval below it; in `columns` but for long names."""
    from assay.report import format as fmt

    lines = [
        f"{comparison.other}",
        f"  against the baseline {comparison.baseline}",
        "  Ratios are the other run's over the baseline's, with 95 % intervals.",
    ]
    for change in comparison.changes:
        values = f"{fmt.number(change.baseline)} → {fmt.number(change.other)} {change.unit}"
        ratio = fmt.times(change.ratio, change.low, change.high)
        lines += [f"  {change.quantity}: {values}", f"    {ratio}, {change.words}"]
    lines += [f"  differs: {d.where} {d.fact}: {d.baseline} → {d.other}" for d in comparison.differences]
    lines += [f"  note: {note}" for note in comparison.notes]
    return "\n".join(between_words(line, columns) for line in lines)
