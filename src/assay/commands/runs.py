"""`assay runs`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from assay.commands.options import PATH, json_option, print_json, writing
from assay.digits import number_text
from assay.errors import UserError
from assay.serving.words import harmless
from assay.wrapping import between_words

if TYPE_CHECKING:
    from assay.runs.index import IndexRow


@click.command()
@click.argument("output", type=PATH, default=Path("results"))
@click.option("--status", "statuses", multiple=True, help="Only runs with this status; may be repeated.")
@click.option("--scenario", "scenarios", multiple=True, help="Only this scenario; may be repeated.")
@click.option("--mode", help="performance or accuracy.")
@click.option("--kind", help="Only campaigns of this kind.")
@click.option("--node", help="Only runs in which this node takes part.")
@click.option("--since", metavar="WHEN", help="2026-01-31, 2026-01-31T12:00 (UTC), or an age: 12h, 7d, 2w.")
@click.option("--html", type=PATH, metavar="FILE", help="Write a page with links to the reports.")
@json_option
def runs(
    output: Path,
    statuses: tuple[str, ...],
    scenarios: tuple[str, ...],
    mode: str | None,
    kind: str | None,
    node: str | None,
    since: str | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """All campaigns in OUTPUT and their runs."""
    from assay.runs import RunStatus
    from assay.runs.campaign import CampaignKind
    from assay.runs.index import Filter, index, parse_since
    from assay.runs.scenarios import Mode, Scenario

    known = ["planned", *(status.value for status in RunStatus)]
    wanted = Filter(
        statuses=[_known("--status", status, known) for status in statuses],
        scenarios=[_known("--scenario", scenario, get_args(Scenario)) for scenario in scenarios],
        mode=_known("--mode", mode, get_args(Mode)) if mode else None,
        kind=_known("--kind", kind, get_args(CampaignKind)) if kind else None,
        node=node,
        since=parse_since(since) if since else None,
    )
    rows, problems = index(output, wanted)
    if html is not None:
        from assay.report import render_index

        with writing(html):
            render_index(rows, html)
    if as_json:
        print_json(rows)
    elif html is not None:
        click.echo(html)
    else:
        from assay.commands.terminal import width

        click.echo(harmless(_text(rows, width())), nl=False)
    for problem in problems:
        click.echo(harmless(f"assay: left out: {problem}"), err=True)


def _known(option: str, value: str, choices: Sequence[str]) -> str:
    for choice in choices:
        if choice.lower() == value.lower():
            return choice
    raise UserError(f"{option} {value}: choose from {', '.join(choices)}")


def _text(rows: list[IndexRow], columns: int) -> str:
    """A line or more a run in `columns`; folders, which are copied, stand in lines of their own, in one piece."""
    from assay.runs.campaign import campaign_title

    if not rows:
        return "no run matches\n"
    lines: list[str] = []
    longest = max(len(row.key) for row in rows)
    for folder, own in itertools.groupby(rows, key=lambda row: row.folder):
        runs = list(own)
        simulated = ", simulated" if runs[0].simulated else ""
        title = f"{campaign_title(runs[0].kind, runs[0].name)}{simulated}"
        lines += [f"{folder}  {title}"] if len(f"{folder}  {title}") <= columns else [str(folder), f"  {title}"]
        for row in runs:
            told = f"  {row.key:<{longest}}  {row.status:<11}  {_figure(row)}".rstrip()
            lines.append(between_words(told, columns))
            lines += [f"    {row.path}"] if row.path else []
    return "\n".join(lines) + "\n"


def _figure(row: IndexRow) -> str:
    figure = row.samples_per_s
    if figure is None:
        return row.reason.partition("\n")[0]
    interval = (
        f" ({number_text(figure.low)} to {number_text(figure.high)})"
        if figure.low is not None and figure.high is not None
        else ""
    )
    lacks = f", {row.unanswered}" if row.unanswered else ""
    return f"{number_text(figure.value)} {figure.unit}{interval}{lacks}; {row.verdict}"
