"""From a configuration to the list of runs that answers its question."""

from __future__ import annotations

from collections.abc import Sequence

from assay.config import Config
from assay.runs.campaign import RunEntry
from assay.runs.record import Mode, Scenario


def plan_runs(config: Config, nodes: Sequence[str]) -> list[RunEntry]:
    """The runs of a `single` campaign in order: performance before accuracy, scenarios as configured."""
    repeats = config.campaign.repeats or 1
    return [
        _entry(scenario, mode, nodes, repeat, config.target_qps.get(scenario))
        for repeat in range(repeats)
        for scenario in config.scenarios
        for mode in config.modes
    ]


def _entry(scenario: Scenario, mode: Mode, nodes: Sequence[str], repeat: int, qps: float | None) -> RunEntry:
    return RunEntry(
        key=f"{scenario}-{mode}-{repeat}".lower(),
        scenario=scenario,
        mode=mode,
        nodes=list(nodes),
        repeat=repeat,
        target_qps=qps,
    )
