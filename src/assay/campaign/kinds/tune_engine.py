"""The engine's best settings and layout for Offline throughput: all tries short, the better half longer, then finals.

What is dear is a server's start. So each setup is started once in each of the first two stages, and every allowed
window is tried on it while it runs; only finalists and the default, which is always one of them, are started again and
again, since two starts of one server differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from assay.analysis.engine_tries import FEWEST_STARTS, Try, Tuned, final_rates, tuned
from assay.benchmarks import get_benchmark
from assay.campaign.kinds.base import Kind, entry, shuffled
from assay.campaign.tune_engine.best import FILE, best_yaml
from assay.campaign.tune_engine.propose import propose
from assay.campaign.tune_engine.space import DEFAULT, Point, Setup, Space
from assay.config import Config
from assay.engines import build_engine
from assay.errors import UserError
from assay.extras import require
from assay.runs import CampaignFolder, Result, RunEntry
from assay.runs.campaign import CampaignState, Stage

REPEATS = 3
_SHARES: dict[Stage, float] = {"short": 0.25, "longer": 0.5, "final": 1.0}
"""Of a final run's samples."""


class TuneEngine(Kind):
    name = "tune-engine"
    grows = True
    tries_setups = True

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        require("tune", "campaign.kind tune-engine")
        if build_engine(config.engine).endpoints():
            raise UserError(
                "campaign.kind tune-engine starts servers with other settings, and these run already: start them with "
                "assay, or see with tune-curve how many requests in flight suit them"
            )
        if config.official:
            raise UserError("campaign.kind tune-engine compares short runs of its own; measure best.yaml with official")
        if "Offline" not in config.scenarios:
            raise UserError("campaign.kind tune-engine measures Offline throughput: add Offline to scenarios")
        if (config.campaign.repeats or REPEATS) < FEWEST_STARTS:
            raise UserError(
                f"campaign.repeats: tune-engine needs at least {FEWEST_STARTS}: two starts of one server differ, and "
                "fewer don't show by how much"
            )
        if config.campaign.stop_on_failure:
            raise UserError("campaign.stop_on_failure can't go with tune-engine: settings that fail are results of it")
        _final_queries(config)
        space = Space(config)
        if not space.size and len(space.windows) == 1:
            raise UserError(
                "campaign.kind tune-engine tries only what is allowed: list values in campaign.engine.settings, such "
                "as max_num_seqs: [128, 256], or campaign.engine.layouts, such as [{tensor: 2}, {replicas: 2}]"
            )
        space.check()

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        """The default, which everything is held against."""
        return [_run(config, nodes, DEFAULT, window, "short", start=0) for window in Space(config).windows]

    def more(
        self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder
    ) -> list[RunEntry]:
        search = _Search(config, state, results, folder)
        return search.next_try() or search.longer() or search.finals() or search.accuracy()

    def files(
        self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder
    ) -> dict[str, str]:
        found = tuned(state.runs, results, final_rates(folder, state.runs))
        return {FILE: best_yaml(config, found, state.id)} if found.against else {}


