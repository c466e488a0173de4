"""`assay run`: configuration in, campaign out."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.commands.monitoring import Monitoring, monitoring_options
from assay.commands.options import PATH, chosen_file, json_option, print_json, quiet_option, set_option
from assay.errors import EXIT_FAILED, EXIT_FINDINGS, EXIT_OK, AssayError, InterruptionError, system_words
from assay.serving.words import harmless
from assay.wrapping import between_words

if TYPE_CHECKING:
    from assay.campaign.runner import CampaignOutcome
    from assay.commands.terminal import Terminal
    from assay.config import Config
    from assay.runs import CampaignFolder


@click.command()
@click.argument("file", type=PATH, required=False)
@set_option
@click.option("--dataset", type=PATH, help="Data set file or folder (short for --set dataset.path=…).")
@click.option("--output", type=PATH, help="Where campaign folders are made.")
@click.option("--official", is_flag=True, help="Every setting from MLPerf's rules: 600 s, all samples, seeds.")
@click.option("--campaign", "kind", help="Such as single, scaling or sweep (short for --set campaign.kind=…).")
@click.option(
    "--from",
    "earlier",
    type=PATH,
    multiple=True,
    metavar="CAMPAIGN",
    help="Target rates from what an earlier campaign found; may be repeated.",
)
@click.option("--plan", is_flag=True, help="Print the runs and how long they take; start nothing.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="latest",
    metavar="[CAMPAIGN]",
    help="Go on with a campaign folder, or the latest.",
)
@click.option("--retry-failed", is_flag=True, help="With --resume: run again what failed or timed out.")
@monitoring_options
@quiet_option
@json_option
def run(
    file: Path | None,
    overrides: tuple[str, ...],
    dataset: Path | None,
    output: Path | None,
    official: bool,
    kind: str | None,
    earlier: tuple[Path, ...],
    plan: bool,
    resume: str | None,
    retry_failed: bool,
    monitoring: Monitoring,
    quiet: bool,
    as_json: bool,
) -> None:
    """Benchmark what FILE describes; without it, this machine with the embedded engine and bundled articles."""
    settings = list(overrides)
    settings += [f"dataset.path={dataset}"] if dataset else []
    settings += ["official=true", "dataset.samples=null", "queries={}"] if official else []
    settings += [f"campaign.kind={kind}"] if kind else []
    terminal = _terminal(quiet)
    if resume and earlier:
        raise click.UsageError("--from goes with a new campaign: one that is resumed has its rates")
    if resume:
        with monitoring.of(terminal):
            sys.exit(_resume(file, settings, resume, output, terminal, retry_failed=retry_failed, as_json=as_json))
    if retry_failed:
        raise click.UsageError("--retry-failed goes with --resume")
    settings += [f"output={output}"] if output else []
    file = chosen_file(file)
    settings += _rates(file, settings, earlier) if earlier else []
    if plan:
        print_plan(file, settings, as_json=as_json)
        return
    with monitoring.of(terminal):
        sys.exit(_run(file, settings, terminal, as_json=as_json))


def _rates(file: Path | None, settings: list[str], earlier: tuple[Path, ...]) -> list[str]:
    """What earlier campaigns say of the rates, as settings; tells where each comes from. Raises UserError."""
    from assay.campaign.earlier_rates import earlier_rates
    from assay.config import load_config

    found = earlier_rates(earlier, load_config(file, settings))
    for words in found.said:
        click.echo(harmless(f"assay: {words}"), err=True)
    return found.settings


def _terminal(quiet: bool) -> Terminal:
    from assay.commands.terminal import Terminal

    return Terminal(quiet=quiet)


def _run(file: Path | None, overrides: list[str], terminal: Terminal, *, as_json: bool) -> int:
    """Run a new campaign; returns the exit code. Raises UserError and LaunchError."""
    from assay.campaign.runner import run_campaign
    from assay.config import load_config

    return carry_out(run_campaign(load_config(file, overrides), terminal), terminal, as_json=as_json)


def _resume(
    file: Path | None,
    overrides: list[str],
    which: str,
    output: Path | None,
    terminal: Terminal,
    *,
    retry_failed: bool,
    as_json: bool,
) -> int:
    """Go on with a campaign; a configuration, if given, must be its own. Raises UserError and LaunchError."""
    campaign = resumed(file, overrides, which, output, terminal, retry_failed=retry_failed)
    return carry_out(campaign, terminal, as_json=as_json)


def resumed(
    file: Path | None,
    overrides: list[str],
    which: str,
    output: Path | None,
    terminal: Terminal,
    *,
    retry_failed: bool,
) -> Coroutine[Any, Any, CampaignOutcome]:
    """What goes on with a campaign. Raises UserError where there is none, or the configuration isn't its own."""
    from assay.campaign.runner import resume_campaign
    from assay.campaign.state import LATEST, find, resumed_config
    from assay.config import load_config

    given = load_config(file, overrides) if file or overrides else None
    # Where the last campaign is looked for; a folder that is named needs no configuration.
    nearby = given or load_config(chosen_file(None) if which == LATEST else None)
    folder = find(which, output or nearby.output)
    config = resumed_config(folder, given)
    return resume_campaign(config, folder, terminal, retry_failed=retry_failed)


