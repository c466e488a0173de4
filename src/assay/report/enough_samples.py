"""How many samples would show whether a load keeps its limits, and how the campaign's command is asked for them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from assay.analysis.campaign import Group
from assay.analysis.statistics import samples_to_bound
from assay.report import format as fmt
from assay.report.next_step import run_again, tune

_P99 = 0.99


def enough_samples(kind: str, groups: Sequence[Group], limits: Collection[str]) -> str:
    """One sentence of the loads whose samples are too few for an upper bound of the latencies in `limits`."""
    had = [min(line.result.latency[name].n for line in group.lines for name in limits) for group in groups]
    least = samples_to_bound(_P99)
    # Of a load that had as many, neighbours were so alike that they counted for less: twice as many are then asked for.
    needed = least if max(had) < least else 2 * max(had)
    return (
        f"An upper bound of a 99th percentile takes at least {fmt.count(least, 'sample')} a load, more where "
        f"neighbours are alike: {_asked(kind, groups, had, needed)}."
    )


def _asked(kind: str, groups: Sequence[Group], had: Sequence[int], needed: int) -> str:
    """By the flag or key that the command has for it."""
    if kind == "bench":
        return f"`assay bench` takes `--requests {needed}` without `--duration`"
    if kind == "tune-curve":
        return tune(f"for {needed} at each point", "curve", *_longer(groups, had, needed))
    scenarios = dict.fromkeys(group.first.entry.scenario for group in groups)
    return run_again(f"for {needed}", *(f"queries.{scenario}={needed}" for scenario in scenarios))


def _longer(groups: Sequence[Group], had: Sequence[int], needed: int) -> list[str]:
    """A curve's points end by time, and by a number of requests where one was asked for."""
    shapes = [group.first.record.shape for group in groups]
    lasted = [(shape.duration_s, count) for shape, count in zip(shapes, had, strict=True) if shape is not None]
    seconds = max((math.ceil(own_s * needed / count) for own_s, count in lasted if own_s), default=0)
    by_number = not seconds or any(shape is not None and shape.requests for shape in shapes)
    time = ["--duration", f"{seconds}s"] if seconds else []
    return time + (["--requests", str(needed)] if by_number else [])
