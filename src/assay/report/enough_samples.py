"""How many samples would show whether a load keeps its limits, and how the campaign's command is asked for them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from assay.analysis.campaign import Group
from assay.analysis.statistics import samples_to_bound
from assay.report import format as fmt
from assay.runs.result import Result

_P99 = 0.99


def enough_samples(kind: str, groups: Sequence[Group], limits: Collection[str]) -> str:
    """One sentence of the loads whose samples are too few for an upper bound of the latencies in `limits`."""
    had = [_had([line.result for line in group.lines], limits) for group in groups]
    how = _flag(kind, groups, had, _needed(max(had)))
    return f"{_takes('load')}{how and f': {how}'}."


def enough_queries(groups: Sequence[Group], limits: Collection[str]) -> dict[str, float]:
    """The settings by which loads that LoadGen drives get enough samples, all of them the same number."""
    needed = _needed(max(_had([line.result for line in group.lines], limits) for group in groups))
    return {f"queries.{group.first.entry.scenario}": needed for group in groups}


def samples_it_takes(results: Sequence[Result], limits: Collection[str], load: str = "") -> str:
    """The same of one load's runs, whose page has its own next step; without a full stop. `load`: its name, where the
    page has others."""
    had = _had(results, limits)
    whose, runs = load or "this run", len(results)
    if runs > 1:
        whose = f"each of the {runs} runs of {load}" if load else f"each of these {runs} runs"
    more = f", too alike: {fmt.number(needed)} may do" if (needed := _needed(had)) > samples_to_bound(_P99) else ""
    return f"{_takes('run')}; {whose} had {fmt.number(had)}{more}"


def _had(results: Sequence[Result], limits: Collection[str]) -> int:
    return min(result.latency[name].n for result in results for name in limits)


def _needed(had: int) -> int:
    """Of a load that had as many, neighbours were so alike that they counted for less: twice as many are asked for."""
    least = samples_to_bound(_P99)
    return least if had < least else 2 * had


def _takes(what: str) -> str:
    least = fmt.count(samples_to_bound(_P99), "sample")
    return f"An upper bound of a 99th percentile takes at least {least} a {what}, more where neighbours are alike"


def _flag(kind: str, groups: Sequence[Group], had: Sequence[int], needed: int) -> str:
    """By which flag a command is asked for them whose next step is another; empty where the next step asks for them."""
    if kind == "bench":
        return f"`assay bench` takes `--requests {needed}` without `--duration`"
    if kind == "tune-curve":
        return f"`assay tune curve` takes `{' '.join(_longer(groups, had, needed))}`"
    return ""


def _longer(groups: Sequence[Group], had: Sequence[int], needed: int) -> list[str]:
    """A curve's points end by time, and by a number of requests where one was asked for."""
    shapes = [group.first.record.shape for group in groups]
    lasted = [(shape.duration_s, count) for shape, count in zip(shapes, had, strict=True) if shape is not None]
    seconds = max((math.ceil(own_s * needed / count) for own_s, count in lasted if own_s), default=0)
    by_number = not seconds or any(shape is not None and shape.requests for shape in shapes)
    time = ["--duration", f"{seconds}s"] if seconds else []
    return time + (["--requests", str(needed)] if by_number else [])
