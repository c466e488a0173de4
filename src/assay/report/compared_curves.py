"""Several systems in one picture of throughput against pace, on the page of a comparison of campaigns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.analysis.campaign_compare import CampaignMeasured
from assay.analysis.curve import curve_measured, front_of_all
from assay.analysis.listing import names
from assay.report.client_shaped import DOUBT
from assay.report.page import Block, Text
from assay.report.pareto import curve_chart, for_each


def curves_blocks(campaigns: Sequence[CampaignMeasured], sides: Sequence[str]) -> Iterator[Block]:
    """The picture, and whose points none beats in both; nothing where fewer than two campaigns have a curve.

    `sides`: the campaigns' names in a sentence.
    """
    found = {side: curve_measured(own.loads) for side, own in zip(sides, campaigns, strict=True)}
    curves = {side: curve for side, curve in found.items() if curve is not None}
    if len(curves) < 2:
        return
    yield curve_chart(curves)
    each = for_each(curves)
    front = front_of_all(curves, each=each)
    if not front:
        yield Text(f"Whose points are on the front isn't known: {DOUBT} all of them.")
        return
    loads: dict[str, list[str]] = {side: [] for side in curves}
    for side, point in front:
        loads[side].append(point.load)
    whose = "; ".join(f"of {side}: {names(own) if own else 'none'}" for side, own in loads.items())
    rate = "output tokens/s for each accelerator" if each else "output tokens/s"
    shaped = any(point.client_bound for curve in curves.values() for point in curve.points)
    none = f"Save points where {DOUBT} them, none of any" if shaped else "No point of any of them"
    yield Text(f"{none} has both more {rate} and a faster pace than these: {whose}.")
