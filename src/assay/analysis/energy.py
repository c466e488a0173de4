"""A run's energy over the time of its rates, for each answer and token, and how much of the hardware was metered.

A node counts where all accelerators that its endpoints have were metered, or its CPU packages where they have none; the
nodes of one endpoint count together or not at all. The figures are the energy of the nodes that count over the answers
of these nodes alone, so that a node without meters makes nothing look cheaper. CPU packages of nodes with accelerators
are added where every node that counts has them. The intervals hold the run's own noise: a meter's error is the same all
the time, and no run shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from assay.analysis.hardware import Metric, series
from assay.analysis.metering import Seen, best
from assay.analysis.rates import bin_edges, progress
from assay.analysis.samples import Samples
from assay.analysis.statistics import Estimate, Floats, ratio_of_sums
from assay.runs.folder import RunFolder
from assay.runs.node_facts import NodeFacts
from assay.runs.record import EndpointFacts, RunRecord
from assay.runs.result import BASES, Energy, Meter
from assay.runs.stored import read_model
from assay.runs.system import SystemRecord
from assay.runs.telemetry import read_matching

LEAST_COVERED = 0.9
"""Of the time; a meter that is known for less isn't one."""
CONTROLLER = "controller"
_METRIC = re.compile(r"((?:gpu|cpu)\d{1,4})_(energy_j|power_w)")


@dataclass(frozen=True, eq=False)
class Spent:
    """What some answers took."""

    power_w: Estimate
    per_sample_j: Estimate | None
    per_token_j: Estimate | None


@dataclass(frozen=True, eq=False)
class RunEnergy:
    """What was metered, and what the answers of the nodes that count took; without that where none counts."""

    energy: Energy
    seconds: float
    spent: Spent | None = None

    @property
    def words(self) -> str:
        """Whose energy it is, and how it is known."""
        known = {meter.basis for meter in self.energy.meters if meter.counted}
        return f"{self.energy.words}, by {' and '.join(words for basis, words in BASES.items() if basis in known)}"


def run_energy(folder: RunFolder, record: RunRecord, samples: Samples) -> RunEnergy | None:
    """The energy of a run with answers; None where nothing was metered, though Assay looked for meters.

    Raises UserError where its telemetry or its system record can't be read.
    """
    begin_ns, end_ns = samples.begin_ns, samples.end_ns if samples.until_ns is None else samples.until_ns
    if not folder.telemetry.exists() or end_ns <= begin_ns:
        return None
    seen = list(_meters(read_matching(folder.telemetry, _METRIC), begin_ns, end_ns))
    nodes = _nodes(record.endpoints, seen, read_model(folder.system, SystemRecord))
    if not any(node.meters or node.external for node in nodes):
        return None
    chosen = _choose(nodes, record.endpoints)
    energy = _energy(nodes, chosen, record.endpoints)
    seconds = (end_ns - begin_ns) / 1e9
    if not chosen.meters:
        return RunEnergy(energy, seconds)
    own = _answers(samples, record.endpoints, chosen.nodes)
    return RunEnergy(energy, seconds, spent(chosen.meters, own, counted=samples.counted))


def spent(meters: Sequence[Seen], answers: Samples, *, counted: bool) -> Spent:
    """What the meters saw, over the answers that they saw being made; `counted`: all tokens of the run are known.

    The noise is judged by times no shorter than those between readings: within one there is nothing to learn.
    """
    begin_ns, end_ns = meters[0].begin_ns, meters[0].end_ns
    edges = bin_edges(answers, begin_ns, end_ns, max(meter.metered.step_ns for meter in meters))
    joules = np.sum([meter.in_bins(edges) for meter in meters], axis=0)

    def over(amounts: Floats) -> Estimate | None:
        if len(answers) == 0 or not amounts.any():
            return None
        return replace(ratio_of_sums(joules, progress(answers, amounts, edges)), n=len(answers))

    tokens = answers.output_tokens.astype(np.float64) if counted else np.zeros(len(answers))
    power = ratio_of_sums(joules, np.diff(edges) / 1e9)
    return Spent(power, over(np.ones(len(answers))), over(tokens))


def _meters(table: pa.Table, begin_ns: int, end_ns: int) -> Iterator[Seen]:
    """What each meter says of the time, of those that say anything."""
    found: dict[tuple[str, str], dict[str, Metric]] = {}
    for metric in series(table):
        match = _METRIC.fullmatch(metric.name)
        assert match is not None
        found.setdefault((metric.node, match[1]), {})[match[2]] = metric
    for (node, name), kinds in sorted(found.items()):
        metered = best(kinds.get("energy_j"), kinds.get("power_w"), begin_ns, end_ns)
        if metered is not None:
            yield Seen(node, name, metered, begin_ns, end_ns)


