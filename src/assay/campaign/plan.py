"""From a configuration to the list of runs that answers its question. Pure: the same input gives the same list."""

from __future__ import annotations

import random
from collections.abc import Sequence

from assay.config import Config
from assay.errors import UserError
from assay.runs.campaign import CampaignState, RunEntry
from assay.runs.record import RunStatus
from assay.runs.scenarios import Mode, Scenario

_SCALING_REPEATS = 3
_PACED: tuple[Scenario, ...] = ("Server", "Interactive")


def plan_runs(config: Config, nodes: Sequence[str]) -> list[RunEntry]:
    """The campaign's runs on `nodes`, in the order in which they are to be carried out.

    Raises UserError where the configuration's scenarios can't answer what the campaign's kind asks.
    """
    plans = {"single": _single, "official": _official, "scaling": _scaling, "sweep": _sweep}
    return plans[config.campaign.kind](config, nodes)


def _single(config: Config, nodes: Sequence[str]) -> list[RunEntry]:
    """Every scenario in every mode, as configured."""
    return [
        _entry(config, f"{scenario}-{mode}", nodes, scenario, mode, repeat)
        for repeat in range(config.campaign.repeats or 1)
        for scenario in config.scenarios
        for mode in config.modes
    ]


def _official(config: Config, nodes: Sequence[str]) -> list[RunEntry]:
    """Offline and Server or Interactive, accuracy and performance, then the compliance tests that were asked for."""
    scenarios = [scenario for scenario in config.scenarios if scenario in ("Offline", *_PACED)]
    if "Offline" not in scenarios or len(scenarios) < 2:
        raise UserError("campaign.kind official needs scenarios Offline and Server or Interactive (or all three)")
    modes: tuple[Mode, ...] = ("performance", "accuracy")
    runs = [
        _entry(config, f"{scenario}-{mode}", nodes, scenario, mode, repeat)
        for repeat in range(config.campaign.repeats or 1)
        for scenario in scenarios
        for mode in modes
    ]
    for test in config.campaign.compliance:
        for scenario in scenarios:
            entry = _entry(config, f"{scenario}-{test}", nodes, scenario, "performance", 0)
            runs.append(entry.model_copy(update={"compliance": test}))
    return runs


def _sweep(config: Config, nodes: Sequence[str]) -> list[RunEntry]:
    """One run for each rate and each concurrency; every repeat goes through all of them in an order of its own."""
    campaign = config.campaign
    paced = next((scenario for scenario in config.scenarios if scenario in _PACED), None)
    if campaign.rates and paced is None:
        raise UserError("campaign.rates needs Server or Interactive in scenarios")
    if campaign.concurrencies and "Offline" not in config.scenarios:
        raise UserError("campaign.concurrencies needs Offline in scenarios")
    runs: list[RunEntry] = []
    for repeat in range(campaign.repeats or 1):
        points = []
        for rate in campaign.rates:
            assert paced is not None
            entry = _entry(config, f"{paced}-{rate:g}qps", nodes, paced, "performance", repeat)
            points.append(entry.model_copy(update={"target_qps": rate}))
        for number in campaign.concurrencies:
            entry = _entry(config, f"offline-{number}-in-flight", nodes, "Offline", "performance", repeat)
            points.append(entry.model_copy(update={"window": number}))
        runs += _shuffled(points, campaign.seed, repeat)
    return runs


def _scaling(config: Config, nodes: Sequence[str]) -> list[RunEntry]:
    """Each node alone, then 2, 4, … all together, Offline, the same samples.

    Each repeat is a block in random order, so that a slow drift of a machine falls on both sides of the comparison.
    The first block measures the nodes alone before it puts them together: one that can't run is then left out of both.
    """
    if "Offline" not in config.scenarios:
        raise UserError("campaign.kind scaling measures Offline throughput: add Offline to scenarios")
    groups = [nodes[:size] for size in _group_sizes(len(nodes))]
    runs: list[RunEntry] = []
    for repeat in range(config.campaign.repeats or _SCALING_REPEATS):
        alone = [_scaling_entry(config, f"alone-{node}", [node], repeat) for node in nodes]
        together = [_scaling_entry(config, f"together-{len(group)}", group, repeat) for group in groups]
        blocks = [alone, together] if repeat == 0 else [alone + together]
        for number, block in enumerate(blocks):
            runs += _shuffled(block, config.campaign.seed, 2 * repeat + number)
    return runs


def _group_sizes(nodes: int) -> list[int]:
    """2, 4, 8, … and all."""
    sizes = {2**power for power in range(1, nodes.bit_length()) if 2**power <= nodes}
    return sorted(sizes | ({nodes} if nodes > 1 else set()))


def _scaling_entry(config: Config, name: str, nodes: Sequence[str], repeat: int) -> RunEntry:
    entry = _entry(config, name, nodes, "Offline", "performance", repeat)
    if (each := config.campaign.queries_per_node) is not None:
        entry.queries = each * len(nodes)
    return entry


def _entry(
    config: Config, name: str, nodes: Sequence[str], scenario: Scenario, mode: Mode, repeat: int
) -> RunEntry:  # fmt: skip
    return RunEntry(
        key=f"{name}-r{repeat}".lower(),
        scenario=scenario,
        mode=mode,
        nodes=list(nodes),
        repeat=repeat,
        target_qps=config.target_qps.get(scenario),
        queries=config.queries.get(scenario) if mode == "performance" else None,
    )


def _shuffled(entries: list[RunEntry], seed: int, block: int) -> list[RunEntry]:
    order = list(entries)
    random.Random(f"{seed}/{block}").shuffle(order)  # of a string: seeded by its hash, the same everywhere
    return order


def plan_without(state: CampaignState, config: Config, nodes: Sequence[str]) -> None:
    """Fit what is still to be done to the nodes that are not left out: every group and every node alone.

    Runs that were carried out stay as they are. A planned run whose nodes are left out is skipped, with the reason.
    """
    able = [node for node in nodes if node not in state.left_out]
    wanted = {entry.key: entry for entry in plan_runs(config, able)}
    known = {entry.key for entry in state.runs}
    for entry in state.todo:
        if new := wanted.get(entry.key):
            entry.nodes, entry.queries = new.nodes, new.queries
        elif gone := [node for node in entry.nodes if node in state.left_out]:
            entry.status, entry.reason = RunStatus.SKIPPED, f"left out: {', '.join(gone)}"
        elif not entry.earlier:  # a group that stood in for one whose nodes are all back
            state.runs.remove(entry)
    state.runs += [entry for key, entry in wanted.items() if key not in known]
