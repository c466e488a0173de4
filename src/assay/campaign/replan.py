"""Fitting a campaign's plan to the nodes that can run."""

from __future__ import annotations

from collections.abc import Sequence

from assay.campaign.kinds import kind_of
from assay.config import Config
from assay.runs import CampaignState, RunStatus


def plan_without(state: CampaignState, config: Config, nodes: Sequence[str]) -> None:
    """Fit what is still to be done to the nodes that are not left out: every group and every node alone.

    Runs that were carried out stay as they are. A planned run whose nodes are left out is skipped, with the reason.
    """
    able = [node for node in nodes if node not in state.left_out]
    wanted = {entry.key: entry for entry in kind_of(config.campaign.kind).plan(config, able)}
    known = {entry.key for entry in state.runs}
    for entry in state.todo:
        if new := wanted.get(entry.key):
            entry.nodes, entry.queries = new.nodes, new.queries
        elif gone := [node for node in entry.nodes if node in state.left_out]:
            entry.status, entry.reason = RunStatus.SKIPPED, f"left out: {', '.join(gone)}"
        elif not entry.earlier:  # a group that stood in for one whose nodes are all back
            state.runs.remove(entry)
    state.runs += [entry for key, entry in wanted.items() if key not in known]
