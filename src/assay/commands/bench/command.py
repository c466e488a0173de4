"""The command and its options."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.commands.bench.asked import measuring_options, prompt_options, server_options
from assay.commands.monitoring import Monitoring, monitoring_options
from assay.commands.options import PATH, json_option, print_json, quiet_option
from assay.errors import EXIT_FAILED, EXIT_FINDINGS, EXIT_OK, InterruptionError
from assay.serving.words import harmless

if TYPE_CHECKING:
    from assay.campaign.runner import CampaignOutcome
    from assay.commands.bench.limits import Condition
    from assay.commands.terminal import Terminal


@click.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@prompt_options
@click.option("--concurrency", metavar="N,N…", help="Loads with a fixed number of requests in flight. [default: 1]")
@click.option("--rate", metavar="R,R…", help="Loads with so many arrivals a second.")
@click.option("--arrivals", type=click.Choice(["poisson", "constant", "gamma"]), help="Of --rate. [default: poisson]")
@click.option("--burstiness", type=click.FloatRange(0, min_open=True), help="Gamma arrivals; 1 is Poisson.")
@click.option("--ramp", metavar="FROM:TO:TIME", help="Arrivals a second that grow evenly, such as 1:20:60s.")
@click.option("--trace", type=click.FloatRange(0, min_open=True), help="Replay the prompts' times, N times as fast.")
@click.option("--sessions", metavar="N,N…", help="Loads of so many conversations at once, turn after turn.")
@click.option("--spread", is_flag=True, help="A conversation's turns may go to different endpoints.")
@click.option("--requests", type=click.IntRange(1), help="Requests a load.")
@click.option("--duration", metavar="TIME", help="Time a load, such as 60s. [default: 10s, if no --requests]")
@server_options
@measuring_options
@click.option("--fail-if", "conditions", multiple=True, metavar="'ttft p99 > 500ms'", help="Exit code 3 if it is so.")
@click.option("--save", type=PATH, metavar="FILE", help="Write the same as a configuration for `assay run`, and stop.")
@click.option("--results", type=PATH, help="Where the campaign's folder is made. [default: results]")
@monitoring_options
@quiet_option
@json_option
def bench(
    urls: tuple[str, ...],
    conditions: tuple[str, ...],
    save: Path | None,
    monitoring: Monitoring,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure any OpenAI-compatible server: a table, a report, and the evidence of every number.

    Exit codes: 0 done, 1 requests failed or the run isn't sound, 2 wrong input, 3 --fail-if, 130 interrupted.
    """
    from assay.analysis.names import titles_of
    from assay.campaign.planning import looked_over
    from assay.commands.bench.limits import check_known, parse_condition
    from assay.commands.bench.measured import measured_json
    from assay.commands.bench.settings import settings_of, write_settings
    from assay.commands.outcome_text import outcome_text
    from assay.commands.terminal import Terminal, width
    from assay.config import config_of

    limits = [parse_condition(text) for text in conditions]
    settings = asyncio.run(settings_of(urls, options))
    check_known(limits, settings)
    if save is not None:
        looked_over(config_of(settings, "the options"))
        click.echo(write_settings(settings, save))
        if limits:
            click.echo("--fail-if isn't part of a configuration, and was left out", err=True)
        return
    terminal = Terminal(quiet=quiet)
    with monitoring.of(terminal):
        outcome = _measure(settings, limits, terminal, as_json=as_json)
    if as_json:
        print_json(measured_json(outcome.folder, outcome.state, outcome.results, limits))
    else:
        click.echo(harmless(outcome_text(outcome, width())), nl=False)
    titles = titles_of(outcome.state.runs)
    named = {entry.run: titles[entry.key] for entry in outcome.state.runs}
    broken = [
        f"--fail-if {words} ({named[result.run]})"
        for limit in limits
        for result in outcome.results
        if (words := limit.broken_by(result))
    ]
    for words in broken:
        click.echo(harmless(words), err=True)
    sys.exit(EXIT_FAILED if not outcome.sound else EXIT_FINDINGS if broken else EXIT_OK)


def _measure(
    settings: dict[str, Any], limits: Sequence[Condition], terminal: Terminal, *, as_json: bool
) -> CampaignOutcome:
    """Carry the campaign out. Told to end, what was measured until then is printed, or goes with the error."""
    from assay.campaign.runner import run_campaign
    from assay.commands.bench.measured import measured_json, whole_runs
    from assay.commands.outcome_text import figures_text
    from assay.commands.run import completed
    from assay.commands.terminal import width
    from assay.config import config_of

    try:
        return completed(run_campaign(config_of(settings, "the options"), terminal), terminal)
    except InterruptionError as error:
        if terminal.folder is None:
            raise
        state, results, missing = whole_runs(terminal.folder)
        if as_json:
            error.beside = measured_json(terminal.folder, state, results, limits) | {"not_measured": missing}
        elif results:
            lacks = f"\nnot measured: {'; '.join(missing)}\n" if missing else ""
            click.echo(harmless(f"\n{figures_text(state, results, width())}{lacks}"), nl=False)
        raise
