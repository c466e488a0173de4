"""What nodes and their accelerators do, as metrics: telemetry's names and units become those of the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assay.metrics import table
from assay.metrics.family import MOST, Point
from assay.metrics.table import Metric
from assay.runs.metric_names import CLIENT_CPU, CLOCK_OFFSET, DISK_FREE
from assay.watch.nodes import Node

_HOST: dict[str, tuple[Metric, float]] = {
    "cpu_percent": (table.NODE_CPU, 0.01),
    "load_1m": (table.NODE_LOAD, 1.0),
    "memory_used_bytes": (table.NODE_MEMORY_USED, 1.0),
    DISK_FREE: (table.NODE_DISK_FREE, 1.0),
    CLIENT_CPU: (table.CLIENT_CPU, 0.01),
    CLOCK_OFFSET: (table.NODE_CLOCK_OFFSET, 1e-9),
}
"""Telemetry's name: the metric, and what a value is multiplied by."""
_GPU: dict[str, tuple[Metric, float]] = {
    "utilization_percent": (table.GPU_UTILISATION, 0.01),
    "memory_used_bytes": (table.GPU_MEMORY_USED, 1.0),
    "power_w": (table.GPU_POWER, 1.0),
    "temperature_c": (table.GPU_TEMPERATURE, 1.0),
    "sm_clock_mhz": (table.GPU_CLOCK, 1e6),
    "memory_clock_mhz": (table.GPU_MEMORY_CLOCK, 1e6),
    "memory_utilization_percent": (table.GPU_MEMORY_UTILISATION, 0.01),
    "energy_j": (table.GPU_ENERGY, 1.0),
    "ecc_corrected_total": (table.GPU_ECC_CORRECTED, 1.0),
    "ecc_uncorrected_total": (table.GPU_ECC_UNCORRECTED, 1.0),
    "pcie_tx_bytes_total": (table.GPU_PCIE_SENT, 1.0),
    "pcie_rx_bytes_total": (table.GPU_PCIE_RECEIVED, 1.0),
    "nvlink_tx_bytes_total": (table.GPU_NVLINK_SENT, 1.0),
    "nvlink_rx_bytes_total": (table.GPU_NVLINK_RECEIVED, 1.0),
}
_PACKAGE = re.compile(r"cpu([0-9]{1,4})_energy_j")


def hardware(nodes: Sequence[Node], run: tuple[str, ...]) -> Iterator[Point]:
    """The newest readings. Of a node that fell silent they are old, and left out."""
    accelerators = 0
    for node in nodes[:MOST]:
        yield table.NODE_HEARD, (*run, node.name), not node.silent
        if node.silent:
            continue
        yield from _host(node, (*run, node.name))
        for gpu in node.gpus[: MOST - accelerators]:
            accelerators += 1
            yield from _gpu(node, gpu, (*run, node.name, str(gpu)))


def _host(node: Node, labels: tuple[str, ...]) -> Iterator[Point]:
    for name, (metric, factor) in _HOST.items():
        yield metric, labels, _times(node.value(name), factor)
    yield table.NODE_MEMORY, labels, node.memory_bytes
    for name, series in node.metrics.items():
        if (package := _PACKAGE.fullmatch(name)) is not None:
            yield table.CPU_ENERGY, (*labels, package[1]), series.newest.value


def _gpu(node: Node, gpu: int, labels: tuple[str, ...]) -> Iterator[Point]:
    for name, (metric, factor) in _GPU.items():
        yield metric, labels, _times(node.value(name, gpu), factor)
    yield table.GPU_MEMORY, labels, node.gpu_memory_bytes.get(gpu)
    if node.value("throttle_reasons", gpu) is not None:
        yield table.GPU_SLOWED, labels, bool(node.slowed_by(gpu))


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
