"""Throughput against pace: points with a fixed number in flight, up to saturation, and Offline.

The first pass goes up through the points, so that it can end where more in flight gives no more; later repeats measure
the same points in random order, against drift.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.climb import climbed, endpoints_points
from assay.benchmarks import get_benchmark
from assay.benchmarks.mlperf.endpoints import least_seconds
from assay.campaign.entries import entry, shuffled
from assay.campaign.kinds.base import Kind
from assay.config import Config
from assay.config_curve import CurveConfig
from assay.errors import UserError
from assay.runs import CampaignFolder, Result, RunEntry
from assay.runs.campaign import CampaignState
from assay.runs.shapes import ConcurrencyShape

_DURATION_S = 20.0


class TuneCurve(Kind):
    name = "tune-curve"
    grows = True

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        if config.official:
            raise UserError("campaign.kind tune-curve has durations of its own; official is for MLPerf's scenarios")

    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        """Offline where the benchmark has it, and the points that are measured in any case."""
        curve = config.campaign.curve
        places = [curve.least, 2 * curve.least] if curve.points == "log2" else endpoints_points(curve.least, curve.most)
        first = [*_offline(config, nodes), *(_point(config, nodes, number, 0) for number in places)]
        if curve.points == "log2":
            return first
        repeats = range(1, config.campaign.repeats or 1)
        return [*first, *(run for repeat in repeats for run in _repeated(config, first, repeat))]

    def bound(self, config: Config) -> str | None:
        curve = config.campaign.curve
        if curve.points != "log2":
            return None
        points = (curve.most // curve.least).bit_length()
        return f"up to {curve.least * 2 ** (points - 1):,} in flight, {points} points"

    def note(self, config: Config) -> str:
        curve, notes = config.campaign.curve, []
        if curve.points != "log2":
            own = "" if curve.duration_s is None and curve.requests is None else ", with durations of the user's own"
            notes.append(f"points as MLPerf Endpoints v1.0 asks for{own}: same shape, not a submission")
        if not _has_offline(config):
            notes.append("without a point for Offline, a scenario of benchmarks: these prompts belong to none")
        return "; ".join(notes)

    def more(
        self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder
    ) -> list[RunEntry]:
        """The next point of the first pass; where there is none, the next repeat of them all."""
        curve, nodes = config.campaign.curve, state.runs[0].nodes
        first = [run for run in state.runs if run.repeat == 0]
        repeats = config.campaign.repeats or 1
        if curve.points == "log2" and (places := _next(curve, first, results, repeats)) is not None:
            return [_point(config, nodes, places, 0)]
        known = {run.key for run in state.runs}
        for repeat in range(1, repeats):
            if missing := [run for run in _repeated(config, first, repeat) if run.key not in known]:
                return missing
        return []


def _repeated(config: Config, first: Sequence[RunEntry], repeat: int) -> list[RunEntry]:
    """The first pass's runs once more, in another order."""
    return shuffled([_again(run, repeat) for run in first], config.campaign.seed, repeat)


def _next(curve: CurveConfig, first: Sequence[RunEntry], results: Sequence[Result], repeats: int) -> int | None:
    """How many in flight come next in the first pass; None: it has come to its end."""
    known = climbed(first, results)
    top = max(run.shape.concurrency for run in first if isinstance(run.shape, ConcurrencyShape))
    if known.ended or 2 * top > curve.most:
        return None
    if curve.budget_s is not None and (known.seconds + known.last_s) * repeats > curve.budget_s:
        return None
    return 2 * top


def _has_offline(config: Config) -> bool:
    """LoadGen knows no scenario of prompts of the user's own."""
    return "Offline" in get_benchmark(config.benchmark).scenarios


def _offline(config: Config, nodes: Sequence[str]) -> list[RunEntry]:
    if not _has_offline(config):
        return []
    return [entry(config, "offline", nodes, "Offline", "performance", 0)]


def _point(config: Config, nodes: Sequence[str], places: int, repeat: int) -> RunEntry:
    run = entry(config, f"{places}-in-flight", nodes, "Concurrency", "performance", repeat)
    curve = config.campaign.curve
    lasts_s = curve.duration_s or (_DURATION_S if curve.points == "log2" else least_seconds(places))
    shape = ConcurrencyShape(concurrency=places, duration_s=lasts_s, requests=curve.requests)
    return run.model_copy(update={"shape": shape, "queries": None})


def _again(run: RunEntry, repeat: int) -> RunEntry:
    """The same run, as another repeat of it."""
    asked = run.model_dump(exclude={"run", "status", "reason", "earlier"})
    return RunEntry.model_validate(asked | {"repeat": repeat, "key": f"{run.key.removesuffix('-r0')}-r{repeat}"})
