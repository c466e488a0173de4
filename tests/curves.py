"""Campaigns of throughput against pace on a simulated node of known saturation. Nothing here is a measurement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from tests.synthetic import Node, Plan, write_campaign

from assay.analysis import summarise
from assay.runs import CampaignFolder, read_campaign, read_record, write_json
from assay.runs.cost import CostFacts
from assay.runs.shapes import ConcurrencyShape

SATURATED = 8
"""In flight: more share what these get."""


def curve_campaign(
    parent: Path,
    in_flight: Sequence[int] = (1, 2, 4, 8, 16),
    *,
    identity: str = "curve",
    speed: float = 1.0,
    accelerators: int = 1,
    doubted: Collection[int] = (),
    per_hour: float | None = None,
    currency: str = "EUR",
    offline: bool = True,
    note: str = "",
) -> CampaignFolder:
    """One run a point, and Offline; at those that are `doubted` the client was busy itself."""
    plans = {f"{places}-in-flight-r0": _plan(places, speed, "Concurrency") for places in in_flight}
    plans |= {"offline-r0": _plan(2 * SATURATED, speed, "Offline")} if offline else {}
    folder = write_campaign(parent, plans, kind="tune-curve", identity=identity)
    state = read_campaign(folder)
    state.plan_note = note
    for entry in state.runs:
        run = folder.run(entry.run or "")
        record = read_record(run)
        for endpoint in record.endpoints:
            endpoint.accelerators = ["Simulated card"] * accelerators
        if per_hour is not None:
            record.cost = CostFacts(currency=currency, per_hour={"node-a": per_hour})
        if entry.scenario == "Concurrency":
            places = int(entry.key.partition("-")[0])
            entry.shape = record.shape = ConcurrencyShape(concurrency=places)
            record.driver = "pacer"
            if places in doubted:
                record.client.client_bound, record.client.reasons = True, ["worker-0 used 99 % of a core"]
        write_json(run.record, record)
        write_json(run.result, summarise(run))
    write_json(folder.state, state)
    return folder


def _plan(places: int, speed: float, scenario: str) -> Plan:
    node = Node("node-a", slots=places, speed=speed * min(1.0, SATURATED / places))
    return Plan(samples=max(60, 30 * places), nodes=(node,), scenario=scenario, chunks=False)
