"""`assay tune curve`: from a URL or a configuration to throughput against pace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from assay.commands.bench.asked import measuring_options, prompt_options, server_options
from assay.commands.monitoring import Monitoring
from assay.commands.tune.campaign import Asked, carry_out_tuning, tuning_options
from assay.wrapping import between_words

_MARK = "*"
_POINTS = click.Choice(["log2", "mlperf-endpoints"])


@click.command()
@click.argument("targets", metavar="URL...|FILE", nargs=-1)
@click.option("--most", type=click.IntRange(2), help="No point has more requests in flight. [default: 1024]")
@click.option("--least", type=click.IntRange(1), help="Requests in flight at the first point. [default: 1]")
@click.option("--duration", metavar="TIME", help="Time a point, such as 60s. [default: 20s]")
@click.option("--requests", type=click.IntRange(1), help="No more requests than so many at a point.")
@click.option("--budget", metavar="TIME", help="Time of all points and repeats, such as 20m.")
@click.option("--points", type=_POINTS, help="mlperf-endpoints: same shape, not a submission. [default: log2]")
@prompt_options
@server_options
@measuring_options
@tuning_options
def curve(
    targets: tuple[str, ...],
    monitoring: Monitoring,
    quiet: bool,
    as_json: bool,
    most: int | None,
    least: int | None,
    duration: str | None,
    requests: int | None,
    budget: str | None,
    points: str | None,
    **options: Any,
) -> None:
    """Throughput against pace: points with a fixed number in flight, up to saturation.

    Of a server at URL..., or of what the configuration FILE describes (without either, ./assay.yaml).

    Exit codes: 0 done, 1 requests failed or a run isn't sound, 2 wrong input, 130 interrupted.
    """
    from assay.commands.bench.loads import seconds_of

    own: dict[str, Any] = {"points": points, "least": least, "most": most, "requests": requests}
    own["duration_s"] = None if duration is None else seconds_of("--duration", duration)
    own["budget_s"] = None if budget is None else seconds_of("--budget", budget)
    asked = Asked("tune-curve", "curve", own, targets, options)
    carry_out_tuning(asked, monitoring, curve_text, quiet=quiet, as_json=as_json)


def curve_text(found: Mapping[str, Any], width: int) -> str:
    """The points, as the report has them, in `width` columns."""
    from assay.analysis.curve import Curve
    from assay.commands.table import drawn, number_cell

    known = Curve.model_validate(found)
    grid = [["load", "output tokens/s", "tokens/s a user", "TTFT p90, ms"]]
    for point in known.points:
        load = point.load if point.in_flight is None else f"{point.in_flight:,}"
        numbers = [number_cell(point.output_tokens_per_s), number_cell(point.per_user)]
        mark = f" {_MARK}" if point.client_bound else ""
        grid.append([f"{load}{mark}", *numbers, number_cell(point.ttft_p90_ns, 1e-6)])
    told = "A load's number is that of its requests in flight."
    if any(point.client_bound for point in known.points):
        told += f" {_MARK}: client-bound, the load generator could have shaped it; it isn't the server's own."
    return f"{drawn(grid, width)}\n{between_words(told, width)}\n"