class _Search:
    """One campaign's search, as far as it got."""

    def __init__(self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder) -> None:
        self._config = config
        self._tuning = config.campaign.engine
        self._runs = state.runs
        self._nodes = state.runs[0].nodes
        self._start = max(run.start for run in state.runs) + 1
        self._results = results
        self._found: Tuned = tuned(state.runs, results, final_rates(folder, state.runs))
        self._stages = {run.stage for run in state.runs}

    def next_try(self) -> list[RunEntry]:
        """The first stage's next setup, with each window; none once as many as are allowed were tried."""
        if self._stages - {"short", None} or len(self._starts("short")) > self._tuning.tries or self._spent():
            return []
        space = Space(self._config)
        point = propose(space, self._told(space), self._config.campaign.seed) if space.size else None
        if point is None:
            return []
        setup = space.setup(point)
        return [_run(self._config, self._nodes, setup, window, "short", self._start) for window in space.windows]

    def longer(self) -> list[RunEntry]:
        """The better half again, with more samples; none where finals take all that is left."""
        if self._stages & {"longer", "final"}:
            return []
        ranked = self._ranked("short")
        if len(ranked) <= self._tuning.finalists:
            return []
        half = max(self._tuning.finalists, math.ceil(len(ranked) / 2))
        return self._again(self._with_default(ranked[:half]), "longer", 0)

    def finals(self) -> list[RunEntry]:
        """The best and the default on servers that are started anew for each repeat, in an order of its own."""
        if "final" in self._stages:
            return []
        best = (self._ranked("longer") or self._ranked("short"))[: self._tuning.finalists]
        if not best:
            return []
        runs: list[RunEntry] = []
        for repeat in range(self._config.campaign.repeats or REPEATS):
            block = self._again(self._with_default(best), "final", repeat)
            firsts = list({run.start: run for run in reversed(block)}.values())
            order = [run.start for run in shuffled(firsts, self._config.campaign.seed, repeat)]
            runs += sorted(block, key=lambda run: order.index(run.start))
            self._start += len(order)
        return runs

    def accuracy(self) -> list[RunEntry]:
        """The answers of the best and of the default, where the benchmark can score them."""
        best = self._found.named(self._found.best)
        default = self._found.default
        done = any(run.mode == "accuracy" for run in self._runs)
        if best is None or default is None or done or "accuracy" not in self._config.modes:
            return []
        if get_benchmark(self._config.benchmark).scorer is None:
            return []
        return [
            _run(self._config, self._nodes, Setup(one.settings, one.servers), one.window, None, self._start + number)
            for number, one in enumerate((default, best))
        ]

    def _again(self, tries: Sequence[Try], stage: Stage, repeat: int) -> list[RunEntry]:
        """A run of each; those with the same setup share a start."""
        starts: dict[str, int] = {}
        runs = []
        for one in tries:
            setup = Setup(one.settings, one.servers)
            start = starts.setdefault(str((sorted(one.settings.items()), one.servers)), self._start + len(starts))
            runs.append(_run(self._config, self._nodes, setup, one.window, stage, start, repeat))
        return sorted(runs, key=lambda run: run.start)

    def _with_default(self, best: Sequence[Try]) -> list[Try]:
        default = self._found.default
        return [*([default] if default is not None else []), *best]

    def _ranked(self, stage: Stage) -> list[Try]:
        """The tries with a rate in a stage, the highest first, without the default."""
        rated = [one for one in self._found.tries if stage in one.rates and one.stage == stage and not one.default]
        return sorted(rated, key=lambda one: -one.rates[stage].value)

    def _starts(self, stage: Stage) -> set[int]:
        return {run.start for run in self._runs if run.stage == stage}

    def _told(self, space: Space) -> dict[Point, float]:
        """The first stage's rate of each point that was tried, the best of its windows; 0: it has none."""
        best: dict[str, float] = {}
        for one in self._found.tries:
            key = str((sorted(one.settings.items()), one.servers))
            rate = one.rates["short"].value if "short" in one.rates else 0.0
            best[key] = max(best.get(key, 0.0), rate)
        told = {}
        for point in space.points():
            setup = space.setup(point)
            key = str((sorted(setup.settings.items()), setup.servers))
            if key in best:
                told[point] = best[key]
        return told

    def _spent(self) -> bool:
        """Whether the loads so far took all the time that is given."""
        taken_s = sum(r.figures["duration_s"].value for r in self._results if "duration_s" in r.figures)
        return self._tuning.budget_s is not None and taken_s >= self._tuning.budget_s


def _final_queries(config: Config) -> int:
    """The samples of a final run. Raises UserError where nobody says how many."""
    total = config.queries.get("Offline") or config.dataset.samples
    total = total or get_benchmark(config.benchmark).dataset.total_sample_count
    if total is None:
        raise UserError("queries.Offline is needed: the samples of a final run, of which short ones take a quarter")
    return total


def _run(
    config: Config,
    nodes: Sequence[str],
    setup: Setup,
    window: int | None,
    stage: Stage | None,
    start: int,
    repeat: int = 0,
) -> RunEntry:
    """A run of a try; without a stage it is one of accuracy, of all samples."""
    window_words = f"-window-{window}" if window else ""
    made = entry(
        config, f"{stage or 'accuracy'}-start-{start}{window_words}", nodes, "Offline",
        "performance" if stage else "accuracy", repeat,
    )  # fmt: skip
    made.queries = max(1, math.ceil(_final_queries(config) * _SHARES[stage])) if stage else None
    made.settings, made.servers, made.window = dict(setup.settings), setup.servers, window
    made.start, made.stage = start, stage
    return made
