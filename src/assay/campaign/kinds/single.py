"""Every scenario in every mode, as configured."""

from __future__ import annotations

from collections.abc import Sequence

from assay.campaign.entries import entry, require_rates
from assay.campaign.kinds.base import Kind
from assay.campaign.offline_rate import fit_offline, planning_runs
from assay.config import Config
from assay.runs import CampaignFolder, CampaignState, RunEntry


class Single(Kind):
    name = "single"

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        require_rates(config)

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        runs = [
            entry(config, f"{scenario}-{mode}", nodes, scenario, mode, repeat)
            for repeat in range(config.campaign.repeats or 1)
            for scenario in config.scenarios
            for mode in config.modes
        ]
        return [*planning_runs(config, nodes, runs), *runs]

    def fit(self, config: Config, state: CampaignState, folder: CampaignFolder) -> str:
        return fit_offline(state, folder)