@dataclass(frozen=True, eq=False)
class _Node:
    """One node of the run. Parts of one machine share its CPU packages."""

    name: str
    accelerators: int
    gpus: list[Seen]
    packages: list[Seen]
    why_no_packages: str
    external: bool
    """Whether its servers ran before: Assay starts nothing beside them that could read meters."""

    @property
    def meters(self) -> list[Seen]:
        return self.gpus + self.packages

    @property
    def cpu(self) -> bool:
        return bool(self.packages) and all(meter.covered >= LEAST_COVERED for meter in self.packages)

    @property
    def unknown(self) -> str:
        """Why its energy isn't known; empty where it is."""
        short = [meter for meter in self.gpus or self.packages if meter.covered < LEAST_COVERED]
        if short:
            return f"{short[0].name} is known for {100 * short[0].covered:.0f} % of the time"
        if self.external and not self.meters:
            return "Assay reads no meters of servers that it didn't start"
        if len(self.gpus) < self.accelerators:
            return f"{len(self.gpus)} of {self.accelerators} accelerators metered"
        if self.gpus or self.packages:
            return ""
        return "no accelerators, and CPU packages " + (self.why_no_packages or "not metered")


def _nodes(endpoints: Sequence[EndpointFacts], seen: Iterable[Seen], system: SystemRecord | None) -> list[_Node]:
    known = {node.name: node for node in system.nodes} if system else {}
    host = system.controller.hostname if system else ""
    external = {endpoint.node for endpoint in endpoints if endpoint.engine == "external"}
    counts: dict[str, int] = {}
    for endpoint in endpoints:
        for name in endpoint.machines:
            counts[name] = counts.get(name, 0) + len(endpoint.accelerators) // len(endpoint.machines)
    own: dict[str, list[Seen]] = {}
    for meter in seen:
        own.setdefault(meter.node, []).append(meter)
    found = []
    for name, accelerators in sorted(counts.items()):
        gpus = [meter for meter in own.get(name, []) if meter.name.startswith("gpu")]
        packages = [meter for meter in own.get(name, []) if meter.name.startswith("cpu")]
        facts = known.get(name, NodeFacts(name=name))
        if not packages and host and facts.hostname == host:  # it is sampled as the controller
            packages = [meter for meter in own.get(CONTROLLER, []) if meter.name.startswith("cpu")]
        found.append(_Node(name, accelerators, gpus, packages, facts.cpu_energy, name in external))
    return found


@dataclass(frozen=True, eq=False)
class _Choice:
    """Whose energy the figures are of."""

    scope: str
    nodes: frozenset[str]
    unmetered: Mapping[str, str]
    meters: list[Seen]


def _choose(nodes: list[_Node], endpoints: Iterable[EndpointFacts]) -> _Choice:
    unmetered = {node.name: node.unknown for node in nodes if node.unknown}
    for endpoint in endpoints:
        if short := [name for name in endpoint.machines if name in unmetered]:
            unmetered = dict.fromkeys(endpoint.machines, f"its server is on {short[0]} too") | unmetered
    known = [node for node in nodes if node.name not in unmetered]
    packages = bool(known) and all(node.cpu for node in known)
    if not packages and any(node.gpus for node in known):
        unmetered |= {
            node.name: "its CPU packages alone, where other nodes have metered accelerators"
            for node in known
            if not node.gpus
        }
        known = [node for node in known if node.gpus]
    kinds = ["accelerators"] * any(node.gpus for node in known) + ["CPU packages"] * packages
    chosen = {meter for node in known for meter in (node.meters if packages else node.gpus)}
    ordered = sorted(chosen, key=lambda meter: (meter.node, meter.name))
    return _Choice(" and ".join(kinds), frozenset(node.name for node in known), unmetered, ordered)


def _energy(nodes: list[_Node], choice: _Choice, endpoints: Iterable[EndpointFacts]) -> Energy:
    seen = sorted({meter for node in nodes for meter in node.meters}, key=lambda meter: (meter.node, meter.name))
    counted = frozenset(choice.meters)
    return Energy(
        scope=choice.scope,
        nodes=sorted(choice.nodes),
        unmetered=dict(sorted(choice.unmetered.items())),
        accelerators=(
            sum(len(endpoint.accelerators) for endpoint in endpoints if endpoint.node in choice.nodes),
            sum(node.accelerators for node in nodes),
        ),
        meters=[
            Meter(
                node=meter.node,
                meter=meter.name,
                basis=meter.metered.basis,
                mean_power_w=meter.mean_w,
                covered=meter.covered,
                counted=meter in counted,
            )
            for meter in seen
        ],
    )


def _answers(samples: Samples, endpoints: Iterable[EndpointFacts], nodes: frozenset[str]) -> Samples:
    """The answers of the endpoints on these nodes."""
    own = {endpoint.name for endpoint in endpoints if endpoint.node in nodes}
    chosen = [place for place, name in enumerate(samples.endpoints) if name in own]
    return samples.where(np.isin(samples.endpoint, chosen))
