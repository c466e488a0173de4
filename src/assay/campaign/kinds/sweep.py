"""A list of rates or concurrencies; every repeat goes through all of them in an order of its own."""

from __future__ import annotations

from collections.abc import Sequence

from assay.benchmarks import get_benchmark
from assay.campaign.entries import entry, shuffled
from assay.campaign.kinds.base import Kind
from assay.campaign.loadgen_settings import user_rate
from assay.config import Config
from assay.errors import UserError
from assay.runs import RunEntry
from assay.runs.scenarios import is_paced
from assay.runs.shapes import ConcurrencyShape


class Sweep(Kind):
    name = "sweep"
    random_order = True

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        campaign = config.campaign
        if not (campaign.rates or campaign.concurrencies):
            raise UserError("campaign.kind sweep needs campaign.rates or campaign.concurrencies")
        if campaign.rates and config.loadgen.user_conf is not None:
            benchmark = get_benchmark(config.benchmark)
            for scenario in filter(is_paced, config.scenarios):
                if given := user_rate(config, benchmark, scenario):
                    raise UserError(
                        f"campaign.rates: every run would have the rate of {config.loadgen.user_conf}, which LoadGen "
                        f"takes ({given.written} = {given.value:g}): remove that line, or leave campaign.rates out"
                    )

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        campaign = config.campaign
        paced = next((scenario for scenario in config.scenarios if is_paced(scenario)), None)
        if campaign.rates and paced is None:
            raise UserError("campaign.rates needs Server or Interactive in scenarios")
        runs: list[RunEntry] = []
        for repeat in range(campaign.repeats or 1):
            points = []
            for rate in campaign.rates:
                assert paced is not None
                run = entry(config, f"{paced}-{rate:g}qps", nodes, paced, "performance", repeat)
                points.append(run.model_copy(update={"target_qps": rate}))
            for number in campaign.concurrencies:
                run = entry(config, f"{number}-in-flight", nodes, "Concurrency", "performance", repeat)
                shape = ConcurrencyShape(concurrency=number, requests=run.queries)
                points.append(run.model_copy(update={"shape": shape}))
            runs += shuffled(points, campaign.seed, repeat)
        return runs
