"""What a submission needs: Offline and Server or Interactive, accuracy and performance, compliance tests."""

from __future__ import annotations

from collections.abc import Sequence

from assay.benchmarks import get_benchmark
from assay.benchmarks.mlperf import llm_facts
from assay.campaign.entries import entry, require_rates
from assay.campaign.kinds.base import Kind
from assay.campaign.offline_rate import fit_offline, planning_runs
from assay.config import Config
from assay.errors import UserError
from assay.runs import CampaignFolder, CampaignState, RunEntry
from assay.runs.scenarios import Mode, is_paced

_MODES: tuple[Mode, ...] = ("performance", "accuracy")


class Official(Kind):
    name = "official"

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        require_rates(config)
        benchmark = get_benchmark(config.benchmark)
        facts = llm_facts(benchmark.name) if benchmark.mlperf else None
        known = facts.compliance if facts else ("TEST06",)  # which any benchmark with end tokens can be put to
        for test in config.campaign.compliance:
            if test not in known:
                asked = f"MLPerf asks for {' and '.join(known) or 'none'}"
                raise UserError(f"campaign.compliance: {test} is no test of {benchmark.name}; {asked}")
            if test in benchmark.compliance_data and len(config.campaign.compliance) > 1:
                raise UserError(
                    f"campaign.compliance: {test} has samples of its own, and a campaign has one data set: give it a "
                    f"campaign of its own, with compliance: [{test}]"
                )

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        scenarios = [scenario for scenario in config.scenarios if scenario == "Offline" or is_paced(scenario)]
        if "Offline" not in scenarios or len(scenarios) < 2:
            raise UserError("campaign.kind official needs scenarios Offline and Server or Interactive (or all three)")
        # Where accuracy runs have samples of their own, a campaign is of one mode; a test that has some is a campaign.
        benchmark = get_benchmark(config.benchmark)
        modes = _MODES if benchmark.accuracy is None else config.modes
        apart = any(test in benchmark.compliance_data for test in config.campaign.compliance)
        runs = [
            entry(config, f"{scenario}-{mode}", nodes, scenario, mode, repeat)
            for repeat in range(config.campaign.repeats or 1)
            for scenario in scenarios
            for mode in (() if apart else modes)
        ]
        for test in config.campaign.compliance if apart or "performance" in modes else ():
            for scenario in scenarios:
                run = entry(config, f"{scenario}-{test}", nodes, scenario, "performance", 0)
                runs.append(run.model_copy(update={"compliance": test}))
        return [*planning_runs(config, nodes, runs), *runs]

    def fit(self, config: Config, state: CampaignState, folder: CampaignFolder) -> str:
        return fit_offline(state, folder)
