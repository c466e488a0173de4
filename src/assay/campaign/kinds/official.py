"""What a submission needs: Offline and Server or Interactive, accuracy and performance, compliance tests."""

from __future__ import annotations

from collections.abc import Sequence

from assay.benchmarks import get_benchmark
from assay.benchmarks.mlperf import llm_facts
from assay.campaign.entries import entry, require_rates
from assay.campaign.kinds.base import Kind
from assay.config import Config
from assay.errors import UserError
from assay.runs import RunEntry
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

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        scenarios = [scenario for scenario in config.scenarios if scenario == "Offline" or is_paced(scenario)]
        if "Offline" not in scenarios or len(scenarios) < 2:
            raise UserError("campaign.kind official needs scenarios Offline and Server or Interactive (or all three)")
        # Where accuracy runs have samples of their own, a campaign is of one mode.
        modes = _MODES if get_benchmark(config.benchmark).accuracy is None else config.modes
        runs = [
            entry(config, f"{scenario}-{mode}", nodes, scenario, mode, repeat)
            for repeat in range(config.campaign.repeats or 1)
            for scenario in scenarios
            for mode in modes
        ]
        for test in config.campaign.compliance if "performance" in modes else ():
            for scenario in scenarios:
                run = entry(config, f"{scenario}-{test}", nodes, scenario, "performance", 0)
                runs.append(run.model_copy(update={"compliance": test}))
        return runs
