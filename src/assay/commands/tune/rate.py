"""`assay tune rate`: from a URL or a configuration to the highest rate of arrivals that keeps its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import click

from assay.commands.bench.asked import probing_options, prompt_options, server_options
from assay.commands.monitoring import Monitoring
from assay.commands.tune.campaign import Asked, carry_out_tuning, tuning_options
from assay.commands.tune.tail_limits import written_limits
from assay.errors import UserError
from assay.runs.rate_search import TunedScenario


@click.command()
@click.argument("targets", metavar="URL...|FILE", nargs=-1)
@click.option("--slo", "limits", metavar="'p99(ttft) < 2 s'", help="What the rate must keep; several: with commas.")
@click.option("--precision", metavar="SHARE", help="Ends the probes once the 95 % interval is within it. [default: 3%]")
@click.option("--budget", metavar="TIME", help="Time of all runs. [default: 20m]")
@click.option("--probes", type=click.IntRange(1), help="No more probes than so many. [default: any number]")
@click.option("--first-rate", type=click.FloatRange(0, min_open=True), help="Of the first probe, arrivals a second.")
@click.option("--scenario", type=click.Choice(get_args(TunedScenario)), help="Of the run that confirms the rate.")
@click.option("--official", is_flag=True, help="The confirming run has every setting from MLPerf's rules.")
@prompt_options
@server_options
@probing_options
@tuning_options
def rate(
    targets: tuple[str, ...],
    monitoring: Monitoring,
    quiet: bool,
    as_json: bool,
    limits: str | None,
    precision: str | None,
    budget: str | None,
    probes: int | None,
    first_rate: float | None,
    scenario: str | None,
    official: bool,
    **options: Any,
) -> None:
    """The highest rate of arrivals that keeps its limits: found with an interval, and confirmed.

    Of a server at URL..., or of what the configuration FILE describes (without either, ./assay.yaml).

    Exit codes: 0 found and confirmed, 1 a run isn't sound, 2 wrong input, 3 not found or confirmed, 130 interrupted.
    """
    own: dict[str, Any] = {"precision": precision, "budget": budget, "probes": probes, "first_rate": first_rate}
    own |= {"scenario": scenario, "limits": None if limits is None else written_limits(limits)}
    asked = Asked("tune-rate", "", own, targets, {**options, "slo": None, "repeats": None})
    if asked.urls and options["resume"] is None and limits is None:
        raise UserError("give what the rate must keep: --slo 'p99(ttft) < 2 s, p99(tpot) < 100 ms'")
    if official:
        if asked.urls:
            raise UserError("--official goes with a configuration: a server at a URL has no MLPerf benchmark")
        extra = ("official=true", "dataset.samples=null", "queries={}")
        asked = Asked("tune-rate", "", own, targets, {**asked.options, "overrides": (*extra, *options["overrides"])})
    carry_out_tuning(asked, monitoring, rate_text, quiet=quiet, as_json=as_json)


def rate_text(found: Mapping[str, Any], width: int) -> str:
    """The runs of the search, as the report has them, in `width` columns."""
    from assay.analysis.rate_answer import RateAnswer
    from assay.commands.table import drawn
    from assay.report import format as fmt
    from assay.report.rate_search import ROLES, verdict_words

    known = RateAnswer.model_validate(found)
    grid = [["requests/s", "for", "limits", *(f"over {limit.title}" for limit in known.limits)]]
    for point in known.points:
        shares = [fmt.share(tail.share, tail.low, tail.high) for tail in point.tails]
        shares += ["-"] * (len(known.limits) - len(shares))
        errors = f"; {point.errors:,} unanswered" if point.errors else ""
        grid.append([fmt.number(point.rate), ROLES[point.role], f"{verdict_words(point)}{errors}", *shares])
    return drawn(grid, width, words={"for", "limits"})
