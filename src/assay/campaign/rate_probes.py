"""A search for a rate, as a configuration asks for it, and the runs that it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.rate_search import next_step, rounded
from assay.benchmarks import Benchmark
from assay.campaign.entries import entry
from assay.campaign.loadgen_settings import user_rate
from assay.config import Config
from assay.engines import build_engine
from assay.errors import UserError
from assay.runs import RunEntry
from assay.runs.rate_search import ProbePlan, RateSearch, TunedScenario
from assay.runs.shapes import ConcurrencyShape, RateShape
from assay.runs.tail_limits import TailLimit, p99
from assay.search import Run

_START_PLACES = 64
START_S = 15.0
_CONFIRM_SHARE = 0.1
_CONFIRM_S = 60.0
"""The confirming run of a search without a budget."""


def rate_search_of(config: Config, benchmark: Benchmark, budget_s: float | None) -> RateSearch:
    """What is searched for in that time. Raises UserError where there is nothing to hold a rate against."""
    campaign = config.campaign
    scenario: TunedScenario = campaign.scenario or ("rate" if campaign.limits else "Server")
    return RateSearch(
        scenario=scenario,
        limits=_limits(config, benchmark, scenario),
        precision=campaign.precision,
        budget_s=budget_s,
        probes=campaign.probes,
        first_rate=campaign.first_rate,
        confirm_s=_CONFIRM_S if budget_s is None else _CONFIRM_SHARE * budget_s,
        confirm_requests=0 if scenario == "rate" else config.queries.get(scenario, 0),
    )


def _limits(config: Config, benchmark: Benchmark, scenario: TunedScenario) -> tuple[TailLimit, ...]:
    """The user's, else those of the benchmark's scenario. Raises UserError."""
    given = config.campaign.limits
    if scenario == "rate":
        if not given:
            raise UserError("campaign.limits is needed with scenario rate: what the rate must keep, such as "
                            "[p99(ttft) < 2 s, p99(tpot) < 100 ms]")  # fmt: skip
        if config.official:
            raise UserError("campaign.scenario rate is the pacer's; official goes with Server or Interactive")
        return given
    spec = benchmark.scenarios.get(scenario)
    if spec is None or spec.ttft_limit_ns is None or spec.tpot_limit_ns is None:
        raise UserError(f"campaign.scenario {scenario}: {benchmark.name} has no such scenario with limits; take "
                        "scenario: rate, with campaign.limits of your own")  # fmt: skip
    if config.official and given:
        raise UserError("campaign.limits can't go with official: the rules set the limits")
    if rate := user_rate(config, benchmark, scenario):
        raise UserError(
            f"loadgen.user_conf: the confirming run would have the rate of {rate.written} = {rate.value:g}, which "
            "LoadGen takes: remove that line"
        )
    return given or p99({"ttft": spec.ttft_limit_ns, "tpot": spec.tpot_limit_ns})


def first_probe(
    config: Config, nodes: Sequence[str], number: int, search: RateSearch, start_s: float = START_S
) -> RunEntry:
    """The run that a search begins with: at its first rate, or for `start_s` with a fixed number in flight, which says
    one."""
    if search.first_rate is not None:
        step = next_step(search, search.first_rate, [], spent_s=0.0)
        assert isinstance(step, Run)
        return probe(config, nodes, number, step, search)
    places = build_engine(config.engine).window or _START_PLACES
    run = entry(config, f"start-{places}-in-flight", nodes, "Concurrency", "performance", number)
    shape = ConcurrencyShape(concurrency=places, duration_s=start_s)
    return run.model_copy(update={"shape": shape, "probe": ProbePlan(role="start", why="where to begin")})


def probe(config: Config, nodes: Sequence[str], number: int, step: Run, search: RateSearch) -> RunEntry:
    """The run that a step asks for; each has arrivals of its own."""
    rate, plan = rounded(step.rate), ProbePlan(role=step.role, why=step.why)
    name = f"{step.role}-{rate:g}"
    if step.role == "confirm" and search.scenario != "rate":
        run = entry(config, name, nodes, search.scenario, "performance", number)
        queries = None if config.official else step.requests
        return run.model_copy(update={"target_qps": rate, "queries": queries, "probe": plan})
    run = entry(config, name, nodes, "Rate", "performance", number)
    shape = RateShape(rate=rate, requests=step.requests, until_sure=step.may_end)
    return run.model_copy(update={"shape": shape, "probe": plan})
