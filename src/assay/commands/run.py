"""`assay run`: configuration in, campaign out, and what is printed about it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click

from assay.campaign.reporting import scaling_lines
from assay.campaign.runner import Outcome, resume_campaign, run_campaign
from assay.commands.terminal import Terminal
from assay.config import load_config
from assay.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, AssayError
from assay.runs import Ledger, RunEntry, read_ledger


def run_command(file: Path | None, overrides: list[str], *, as_json: bool) -> int:
    """Run a new campaign; returns the exit code. Raises UserError and LaunchError."""
    config = load_config(file, overrides)
    return _carry_out(run_campaign(config, Terminal()), config.output, as_json=as_json)


def resume_command(
    file: Path | None, overrides: list[str], which: str, *, output: Path | None, retry_failed: bool, as_json: bool
) -> int:
    """Go on with a campaign; a configuration, if given, must be its own. Raises UserError and LaunchError."""
    from assay.campaign.state import find, resumed_config

    given = load_config(file, overrides) if file or overrides else None
    folder = find(which, output or (given or load_config(None)).output)
    config = resumed_config(folder, given)
    campaign = resume_campaign(config, folder, Terminal(), retry_failed=retry_failed)
    return _carry_out(campaign, folder.path, as_json=as_json)


def plan_command(file: Path | None, overrides: list[str], *, as_json: bool) -> int:
    """Print what would be run and how long it would take; starts nothing. Raises UserError."""
    import orjson

    from assay.benchmarks import get_benchmark
    from assay.campaign.estimate import estimator
    from assay.campaign.plan import plan_runs
    from assay.campaign.plan_text import plan_text
    from assay.campaign.servers import check_nodes
    from assay.datasets import load_dataset

    config = load_config(file, overrides)
    runs = plan_runs(config, check_nodes(config))
    benchmark = get_benchmark(config.benchmark)
    known = estimator(config, benchmark, load_dataset(benchmark, config.dataset))
    if as_json:
        value = [
            {
                **entry.model_dump(mode="json", include={"key", "scenario", "mode", "nodes", "repeat", "target_qps"}),
                "samples": known.samples(entry),
                "seconds": (estimate := known.estimate(entry)).seconds,
                "at_least": estimate.at_least,
                "basis": estimate.basis,
            }
            for entry in runs
        ]
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.write(plan_text(config, runs, known) + "\n")
    return EXIT_OK


def _carry_out(campaign: Coroutine[Any, Any, Outcome], place: Path, *, as_json: bool) -> int:
    try:
        outcome = asyncio.run(campaign)
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("assay: interrupted; what was measured is kept, `assay run --resume` goes on", err=True)
        return EXIT_INTERRUPTED
    except OSError as error:
        what = f"{error.filename or place}: {error.strerror or error}"
        raise AssayError(f"{what}\nwhat was measured so far is kept; `assay run --resume` goes on") from error
    sys.stdout.write(_json(outcome) if as_json else _text(outcome))
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
    width = max(26, *(len(_name(outcome, entry)) + 2 for entry in outcome.state.runs))
    lines = ["", f"{'run':<{width}}issued = completed + failed + lost"]
    for entry in outcome.state.runs:
        name = _name(outcome, entry)
        if entry.run and (folder := outcome.folder.run(entry.run)).ledger.exists():
            ended = "" if entry.status == "completed" else f"  {entry.status}: {entry.reason}"
            lines.append(_ledger_line(f"{name:<{width}}", read_ledger(folder)) + ended)
        else:
            lines.append(f"{name}: {entry.status or 'not started'} {entry.reason}".rstrip())
    lines += [f"node {node} is left out: {reason}" for node, reason in outcome.state.left_out.items()]
    words = sorted({result.verdict.words for result in outcome.results})
    lines += ["", *scaling_lines(outcome.folder), *words]
    if outcome.unreported:
        lines.append(
            f"no report of {', '.join(outcome.unreported)}: `assay run --resume {outcome.folder.path}` makes it"
        )
    else:
        lines.append(f"report: {outcome.folder.report}")
    return "\n".join(lines) + "\n"


def _name(outcome: Outcome, entry: RunEntry) -> str:
    single = outcome.state.kind == "single" and entry.repeat == 0
    return f"{entry.scenario} {entry.mode}" if single else entry.key


def _ledger_line(name: str, ledger: Ledger) -> str:
    balance = "balanced" if ledger.balanced else "NOT BALANCED: " + "; ".join(ledger.problems)
    resent = f", {ledger.resent} re-sent" if ledger.resent else ""
    counts = f"{ledger.issued:>6} = {ledger.completed:>9} + {ledger.failed:>6} + {ledger.lost:>4}"
    return f"{name}{counts}  {balance}{resent}"
