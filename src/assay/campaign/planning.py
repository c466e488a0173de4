"""From a configuration to its runs, with every mistake that can be told before anything is started."""

from __future__ import annotations

from assay.benchmarks import Benchmark, get_benchmark
from assay.benchmarks.user_conf import read_user_conf
from assay.campaign.client_load import ClientLoads, Machine
from assay.campaign.cost import require_currency
from assay.campaign.kinds import check_benchmark, plan_runs
from assay.campaign.prepare import check_workload, tokeniser_of
from assay.campaign.servers import campaign_nodes
from assay.config import Config
from assay.datasets import Dataset, load_dataset
from assay.deploy.check.controller import require_controller
from assay.deploy.specs import placed_specs
from assay.engines import build_engine
from assay.engines.options import EmbeddedOptions
from assay.load.client_rate import known_rate
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
    require_currency(config)
    engine = build_engine(config.engine)
    if not engine.endpoints():
        placed_specs(engine, config.cluster)
    return benchmark.in_mode(runs[0].mode, runs[0].compliance), runs


def looked_over(config: Config) -> tuple[Benchmark, list[RunEntry], Dataset]:
    """What is measured, the runs, and the samples, read without a server: made prompts are as many words.

    Raises UserError for what a run would refuse before it starts or asks a server.
    """
    benchmark, runs = planned(config)
    require_controller(config)
    dataset = load_dataset(benchmark, config.dataset)
    known = (
        _comes_with_tokenizer(config, benchmark) or tokeniser_of(config, benchmark, lambda told: None)[1] is not None
    )
    check_workload(config, benchmark, dataset, tokenizer=known)
    ClientLoads(config, benchmark, dataset).require_room(runs, Machine.here(known_rate()))
    return benchmark, runs, dataset


def _comes_with_tokenizer(config: Config, benchmark: Benchmark) -> bool:
    """Whether a run fetches the tokenizer where it isn't here: nothing to look for beforehand."""
    own = isinstance(config.engine, EmbeddedOptions) or benchmark.model_family == "smollm2-135m"
    return own and config.tokenizer is None