def print_plan(file: Path | None, overrides: list[str], *, as_json: bool) -> None:
    """Print what the configuration would run and how long it would take; starts nothing. Raises UserError."""
    from assay.config import load_config

    print_plan_of(load_config(file, overrides), as_json=as_json)


def print_plan_of(config: Config, *, as_json: bool) -> None:
    """The same of a configuration that was read. Raises UserError."""
    from assay.campaign.client_load import ClientLoads, Machine
    from assay.campaign.estimate import estimator
    from assay.campaign.plan_text import plan_text
    from assay.campaign.planning import looked_over
    from assay.commands.terminal import width
    from assay.load.client_rate import known_rate

    benchmark, runs, dataset = looked_over(config)
    known = estimator(config, benchmark, dataset)
    client, machine = ClientLoads(config, benchmark, dataset), Machine.here(known_rate())
    if not as_json:
        text = harmless(plan_text(config, runs, known, client.lines(runs, machine)))
        click.echo(between_words(text, width()) if sys.stdout.isatty() else text)
        return
    print_json(
        [
            {
                **entry.model_dump(mode="json", include={"key", "scenario", "mode", "nodes", "repeat", "target_qps"}),
                "samples": known.samples(entry),
                "samples_at_least": entry.shape is None and known.issued(entry).at_least,
                "seconds": (estimate := known.estimate(entry)).seconds,
                "at_least": estimate.at_least,
                "basis": estimate.basis,
                "client": client.remarks(entry, machine),
            }
            for entry in runs
        ]
    )


def carry_out(campaign: Coroutine[Any, Any, CampaignOutcome], terminal: Terminal, *, as_json: bool) -> int:
    """Run a campaign to its end and print what it left; returns the exit code. Raises AssayError."""
    from assay.commands.outcome_text import outcome_text
    from assay.commands.terminal import width

    outcome = completed(campaign, terminal)
    if as_json:
        print_json({"campaign": outcome.state, "folder": outcome.folder.path, "results": outcome.results})
    else:
        click.echo(harmless(outcome_text(outcome, width())), nl=False)
    return exit_code(outcome)


def exit_code(outcome: CampaignOutcome) -> int:
    """Of a campaign that is over; a search without a confirmed rate is a finding. Raises UserError."""
    from assay.analysis.rate_answer import rate_answer

    if not outcome.sound:
        return EXIT_FAILED
    searched = outcome.state.kind == "tune-rate"
    return EXIT_FINDINGS if searched and not rate_answer(outcome.folder, outcome.state).confirmed else EXIT_OK


def completed(campaign: Coroutine[Any, Any, CampaignOutcome], terminal: Terminal) -> CampaignOutcome:
    """What a campaign left. Raises InterruptionError where it is told to end, AssayError where a disk takes no more."""
    from assay.commands.ends import ENDS

    def interrupted() -> str:
        return f"interrupted{_what_goes_on(terminal.folder)}"

    try:
        return ENDS.run(campaign, lambda: terminal.underway, interrupted, terminal.say if terminal.draws else None)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise InterruptionError(interrupted()) from None
    except OSError as error:
        raise AssayError(f"{system_words(error)}{_what_goes_on(terminal.folder)}") from error
    finally:
        terminal.close()


def _what_goes_on(folder: CampaignFolder | None) -> str:
    """What is kept of a campaign that has begun, and what resuming it does."""
    from assay.campaign.state import unfinished
    from assay.runs import read_campaign

    if folder is None:
        return ""
    command = f"`assay run --resume {shlex.quote(str(folder.path))}`"
    try:
        left = unfinished(read_campaign(folder))
    except AssayError:
        return ""
    if left:
        return f"; what was measured is kept, {command} goes on"
    if not folder.report.exists():
        return f"; all runs are over and kept, {command} makes the reports that are missing"
    return f"; all runs are over, and the reports made: {folder.report}"
