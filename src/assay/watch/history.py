"""What the hardware of nodes did over a whole run, for whoever joins late."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from assay.watch.bins import Bins

_OF_GPUS = "utilization_percent|memory_used_bytes|power_w|sm_clock_mhz|temperature_c"
_METRICS = f"^(cpu_percent|memory_used_bytes|gpu[0-9]{{1,4}}_({_OF_GPUS}))$"
_BETWEEN = "\t"

NodeMetric = tuple[str, str]
"""A node's name, and a metric's as `telemetry.parquet` has it."""


class History:
    """Takes in what a run's samplers wrote; of the metrics that are drawn. Times are CLOCK_MONOTONIC's."""

    def __init__(self) -> None:
        self.bins: Bins[NodeMetric] = Bins()

    def take(self, batch: pa.RecordBatch) -> None:
        """Readings, in the schema of the telemetry's journal."""
        drawn = pc.match_substring_regex(batch["metric"], _METRICS)
        batch = batch.filter(pc.and_(pc.is_finite(batch["value"]), drawn))
        keys = pc.binary_join_element_wise(batch["node"], batch["metric"], _BETWEEN).dictionary_encode()
        names = [_parted(key) for key in keys.dictionary.to_pylist()]
        self.bins.add(names, keys.indices.to_numpy(), batch["time_ns"].to_numpy(), batch["value"].to_numpy())


def _parted(key: str) -> NodeMetric:
    node, _, metric = key.rpartition(_BETWEEN)
    return node, metric
