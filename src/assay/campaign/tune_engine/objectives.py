"""What a search measures of each try on each server start, by what makes settings better."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from assay.analysis.engine_front import on_front
from assay.analysis.engine_models import Try, Tuned
from assay.analysis.engine_rates import next_probe, on_starts, search_in
from assay.analysis.rate_search import rounded
from assay.benchmarks import get_benchmark
from assay.campaign.entries import entry
from assay.campaign.rate_probes import START_S, first_probe, probe, rate_search_of
from assay.campaign.tune_engine.places import Place
from assay.campaign.tune_engine.space import DEFAULT, WINDOW, Setup, setup_of
from assay.config import CampaignConfig, Config
from assay.config_curve import CurveConfig
from assay.errors import UserError
from assay.runs import CampaignFolder, RunEntry
from assay.runs.campaign import STAGE_SHARES, CampaignState, EngineObjective, Stage
from assay.runs.rate_search import RateSearch
from assay.runs.shapes import ConcurrencyShape

_START_SHARE = 0.1
"""Of a search's time, what the run that says where to begin may take: short searches have a minute or less."""


class Objective(ABC):
    """Pure: the same configuration and results give the same runs."""

    follows: ClassVar[bool] = False
    """Whether what is measured on a start follows from what was: then no two starts are planned at once."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def check(self) -> None:
        """Raises UserError where the configuration can't answer it."""
        return

    @abstractmethod
    def runs(self, place: Place, nodes: Sequence[str], number: int, found: Tuned | None) -> list[RunEntry]:
        """What is planned at a place, as the campaign's run number `number` and on; `found` is what is known so far."""

    def more(self, state: CampaignState, folder: CampaignFolder) -> list[RunEntry]:
        """What follows on the servers that were started last."""
        return []

    def seconds(self, stage: Stage) -> float | None:
        """How long the loads of one place take at most; None: that depends on the servers."""
        return None

    def ranked(self, tries: Sequence[Try], stage: Stage) -> list[Try]:
        """Of tries with a rate in a stage, the best first."""
        return sorted(tries, key=lambda one: -one.rates[stage].value)

    @abstractmethod
    def best(self, rate: float | None) -> CampaignConfig:
        """What best.yaml measures, whose rate the search found; None: none was found."""


class Offline(Objective):
    """Output tokens/s of Offline, of shares of the samples."""

    def check(self) -> None:
        if "Offline" not in self._config.scenarios:
            raise UserError("campaign.kind tune-engine measures Offline throughput: add Offline to scenarios")
        self._queries()

    def runs(self, place: Place, nodes: Sequence[str], number: int, found: Tuned | None) -> list[RunEntry]:
        run = entry(self._config, place.title, nodes, "Offline", "performance", place.repeat)
        run.queries = max(1, math.ceil(self._queries() * STAGE_SHARES[place.stage]))
        return place.holds([run])

    def best(self, rate: float | None) -> CampaignConfig:
        return CampaignConfig()

    def _queries(self) -> int:
        """The samples of a final run. Raises UserError where nobody says how many."""
        total = self._config.queries.get("Offline") or self._config.dataset.samples
        total = total or get_benchmark(self._config.benchmark).dataset.total_sample_count
        if total is None:
            raise UserError("queries.Offline is needed: the samples of a final run, of which short ones take a quarter")
        return total


