"""The engine's best settings and layout: all tries short, the better half longer, then finals.

What is dear is a server's start. So each setup is started once in each of the first two stages, and every allowed
window is tried on it while it runs; only finalists and the default, which is always one of them, are started again and
again, since two starts of one server differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from assay.analysis.engine_tries import FEWEST_STARTS, tuned_in
from assay.benchmarks import Benchmark
from assay.campaign.kinds.base import Kind
from assay.campaign.tune_engine.best import best_files
from assay.campaign.tune_engine.objectives import HighestRate, objective_of
from assay.campaign.tune_engine.places import Place
from assay.campaign.tune_engine.space import DEFAULT, Space
from assay.campaign.tune_engine.stages import REPEATS, Stages
from assay.config import Config
from assay.engines import build_engine
from assay.errors import UserError
from assay.extras import require
from assay.runs import CampaignFolder, Result, RunEntry
from assay.runs.campaign import CampaignState, Stage
from assay.runs.rate_search import RateSearch


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
        if (config.campaign.repeats or REPEATS) < FEWEST_STARTS:
            raise UserError(
                f"campaign.repeats: tune-engine needs at least {FEWEST_STARTS}: two starts of one server differ, and "
                "fewer don't show by how much"
            )
        if config.campaign.stop_on_failure:
            raise UserError("campaign.stop_on_failure can't go with tune-engine: settings that fail are results of it")
        objective_of(config).check()
        space = Space(config)
        if not space.size and len(space.windows) == 1:
            raise UserError(
                "campaign.kind tune-engine tries only what is allowed: list values in campaign.engine.settings, such "
                "as max_num_seqs: [128, 256], or campaign.engine.layouts, such as [{tensor: 2}, {replicas: 2}]"
            )
        space.check()

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        """The default, which everything is held against."""
        runs: list[RunEntry] = []
        for window in Space(config).windows:
            runs += objective_of(config).runs(Place(DEFAULT, window, "short", 0), nodes, len(runs), None)
        return runs

    def bound(self, config: Config) -> str:
        """The most server starts, and the time of their loads where that is set beforehand."""
        starts = _most_starts(config)
        words = f"up to {sum(starts.values())} server starts"
        windows = len(Space(config).windows)
        seconds = [objective_of(config).seconds(stage) for stage in starts]
        known = [count * windows * each for count, each in zip(starts.values(), seconds, strict=True) if each]
        if len(known) == len(starts):
            words += f", with loads of up to {math.ceil(sum(known) / 60)} min in all"
        return words

    def rate_search(self, config: Config, benchmark: Benchmark) -> RateSearch | None:
        objective = objective_of(config)
        return objective.search if isinstance(objective, HighestRate) else None

    def more(
        self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder
    ) -> list[RunEntry]:
        return objective_of(config).more(state, folder) or Stages(config, state, results, folder).next()

    def files(
        self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder
    ) -> dict[str, str]:
        return best_files(config, tuned_in(folder, state, results), state.id)


def _most_starts(config: Config) -> dict[Stage, int]:
    """Server starts of each stage, where every try has a rate."""
    tuning, size = config.campaign.engine, Space(config).size
    tries = min(tuning.tries, size)
    ranked = (tries + 1) * len(Space(config).windows) - 1
    longer = max(tuning.finalists, math.ceil(ranked / 2)) if ranked > tuning.finalists else 0
    finals = (config.campaign.repeats or REPEATS) * (1 + min(tuning.finalists, ranked))
    return {"short": 1 + tries, "longer": min(1 + longer, 1 + tries) if longer else 0, "final": finals}
