"""A plan in words: what will be run, where, in which order, and how long it takes as far as that is known."""

from __future__ import annotations

from collections.abc import Sequence

from assay.campaign.estimate import Estimator, count, together
from assay.campaign.kinds import kind_of
from assay.config import Config
from assay.digits import number_text
from assay.runs import RunEntry
from assay.runs.scenarios import drives, is_paced
from assay.runs.shapes import RateShape


def plan_text(config: Config, runs: Sequence[RunEntry], estimator: Estimator, client: Sequence[str] = ()) -> str:
    """One line a run, what there is to say of the `client`, then the sum."""
    estimates = [estimator.estimate(entry) for entry in runs]
    rows = [[entry.key, nodes_text(entry.nodes), _work(entry, estimator)] for entry in runs]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    times = list(map(str, estimates))
    if len(rows) > 1 and estimates[0].seconds is None and len(set(times)) == 1:
        times = [""] * len(rows)  # the sum says so, and why
    lines = [f"plan: {config.campaign.kind} campaign, {count(len(runs))}{_more(config)}{_order(config)}"]
    if (search := kind_of(config.campaign.kind).rate_search(config, estimator.benchmark)) is not None:
        lines.append(f"search: {search.title}")
    cells = ([*map(str.ljust, row, widths), time] for row, time in zip(rows, times, strict=True))
    lines += [f"  {'  '.join(own)}".rstrip() for own in cells]
    if not config.official and any(drives(entry.scenario) == "loadgen" for entry in runs):
        lines.append("settings: short, not valid for MLPerf")
    lines += [note] if (note := kind_of(config.campaign.kind).note(config)) else []
    lines += estimator.user_conf(runs)
    lines += _official_notes(config, runs, estimator)
    lines += client
    lines.append(f"time: {together(estimates)}")
    return "\n".join(lines)


def _more(config: Config) -> str:
    kind = kind_of(config.campaign.kind)
    if not kind.grows or (bound := kind.bound(config)) is None:
        return ""
    return f", and those that follow from what they measure{bound and f' ({bound})'}"


def _order(config: Config) -> str:
    return f", in random order, seed {config.campaign.seed}" if kind_of(config.campaign.kind).random_order else ""


def nodes_text(nodes: Sequence[str]) -> str:
    """Nodes by name, of more than three the first and the last."""
    if len(nodes) <= 3:
        return ", ".join(nodes)
    return f"{nodes[0]} … {nodes[-1]} ({len(nodes)} nodes)"


def _work(entry: RunEntry, estimator: Estimator) -> str:
    samples = estimator.samples(entry)
    if entry.shape is not None:
        exact = entry.shape.lasts_s is None  # time ends a load wherever its arrivals are
        most = "up to " if isinstance(entry.shape, RateShape) and entry.shape.until_sure else ""
        return ", ".join(
            [f"{most or ('' if exact else 'about ')}{samples:,} samples"] * bool(samples) + [entry.shape.title]
        )
    least = "at least " if estimator.issued(entry).at_least else ""
    paced = is_paced(entry.scenario) and entry.mode == "performance"
    parts = [f"{least}{samples:,} samples"]
    parts += [f"{entry.target_qps:,g} a second"] if paced and entry.target_qps else []
    parts += [f"{entry.window} in flight at each endpoint"] if entry.window else []
    return ", ".join(parts)


def _official_notes(config: Config, runs: Sequence[RunEntry], estimator: Estimator) -> list[str]:
    """Where LoadGen's count rests on what nobody said: a fast system's run would be too short, a slow one's endless."""
    notes = []
    for scenario in dict.fromkeys(run.scenario for run in runs if config.official):
        entry = next(run for run in runs if run.scenario == scenario and not run.planning)
        if entry.mode == "accuracy" or entry.compliance is not None or drives(scenario) != "loadgen":
            continue
        load = estimator.issued(entry)
        if scenario == "Offline" and any(run.planning for run in runs):
            notes.append(
                f"Offline: target_qps.Offline isn't set, so a planning run measures it; the official run has "
                f"{load.samples:,} samples, or as many more as take {load.min_duration_s:g} s at that rate"
            )
        elif scenario == "Offline" and entry.target_qps is None:
            notes.append(
                f"Offline: target_qps.Offline isn't set, so LoadGen issues {load.samples:,} samples; VALID needs "
                f"{load.min_duration_s:g} s, so only a system of at most "
                f"{number_text(load.samples / load.min_duration_s)} samples/s reaches it: set "
                "target_qps.Offline to what you expect"
            )
        if scenario == "SingleStream" and load.at_least:
            model = estimator.benchmark.scenarios[scenario].loadgen_model or "*"
            notes.append(
                f"SingleStream: LoadGen issues at least {load.samples:,} samples, as it expects one to take "
                f"{1e3 / load.target_qps:g} ms: another {model}.SingleStream.target_latency (ms) in loadgen.user_conf "
                "changes it"
            )
    return notes
