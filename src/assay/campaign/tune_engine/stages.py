"""Which runs a search plans next: all tries short, the better half longer, finals, the answers' scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from assay.analysis.engine_models import Try, Tuned
from assay.analysis.engine_rates import key_of
from assay.analysis.engine_tries import tuned_in
from assay.benchmarks import get_benchmark
from assay.campaign.entries import entry, shuffled
from assay.campaign.tune_engine.objectives import objective_of
from assay.campaign.tune_engine.places import Place
from assay.campaign.tune_engine.propose import propose
from assay.campaign.tune_engine.space import Point, Space, nodes_of, setup_of
from assay.config import Config
from assay.runs import CampaignFolder, Result, RunEntry
from assay.runs.campaign import CampaignState, Stage

REPEATS = 3


class Stages:
    """One campaign's search, as far as it got."""

    def __init__(self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder) -> None:
        self._config = config
        self._tuning = config.campaign.engine
        self._objective = objective_of(config)
        self._runs = state.runs
        self._results = results
        self._found: Tuned = tuned_in(folder, state, results)
        self._stages = {run.stage for run in state.runs}

    def next(self) -> list[RunEntry]:
        """What follows from all runs so far; none: the search has come to its end."""
        return self._next_try() or self._longer() or self._finals() or self._accuracy()

    def _next_try(self) -> list[RunEntry]:
        """The first stage's next setup, with each window; none once as many as are allowed were tried."""
        starts = {run.start for run in self._runs if run.stage == "short"}
        if self._stages - {"short", None} or len(starts) > self._tuning.tries or self._spent():
            return []
        space = Space(self._config)
        point = propose(space, self._told(space), self._config.campaign.seed) if space.size else None
        if point is None:
            return []
        setup, start = space.setup(point), self._after("short")
        return self._begun([Place(setup, window, "short", start) for window in space.windows])

    def _longer(self) -> list[RunEntry]:
        """The better half again, with more samples; none where finals take all that is left."""
        ranked = self._ranked("short")
        if "final" in self._stages or len(ranked) <= self._tuning.finalists:
            return []
        half = max(self._tuning.finalists, math.ceil(len(ranked) / 2))
        return self._begun(self._again(self._with_default(ranked[:half]), "longer", self._after("short"), 0))

    def _finals(self) -> list[RunEntry]:
        """The best and the default on servers that are started anew for each repeat, in an order of its own."""
        longer = {key_of(run) for run in self._runs if run.stage == "longer"}
        left = [one for one in self._ranked("short") if one.key not in longer]
        best = (self._ranked("longer") or left)[: self._tuning.finalists]
        if not best:
            return []
        places: list[Place] = []
        start = self._after("short", "longer")
        for repeat in range(self._config.campaign.repeats or REPEATS):
            block = self._again(self._with_default(best), "final", start, repeat)
            order = shuffled(list(dict.fromkeys(place.start for place in block)), self._config.campaign.seed, repeat)
            places += sorted(block, key=lambda place: order.index(place.start))
            start += len(order)
        return self._begun(places)

    def _accuracy(self) -> list[RunEntry]:
        """The answers of the best and of the default, where the benchmark can score them."""
        best, default = self._found.named(self._found.best), self._found.default
        done = any(run.mode == "accuracy" for run in self._runs)
        if best is None or default is None or done or "accuracy" not in self._config.modes:
            return []
        if get_benchmark(self._config.benchmark).scorer is None:
            return []
        start = 1 + max(run.start for run in self._runs)
        return [self._scored(one, start + number) for number, one in enumerate((default, best))]

    def _scored(self, one: Try, start: int) -> RunEntry:
        """A run of accuracy, of all samples."""
        window = f"-window-{one.window}" if one.window else ""
        nodes = nodes_of(self._config, setup_of(one))
        made = entry(self._config, f"accuracy-start-{start}{window}", nodes, "Offline", "accuracy", 0)
        made.settings, made.servers, made.server_nodes = dict(one.settings), one.servers, one.server_nodes
        made.window, made.start = one.window, start
        return made

    def _begun(self, places: Sequence[Place]) -> list[RunEntry]:
        """The runs at the places that weren't begun, or, where runs follow from each other, at those on the next start:
        what follows on a start must come before the one after it."""
        known = {run.start for run in self._runs}
        left = [place for place in places if place.start not in known]
        if self._objective.follows:
            left = [place for place in left if place.start == left[0].start]
        runs: list[RunEntry] = []
        for place in left:
            nodes = nodes_of(self._config, place.setup)
            runs += self._objective.runs(place, nodes, len(self._runs) + len(runs), self._found)
        return runs

    def _again(self, tries: Sequence[Try], stage: Stage, first: int, repeat: int) -> list[Place]:
        """Each once, from start number `first` on; those with the same setup share a start."""
        starts: dict[str, int] = {}
        places = []
        for one in tries:
            start = starts.setdefault(setup_of(one).key, first + len(starts))
            places.append(Place(setup_of(one), one.window, stage, start, repeat))
        return sorted(places, key=lambda place: place.start)

    def _after(self, *stages: Stage) -> int:
        """The number of the first start after these stages."""
        return 1 + max(run.start for run in self._runs if run.stage in stages)

    def _with_default(self, best: Sequence[Try]) -> list[Try]:
        default = self._found.default
        return [*([default] if default is not None else []), *best]

    def _ranked(self, stage: Stage) -> list[Try]:
        """The tries with a rate in a stage, the highest first, without the default; whatever became of them later."""
        rated = [one for one in self._found.tries if stage in one.rates and not one.default]
        return self._objective.ranked(rated, stage)

    def _told(self, space: Space) -> dict[Point, float]:
        """The first stage's rate of each point that was tried, the best of its windows; 0: it has none."""
        best: dict[str, float] = {}
        for one in self._found.tries:
            key = setup_of(one).key
            rate = one.rates["short"].value if "short" in one.rates else 0.0
            best[key] = max(best.get(key, 0.0), rate)
        told = {}
        for point in space.points():
            key = space.setup(point).key
            if key in best:
                told[point] = best[key]
        return told

    def _spent(self) -> bool:
        """Whether the loads so far took all the time that is given."""
        taken_s = sum(r.figures["duration_s"].value for r in self._results if "duration_s" in r.figures)
        return self._tuning.budget_s is not None and taken_s >= self._tuning.budget_s
