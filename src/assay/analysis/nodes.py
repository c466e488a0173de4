"""Whether the nodes are alike: shares, rates and latencies with intervals, idle tails, and likely causes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.hardware import Telemetry
from assay.analysis.node_differences import differences, endpoints_by_node, told_of_nodes
from assay.analysis.rates import sample_rate, token_rate
from assay.analysis.samples import MISSING, Ints, Samples
from assay.analysis.statistics import Estimate, mean, ratio
from assay.runs.metric_names import KV_CACHE, PREEMPTIONS
from assay.runs.record import EndpointFacts, RunRecord

_NOTABLE = 0.05
_LEAST_SAMPLES = 20


class Comparison(BaseModel):
    """A mean of a node over that of the node which has the others' median; the interval is of 95 %."""

    model_config = ConfigDict(extra="forbid")

    ratio: float
    low: float | None
    high: float | None


class NodePart(BaseModel):
    """One node's part of a run. Rates run until its own last sample."""

    model_config = ConfigDict(extra="forbid")

    node: str
    endpoints: list[str]
    accelerators: int
    samples: int
    share: float
    tokens_per_s: float | None = None
    tokens_low: float | None = None
    tokens_high: float | None = None
    samples_per_s: float | None = None
    mean_tpot_ns: float | None = None
    tpot_low: float | None = None
    tpot_high: float | None = None
    mean_service_ttft_ns: float | None = None
    speed_ratio: float | None = Field(default=None, description="against the median of the other nodes")
    speed_low: float | None = None
    speed_high: float | None = None
    slower: bool = Field(default=False, description="the whole interval lies below 1, by more than 5 %")
    first_token: Comparison | None = Field(default=None, description="of a slower node: its mean TTFT from sending")
    pace: Comparison | None = Field(default=None, description="of a slower node: its mean TPOT")
    idle_tail_s: float = Field(default=0.0, description="from its last answer to the last of all")
    causes: list[str] = Field(default_factory=list, description="differences that telemetry shows")
    differences: list[str] = Field(
        default_factory=list, description="settings, versions, hardware and placement that the other nodes don't have"
    )


class Symmetry(BaseModel):
    """All nodes of a run side by side."""

    model_config = ConfigDict(extra="forbid")

    measure: str = Field(description="what `speed_ratio` compares")
    nodes: list[NodePart]
    idle_share: float = Field(description="node time spent waiting for the others' last samples, of all node time")
    typical_sample_s: float = Field(description="99th percentile of a sample's time at its endpoint")


def symmetry(
    samples: Samples, record: RunRecord, telemetry: Telemetry | None, system: Mapping[str, Any] | None = None
) -> Symmetry | None:
    """Compare the nodes; None where there is no sample. `system`: what `system.json` says of them."""
    if len(samples) == 0:
        return None
    closed_loop = record.scenario == "Offline"
    groups = _by_node(samples, record)
    endpoints = endpoints_by_node(record)
    facts = [_facts(node, endpoints.get(node, []), own, samples) for node, own in groups.items()]
    _compare(facts, [_speed(own, samples.begin_ns, closed_loop) for own in groups.values()])
    slower = [fact for fact in facts if fact.slower]
    told = told_of_nodes(endpoints, system or {}) if slower else {}
    for fact in slower:
        peers = _peers(fact, facts)
        fact.causes = [] if telemetry is None else _causes(fact, peers, record, telemetry)
        fact.differences = differences(fact.node, peers, told)
        if closed_loop:  # else its pace is what it is slower in
            own, others = groups[fact.node], [groups[peer] for peer in peers]
            fact.first_token = _against(own, others, lambda part: part.service_ttft_ns[part.sent_ns != MISSING])
            fact.pace = _against(own, others, lambda part: part.tpot_ns[part.has_tpot])
    used = [fact for fact in facts if fact.samples]
    sent = samples.sent_ns != MISSING
    service = np.sort(samples.service_latency_ns[sent]) if sent.any() else np.zeros(1)
    answering_s = (int(samples.done_ns.max()) - samples.begin_ns) / 1e9  # what fails after that leaves nobody idle
    return Symmetry(
        measure="output tokens/s until its last sample" if closed_loop else "1 / mean TPOT",
        nodes=facts,
        idle_share=sum(f.idle_tail_s for f in used) / (len(used) * answering_s) if used else 0.0,
        typical_sample_s=float(service[int(len(service) * 0.99)]) / 1e9,
    )


def _by_node(samples: Samples, record: RunRecord) -> dict[str, Samples]:
    nodes = {endpoint.name: endpoint.node for endpoint in record.endpoints}
    every, of_endpoint = np.unique([nodes.get(name, "unknown") for name in samples.endpoints], return_inverse=True)
    groups = samples.grouped(of_endpoint[samples.endpoint], len(every))
    return dict(zip(every.tolist(), groups, strict=True))


def _speed(own: Samples, begin_ns: int, closed_loop: bool) -> Estimate | None:
    """How fast a node is: in a closed loop its rate; under a given load, which sets the rate, its token pace."""
    if len(own) < _LEAST_SAMPLES or own.has_tpot.sum() < _LEAST_SAMPLES:
        return None
    if closed_loop:
        return token_rate(own, begin_ns)
    return ratio(Estimate(1e9, 0.0), mean(own.tpot_ns.astype(np.float64)))


