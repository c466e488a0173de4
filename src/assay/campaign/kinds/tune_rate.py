"""The highest rate of arrivals that keeps its limits: a run with a fixed number in flight to begin with, probes whose
rates follow from those before, and a run that confirms what was found."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.rate_search import searched
from assay.benchmarks import Benchmark, get_benchmark
from assay.campaign.kinds.base import Kind
from assay.campaign.rate_probes import first_probe, probe, rate_search_of
from assay.config import Config
from assay.runs import CampaignFolder, RunEntry
from assay.runs.campaign import CampaignState
from assay.runs.rate_search import RateSearch
from assay.runs.result import Result
from assay.search import Run


class TuneRate(Kind):
    name = "tune-rate"
    grows = True

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        self.rate_search(config, get_benchmark(config.benchmark))

    def rate_search(self, config: Config, benchmark: Benchmark) -> RateSearch:
        """What is searched for. Raises UserError where there is nothing to hold a rate against."""
        return rate_search_of(config, benchmark, config.campaign.budget)

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        search = self.rate_search(config, get_benchmark(config.benchmark))
        return [first_probe(config, nodes, 0, search)]

    def more(
        self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder
    ) -> list[RunEntry]:
        found = searched(folder, state)
        if not isinstance(found.step, Run):
            return []
        return [probe(config, state.runs[0].nodes, len(state.runs), found.step, found.search)]
