"""Planned runs: as the configuration asks for them, and their order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from assay.benchmarks import get_benchmark
from assay.campaign.loadgen_settings import user_rate
from assay.config import Config
from assay.errors import UserError
from assay.runs import RunEntry
from assay.runs.scenarios import Mode, Scenario, is_paced

_Item = TypeVar("_Item")


def entry(
    config: Config, name: str, nodes: Sequence[str], scenario: Scenario, mode: Mode, repeat: int
) -> RunEntry:  # fmt: skip
    """A run as the configuration asks for it."""
    return RunEntry(
        key=f"{name}-r{repeat}".lower(),
        scenario=scenario,
        mode=mode,
        nodes=list(nodes),
        repeat=repeat,
        target_qps=rate(config, scenario),
        queries=config.queries.get(scenario) if mode == "performance" else None,
    )


def rate(config: Config, scenario: Scenario) -> float | None:
    """The target rate of a scenario: a user.conf's, which LoadGen takes, else the configuration's. Raises UserError."""
    given = None
    if config.loadgen.user_conf is not None:
        given = user_rate(config, get_benchmark(config.benchmark), scenario)
    return config.target_qps.get(scenario) if given is None else given.value


def require_rates(config: Config) -> None:
    """Raises UserError where a scenario with arrivals has no rate."""
    for scenario in config.scenarios:
        if is_paced(scenario) and rate(config, scenario) is None:
            raise UserError(f"target_qps.{scenario} is needed: arrivals a second, for example 1.0")


def shuffled(entries: Sequence[_Item], seed: int, block: int) -> list[_Item]:
    """`entries` in an order of `seed`'s, another one for each block."""
    order = list(entries)
    random.Random(f"{seed}/{block}").shuffle(order)  # of a string: seeded by its hash, the same everywhere
    return order
