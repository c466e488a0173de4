"""From a configuration to its runs, with every mistake that can be told before anything is read or started."""

from __future__ import annotations

from assay.benchmarks import Benchmark, get_benchmark
from assay.benchmarks.user_conf import read_user_conf
from assay.campaign.kinds import check_benchmark, plan_runs
from assay.campaign.servers import campaign_nodes
from assay.config import Config
from assay.engines import build_engine
from assay.runs import RunEntry


def planned(config: Config) -> tuple[Benchmark, list[RunEntry]]:
    """What is measured, and the runs that are known beforehand, in their order.

    Raises UserError where the configuration, the benchmark, the nodes or the user.conf don't go together.
    """
    benchmark = get_benchmark(config.benchmark)
    runs = plan_runs(config, campaign_nodes(config))
    check_benchmark(runs, benchmark)
    if config.loadgen.user_conf is not None:
        read_user_conf(config.loadgen.user_conf)
    engine = build_engine(config.engine)
    if not engine.endpoints():
        engine.servers(config.cluster.node_list())
    return benchmark, runs
