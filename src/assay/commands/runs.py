"""`assay runs`: the index of campaigns as a table or JSON."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import click

from assay.errors import UserError
from assay.runs import RunStatus
from assay.runs.index import Filter, IndexRow, index, parse_since

_STATUSES = ["planned", *(status.value for status in RunStatus)]
_SCENARIOS = ["Offline", "Server", "Interactive", "SingleStream"]


def runs_command(
    output: Path,
    *,
    statuses: tuple[str, ...],
    scenarios: tuple[str, ...],
    mode: str | None,
    kind: str | None,
    node: str | None,
    since: str | None,
    as_json: bool,
) -> None:
    """Print the rows that the filters let through. Raises UserError on a filter that can't match anything."""
    import orjson

    wanted = Filter(
        statuses=[_known("--status", status, _STATUSES) for status in statuses],
        scenarios=[_known("--scenario", scenario, _SCENARIOS) for scenario in scenarios],
        mode=_known("--mode", mode, ["performance", "accuracy"]) if mode else None,
        kind=_known("--kind", kind, ["single", "scaling", "official", "sweep"]) if kind else None,
        node=node,
        since=parse_since(since) if since else None,
    )
    rows, problems = index(output, wanted)
    if as_json:
        value = [row.model_dump(mode="json") for row in rows]
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.write(_text(rows))
    for problem in problems:
        click.echo(f"assay: left out: {problem}", err=True)


def _known(option: str, value: str, choices: list[str]) -> str:
    for choice in choices:
        if choice.lower() == value.lower():
            return choice
    raise UserError(f"{option} {value}: choose from {', '.join(choices)}")


def _text(rows: list[IndexRow]) -> str:
    if not rows:
        return "no run matches\n"
    lines: list[str] = []
    width = max(len(row.key) for row in rows)
    for campaign, own in itertools.groupby(rows, key=lambda row: row.campaign):
        runs = list(own)
        simulated = ", simulated" if runs[0].simulated else ""
        lines.append(f"{campaign}  {runs[0].name}: {runs[0].kind}{simulated}")
        lines += [f"  {row.key:<{width}}  {row.status:<11}  {_figure(row)}".rstrip() for row in runs]
    return "\n".join(lines) + "\n"


def _figure(row: IndexRow) -> str:
    figure = row.samples_per_s
    if figure is None:
        return row.reason.partition("\n")[0]
    interval = f" ({figure.low:.4g} to {figure.high:.4g})" if figure.low is not None and figure.high is not None else ""
    return f"{figure.value:.4g} {figure.unit}{interval}; {row.verdict}"
