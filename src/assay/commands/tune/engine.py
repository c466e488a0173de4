"""`assay tune engine`: from a configuration to the engine's best settings and layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import click

from assay.commands.monitoring import Monitoring
from assay.commands.tune.campaign import Asked, carry_out_tuning, tuning_options
from assay.commands.tune.tail_limits import written_limits
from assay.errors import UserError
from assay.runs.campaign import EngineObjective

_UNITS: dict[EngineObjective, str] = {
    "offline": "output tokens/s",
    "highest-rate": "requests/s",
    "pareto": "mean output tokens/s",
}


@click.command()
@click.argument("targets", metavar="[FILE]", nargs=-1)
@click.option(
    "--try", "tried", multiple=True, metavar="NAME=A,B", help="Values of an engine's setting; may be repeated."
)
@click.option(
    "--layout", "layouts", multiple=True, metavar="NAME=N,...",
    help="tensor, pipeline, data, replicas of each node's accelerators, nodes of a server, such as tensor=2,nodes=2; "
    "may be repeated.",
)  # fmt: skip
@click.option("--objective", type=click.Choice(get_args(EngineObjective)), help="What is better. [default: offline]")
@click.option(
    "--slo", "limits", metavar="LIMITS",
    help="highest-rate: what the rate must keep: 'p99(ttft) < 2 s, p99(tpot) < 100 ms'. [default: the benchmark's]",
)  # fmt: skip
@click.option("--search-time", metavar="TIME", help="highest-rate: of each final search, such as 10m. [default: 10m]")
@click.option(
    "--concurrency", "concurrencies", metavar="N,...", help="pareto: requests in flight. [default: 1,4,16,64]"
)
@click.option("--tries", type=click.IntRange(1), help="Server starts of the first stage. [default: 12]")
@click.option("--finalists", type=click.IntRange(1), help="Besides the default. [default: 2]")
@click.option("--budget", metavar="TIME", help="Of the first stage's loads, such as 20m.")
@click.option(
    "--memory-target", type=click.FloatRange(0, 1, min_open=True),
    help="Share of an accelerator's memory that weights and KV cache should take, such as 0.8; in the report.",
)  # fmt: skip
@click.option("--repeats", type=click.IntRange(3), help="Server starts of each finalist. [default: 3]")
@click.option("--seed", type=click.IntRange(0), help="Of what is proposed and of the finals' order. [default: 0]")
@tuning_options
def engine(
    targets: tuple[str, ...],
    monitoring: Monitoring,
    quiet: bool,
    as_json: bool,
    tried: tuple[str, ...],
    layouts: tuple[str, ...],
    limits: str | None,
    search_time: str | None,
    concurrencies: str | None,
    budget: str | None,
    **options: Any,
) -> None:
    """The engine's best settings and layout, from FILE (without, ./assay.yaml).

    What is better is told by --objective: offline, Offline output tokens/s; highest-rate, the highest rate of arrivals
    that keeps its limits; pareto, output tokens/s against the pace of a user.

    Only what is listed is tried, here or in FILE. The winner must beat FILE's own settings over server starts, else no
    difference is shown; best.yaml in the campaign's folder is a configuration that runs as it is.

    Exit codes: 0 done, 1 a run of FILE's own settings isn't sound, 2 wrong input, 130 interrupted.
    """
    from assay.commands.bench.loads import seconds_of

    if any("://" in target for target in targets):
        raise UserError("tune engine starts servers with other settings, so it needs a configuration file, not a URL")
    own: dict[str, Any] = {name: options.pop(name) for name in ("objective", "tries", "finalists", "memory_target")}
    own["settings"] = dict(_setting(text) for text in tried) or None
    own["layouts"] = [_layout(text) for text in layouts] or None
    own["budget_s"] = None if budget is None else seconds_of("--budget", budget)
    own["search_s"] = None if search_time is None else seconds_of("--search-time", search_time)
    own["concurrencies"] = None if concurrencies is None else _numbers(concurrencies)
    if limits is not None:
        kept = f"campaign.limits={json.dumps(written_limits(limits))}"
        options["overrides"] = (kept, *options["overrides"])
    asked = Asked("tune-engine", "engine", own, targets, options)
    carry_out_tuning(asked, monitoring, engine_text, quiet=quiet, as_json=as_json)


def engine_text(found: Mapping[str, Any], width: int) -> str:
    """The tries, as the report has them, in `width` columns."""
    from assay.analysis.engine_models import Tuned
    from assay.commands.table import drawn, number_cell
    from assay.wrapping import between_words

    known = Tuned.model_validate(found)
    unit = _UNITS[known.objective]
    grid = [["settings", "stage", unit]]
    grid += [[one.name, one.stage, number_cell(one.rate)] for one in known.tries]
    without: dict[str, list[str]] = {}
    for one in known.tries:
        if one.reason:
            without.setdefault(one.reason, []).append(one.name)
    why = [between_words(f"No rate of {'; '.join(tries)}: {reason}", width) for reason, tries in without.items()]
    return drawn(grid, width, words={"stage"}) + "".join(f"{words}\n" for words in why)


def _setting(text: str) -> tuple[str, list[Any]]:
    """`NAME=A,B` with the values as YAML has them. Raises UserError."""
    from assay.safe_yaml import parse_yaml

    name, equals, values = text.partition("=")
    if not equals or not values:
        raise UserError(f"--try {text}: write it as NAME=A,B, such as max_num_seqs=128,256")
    return name.strip(), [parse_yaml(value, f"--try {text}").data for value in values.split(",")]


def _numbers(text: str) -> list[int]:
    """Raises UserError."""
    if not all(part.strip().isdecimal() for part in text.split(",")):
        raise UserError(f"--concurrency {text}: write it as N,N, such as 1,4,16")
    return [int(part) for part in text.split(",")]


def _layout(text: str) -> dict[str, int]:
    """`NAME=N,…`. Raises UserError; an unknown name is told by the configuration."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, _, size = part.partition("=")
        if not size.strip().isdecimal():
            raise UserError(f"--layout {text}: write it as NAME=N, such as tensor=2 or tensor=2,replicas=2")
        found[name.strip()] = int(size)
    return found
