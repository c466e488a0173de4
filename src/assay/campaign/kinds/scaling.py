"""Each node alone, then 2, 4, … all together, Offline, the same samples.

Each repeat is a block in random order, so that a slow drift of a machine falls on both sides of the comparison.
The first block measures the nodes alone before it puts them together: one that can't run is then left out of both.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.campaign.entries import entry, shuffled
from assay.campaign.kinds.base import Kind
from assay.config import Config
from assay.errors import UserError
from assay.runs import RunEntry

_REPEATS = 3


class Scaling(Kind):
    name = "scaling"
    random_order = True
    leaves_nodes_out = True

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        if len(nodes) < 2:
            raise UserError("campaign.kind scaling compares nodes: give cluster.nodes at least two")

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        if "Offline" not in config.scenarios:
            raise UserError("campaign.kind scaling measures Offline throughput: add Offline to scenarios")
        groups = [nodes[:size] for size in _group_sizes(len(nodes))]
        runs: list[RunEntry] = []
        for repeat in range(config.campaign.repeats or _REPEATS):
            alone = [_entry(config, f"alone-{node}", [node], repeat) for node in nodes]
            together = [_entry(config, f"together-{len(group)}", group, repeat) for group in groups]
            blocks = [alone, together] if repeat == 0 else [alone + together]
            for number, block in enumerate(blocks):
                runs += shuffled(block, config.campaign.seed, 2 * repeat + number)
        return runs


def _group_sizes(nodes: int) -> list[int]:
    """2, 4, 8, … and all."""
    sizes = {2**power for power in range(1, nodes.bit_length()) if 2**power <= nodes}
    return sorted(sizes | ({nodes} if nodes > 1 else set()))


def _entry(config: Config, name: str, nodes: Sequence[str], repeat: int) -> RunEntry:
    run = entry(config, name, nodes, "Offline", "performance", repeat)
    if (each := config.campaign.queries_per_node) is not None:
        run.queries = each * len(nodes)
    return run