class HighestRate(Objective):
    """The highest rate of arrivals that keeps its limits: `tune rate`'s search with a share of the time."""

    follows = True

    def check(self) -> None:
        rate_search_of(self._config, get_benchmark(self._config.benchmark), None)

    @property
    def search(self) -> RateSearch:
        """Of a final start."""
        benchmark = get_benchmark(self._config.benchmark)
        return rate_search_of(self._config, benchmark, self._config.campaign.engine.search_s)

    def runs(self, place: Place, nodes: Sequence[str], number: int, found: Tuned | None) -> list[RunEntry]:
        search = search_in(self.search, place.stage)
        if (near := _known_rate(place, found)) is not None:
            search = search.model_copy(update={"first_rate": rounded(near)})
        start_s = min(START_S, _START_SHARE * (search.budget_s or math.inf))
        return place.holds([_named(place, first_probe(self._config, nodes, number, search, start_s))])

    def more(self, state: CampaignState, folder: CampaignFolder) -> list[RunEntry]:
        """The next probe on the last start, of the first of its tries whose search isn't over."""
        last = max(run.start for run in state.runs)
        for (_, start), own in on_starts(state.runs).items():
            if start == last and (step := next_probe(folder, self.search, own)) is not None:
                first = own[0]
                assert first.stage is not None
                place = Place(
                    Setup(first.settings, first.servers, first.server_nodes), first.window, first.stage, start
                )
                run = probe(self._config, first.nodes, len(state.runs), step, self.search)
                return place.holds([_named(place, run)])
        return []

    def seconds(self, stage: Stage) -> float | None:
        return search_in(self.search, stage).budget_s

    def best(self, rate: float | None) -> CampaignConfig:
        given = self._config.campaign
        return CampaignConfig(
            kind="tune-rate",
            scenario=given.scenario,
            limits=given.limits,
            precision=given.precision,
            budget=given.budget,
            first_rate=None if rate is None else rounded(rate),
        )


class Pareto(Objective):
    """Output tokens/s against the pace of a user, with several numbers in flight, one after another on each start."""

    def check(self) -> None:
        if WINDOW in self._config.campaign.engine.settings:
            raise UserError(
                "campaign.engine.settings.window: objective pareto has numbers in flight of its own: list them in "
                "campaign.engine.concurrencies"
            )

    def runs(self, place: Place, nodes: Sequence[str], number: int, found: Tuned | None) -> list[RunEntry]:
        lasts_s = self._config.campaign.engine.point_s * STAGE_SHARES[place.stage]
        runs = []
        for places in sorted(self._config.campaign.engine.concurrencies):
            name = f"{place.title}-{places}-in-flight"
            run = entry(self._config, name, nodes, "Concurrency", "performance", place.repeat)
            shape = ConcurrencyShape(concurrency=places, duration_s=lasts_s)
            runs.append(run.model_copy(update={"shape": shape, "queries": None}))
        return place.holds(runs)

    def seconds(self, stage: Stage) -> float | None:
        tuning = self._config.campaign.engine
        return len(tuning.concurrencies) * tuning.point_s * STAGE_SHARES[stage]

    def ranked(self, tries: Sequence[Try], stage: Stage) -> list[Try]:
        """Those with most points on the front of all, then by their means."""
        best = Counter(name for name, _ in on_front({one.name: one.points.get(stage, []) for one in tries}))
        return sorted(super().ranked(tries, stage), key=lambda one: -best[one.name])

    def best(self, rate: float | None) -> CampaignConfig:
        least, *_, most = sorted(self._config.campaign.engine.concurrencies)
        return CampaignConfig(kind="tune-curve", curve=CurveConfig(least=least, most=most))


def _known_rate(place: Place, found: Tuned | None) -> float | None:
    """Where a search may begin: at what the try, else the default gave in an earlier stage or on an earlier start."""
    if found is None:
        return None
    own = [one for one in found.tries if (setup_of(one), one.window) == (place.setup, place.window)]
    default = [one for one in found.tries if setup_of(one) == DEFAULT]
    default.sort(key=lambda one: one.window != place.window)
    return next((value.value for one in (*own, *default) for value in reversed(one.rates.values())), None)


def _named(place: Place, run: RunEntry) -> RunEntry:
    """The keys of probes at the same rate differ by their place."""
    return run.model_copy(update={"key": f"{place.title}-{run.key}"})


_OBJECTIVES: dict[EngineObjective, type[Objective]] = {
    "offline": Offline,
    "highest-rate": HighestRate,
    "pareto": Pareto,
}


def objective_of(config: Config) -> Objective:
    """What the configuration asks for."""
    return _OBJECTIVES[config.campaign.engine.objective](config)
