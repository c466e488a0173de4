"""A plan in words: what will be run, where, in which order, and how long it takes as far as that is known."""

from __future__ import annotations

from collections.abc import Sequence

from assay.campaign.estimate import Estimator, count, together
from assay.campaign.kinds import kind_of
from assay.config import Config
from assay.runs import RunEntry
from assay.runs.scenarios import drives, is_paced


def plan_text(config: Config, runs: Sequence[RunEntry], estimator: Estimator) -> str:
    """One line a run, then the sum."""
    estimates = [estimator.estimate(entry) for entry in runs]
    rows = [
        [entry.key, _nodes(entry), _work(entry, estimator.samples(entry)), str(estimate)]
        for entry, estimate in zip(runs, estimates, strict=True)
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [f"plan: {config.campaign.kind} campaign, {count(len(runs))}{_order(config)}"]
    lines += ["  " + "  ".join([*(row[i].ljust(widths[i]) for i in range(3)), row[3]]) for row in rows]
    if not config.official and any(drives(entry.scenario) == "loadgen" for entry in runs):
        lines.append("settings: short, not valid for MLPerf")
    lines.append(f"time: {together(estimates)}")
    return "\n".join(lines)


def _order(config: Config) -> str:
    return f", in random order, seed {config.campaign.seed}" if kind_of(config.campaign.kind).random_order else ""


def _nodes(entry: RunEntry) -> str:
    if len(entry.nodes) <= 3:
        return ", ".join(entry.nodes)
    return f"{entry.nodes[0]} … {entry.nodes[-1]} ({len(entry.nodes)} nodes)"


def _work(entry: RunEntry, samples: int) -> str:
    exact = entry.shape is None or entry.shape.lasts_s is None  # time ends a load wherever its arrivals are
    parts = [f"{'' if exact else 'about '}{samples} samples"] if samples else []
    if entry.shape is not None:
        return ", ".join([*parts, entry.shape.title])
    paced = is_paced(entry.scenario) and entry.mode == "performance"
    parts += [f"{entry.target_qps:g} a second"] if paced and entry.target_qps else []
    parts += [f"{entry.window} in flight at each endpoint"] if entry.window else []
    return ", ".join(parts)
