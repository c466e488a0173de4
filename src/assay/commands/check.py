"""`assay check`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, chosen_file, json_option, print_json, set_option
from assay.errors import EXIT_FAILED, EXIT_OK
from assay.serving.words import harmless
from assay.wrapping import between_words

if TYPE_CHECKING:
    from assay.serving.health import CheckReport


_HEADS = ("node", "check", "outcome", "points", "what was seen; what to do")
_GAP, _BELOW = "  ", "    "


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
    from assay.commands.terminal import width
    from assay.config import load_config

    config = load_config(chosen_file(file), list(overrides))
    report = asyncio.run(preflight(config, lambda told: click.echo(harmless(told), err=True), deep=deep))
    if as_json:
        print_json(report)
    else:
        click.echo(harmless(check_text(report, width())))
    sys.exit(EXIT_OK if report.ready else EXIT_FAILED)


def check_text(report: CheckReport, columns: int) -> str:
    """A row a check, the score, and whether a run can start, in `columns` wherever words and paths leave room."""
    if not report.ready:
        ready = "a run can't start until the required checks pass"
    elif report.answered:
        ready = "a run can start"
    else:
        ready = "nothing found that keeps a run from starting; whether the servers answer shows when they start with it"
    score = f"health score {report.earned} of {report.possible}: the sum of the points; skipped checks don't count"
    end = [between_words(words, columns) for words in (score, ready)]
    return "\n".join([*_table([_HEADS, *report.table()], columns), "", *end])


def _table(rows: Sequence[Sequence[str]], columns: int) -> Iterator[str]:
    """What was seen stands beside its check, or where a word of it is too long for that, as a path is, below it."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    beside = sum(widths) + len(_GAP) * len(widths)
    for *cells, told in rows:
        head = _GAP.join(map(str.ljust, cells, widths))
        if beside + max(map(len, told.split()), default=0) <= columns:
            yield between_words(f"{head}{_GAP}{told}", columns, " " * beside).rstrip()
        else:
            yield f"{head.rstrip()}\n{between_words(f'{_BELOW}{told}', columns, '')}"
