"""Every scenario in every mode, as configured."""

from __future__ import annotations

from collections.abc import Sequence

from assay.campaign.entries import entry, require_rates
from assay.campaign.kinds.base import Kind
from assay.config import Config
from assay.runs import RunEntry


class Single(Kind):
    name = "single"

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        require_rates(config)

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        return [
            entry(config, f"{scenario}-{mode}", nodes, scenario, mode, repeat)
            for repeat in range(config.campaign.repeats or 1)
            for scenario in config.scenarios
            for mode in config.modes
        ]
