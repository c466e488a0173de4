"""The servers of a campaign: all of its nodes at once, or those that can run where some can't."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

from assay.cluster.launcher import Heard, LaunchError
from assay.cluster.local import tail_file
from assay.cluster.options import ClusterOptions
from assay.cluster.together import together
from assay.config import Config
from assay.deploy import Deployment
from assay.deploy.deployment import Lost, stop_deployment
from assay.deploy.state import read_record
from assay.engines import EngineOptions, build_engine
from assay.runs import CampaignFolder

TRIALS = 64
"""Nodes that are tried at a time. A trial is mostly waiting, and one of a large model takes minutes."""


def campaign_nodes(config: Config) -> list[str]:
    """The names of the nodes that a campaign's endpoints are on."""
    if running := build_engine(config.engine).endpoints():
        return list(dict.fromkeys(endpoint.node for endpoint in running))
    return [node.name for node in config.cluster.node_list()]


def only(config: Config, nodes: Sequence[str]) -> tuple[EngineOptions, ClusterOptions]:
    """The engine and cluster sections for some of the campaign's nodes."""
    engine, cluster = config.engine, config.cluster
    if set(nodes) == set(campaign_nodes(config)):
        return engine, cluster
    starts_none = build_engine(engine).endpoints()
    return engine.only(nodes), cluster if starts_none else cluster.only(nodes)


@contextlib.asynccontextmanager
async def servers(
    config: Config, nodes: Sequence[str], folder: CampaignFolder, on_lost: Lost, heard: Heard
) -> AsyncIterator[Deployment]:
    """Servers on `nodes` while inside; `heard` is told what the nodes do.

    Raises LaunchError where one doesn't come up, UserError for mistakes.
    """
    engine, cluster = only(config, nodes)
    label = folder.path.name.lower()
    async with Deployment(
        engine, cluster, label=label, folder=folder.path, on_lost=on_lost, heard=heard, reach=config.reach
    ) as up:
        yield up


async def unable_nodes(config: Config, nodes: Sequence[str], folder: CampaignFolder) -> dict[str, str]:
    """Which of `nodes` can't bring up their servers, each tried by itself, and why."""
    reasons = await together(enumerate(nodes), partial(_trial, config, folder), at_once=TRIALS)
    return {node: reason for node, reason in zip(nodes, reasons, strict=True) if reason is not None}


async def _trial(config: Config, folder: CampaignFolder, numbered: tuple[int, str]) -> str | None:
    number, node = numbered
    engine, cluster = only(config, [node])
    label = f"{folder.path.name.lower()}-{number}"
    try:
        trial = folder.trials / node
        async with Deployment(engine, cluster, label=label, folder=trial, reach=config.reach):
            return None
    except LaunchError as error:
        return str(error)


async def stop_leftovers(folder: CampaignFolder) -> list[str]:
    """Stop the servers that an earlier process of this campaign may have left running; the names of those.

    Raises LaunchError where a node can't be reached, once the others are done; UserError where a record can't be
    believed.
    """
    return await _stop([path for path in _deployments(folder) if read_record(path).status != "stopped"])


async def stop_all(folder: CampaignFolder) -> list[str]:
    """As `stop_leftovers`, and looks at all servers, whatever the records say of them."""
    return await _stop(_deployments(folder) or [folder.path])


def _deployments(folder: CampaignFolder) -> list[Path]:
    """The campaign's folder and those of its trials, where something was deployed from them."""
    trials = [path for path in sorted(folder.trials.glob("*")) if not path.is_symlink()]
    places = [folder.path] if folder.trials.is_symlink() else [folder.path, *trials]
    return [path for path in places if CampaignFolder(path).deployment.exists()]


async def _stop(places: Sequence[Path]) -> list[str]:
    stopped = await together(places, stop_deployment, at_once=TRIALS)
    return [name for names in stopped for name in names]


def server_logs(folder: CampaignFolder, endpoints: Sequence[str], lines: int) -> dict[str, str]:
    """The last lines of those servers' output that is on this machine, by endpoint and other parts of it."""
    found: dict[str, str] = {}
    for name in endpoints:
        for place in ("servers", "endpoints"):
            logs = [folder.path / place / f"{name}.log", *sorted((folder.path / place).glob(f"{name}_*.log"))]
            if told := {path.stem: text for path in logs if (text := tail_file(path, lines).strip())}:
                found |= told
                break
    return found
