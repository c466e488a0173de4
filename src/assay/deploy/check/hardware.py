"""Checks that follow from what a node's probe saw."""

from __future__ import annotations

from collections.abc import Sequence

from assay.runs.node_facts import AcceleratorFacts, NodeFacts
from assay.serving.health import CheckRow, judged
from assay.serving.nodes import NodeOptions

GIB = 1 << 30
MIN_MEMORY_BYTES = 2 * GIB
MIN_DISK_BYTES = 1 * GIB
# A driver's own bookkeeping takes up to some hundred MiB.
IDLE_MEMORY_BYTES = GIB
MAX_LOAD_PER_CPU = 0.5
# Set by an administrator or by nothing to do; the others mean heat or power.
HARMLESS_REASONS = frozenset({"applications clocks setting", "sync boost", "display clock setting"})


def node_rows(facts: NodeFacts, options: NodeOptions) -> list[CheckRow]:
    """Memory, disk, CPU and accelerators of one node."""
    return [*_host_rows(facts), *_accelerator_rows(facts, options)]


def _host_rows(facts: NodeFacts) -> list[CheckRow]:
    name, free, disk = facts.name, facts.memory_available_bytes, facts.disk_free_bytes
    load = facts.load_1m / max(1, facts.cpu_count)
    governor = facts.cpu_governor
    return [
        judged(
            name,
            "memory",
            free >= MIN_MEMORY_BYTES,
            3,
            f"{free / GIB:.1f} GiB available",
            f"free at least {MIN_MEMORY_BYTES / GIB:.0f} GiB",
        ),
        judged(
            name,
            "disk",
            disk >= MIN_DISK_BYTES,
            3,
            f"{disk / GIB:.1f} GiB free",
            f"free at least {MIN_DISK_BYTES / GIB:.0f} GiB where servers keep their files",
        ),
        judged(
            name,
            "cpu idle",
            load <= MAX_LOAD_PER_CPU,
            2,
            f"load {facts.load_1m:.2f} on {facts.cpu_count} CPUs",
            "something else runs there: wait for it or move it, else it shapes the result",
        ),
        judged(
            name,
            "cpu governor",
            None if governor is None else governor == "performance",
            1,
            governor or "the node has no governor",
            "set it with: cpupower frequency-set -g performance",
        ),
    ]


def _accelerator_rows(facts: NodeFacts, options: NodeOptions) -> list[CheckRow]:
    name = facts.name
    if not options.accelerators:
        found = f"{len(facts.accelerators)} found, none asked for"
        return [judged(name, "accelerators", None, 10, found, "")]
    known = {device.index: device for device in facts.accelerators}
    missing = [str(index) for index in options.accelerators if index not in known]
    if missing:
        reason = "; ".join(facts.problems) or f"{facts.accelerator_source} lists {len(known)}"
        detail = f"accelerators {', '.join(missing)} not found ({reason})"
        mend = "install the driver there, or correct `accelerators` of this node"
        return [judged(name, "accelerators", False, 10, detail, mend, required=True)]
    devices = [known[index] for index in options.accelerators]
    kinds = sorted({device.name for device in devices})
    detail = f"{len(devices)} x {' and '.join(kinds)} (from {facts.accelerator_source})"
    mend = "a server over unlike accelerators runs at the pace of the slowest: make a node of each kind"
    return [
        judged(name, "accelerators", len(kinds) == 1, 10, detail, mend),
        _ecc(name, devices),
        _throttle(name, devices),
        _busy(name, devices),
    ]


def _ecc(name: str, devices: Sequence[AcceleratorFacts]) -> CheckRow:
    if all(device.ecc_uncorrected is None for device in devices):
        return judged(name, "ecc", None, 5, "not told", "")
    bad = [f"{device.index}: {device.ecc_uncorrected}" for device in devices if device.ecc_uncorrected]
    detail = f"uncorrected errors on {', '.join(bad)}" if bad else "no uncorrected errors"
    return judged(name, "ecc", not bad, 5, detail, "drain the node and reset or replace the accelerator")


def _throttle(name: str, devices: Sequence[AcceleratorFacts]) -> CheckRow:
    held = []
    for device in devices:
        reasons = [reason for reason in device.throttle_reasons if reason not in HARMLESS_REASONS]
        held += [f"{device.index}: {', '.join(reasons)}"] if reasons else []
    detail = f"clocks held down on {'; '.join(held)}" if held else "clocks are free"
    return judged(
        name, "throttling", not held, 4, detail, "look at cooling and at the power limit (nvidia-smi -q -d POWER)"
    )


def _busy(name: str, devices: Sequence[AcceleratorFacts]) -> CheckRow:
    busy = []
    for device in devices:
        used = device.memory_used_bytes or 0
        if device.processes or used > IDLE_MEMORY_BYTES:
            busy.append(f"{device.index}: {used / GIB:.1f} GiB used by {device.processes or 'unknown'} processes")
    detail = "; ".join(busy) if busy else "nobody else uses them"
    return judged(name, "accelerators idle", not busy, 5, detail, "end the other work (nvidia-smi shows its processes)")


def cluster_rows(nodes: Sequence[NodeFacts]) -> list[CheckRow]:
    """What must be alike on all nodes. Empty for one node."""
    if len(nodes) < 2:
        return []
    drivers = {node.name: sorted({device.driver_version or "?" for device in node.accelerators}) for node in nodes}
    alike = len({tuple(versions) for versions in drivers.values()}) == 1
    told = any(drivers.values())
    detail = "; ".join(f"{name} {', '.join(versions) or 'none'}" for name, versions in drivers.items())
    mend = "install one driver version everywhere, or name it as a cause when nodes differ"
    return [judged("all", "driver", alike if told else None, 3, detail if told else "no accelerators", mend)]