def _facts(node: str, endpoints: Sequence[EndpointFacts], own: Samples, samples: Samples) -> NodePart:
    fact = NodePart(
        node=node,
        endpoints=[e.name for e in endpoints],
        accelerators=sum(len(e.accelerators) for e in endpoints),
        samples=len(own),
        share=len(own) / len(samples),
    )
    if len(own) == 0:
        return fact
    tokens, count = token_rate(own, samples.begin_ns), sample_rate(own, samples.begin_ns)
    if own.counted:
        fact.tokens_per_s, fact.tokens_low, fact.tokens_high = tokens.value, tokens.low, tokens.high
    fact.samples_per_s = count.value
    fact.idle_tail_s = (int(samples.done_ns.max()) - own.end_ns) / 1e9
    if own.has_tpot.any():
        tpot = mean(own.tpot_ns.astype(np.float64))
        fact.mean_tpot_ns, fact.tpot_low, fact.tpot_high = tpot.value, tpot.low, tpot.high
    sent = own.sent_ns != MISSING
    if sent.any():
        fact.mean_service_ttft_ns = float(own.service_ttft_ns[sent].mean())
    return fact


def _compare(facts: Sequence[NodePart], speeds: Sequence[Estimate | None]) -> None:
    """Each against the median of the others; the confidence is divided among the nodes (Bonferroni)."""
    known = [(speed, fact) for speed, fact in zip(speeds, facts, strict=True) if speed is not None]
    ranked = sorted(known, key=lambda one: one[0].value)
    middle = (len(ranked) - 1) // 2
    for place, (own, fact) in enumerate(ranked if len(ranked) > 1 else ()):
        median, _ = ranked[middle if middle < place else middle + 1]
        against = ratio(own, median)
        fact.speed_ratio = against.value
        bounds = against.interval_at(1 - 0.05 / len(facts))
        if bounds is not None:
            fact.speed_low, fact.speed_high = bounds
            fact.slower = bounds[1] < 1 and against.value < 1 - _NOTABLE


def _against(own: Samples, others: Sequence[Samples], times_of: Callable[[Samples], Ints]) -> Comparison | None:
    """One of its times against that of the other which has their median; None where too few were measured."""
    mine, *theirs = (times_of(part).astype(np.float64) for part in (own, *others))
    known = sorted((times for times in theirs if len(times) >= _LEAST_SAMPLES), key=lambda times: float(times.mean()))
    if len(mine) < _LEAST_SAMPLES or not known or not known[(len(known) - 1) // 2].any():
        return None
    found = ratio(mean(mine), mean(known[(len(known) - 1) // 2]))
    return Comparison(ratio=found.value, low=found.low, high=found.high)


def _peers(fact: NodePart, facts: list[NodePart]) -> list[str]:
    """The nodes that it is held against: those that aren't slow, if there are any."""
    others = [other for other in facts if other.node != fact.node]
    return [other.node for other in others if not other.slower] or [other.node for other in others]


def _causes(fact: NodePart, peers: list[str], record: RunRecord, telemetry: Telemetry) -> list[str]:
    """What differs at this node, in words with the numbers. A difference isn't a proof; the report says "likely"."""
    machines = {endpoint.node: endpoint.machines for endpoint in record.endpoints}
    own, others = machines[fact.node], [machine for peer in peers for machine in machines[peer]]
    found = [
        f"{_gpu_on(slow.node, slow.gpu, own)} reports {', '.join(slow.reasons)} in {100 * slow.share:.0f} % of the time"
        for slow in telemetry.slowdowns()
        if slow.node in own
    ]
    for machine in own:
        for gpu in telemetry.gpus(machine):
            name = _gpu_on(machine, gpu.rstrip("_"), own)
            found += [f"{name}: {words}" for words in _gpu_causes(machine, gpu, others, telemetry)]
    own_preempted = _growth(telemetry, fact.node, PREEMPTIONS)
    others_preempted = [_growth(telemetry, peer, PREEMPTIONS) or 0.0 for peer in peers]
    if own_preempted and own_preempted > 2 * max(others_preempted, default=0.0):
        found.append(
            f"{own_preempted:.0f} preemptions in the engine, {max(others_preempted, default=0.0):.0f} at the others"
        )
    cache = _highest(telemetry, fact.node, KV_CACHE)
    if cache is not None and cache > 0.95:
        found.append(f"KV cache up to {100 * cache:.0f} % full")
    return found


def _gpu_on(machine: str, gpu: str, machines: Sequence[str]) -> str:
    return gpu if len(machines) == 1 else f"{gpu} of {machine}"


def _gpu_causes(node: str, gpu: str, peers: list[str], telemetry: Telemetry) -> list[str]:
    found = []
    checks = (
        ("sm_clock_mhz", -0.05, "SM clock {own:.0f} MHz on average, {other:.0f} at the others"),
        ("temperature_c", 0.15, "temperature {own:.0f} C on average, {other:.0f} at the others"),
        ("processes", 0.5, "{own:.0f} processes on the GPU, {other:.0f} at the others"),
    )
    for name, least, words in checks:
        own = telemetry.get(node, gpu + name)
        others = [m for peer in peers for g in telemetry.gpus(peer) if (m := telemetry.get(peer, g + name))]
        if own is None or not others:
            continue
        mine, theirs = own.mean, float(np.median([m.mean for m in others]))
        change = (mine - theirs) / theirs if theirs else 0.0
        if (least < 0 and change < least) or (least > 0 and change > least):
            found.append(words.format(own=mine, other=theirs))
    return found


def _growth(telemetry: Telemetry, node: str, pattern: re.Pattern[str]) -> float | None:
    series = telemetry.of_node(node, pattern)
    return sum(float(m.value[-1] - m.value[0]) for m in series) if series else None


def _highest(telemetry: Telemetry, node: str, pattern: re.Pattern[str]) -> float | None:
    return max((float(m.value.max()) for m in telemetry.of_node(node, pattern)), default=None)
