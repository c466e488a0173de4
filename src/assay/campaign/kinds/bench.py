"""A list of loads on servers, each driven by the pacer: fixed concurrency, rates, ramps, traces, sessions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.campaign.entries import entry, shuffled
from assay.campaign.kinds.base import Kind
from assay.config import Config
from assay.errors import UserError
from assay.runs import RunEntry


class Bench(Kind):
    """The first repeat goes through the loads as they are written, later ones in random order, against drift."""

    name = "bench"

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        if not config.campaign.loads:
            raise UserError("campaign.kind bench needs campaign.loads, such as [{kind: concurrency, concurrency: 8}]")
        if config.official:
            raise UserError("campaign.kind bench measures loads of your own; official is for MLPerf's scenarios")

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        runs: list[RunEntry] = []
        for repeat in range(config.campaign.repeats or 1):
            block = []
            for number, shape in enumerate(config.campaign.loads):
                words = re.sub(r"[^a-z0-9.]+", "-", shape.title.lower()).strip("-")
                run = entry(config, f"load-{number + 1}-{words}", nodes, shape.scenario, "performance", repeat)
                block.append(run.model_copy(update={"shape": shape}))
            runs += block if repeat == 0 else shuffled(block, config.campaign.seed, repeat)
        return runs
