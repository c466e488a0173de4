"""`assay run`: configuration in, campaign out, and what is printed about it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from assay.campaign.runner import Outcome, run_campaign
from assay.config import load_config
from assay.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from assay.runs import Ledger, read_ledger
from assay.terminal import Terminal


def run_command(file: Path | None, overrides: list[str], *, as_json: bool) -> int:
    """Run the campaign; returns the exit code. Raises UserError and LaunchError."""
    config = load_config(file, overrides)
    terminal = Terminal()
    try:
        outcome = asyncio.run(run_campaign(config, terminal))
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("assay: interrupted; what was measured so far is in the campaign folder", err=True)
        return EXIT_INTERRUPTED
    if as_json:
        sys.stdout.write(_json(outcome))
    else:
        sys.stdout.write(_text(outcome))
    return EXIT_OK if outcome.sound else EXIT_FAILED


def _json(outcome: Outcome) -> str:
    import orjson

    value = {
        "campaign": outcome.state.model_dump(mode="json"),
        "folder": str(outcome.folder.path),
        "results": [result.model_dump(mode="json") for result in outcome.results],
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


def _text(outcome: Outcome) -> str:
    lines = ["", "run                       issued = completed + failed + lost"]
    for entry in outcome.state.runs:
        if entry.run and (folder := outcome.folder.run(entry.run)).ledger.exists():
            lines.append(_ledger_line(f"{entry.scenario} {entry.mode}", read_ledger(folder)))
        else:
            lines.append(f"{entry.scenario} {entry.mode}: {entry.status or 'not started'} {entry.reason}".rstrip())
    words = sorted({result.verdict.words for result in outcome.results})
    lines += ["", *words, f"report: {outcome.folder.path}"]
    return "\n".join(lines) + "\n"


def _ledger_line(name: str, ledger: Ledger) -> str:
    balance = "balanced" if ledger.balanced else "NOT BALANCED: " + "; ".join(ledger.problems)
    resent = f", {ledger.resent} re-sent" if ledger.resent else ""
    counts = f"{ledger.issued:>6} = {ledger.completed:>9} + {ledger.failed:>6} + {ledger.lost:>4}"
    return f"{name:<26}{counts}  {balance}{resent}"
